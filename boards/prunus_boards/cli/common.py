"""What the commands that talk to a device share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from prunus_boards.cli.targets import SOCKET, SPI, open_device
from prunus_boards.driver.device import Device
from prunus_model.cli.common import terminable
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import with_options
from prunus_model.training.artifact import Artifact
from prunus_rtl.cli.options import choice_option
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.protocol import BAUD

__all__ = [
    "BAUDS",
    "device_options",
    "exit_options",
    "opened",
    "progress",
    "show_options",
    "target_options",
]

#: Bits per second that a serial line can have.
BAUDS = WholeNumber(min=9600, max=10_000_000)

_F = TypeVar("_F", bound=Callable[..., Any])


def device_options(function: _F) -> _F:
    """Add the options that name a device, and how it is shown something."""
    return target_options(show_options(function))


def target_options(function: _F) -> _F:
    """Add the options that name a device."""
    return with_options(
        click.option(
            "--on",
            default="golden",
            show_default=True,
            metavar="DEVICE",
            help=f"golden, sim, {SOCKET}PATH, {SPI}/dev/spidev0.0 or a serial port such as "
            "/dev/ttyUSB0.",
        ),
        click.option(
            "--core",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="core.json of the device. Default: found among those built on this machine.",
        ),
        click.option(
            "--baud",
            type=BAUDS,
            help=f"Of a serial port or SPI. Default: that of --core, or {BAUD:,}.",
        ),
        click.option(
            "--patience",
            type=WholeNumber(min=1, max=86_400),
            metavar="SECONDS",
            help="When an answer or a presentation is given up, if a device is slow.",
        ),
        choice_option(
            "mode",
            "Of golden and sim: whether the core can learn. Default: if it is to.",
            default=False,
        ),
        click.option("--lanes", type=int, help="Of golden and sim. Default: 16, or fewer."),
        choice_option("store", "Of golden and sim: what holds the weights."),
    )(function)


def show_options(function: _F) -> _F:
    """Add the options that say how a device is shown something."""
    return with_options(
        click.option("--learn", is_flag=True, help="Learn from the images."),
        exit_options,
        click.option("--invert", is_flag=True, help="Exchange light and dark."),
    )(function)


def exit_options(function: _F) -> _F:
    """Add the options that say when a presentation ends early."""
    return with_options(
        click.option(
            "--stop-after",
            type=WholeNumber(min=0, max=255),
            help="Early exit after so many output spikes, 0 for never. "
            "Default: as configured; never while learning.",
        ),
        click.option(
            "--margin",
            type=WholeNumber(min=0),
            help="End when the leading class is ahead by so many votes, 0 for never. "
            "Default: as configured; never while learning.",
        ),
    )(function)


@contextmanager
def opened(
    artifact: Artifact,
    *,
    on: str,
    core: Path | None,
    baud: int | None,
    patience: int | None,
    mode: Literal["inference", "learning"] | None,
    lanes: int | None,
    store: str,
    learn: bool,
) -> Iterator[Device]:
    """Open the device, and see to it that it holds the network."""
    options = ExportOptions(
        mode=mode or ("learning" if learn else "inference"), lanes=lanes, store=store
    )
    description = None if core is None else CoreDescription.load(core)
    with (
        terminable(),
        open_device(
            on, artifact, options=options, core=description, baud=baud, patience=patience
        ) as device,
    ):
        if device.holds(artifact):
            device.attach(artifact)
        else:
            with progress("loading") as advance:
                device.load(artifact, progress=advance)
        yield device


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; nothing elsewhere."""
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(what, total=None)
    if not bar.console.is_terminal:
        yield lambda _done, _total: None
        return
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)
