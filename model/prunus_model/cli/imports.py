"""`prunus import`."""

from __future__ import annotations

import click

# Without the extra the command is listed below how to get it, and refuses to run.
import nir  # noqa: F401

__all__ = ["command"]


@click.group(name="import")
def command() -> None:
    """Make a network of what another tool has written."""
