"""Reports: what a build takes of its device, and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from prunus_boards.build.tools import peak_memory_mb
from prunus_boards.build.usage import Placement, usage
from prunus_boards.platforms.board import Board
from prunus_model.data.datasets import load
from prunus_model.reference.network import Network
from prunus_model.spec.levels import levels
from prunus_model.spec.presentation import Request
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.phy.uart import baud_error
from prunus_rtl.timing import presentation, work

__all__ = ["IMAGES", "cycles_per_inference", "make_report", "times"]

#: Images of the bundled sample over which cycles are averaged.
IMAGES = 50
#: Output spikes after which an early exit ends a presentation.
_EARLY = 1


def cycles_per_inference(
    plan: Plan, *, stop_after: int = 0, margin: int = 0, images: int = IMAGES
) -> float | None:
    """Return the mean cycles of a presentation without learning, by the core's formula.

    Thresholds are in force: nothing has changed them since the presentation before. The formula
    gives the fewest cycles; lockstep simulation measures a few per cent more.

    Parameters
    ----------
    plan : Plan
        The core and its network.
    stop_after : int
        Early exit after so many output spikes; 0: all steps.
    margin : int
        Sequential test with this margin; 0: none.
    images : int
        Number of images.

    Returns
    -------
    float or None
        None if the network takes no images of the bundled sample's size.
    """
    sample = load("sample", "test").take(0, images)
    if plan.network.encoder.events is not None or sample.images.shape[1] != plan.network.pixels:
        return None
    network = Network(plan.network, plan.state, plan.votes)
    request = Request(learn=False, stop_after=stop_after, margin=margin, keep=False)
    shown = levels(sample.images, plan.network.encoder)
    shapes = plan.widths
    return mean(
        presentation(
            shapes,
            work(shapes, network, network.steps(image, **request)),
            learn=False,
            stop_after=stop_after,
            margin=margin,
            recomputed=False,
        ).fewest
        for image in shown
    )


def times(plan: Plan, *, clock_hz: int) -> dict[str, Any]:
    """Return how long an inference takes: all steps, and with early exit after one output spike.

    And, if a margin is configured, as the network is configured.

    Times are those of the core; how long the link takes to bring an image is not in them.

    Parameters
    ----------
    plan : Plan
        The core and its network.
    clock_hz : int
        Clock of the core.

    Returns
    -------
    dict
        Cycles, milliseconds and images per second, and where the cycles are from. Numbers are None
        if the network takes no images of the bundled sample's size.
    """
    facts: dict[str, Any] = {}
    exits = {"": (0, 0), "_early_exit": (_EARLY, 0)}
    if plan.network.readout.margin:
        exits["_configured"] = plan.network.readout.stop_after, plan.network.readout.margin
    for suffix, (stop_after, margin) in exits.items():
        cycles = cycles_per_inference(plan, stop_after=stop_after, margin=margin)
        figures: list[float | None] = [None] * 3
        if cycles is not None:
            figures = [
                round(cycles),
                round(cycles / clock_hz * 1e3, 4),
                round(clock_hz / cycles, 1),
            ]
        names = ("cycles_per_inference", "ms_per_inference", "images_per_second")
        facts |= {f"{name}{suffix}": figure for name, figure in zip(names, figures, strict=True)}
    facts["cycles_from"] = (
        f"formula, mean of {IMAGES} images of the bundled sample, all steps; "
        f"early exit: after {_EARLY} output spike"
    )
    return facts


def make_report(
    plan: Plan,
    board: Board,
    *,
    clock_hz: int,
    baud: int,
    placements: Sequence[Placement],
    best: Placement,
    cells: Mapping[str, Any],
    bitstream_bytes: int,
    tools: Mapping[str, str],
    seconds: float,
) -> dict[str, Any]:
    """Return the report of a build.

    Parameters
    ----------
    plan : Plan
        What was built.
    board : Board
        Where.
    clock_hz : int
        Clock of the core.
    baud : int
        Bits per second of the serial line, as asked for.
    placements : sequence of Placement
        All attempts.
    best : Placement
        The one that was taken.
    cells : dict
        Statistics of yosys.
    bitstream_bytes : int
        Size of the bitstream.
    tools : dict of str to str
        Versions.
    seconds : float
        How long it took.

    Returns
    -------
    dict
        What is written as JSON.
    """
    return {
        "board": board.name,
        "device": board.device,
        "mode": "learning" if plan.learn else "inference",
        "neurons": plan.network.neurons,
        **({"groups": plan.network.group_count} if plan.network.groups else {}),
        "lanes": plan.hardware.lanes,
        "store": plan.store,
        "density": round(plan.artifact.density, 4),
        **usage(board.flow, best.cells, cells["design"]["num_cells_by_type"]),
        "fmax_mhz": [placement.fmax_mhz for placement in placements],
        "seeds": [placement.seed for placement in placements],
        "clock_mhz": clock_hz / 1e6,
        **times(plan, clock_hz=clock_hz),
        "baud": baud,
        "baud_error_percent": baud_error(clock_hz=clock_hz, baud=baud),
        "bitstream_bytes": bitstream_bytes,
        "artifact_hash": plan.artifact.content_hash,
        "tools": dict(tools),
        "seconds": round(seconds),
        "memory_mb": peak_memory_mb(),
    }
