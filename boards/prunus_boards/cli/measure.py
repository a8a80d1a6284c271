"""`prunus measure`."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from prunus_boards.cli.common import opened, target_options
from prunus_boards.cli.inputs import read_inputs
from prunus_boards.cli.targets import description, is_board
from prunus_boards.driver.device import Device
from prunus_boards.driver.power.evaluate import CONFIDENCE, Power
from prunus_boards.driver.power.sensor import open_sensor
from prunus_boards.driver.power.workload import measure as measure_power
from prunus_model.cli.common import command_line, console, load_network, note
from prunus_model.cli.number import Number
from prunus_model.cli.outputs import claimed_file
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.spec.presentation import Request
from prunus_model.training.artifact import Artifact

__all__ = ["measure"]

#: Images of a series.
_IMAGES = 100
_NO_BOARD = (
    "No board was measured: images were shown to {device}, and the power is that of whatever the "
    "sensor is at"
)


@click.command(name="measure")
@click.argument("network", metavar="NETWORK")
@click.argument("images", nargs=-1, metavar="[IMAGES]...")
@target_options
@click.option(
    "--sensor",
    required=True,
    metavar="SENSOR",
    help="Folder of the kernel's hwmon, or a table .csv with columns time (Unix seconds) and "
    "watts.",
)
@click.option(
    "--idle",
    type=Number(min=0.5, max=3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Without images, before and after.",
)
@click.option(
    "--seconds",
    type=Number(min=0.5, max=86_400),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="With images.",
)
@click.option(
    "--wait",
    type=Number(min=0, max=86_400),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="For the last rows of a table.",
)
@click.option("--label", default="", metavar="TEXT", help="Board and instrument, for the result.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it as JSON."
)
@click.option("--force", is_flag=True, help="Replace an older file.")
def measure(
    *,
    network: str,
    images: tuple[str, ...],
    sensor: str,
    idle: float,
    seconds: float,
    wait: float,
    label: str,
    output: Path | None,
    force: bool,
    **target: Any,
) -> None:
    """Measure what power and energy the images of NETWORK take in a device.

    Shows IMAGES (default: the bundled sample) again and again, between two idle phases, and reads a
    sensor at the supply of the board. Prints the power of images less that of the idle board, and
    the energy of an image, with bounds.
    """
    artifact = load_network(network)
    if artifact.config.encoder.events is not None:
        raise click.UsageError("Images must be shown to measure power, not events")
    shown = read_inputs(artifact, images or ("sample",), count=None, invert=False, labels=False)
    readout = artifact.config.readout
    request = Request(learn=False, stop_after=readout.stop_after, margin=readout.margin, keep=False)
    meter = open_sensor(sensor, wait=wait)

    def run() -> None:
        with opened(artifact, learn=False, **target) as device:
            power = measure_power(
                device,
                meter,
                np.asarray(shown.stimuli)[:_IMAGES],
                request,
                idle=idle,
                seconds=seconds,
                report=lambda what: note(f"{what} ..."),
            )
            facts = _facts(power, device, artifact, target["on"], meter.name, label)
        if output is not None:
            write_json(output, facts)
        _print(power, target["on"])
        if output is not None:
            console.print(f"Wrote {output}", soft_wrap=True)

    with nullcontext() if output is None else claimed_file(output, force=force):
        run()


def _facts(
    power: Power, device: Device, artifact: Artifact, on: str, sensor: str, label: str
) -> dict[str, Any]:
    told = device.identity
    names = ("value", "least", "largest")
    return {
        "provenance": header(
            "board-power",
            command=command_line(),
            inputs={"network": artifact.content_hash},
            tools=package_versions("prunus", "numpy", "scipy"),
        ),
        "board_measured": is_board(on),
        "device": description(on),
        "label": label,
        "sensor": sensor,
        "core": told.core.hex(),
        "clock_hz": told.clock_hz,
        "neurons": told.neurons,
        "lanes": told.lanes,
        "images": power.images,
        "images_per_second": power.images / power.active.seconds,
        "confidence": CONFIDENCE,
        "idle": [asdict(summary) for summary in power.idle],
        "active": asdict(power.active),
        "net_w": dict(zip(names, power.net_w, strict=True)),
        "image_j": dict(zip(names, power.image_j, strict=True)),
        "whole_image_j": power.whole_image_j,
        "drift_w": power.drift_w,
        "step_w": power.step_w,
        "told_apart_from_idle": power.told,
    }


def _print(power: Power, on: str) -> None:
    net, image = power.net_w, power.image_j
    before, after = power.idle
    rate = power.images / power.active.seconds
    idle = f"{1000 * before.mean_w:.2f} mW before and {1000 * after.mean_w:.2f} mW after"
    active = f"{1000 * power.active.mean_w:.2f} mW ({power.active.samples} samples)"
    bounds = f"{1e6 * image[1]:.1f} to {1e6 * image[2]:.1f}"
    whole = f"{1e6 * power.whole_image_j:.1f} uJ"
    kinds = f"{100 * CONFIDENCE:g} % of the noise, drift and steps of the sensor"
    lines = [
        f"Idle {idle} the images ({before.samples} and {after.samples} samples)",
        f"Images {active}, {power.images} in {power.active.seconds:.1f} s, {rate:.1f} per second",
        f"Less idle {1000 * net[0]:.2f} mW, {1000 * net[1]:.2f} to {1000 * net[2]:.2f}",
        f"Energy of an image {1e6 * image[0]:.1f} uJ, {bounds}; with the idle board {whole}",
        f"Bounds hold {kinds}, and not an error of its scale",
    ]
    if not power.told:
        lines.append("Images can't be told from idle: measure longer, or with a finer sensor")
    if not is_board(on):
        lines.append(_NO_BOARD.format(device=description(on)))
    for line in lines:
        console.print(line, soft_wrap=True)
