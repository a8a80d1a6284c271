"""Graphs of other tools that are there as files, imported or refused: rows of the results.

`python -m prunus_model.exchange.readfiles FOLDER` reads each `.nir` of a folder, those of the NIR
paper for example. No images are shown; what is told is how far each graph came, and why no further.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import h5py
import nir

from prunus_model.common.errors import ExchangeError, PrunusError
from prunus_model.common.text import printable
from prunus_model.exchange.files import read_hashed
from prunus_model.exchange.graph import DT
from prunus_model.exchange.importing import import_graph
from prunus_model.exchange.reading import read_layer
from prunus_model.exchange.results import RESULTS, Row, write_rows

__all__ = ["TOOLS", "main", "rows_of"]

#: Who has written a graph of the NIR paper, by how its name begins; others are of "NIR".
TOOLS = {
    "lif_norse": "Norse",
    "lif_rockpool": "Rockpool",
    "cnn_sinabs": "sinabs",
    "braille": "snnTorch",
}


def rows_of(path: Path) -> list[Row]:
    """Import a graph, and again with the nearest leak if that is all that is wrong.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of Row
        One, or two.
    """
    node, version = _facts(path)

    def row(network: str, **found: Any) -> Row:
        return Row(
            framework=next((t for start, t in TOOLS.items() if path.name.startswith(start)), "NIR"),
            version=version,
            direction="import",
            node=node,
            network=network,
            **found,
        )

    try:
        import_graph(path, {}, dt=DT)
    except ExchangeError as e:
        why = printable(" ".join(str(e).replace(str(path), path.name).split()))
        rows = [row(path.name, status="refused", why=why)]
        if (shift := _nearest(path)) is not None:
            import_graph(path, {}, dt=DT, leak_shift=shift)
            rows.append(row(f"{path.name}, --leak-shift {shift}", status="read"))
        return rows
    return [row(path.name, status="read")]


def _nearest(path: Path) -> int | None:
    """Return the nearest shift of a layer whose leak is no power of two."""
    try:
        leak = read_layer(read_hashed(path)[0], dt=DT).leak
    except ExchangeError:
        return None
    return None if leak.exact else leak.shift


def _facts(path: Path) -> tuple[str, str]:
    """Return the kinds of the nodes of a graph, and which NIR has written it.

    Raises
    ------
    ExchangeError
        If that is not in the file.
    """
    try:
        with h5py.File(path) as file:
            version = file["version"].asstr()[()] if "version" in file else "?"
            return ", ".join(_kinds(file["node"])), f"(NIR {printable(version)})"
    except (OSError, KeyError, AttributeError, TypeError, ValueError) as e:
        raise ExchangeError(f"NIR file {path} must be readable: {e}") from e


def _kinds(graph: h5py.Group) -> list[str]:
    """Return the kinds of the nodes of a graph, and of graphs in it, each once."""
    found: list[str] = []
    for node in graph["nodes"].values():
        kind = node["type"].asstr()[()]
        found += _kinds(node) if kind == nir.NIRGraph.__name__ else [printable(kind)]
    return sorted(set(found) - {"Input", "Output"})


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=RESULTS,
    show_default=True,
    help="Where the rows go; others stay.",
)
def main(*, folder: Path, output: Path) -> None:
    """Import each graph in FOLDER, and write how far it came."""
    try:
        paths = sorted(folder.glob("*.nir"))
        if not paths:
            raise ExchangeError(f"Folder {folder} must have files .nir")
        rows = [row for path in paths for row in rows_of(path)]
        write_rows(
            rows,
            direction="import",
            command="python -m prunus_model.exchange.readfiles FOLDER",
            data=None,
            tools={"nir": nir.version},
            path=output,
        )
    except (PrunusError, OSError) as e:
        click.echo(f"readfiles: {printable(' '.join(str(e).split()))}", err=True)
        sys.exit(2)
    for row in rows:
        click.echo(f"{row.network}: {row.status}{': ' if row.why else ''}{row.why}")


if __name__ == "__main__":
    main()
