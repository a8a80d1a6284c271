"""`prunus config`."""

from __future__ import annotations

from pathlib import Path

import click

from prunus_model.config import NAMED, NetworkConfig

__all__ = ["command"]


@click.command(name="config")
@click.argument("name", default="demo", metavar="[CONFIG]")
def command(*, name: str) -> None:
    """Print a configuration as TOML, complete: a file checked, or a named one to start from."""
    path = Path(name)
    if name not in NAMED and (path.suffix == ".toml" or path.exists()):
        click.echo(NetworkConfig.read(path).to_toml(), nl=False)
    else:
        click.echo(NetworkConfig.named(name).to_toml(), nl=False)
