"""Pictures of a network, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator, PercentFormatter
from PIL import Image

from prunus_model.common.atomic import write_atomically
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.labels import pruning_label
from prunus_model.spec.readout import UNDECIDED
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import Evaluation
from prunus_model.training.examples import picture_of
from prunus_model.training.history import QUANTILES, UNKNOWN

__all__ = [
    "PLOTS",
    "TRAINING",
    "distributions",
    "receptive_fields",
    "save",
    "sops_accuracy",
    "training",
]

#: File names, in the order in which `prunus plot` writes them.
PLOTS = ("receptive_fields.png", "distributions.png", "training.png", "sops_accuracy.png")
#: Of these, what only a network has that was trained here.
TRAINING = "training.png"

_PRUNED = (0.78, 0.86, 0.93)
_DPI = 120
_FIELDS = 100
#: Colours of the curves of channels.
_COLOURS, _CONTRAST = "rgb", "kr"
#: A history that is no longer than this has a mark at each record: a line needs two.
_MARKED = 10
#: What ends a presentation: a margin, or else a number of output spikes.
_RULES = ("ends at a lead of so many votes", "ends after so many output spikes")


def receptive_fields(artifact: Artifact, image_shape: tuple[int, int], channels: int = 1) -> Figure:
    """Draw the weights of up to 100 neurons as images or curves; pruned synapses are light blue.

    Of contrasts, the weight of the darker channel is taken from that of the brighter one: black is
    where the neuron wants a pixel brighter than those around it, red where darker. So are events of
    both polarities, on and off, and signed weights: black excites, red inhibits. Of colours, each
    has the brightness of its weight. Light blue then
    is where the synapses of all channels are pruned.

    Parameters
    ----------
    artifact : Artifact
        The network. Its neurons are ordered by class; with more than 100, evenly chosen.
    image_shape : tuple of int
        Rows and columns of an image; with windows, a neuron is drawn in those of its window. Of a
        single row or column, or of sets of inputs, the weights are drawn as curves, one for each
        channel.
    channels : int
        Channels of an image: 1, or 3 for colours.
    """
    config, assignment = artifact.config, artifact.readout.assignment
    order = np.argsort(assignment, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(_FIELDS, len(order))).astype(int)]
    across = int(np.ceil(np.sqrt(len(chosen))))
    down = -(-len(chosen) // across)
    rows, columns, about = _seen(config, image_shape)
    figure = Figure(figsize=(8, 8 * down / across + 0.6), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    contrast, signed = config.channels == 2, config.feedforward is not None
    for axis, post in zip(axes.ravel(), chosen.tolist(), strict=False):
        group, own = artifact.state.group(post // config.neurons, config), post % config.neurons
        parts = channels * config.channels
        weights = group.weights[:, own].reshape(parts, -1) / config.formats.w_max
        if signed and parts == 1 and rows > 1:
            weights = np.concatenate([weights, np.zeros_like(weights)])
        elif signed and parts > 2:
            weights = (1 + weights) / 2
        left = np.atleast_1d(group.plastic[:, own].reshape(parts, -1).any(axis=0))
        if rows == 1:
            _draw_curves(axis, weights, left, _CONTRAST if contrast else _COLOURS)
            axis.set_ylim(bottom=-1.03 if signed else -0.03)
        else:
            picture = _picture(np.clip(weights, -1, 1), contrast=contrast or len(weights) == 2)
            picture[~left] = _PRUNED
            axis.imshow(picture.reshape(rows, columns, 3), interpolation="nearest")
        name = "?" if assignment[post] == UNDECIDED else str(assignment[post])
        axis.set_title(name, fontsize=6, pad=1)
    names = ("on", "off") if config.encoder.events else ("brighter than around", "darker")
    said = f"Black: {names[0]}, red: {names[1]}. " if contrast else ""
    said = "Black: excites, red: inhibits. " if signed and not contrast and rows > 1 else said
    figure.suptitle(
        f"Receptive fields of {len(chosen)} of {config.all_neurons} neurons, by class"
        f"{about}. {said}"
        f"Light blue: pruned ({100 * (1 - artifact.density):.0f} %)",
        fontsize=10,
    )
    return figure


def distributions(artifact: Artifact) -> Figure:
    """Draw the distribution of the weights, and of the pruning thresholds over training.

    Of a network that was trained elsewhere, that of firing thresholds and biases.
    """
    state, history = artifact.state, artifact.history
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    stored, f = state.weights[state.plastic], artifact.config.formats
    left.hist(stored, bins=np.arange(f.w_min, f.w_max + 2) - 0.5, color="C0")
    left.set(
        title=f"Weights of the {100 * artifact.density:.0f} % of synapses that are left",
        xlabel="weight",
        ylabel="synapses",
    )
    if artifact.config.feedforward:
        right.hist(state.v_fire, bins=30, color="C1", label="firing threshold")
        right.hist(state.bias, bins=30, color="C2", label="bias", alpha=0.7)
        right.set(title="Firing thresholds and biases", xlabel="potential", ylabel="neurons")
        right.legend(fontsize=8)
        return figure
    shown = np.cumsum(history.presentations)
    for low, high, alpha in ((0, 6, 0.15), (1, 5, 0.25), (2, 4, 0.4)):
        right.fill_between(
            shown,
            history.w_prune[:, low],
            history.w_prune[:, high],
            color="C1",
            alpha=alpha,
            linewidth=0,
            label=f"{QUANTILES[low]} to {QUANTILES[high]} % of the neurons",
        )
    right.plot(shown, history.w_prune[:, 3], color="C1", label="median", marker=_mark(shown))
    right.set(
        title=f"Pruning thresholds of the neurons ({pruning_label(artifact.config)})",
        xlabel="presentations",
        ylabel="w_prune",
        ylim=(0, None),
    )
    right.legend(fontsize=8)
    return figure


def training(artifact: Artifact) -> Figure:
    """Draw running accuracy, density and SOPs over training."""
    history = artifact.history
    shown = np.cumsum(history.presentations)
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    known = history.correct != UNKNOWN
    running = (history.correct / history.presentations)[known]
    left.plot(shown[known], running, color="C2", marker=_mark(running))
    if not known.any():
        left.text(
            0.5,
            0.5,
            "none yet: it needs more presentations",
            ha="center",
            transform=left.transAxes,
        )
    left.set(title="Running accuracy (votes so far)", xlabel="presentations", ylim=(0, 1))
    for name, values, color in (
        ("synapses left", history.plastic / artifact.state.alive.size, "C0"),
        ("forward SOPs", _share(history.forward_sops, history.forward_dense), "C1"),
        ("update SOPs", _share(history.update_sops, history.update_dense), "C3"),
    ):
        right.plot(shown, values, color=color, label=name, marker=_mark(shown))
    right.set(title="Of the dense network", xlabel="presentations", ylim=(0, 1.02))
    right.legend()
    for axis in (left, right):
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        axis.grid(alpha=0.3)
    return figure


def sops_accuracy(fixed: Sequence[Evaluation], tests: Sequence[Evaluation], dense: float) -> Figure:
    """Draw accuracy against SOPs per image: fixed early exits, and the sequential test by margin.

    Parameters
    ----------
    fixed, tests : sequence of Evaluation
        Of one network and data set, each in the order in which a line is to join them.
    dense : float
        Forward SOPs of a whole presentation with nothing pruned.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axis = figure.subplots()
    for evaluations, style, below in ((fixed, "C0s--", True), (tests, "C1o-", False)):
        if not evaluations:
            continue
        x = [e.sops_per_image for e in evaluations]
        y = [e.vote_accuracy for e in evaluations]
        axis.plot(x, y, style, label=_RULES[below], markersize=5)
        for e, at in zip(evaluations, zip(x, y, strict=True), strict=True):
            axis.annotate(
                "all steps" if e.whole else str(e.readout.margin or e.readout.stop_after),
                at,
                textcoords="offset points",
                xytext=(6, -11) if below else (-4, 7),
                ha="left" if below else "right",
                fontsize=7,
                color=style[:2],
            )
    axis.axvline(dense, color="gray", linestyle=":", label="whole presentation, nothing pruned")
    readout = fixed[0].readout
    axis.set(
        title=f"Accuracy against cost, {fixed[0].data}; votes: {readout.votes}, "
        f"{readout.vote_bits} bits",
        xlabel="forward SOPs per image",
        ylabel="accuracy (vote)",
    )
    # Dark images cost nothing, and a logarithm has no 0.
    if all(e.counters.forward_sops for e in (*fixed, *tests)):
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_minor_locator(NullLocator())
    axis.margins(x=0.08, y=0.12)
    # A name of data may have dollar signs in it.
    axis.title.set_parse_math(False)
    axis.xaxis.set_major_formatter(EngFormatter())
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def save(figure: Figure, path: Path, *, colors: int | None = None, new: bool = False) -> None:
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure : Figure
        What to write.
    path : Path
        The file; an older one is replaced.
    colors : int, optional
        At most so many colours, 2..256, which makes the file a third as large.
    new : bool
        Whether it must not be there yet.
    """
    buffer = io.BytesIO()
    # Without the date and the version of the library, the same figure makes the same file.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    if colors is not None:
        with Image.open(buffer) as picture:
            small = picture.convert("RGB").quantize(colors, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        small.save(buffer, format="png", optimize=True)
    write_atomically(path, buffer.getvalue(), new=new)


def _seen(config: NetworkConfig, image_shape: tuple[int, int]) -> tuple[int, int, str]:
    """Return the rows and columns in which the inputs of a neuron are drawn, and words for it.

    One row is drawn as a curve.
    """
    groups = config.groups
    if groups is None and min(image_shape) > 1:
        return *image_shape, ""
    if groups is not None and groups.indices is None:
        height, width = groups.window_height, groups.window_width
        if min(height, width) > 1:
            return height, width, f"; windows of {width} x {height} pixels"
    columns = config.inputs // config.channels
    return 1, columns, f"; weights over {columns} inputs"


def _picture(weights: npt.NDArray[np.float64], *, contrast: bool) -> npt.NDArray[np.float64]:
    """Return the colours of weights in 0..1, shape (channels, pixels), as (pixels, 3)."""
    if contrast:
        brighter, darker = weights
        colours = colormaps["RdGy"]((1 + brighter - darker) / 2)
    elif len(weights) == 1:
        colours = colormaps["magma_r"](weights[0])
    else:
        colours = picture_of(weights[:, np.newaxis])[0]
    return np.array(colours[:, :3])


def _draw_curves(
    axis: Axes, weights: npt.NDArray[np.float64], left: npt.NDArray[np.bool_], colours: str
) -> None:
    """Draw weights in 0..1, shape (channels, inputs), as lines; what is pruned is light blue."""
    places = np.arange(weights.shape[1])
    # Half an input wide to each side, so that a single one is seen.
    for first in np.flatnonzero(~left & np.r_[True, left[:-1]]).tolist():
        end = first + int(np.argmax(np.r_[left[first:], True]))
        axis.axvspan(first - 0.5, end - 0.5, color=_PRUNED, linewidth=0)
    for values, colour in zip(weights, colours if len(weights) > 1 else "k", strict=False):
        axis.step(places, values, where="mid", color=colour, linewidth=0.8)
    axis.set(xlim=(-0.5, weights.shape[1] - 0.5), ylim=(-0.03, 1.03))


def _mark(records: npt.NDArray[Any]) -> str:
    return "." if len(records) <= _MARKED else ""


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return part / np.maximum(whole, 1)
