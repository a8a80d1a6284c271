"""Pictures of events, as PNG: when there are how many, and where, by class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from prunus_model.data.events.split import EventSplit

__all__ = ["PLOT", "histograms"]

#: File name, as `prunus plot` writes it.
PLOT = "events.png"
#: Classes drawn; more would be too small.
_CLASSES = 10


def histograms(split: EventSplit) -> Figure:
    """Draw histograms of events as a network gets them.

    Above: events in each step, mean over all recordings, and how many recordings have how many
    events. Below, for up to ten classes, the mean number of steps in which each pixel has an event;
    of a sensor with a single row, the mean number of events of each pixel in each step.
    """
    events, params = split.events, split.params
    figure = Figure(figsize=(10, 7), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False).ravel()
    left, right = above.subplots(1, 2)
    for channel, name in enumerate(("on", "off") if params.channels == 2 else ("events",)):
        left.plot(_by_step(split, channel), drawstyle="steps-mid", label=name)
    left.set(title="Events in each step", xlabel="step", ylabel="mean", ylim=(0, None))
    left.legend(fontsize=8)
    right.hist(events.counts.sum(axis=1), bins=40, color="C0")
    right.set(title="Events of a recording", xlabel="events", ylabel="recordings")
    classes = np.unique(split.labels)[:_CLASSES]
    across = -(-len(classes) // 2)
    axes = below.subplots(2, across, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, label in zip(axes, classes.tolist(), strict=False):
        chosen = np.flatnonzero(split.labels == label)
        picture = _raster(split, chosen) if params.rows == 1 else _map(split, chosen)
        axis.imshow(picture, cmap="magma_r", aspect="auto" if params.rows == 1 else "equal")
        axis.set_title(f"class {label}", fontsize=8)
    where = "of each pixel (down) in each step" if params.rows == 1 else "of each pixel"
    below.suptitle(f"Mean events {where}, by class", fontsize=10)
    figure.suptitle(
        f"Events of {split.name}, {len(split)} recordings, {events.steps} steps", parse_math=False
    )
    return figure


def _by_step(split: EventSplit, channel: int) -> npt.NDArray[np.float64]:
    """Return the mean events of a channel in each step."""
    size = split.params.rows * split.params.columns
    inside = split.events.pres // size == channel
    sums = np.concatenate([[0], inside.cumsum()])
    mean: npt.NDArray[np.float64] = np.diff(sums[split.events.first], axis=1).mean(axis=0)
    return mean


def _map(split: EventSplit, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the mean over recordings of the events of each pixel, of all channels."""
    params = split.params
    mean = split.events[chosen].spikes_of_inputs().mean(axis=0)
    picture: npt.NDArray[np.float64] = mean.reshape(-1, params.rows, params.columns).sum(axis=0)
    return picture


def _raster(split: EventSplit, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the mean over recordings of the events of each pixel of a row, by step."""
    columns = split.params.columns
    picture = np.zeros((columns, split.events.steps))
    for number in chosen.tolist():
        for step, pres in enumerate(split.events.lists(number)):
            picture[:, step] += np.bincount(pres % columns, minlength=columns)
    return picture / len(chosen)
