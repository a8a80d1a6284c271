"""Charts drawn by matplotlib: points, stacked bars, rows of dots; and their SVG for the page.

Text, axes and grid have the colour of the text around them, so that they are seen on light and on
dark ground; series have colours that are seen on both.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from statistics import median
from textwrap import fill
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

__all__ = ["COLOURS", "bars", "scatter", "strip", "svg"]

#: Colours of policies, units of a core, and reasons for energy.
COLOURS: Mapping[str, str] = {
    "none": "#868e96",
    "adaptive": "#0b8a83",
    "lift": "#c2378a",
    "constant": "#d0762c",
    "soft": "#8a5cc2",
    "store": "#3b6fb6",
    "membrane": "#4fb0a5",
    "encoder": "#dba53f",
    "queue": "#a9bb5c",
    "stdp": "#c279b8",
    "homeostasis": "#8478cf",
    "readout": "#94a1ad",
    "pruning": "#e2473c",
    "other": "#b9b4ab",
    "SOPs": "#868e96",
    "synapses": "#3b6fb6",
    "finding them": "#dba53f",
    "sweeps over neurons": "#4fb0a5",
    "input spikes": "#a9bb5c",
    "learning": "#c279b8",
}
#: What the colour of the text around a chart takes the place of; no series has it.
_INK = "#010203"
#: Width in inches, 72 units of the SVG each. Text keeps its ratio to it.
_WIDTH = 5.0
_STYLE: Any = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "grid.color"), _INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), _INK),
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9.8,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "svg.fonttype": "none",
    # Names of technologies and data may have dollar signs in them.
    "text.parse_math": False,
}
_Point = tuple[float, float, str]


@rc_context(_STYLE)
def scatter(
    series: Sequence[tuple[str, bool, Sequence[_Point]]], *, x: str, y: str, rings: str
) -> Figure:
    """Draw points over two axes, the first logarithmic, joined by lines in their order.

    Parameters
    ----------
    series : sequence of (str, bool, sequence of (float, float, str))
        Name, whether its points are rings, and its points: where they are, and what is written
        beside them.
    x, y : str
        What the axes show, with unit.
    rings : str
        What a ring stands for.
    """
    figure = Figure(figsize=(_WIDTH, 3.7))
    axes = figure.subplots()
    for name, hollow, points in series:
        colour = COLOURS[name]
        style: dict[str, Any] = {"markerfacecolor": "none"} if hollow else {"label": name}
        at = [point[0] for point in points], [point[1] for point in points]
        axes.plot(*at, color=colour, alpha=0.45, linewidth=1)
        axes.plot(*at, "o", color=colour, markeredgewidth=1.5, **style)
        for where_x, where_y, text in points:
            axes.annotate(
                text,
                (where_x, where_y),
                textcoords="offset points",
                # Above and to the left of rings, below and to the right of dots.
                xytext=(-4, 6) if hollow else (5, -12),
                ha="right" if hollow else "left",
                color=colour,
                weight="bold",
                fontsize=8.8,
            )
    axes.set(xscale="log", xlabel=x, ylabel=y)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    handles, _ = axes.get_legend_handles_labels()
    if any(hollow for _, hollow, _ in series):
        ring = Line2D([], [], color=_INK, marker="o", linestyle="", markerfacecolor="none")
        ring.set_label(rings)
        handles.append(ring)
    _legend(figure, handles)
    return figure


@rc_context(_STYLE)
def bars(
    rows: Sequence[tuple[str, Mapping[str, float], str]], *, unit: str, whole: float = 0
) -> Figure:
    """Draw stacked bars, one below the other.

    Parameters
    ----------
    rows : sequence of (str, mapping of str to float, str)
        What a bar is, the lengths of its pieces from the left by name, and what is written at its
        end.
    unit : str
        Unit of the lengths.
    whole : float
        Length that takes the whole width. Default: that of the longest bar.
    """
    names = list(dict.fromkeys(name for _, parts, _ in rows for name in parts))
    stacked = any(len(parts) > 1 for _, parts, _ in rows)
    figure = Figure(figsize=(_WIDTH, 0.65 + 0.31 * len(rows) + stacked * 0.45))
    axes = figure.subplots()
    for name in names:
        for at, (_, parts, _) in enumerate(rows):
            if name in parts:
                before = sum(list(parts.values())[: list(parts).index(name)])
                axes.barh(at, parts[name], 0.72, before, color=COLOURS[name], label=name)
    for at, (_, parts, end) in enumerate(rows):
        axes.annotate(
            end, (sum(parts.values()), at), textcoords="offset points", xytext=(4, 0), va="center"
        )
    axes.set(xlabel=unit, ylim=(len(rows) - 0.5, -0.5))
    axes.set_xlim(0, whole or max(sum(parts.values()) for _, parts, _ in rows) or 1)
    axes.set_yticks(range(len(rows)), [fill(label, 22) for label, _, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.locator_params(axis="x", nbins=6)
    if stacked:
        handles, labels = axes.get_legend_handles_labels()
        _legend(figure, list(dict(zip(labels, handles, strict=True)).values()))
    return figure


@rc_context(_STYLE)
def strip(rows: Sequence[tuple[str, str, Sequence[float]]], *, x: str) -> Figure:
    """Draw rows of dots on one axis, each with a mark at its median.

    Parameters
    ----------
    rows : sequence of (str, str, sequence of float)
        What is written above a row, what its colour is of, and where its dots are.
    x : str
        What the axis shows, with unit.
    """
    figure = Figure(figsize=(_WIDTH, 0.6 + 0.45 * len(rows)))
    axes = figure.subplots()
    for at, (label, name, values) in enumerate(rows):
        axes.plot(values, [at] * len(values), "o-", color=COLOURS[name], linewidth=1, markersize=5)
        axes.plot(median(values), at, "|", color=COLOURS[name], markersize=15, markeredgewidth=2)
        axes.text(0, at - 0.28, label, transform=axes.get_yaxis_transform(), va="bottom")
    axes.set(xlabel=x, ylim=(len(rows) - 0.5, -0.9), yticks=[])
    axes.spines["left"].set_visible(False)
    return figure


def _legend(figure: Figure, handles: Sequence[Any]) -> None:
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=4 if len(handles) > 6 else 3,
        fontsize=8.8,
        handlelength=1,
        columnspacing=1.2,
    )


def svg(figure: Figure, *, title: str) -> str:
    """Return a chart as an element of a page; the same chart is the same text.

    Parameters
    ----------
    figure : Figure
        The chart.
    title : str
        Its title; no other chart of the page has the same, nor then the same identifiers.
    """
    file = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context(_STYLE | {"svg.hashsalt": title}):
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    text = file.getvalue().replace(_INK, "currentColor")
    # Names of groups, the same in each chart; nothing refers to them.
    text = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", text)
    # Without the header of a file; as wide as there is room for.
    text = text[text.index("<svg") :]
    return re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
