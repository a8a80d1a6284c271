"""Shows broken devices to the driver: ``python -m prunus_fuzz.devices``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from prunus_boards.measure import device_trial
from prunus_fuzz.results import DEFAULT, write

__all__ = ["main"]

_FACTS = Path("build/broken_devices.json")


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=DEFAULT, show_default=True)
def main(*, output: Path) -> None:
    """Run the trial of the driver, and write what it has found."""
    device_trial.main(["--output", str(_FACTS)], standalone_mode=False)
    write(output, {"devices": json.loads(_FACTS.read_text())})


if __name__ == "__main__":
    main()
