"""Reports: what a build takes of its device, and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from prunus_boards.build.tools import peak_memory_mb
from prunus_boards.build.usage import Placement, usage
from prunus_boards.platforms.board import Board
from prunus_model.data.datasets import load
from prunus_model.data.split import Split, SplitName
from prunus_model.spec.levels import levels
from prunus_rtl.export.mean_cycles import mean_cycles
from prunus_rtl.export.plan import PASSED_ON, Plan
from prunus_rtl.link.phy.uart import baud_error
from prunus_rtl.link.protocol.description import Line

__all__ = ["IMAGES", "Splits", "make_report", "mean_image_cycles", "times"]

#: Images over which cycles are averaged.
IMAGES = 50
#: Images of a user: those to test with, and of a core that learns those to train with, too.
Splits: TypeAlias = Mapping[SplitName, Split]
#: Output spikes after which an early exit ends a presentation.
_EARLY = 1


def mean_image_cycles(
    plan: Plan,
    *,
    learn: bool = False,
    stop_after: int = 0,
    margin: int = 0,
    images: int = IMAGES,
    data: Splits | None = None,
) -> float | None:
    """Return the mean cycles of a presentation of an image.

    Parameters
    ----------
    plan : Plan
        The core and its network.
    learn : bool
        Whether it learns from each image; then training images are shown.
    stop_after : int
        Early exit after so many output spikes; 0: all steps.
    margin : int
        Sequential test with this margin; 0: none.
    images : int
        Number of images, if there are that many.
    data : dict of str to Split, optional
        Which, of the size that the network takes. Default: those of the bundled sample.

    Returns
    -------
    float or None
        None if the network takes events, or no images of the bundled sample's size.

    See Also
    --------
    prunus_rtl.export.mean_cycles.mean_cycles : What it is the mean of.
    """
    split: SplitName = "train" if learn else "test"
    found = load("sample", split) if data is None else data[split]
    found = found.head(min(images, len(found)))
    if plan.network.encoder.events is not None or found.images.shape[1] != plan.network.pixels:
        return None
    shown = levels(found.images, plan.network.encoder)
    return mean_cycles(plan, shown, learn=learn, stop_after=stop_after, margin=margin)


def times(plan: Plan, *, clock_hz: int, data: Splits | None = None) -> dict[str, Any]:
    """Return how long an inference takes: all steps, and with early exit after one output spike.

    And, if a margin is configured, as the network is configured; of a core that learns also how
    many cycles an image takes that it learns from.

    Times are those of the core; how long the link takes to bring an image is not in them.

    Parameters
    ----------
    plan : Plan
        The core and its network.
    clock_hz : int
        Clock of the core.
    data : dict of str to Split, optional
        As of :func:`mean_image_cycles`.

    Returns
    -------
    dict
        Cycles, milliseconds and images per second, and where the cycles are from. Numbers are None
        if the network takes events, or no images of the bundled sample's size.
    """
    facts: dict[str, Any] = {}
    exits = {"": (0, 0), "_early_exit": (_EARLY, 0)}
    if plan.network.readout.margin:
        exits["_configured"] = plan.network.readout.stop_after, plan.network.readout.margin
    for suffix, (stop_after, margin) in exits.items():
        cycles = mean_image_cycles(plan, stop_after=stop_after, margin=margin, data=data)
        figures: list[float | None] = [None] * 3
        if cycles is not None:
            figures = [
                round(cycles),
                round(cycles / clock_hz * 1e3, 4),
                round(clock_hz / cycles, 1),
            ]
        names = ("cycles_per_inference", "ms_per_inference", "images_per_second")
        facts |= {f"{name}{suffix}": figure for name, figure in zip(names, figures, strict=True)}
    if plan.learn:
        cycles = mean_image_cycles(plan, learn=True, data=data)
        if cycles is not None:
            facts["cycles_per_learning_presentation"] = round(cycles)
    count, name = IMAGES, "the bundled sample"
    if data is not None:
        count, name = min(IMAGES, len(data["test"])), data["test"].name
    facts["cycles_from"] = (
        f"formula, mean of {count} images of {name}, all steps; "
        f"early exit: after {_EARLY} output spike"
    )
    return facts


def make_report(
    plan: Plan,
    board: Board,
    *,
    clock_hz: int,
    baud: int,
    link: Line,
    placements: Sequence[Placement],
    best: Placement,
    cells: Mapping[str, Any],
    bitstream_bytes: int,
    tools: Mapping[str, str],
    seconds: float,
    data: Splits | None = None,
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
        Bits per second of the line, as asked for.
    link : str
        The line: ``uart`` or ``spi``, whose clock is the host's.
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
    data : dict of str to Split, optional
        As of :func:`mean_image_cycles`.

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
        "options": {name: getattr(plan.options, name) for name in (*PASSED_ON, "balanced")},
        "density": round(plan.artifact.density, 4),
        **usage(board.flow, best.cells, cells["design"]["num_cells_by_type"]),
        "fmax_mhz": [placement.fmax_mhz for placement in placements],
        "seeds": [placement.seed for placement in placements],
        "clock_mhz": clock_hz / 1e6,
        **times(plan, clock_hz=clock_hz, data=data),
        "baud": baud,
        "link": link,
        **(
            {"baud_error_percent": baud_error(clock_hz=clock_hz, baud=baud)}
            if link == "uart"
            else {}
        ),
        "bitstream_bytes": bitstream_bytes,
        "artifact_hash": plan.artifact.content_hash,
        "tools": dict(tools),
        "seconds": round(seconds),
        "memory_mb": peak_memory_mb(),
    }
