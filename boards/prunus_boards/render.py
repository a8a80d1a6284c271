"""Write the table of the results into the README, between its markers.

`python -m prunus_boards.render`, in the checkout; `--check` only tells whether it is in step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click

from prunus_boards.boards import BOARDS
from prunus_boards.results import RESULTS
from prunus_model.atomic import write_atomically
from prunus_model.experiments.tables import table

__all__ = ["boards_table", "main", "rendered", "results_table"]

_DOCUMENT = Path("boards/README.md")


def results_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the table of all builds, and below it what was refused."""
    headings = ["board", "mode", "neurons", "lanes", "store", "LUT", "FF", "block RAM", "SPRAM"]
    headings += ["DSP", "fmax MHz: median (all seeds)", "clock MHz", "cycles per image"]
    headings += ["ms per image", "bitstream bytes", "build s", "build MB"]
    order = list(BOARDS)
    rows = [
        [
            r["board"],
            r["mode"],
            str(r["neurons"]),
            str(r["lanes"]),
            r["store"],
            *(f"{r[name]:,}" for name in ("lut", "ff", "bram", "spram", "dsp")),
            f"{median(r['fmax_mhz']):.1f} ({', '.join(f'{mhz:.1f}' for mhz in r['fmax_mhz'])})",
            f"{r['clock_mhz']:g}",
            f"{r['cycles_per_inference']:,}",
            f"{r['ms_per_inference']:.2f}",
            *(f"{r[name]:,}" for name in ("bitstream_bytes", "seconds", "memory_mb")),
        ]
        for r in sorted(
            (r for r in results if "refused" not in r),
            key=lambda r: (order.index(r["board"]), r["mode"], -r["neurons"]),
        )
    ]
    lines = [table(headings, rows)]
    tools = sorted({version for r in results for version in r.get("tools", {}).values()})
    lines.append(f"Cycles: formula of the core, all steps, mean of images. {', '.join(tools)}.")
    for r in results:
        if "refused" in r:
            lines.append(
                f"The same {r['neurons']} neurons with every synapse stored (`--store "
                f'{r["store"]}`) are refused for {r["board"]}: "{r["refused"]}".'
            )
    return "\n\n".join(lines)


def boards_table() -> str:
    """Return the table of all boards."""
    headings = ["`--board`", "", "device", "oscillator MHz", "default clock MHz"]
    headings += ["default network", "lanes"]
    return table(
        headings,
        [
            [
                f"`{board.name}`",
                board.title,
                board.device,
                f"{board.oscillator_hz / 1e6:g}",
                f"{board.clock_hz / 1e6:g}",
                board.network,
                str(board.lanes),
            ]
            for board in BOARDS.values()
        ],
    )


def rendered(text: str, results: Path = RESULTS) -> str:
    """Return the document with every block between `<!-- name -->` and `<!-- /name -->` renewed."""
    content = [json.loads(path.read_text()) for path in sorted(results.glob("*-*.json"))]
    blocks = {"boards": boards_table(), "bitstreams": results_table(content)}
    for name, block in blocks.items():
        opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(opening)
        _, ended, after = rest.partition(closing)
        if found and not ended:
            raise click.ClickException(f"{_DOCUMENT} must have {closing} after {opening.strip()}")
        if found:
            text = f"{before}{opening}{block}\n{closing}{after}"
    return text


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 if out of step.")
def main(*, check: bool) -> None:
    """Renew the tables in the README of the boards."""
    old = _DOCUMENT.read_text()
    new = rendered(old)
    if check and new != old:
        raise click.ClickException(f"{_DOCUMENT}: stale; run `make render`")
    if new != old:
        write_atomically(_DOCUMENT, new.encode())


if __name__ == "__main__":
    main()
