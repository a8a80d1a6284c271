"""`prunus metrics`."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(name="metrics")
def command() -> None:
    """Tell the metrics of NETWORK by the names of NeuroBench."""
