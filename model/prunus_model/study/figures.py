"""Figures of the results: PNG, each beside the values that it shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from prunus_model.common.atomic import write_atomically
from prunus_model.study.figure_data import FIGURES, figure_data
from prunus_model.study.figure_style import color_of, column, marker_of
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.training.plots import save

__all__ = ["draw", "figure"]

_SIZE, _LARGE = (10, 4.2), (10, 6.8)
#: Figures that need more room.
_TALL = ("training", "neurons", "accuracy-sops", "accuracy-sops-fashion")
#: Colours of a picture, so that its file stays small.
_PALETTE = 128


def draw(
    trainings: Sequence[Training],
    store: ResultStore,
    rows: Sequence[dict[str, Any]],
    folder: Path,
    *,
    parts: Collection[str],
) -> list[Path]:
    """Write every figure whose part of the list has been run, and its values as JSON.

    Parameters
    ----------
    trainings : sequence of Training
        The list.
    store : ResultStore
        Has histories and neurons.
    rows : sequence of dict
        Rows of the list.
    folder : Path
        Made if it does not exist.
    parts : collection of str
        Parts that were asked for. Some trainings serve others, too, which a figure of those would
        show without the rest.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    written = []
    for name, part in FIGURES.items():
        if part not in parts:
            continue
        values = figure_data(name, trainings, store, rows)
        if not values:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.json"
        write_atomically(
            path, (json.dumps(_rounded(values), separators=(",", ":")) + "\n").encode()
        )
        save(figure(name, values), path.with_suffix(".png"), colors=_PALETTE)
        written += [path, path.with_suffix(".png")]
    return written


def figure(name: str, values: dict[str, Any]) -> Figure:
    """Draw one figure.

    Parameters
    ----------
    name : str
        One of :data:`prunus_model.study.figure_data.FIGURES`.
    values : dict
        As of :func:`prunus_model.study.figure_data.figure_data`; not empty.
    """
    drawn = Figure(figsize=_SIZE if name not in _TALL else _LARGE, layout="constrained")
    drawers: dict[str, Callable[[Figure, dict[str, Any]], None]] = {
        "pareto": _pareto,
        "pareto-fashion": _pareto,
        "frontier": _frontier,
        "training": _training,
        "neurons": _neurons,
        "early-exit": _early_exit,
        "weight-bits": _weight_bits,
        "accuracy-sops": _accuracy_sops,
        "accuracy-sops-fashion": _accuracy_sops,
    }
    drawers[name](drawn, values)
    title = drawn.suptitle(values["about"], fontsize=9, color="gray")
    # A name of data may have dollar signs in it.
    title.set_parse_math(False)
    for axis in drawn.axes:
        axis.grid(alpha=0.3)
    return drawn


def _rounded(value: Any) -> Any:
    """Six digits are more than a figure shows."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _pareto(drawn: Figure, values: dict[str, Any]) -> None:
    left, right = drawn.subplots(1, 2, sharey=True)
    for axis, phase in ((left, "inference"), (right, "training")):
        for name, points in values["series"].items():
            x = column(points, f"{phase}_sop_fraction")
            skipped = column(points, f"{phase}_sop_fraction_without_frozen")
            y, error = column(points, "vote"), column(points, "vote_half_range")
            style: dict[str, Any] = {"color": color_of(name, values), "markersize": 4, "capsize": 2}
            mark = marker_of(name, values)
            # Nothing is saved at any setting: a line upwards would say nothing.
            line = "-" if len(set(x)) > 1 else ""
            axis.errorbar(x, y, error, fmt=f"{mark}{line}", label=name, **style)
            if skipped != x:
                axis.errorbar(
                    skipped, y, error, fmt=f"{mark}--", label=f"{name}, zeros not counted", **style
                )
        axis.set(title=f"Accuracy against SOPs in {phase}", xlabel="forward SOPs, of dense")
        axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axis.set_xlim(None, 1.03)
    left.set_ylabel("accuracy (vote) %")
    drawn.legend(*left.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=4)


def _frontier(drawn: Figure, values: dict[str, Any]) -> None:
    left, right = drawn.subplots(1, 2, sharey=True)
    for axis, phase in ((left, "inference"), (right, "training")):
        for name, points in values["series"].items():
            color = color_of(name, values)
            x = column(points, f"{phase}_sop_fraction")
            axis.errorbar(
                x,
                column(points, "vote_loss"),
                column(points, "vote_loss_error"),
                fmt=f"{marker_of(name, values)}-",
                color=color,
                markersize=4,
                capsize=2,
                label=f"{name}, vote",
            )
            axis.plot(
                x, column(points, "hard_loss"), "x:", color=color, label=f"{name}, hard readout"
            )
        for goal, marker in zip(values["goals"], "*P", strict=False):
            axis.plot(goal[phase], goal["loss"], marker, color="k", markersize=10)
            axis.annotate(
                goal["name"],
                (goal[phase], goal["loss"]),
                textcoords="offset points",
                xytext=(8, 3),
                fontsize=8,
                color="k",
            )
        axis.set(title=f"Loss against SOPs in {phase}", xlabel="forward SOPs, of dense")
        axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    left.set_ylabel("points of accuracy lost, seed by seed")
    drawn.legend(*left.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=4)


def _training(drawn: Figure, values: dict[str, Any]) -> None:
    (accuracy, density), (sops, thresholds) = drawn.subplots(2, 2, sharex=True)
    for name, history in values["series"].items():
        shown, color = history["presentations"], color_of(name, values)
        known = [
            (x, share)
            for x, share in zip(shown, history["running_accuracy"], strict=True)
            if share is not None
        ]
        if known:
            accuracy.plot(*zip(*known, strict=True), color=color, label=name)
        density.plot(
            shown, np.array(history["plastic"]) / values["synapses"], color=color, label=name
        )
        for what, line in (("forward", "-"), ("update", ":")):
            share = np.array(history[f"{what}_sops"]) / np.maximum(history[f"{what}_dense"], 1)
            sops.plot(shown, share, line, color=color)
        median = [row[len(values["quantiles"]) // 2] for row in history["w_prune"]]
        if any(median):
            thresholds.plot(shown, median, color=color, label=f"{name}, median")
        if len({min(row) - max(row) for row in history["w_prune"]}) > 1:
            _band(thresholds, history, values["quantiles"], color)
    accuracy.set(title="Running accuracy (votes so far)")
    density.set(title="Synapses left", ylim=(0, 1.02))
    sops.set(
        title="SOPs, of dense: forward (solid), update (dotted)",
        xlabel="presentations",
        ylim=(0, 1.02),
    )
    thresholds.set(
        title="Pruning thresholds of the neurons", xlabel="presentations", ylabel="w_prune"
    )
    for axis in (accuracy, density, sops):
        axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    for axis in (accuracy, thresholds):
        axis.legend(fontsize=8)
    sops.xaxis.set_major_formatter(EngFormatter())


def _band(axis: Axes, history: dict[str, Any], quantiles: Sequence[int], color: str) -> None:
    table = np.array(history["w_prune"])
    for low, high, alpha in ((0, 6, 0.15), (1, 5, 0.25)):
        axis.fill_between(
            history["presentations"],
            table[:, low],
            table[:, high],
            color=color,
            alpha=alpha,
            linewidth=0,
            label=f"{quantiles[low]} to {quantiles[high]} % of the neurons",
        )


def _neurons(drawn: Figure, values: dict[str, Any]) -> None:
    """Give each ablation a column: threshold by firing, and by strength."""
    series = values["series"]
    axes = drawn.subplots(2, len(series), sharex="row", sharey=True, squeeze=False)
    most = max(max(neurons["plastic"]) for neurons in series.values())
    for at, (name, neurons) in enumerate(series.items()):
        silent = neurons["plastic"].count(0)
        axes[0, at].set_title(f"{name}\n{silent} without synapses", fontsize=9)
        for axis, by in zip(axes[:, at], ("post_count", "strength"), strict=True):
            dots = axis.scatter(
                neurons[by],
                neurons["w_prune"],
                c=neurons["plastic"],
                s=6,
                vmin=0,
                vmax=max(most, 1),
            )
            axis.xaxis.set_major_formatter(EngFormatter())
    for row, label in enumerate(("output spikes while learning", "connection strength")):
        axes[row, 0].set_ylabel("w_prune")
        # One for the row: five columns have no room for five.
        axes[row, len(series) // 2].set_xlabel(label, fontsize=9)
    drawn.colorbar(dots, ax=axes, label="synapses left")


def _early_exit(drawn: Figure, values: dict[str, Any]) -> None:
    axis = drawn.subplots()
    for name, points in values["series"].items():
        # Without an exit comes last, where the most SOPs are.
        ordered = sorted(points, key=lambda point: point["early_exit"] or 256)
        x, y = column(ordered, "forward_sops_per_inference"), column(ordered, "vote")
        axis.errorbar(
            x,
            y,
            column(ordered, "vote_half_range"),
            fmt="o-",
            capsize=2,
            color=color_of(name, values),
            label=name,
        )
        for point, x_at, y_at in zip(ordered, x, y, strict=True):
            text = f"after {point['early_exit']}" if point["early_exit"] else "no exit"
            axis.annotate(
                text,
                (x_at, y_at),
                textcoords="offset points",
                xytext=(6, -10),
                fontsize=7,
                color="gray",
            )
    most = max(p["forward_sops_per_inference"] for s in values["series"].values() for p in s)
    axis.set(
        title="Accuracy against cost, by early exit after so many output spikes",
        xlabel="forward SOPs per image",
        ylabel="accuracy (vote) %",
        xlim=(0, 1.08 * most),
    )
    axis.xaxis.set_major_formatter(EngFormatter())
    axis.legend()


def _accuracy_sops(drawn: Figure, values: dict[str, Any]) -> None:
    axis = drawn.subplots()
    # Rules by colour, votes and groups by mark, what ends a presentation by line.
    rules = {style["rule"]: None for style in values["styles"].values()}
    for name, points in values["series"].items():
        style = values["styles"][name]
        color = color_of(style["rule"], {"series": rules})
        mark = "D" if style["groups"] > 1 else "o" if style["votes"] == "logarithms" else "s"
        line = "-" if style["end"] == "margin" else "--"
        x, y = column(points, "forward_sops_per_inference"), column(points, "vote")
        axis.errorbar(
            x,
            y,
            column(points, "vote_half_range"),
            fmt=f"{mark}{line}",
            color=color,
            alpha=0.8,
            elinewidth=0.7,
            markersize=4,
            capsize=2,
            label=name,
        )
    axis.set(
        title="Accuracy against cost: early exits, and the sequential test by margin",
        xlabel="forward SOPs per image",
        ylabel="accuracy (vote) %",
        xscale="log",
    )
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(EngFormatter())
    drawn.legend(*axis.get_legend_handles_labels(), fontsize=7, loc="outside lower center", ncols=3)


def _weight_bits(drawn: Figure, values: dict[str, Any]) -> None:
    left, right = drawn.subplots(1, 2)
    for name, points in values["series"].items():
        bits, color = column(points, "weight_bits"), color_of(name, values)
        left.errorbar(
            bits,
            column(points, "vote"),
            column(points, "vote_half_range"),
            fmt="o-",
            capsize=2,
            color=color,
            label=name,
        )
        right.plot(bits, column(points, "inference_sop_fraction"), "o-", color=color, label=name)
        right.plot(bits, column(points, "density"), "s:", color=color, label=f"{name}, synapses")
    left.set(title="Accuracy", xlabel="bits of a weight", ylabel="accuracy (vote) %")
    right.set(
        title="Forward SOPs in inference, synapses left",
        xlabel="bits of a weight",
        ylim=(0, 1.05),
    )
    right.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    for axis in (left, right):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    drawn.legend(
        *right.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=3
    )
