"""`prunus data`."""

from __future__ import annotations

import click

from prunus_model.cli.common import console, new_table
from prunus_model.data.datasets import fetch, list_sources

__all__ = ["command"]


@click.command(name="data")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def command(*, names: tuple[str, ...]) -> None:
    """Fetch the data sets named; without a name, show what is here.

    Data sets are looked for in the folder PRUNUS_DATA, in the cache and where Debian packages
    put them, and downloaded only if they are nowhere.
    """
    for name in names:
        console.print(f"{name}: {fetch(name, progress=True)}", soft_wrap=True)
    if names:
        return
    table = new_table("", "data set", "training\nimages", "test\nimages", "state")
    table.columns[-1].justify = "left"
    for source in list_sources():
        if source.verified:
            counts = (str(source.train_images), str(source.test_images))
            state = f"verified, in {source.folder}"
        else:
            counts = ("", "")
            state = source.problem or f"not here; would be downloaded to {source.folder}"
        table.add_row(source.name, *counts, state)
    console.print(table)
