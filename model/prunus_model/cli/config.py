"""`prunus config`."""

from __future__ import annotations

import click

from prunus_model.cli.common import load_config

__all__ = ["command"]


@click.command(name="config")
@click.argument("name", default="demo", metavar="[CONFIG]")
def command(*, name: str) -> None:
    """Print a configuration as TOML, complete: a file checked, or a named one to start from."""
    click.echo(load_config(name).to_toml(), nl=False)
