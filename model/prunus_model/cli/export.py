"""`prunus export`."""

from __future__ import annotations

import click

# Without the extra the command is listed below how to get it, and refuses to run.
import nir  # noqa: F401

__all__ = ["command"]


@click.group(name="export")
def command() -> None:
    """Write a network, or what happens in it, for other tools."""
