"""Write what was measured into the documents: ``python -m prunus_docs``, in the checkout."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from prunus_docs.freshness import stale
from prunus_docs.render import documents, rendered
from prunus_model.cli.common import new_table, user_errors
from prunus_model.common.atomic import write_atomically

__all__ = ["main"]


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing. Exit status 1 if a document is not what its results say, or if results "
    "that must be of today are not.",
)
@click.option("--stale", "list_stale", is_flag=True, help="Only list what is not of today.")
def main(*, check: bool, list_stale: bool) -> None:
    """Renew the tables of the READMEs from the results files."""
    root = Path()
    with user_errors():
        if list_stale:
            _list(root)
            return
        old = {path: path.read_text() for path in documents(root)}
        new = {path: rendered(text, root) for path, text in old.items()}
        different = [path for path in old if old[path] != new[path]]
        if not check:
            for path in different:
                write_atomically(path, new[path].encode())
            return
        wrong = [
            f"{path.relative_to(root)} is not in step: run `make render`" for path in different
        ]
        wrong += [
            f"{one.path.relative_to(root)}: {one.age}: run `{one.kind.command}`"
            for one in stale(root)
            if one.kind.strict == "current"
        ]
    if wrong:
        raise click.ClickException("\n".join(wrong))


def _list(root: Path) -> None:
    """Print what must be run anew, what takes least time first."""
    table = new_table("", "results", "run", "minutes", "must be of today", "why")
    commands: dict[str, int] = {}
    for one in stale(root):
        kind = one.kind
        must = "yes" if kind.strict == "current" else "no"
        name = str(one.path.relative_to(root))
        table.add_row(name, kind.command, str(kind.minutes), must, one.age)
        commands[kind.command] = kind.minutes
    console = Console()
    if commands:
        console.print(table)
    console.print(f"{len(commands)} to run, about {sum(commands.values())} minutes")


if __name__ == "__main__":
    main()
