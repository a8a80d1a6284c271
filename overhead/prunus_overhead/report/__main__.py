"""Write the report: ``python -m prunus_overhead.report``, in the checkout."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from prunus_model.cli.common import user_errors
from prunus_model.common.atomic import write_atomically
from prunus_overhead.report.page import html, to_json
from prunus_overhead.report.sources import read_results

__all__ = ["main"]


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build"),
    show_default=True,
    help="Folder of report.html and report.json.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The checkout. Default: here.",
)
def main(*, output: Path, root: Path) -> None:
    """Write the report from the results that are there, and say what is missing."""
    console = Console(highlight=False, soft_wrap=True)
    with user_errors():
        results = read_results(root)
        files = {"report.html": html(results), "report.json": to_json(results)}
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_atomically(output / name, text.encode())
            console.print(f"Wrote {output / name}")
    for source in results.missing:
        needs = f"; it needs: {source.needs}" if source.needs else ""
        console.print(f"Missing: {source.what}. Run `{source.target}`{needs}")


if __name__ == "__main__":
    main()
