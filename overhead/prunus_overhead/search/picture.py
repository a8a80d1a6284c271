"""Picture of a search: accuracy against additions, and against memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

__all__ = ["picture"]

_AXES = (("sops_per_image", "forward SOPs per image"), ("memory_bits", "bits of memory"))
_SIZE = (10, 4.4)


def picture(found: Sequence[dict[str, Any]], title: str) -> Figure:
    """Draw all trials; those of the front have their numbers, and a colour by the other cost.

    Parameters
    ----------
    found : sequence of dict
        Of :func:`prunus_overhead.search.front.rows`; at least one.
    title : str
        What was searched.
    """
    figure = Figure(figsize=_SIZE, layout="constrained")
    figure.suptitle(title, fontsize=10)
    front = [row for row in found if row["front"]]
    others = [row for row in found if not row["front"]]
    for axis, (cost, label), (other, other_label) in zip(
        figure.subplots(1, 2, sharey=True), _AXES, reversed(_AXES), strict=True
    ):
        axis.scatter(
            [row[cost] for row in others],
            [100 * row["accuracy"] for row in others],
            s=14,
            color="0.7",
            label="other trials",
        )
        shown = axis.scatter(
            [row[cost] for row in front],
            [100 * row["accuracy"] for row in front],
            s=34,
            c=[row[other] for row in front],
            cmap="viridis",
            edgecolors="black",
            linewidths=0.6,
            label="Pareto front",
        )
        for row in front:
            axis.annotate(
                str(row["number"]),
                (row[cost], 100 * row["accuracy"]),
                textcoords="offset points",
                xytext=(4, 4),
                fontsize=7,
            )
        bar = figure.colorbar(shown, ax=axis, label=other_label, format=EngFormatter())
        bar.ax.yaxis.set_major_locator(MaxNLocator(4))
        axis.set(xlabel=label, ylabel="validation accuracy (vote) %")
        axis.xaxis.set_major_formatter(EngFormatter())
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7, loc="lower right")
    return figure
