"""Adaptive against online soft pruning: accuracy at equal share pruned, SOPs at equal accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from prunus_model.study.statistics import Group, base_of, by_series, curve, groups, interpolated

__all__ = ["soft_accuracy", "soft_sops"]

#: What the abstract says.
_POINTS, _MORE = 3.33, 0.67
#: Points of a curve between two strengths.
_FINE = 1001
_Judged = tuple[str, Literal["holds", "does not hold", "cannot be compared"]]


def soft_accuracy(rows: Sequence[dict[str, Any]], operating: Group | None) -> _Judged:
    """Judge accuracy at equal share of synapses pruned.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one size, data set and width.
    operating : Group or None
        Where adaptive pruning would be used: the difference there is said too.

    Returns
    -------
    measured, verdict : str
    """
    adaptive, soft = _curves(rows, operating)
    line = curve(soft, _pruned, _vote)
    most, at, said = -100.0, None, []
    for name, same in by_series(adaptive, "pareto").items():
        common = [
            (_vote(group) - other, group)
            for group in same
            if (other := interpolated(line, _pruned(group))) is not None
        ]
        if not common:
            continue
        more, where = max(common, key=lambda pair: pair[0])
        said.append(
            f"{name} at most {more:+.2f} points, at {100 * _pruned(where):.0f} % pruned "
            f"({_vote(where):.2f} against {_vote(where) - more:.2f} %)"
        )
        if more > most:
            most, at = more, where
    if at is None:
        return "Needs curves of adaptive and soft pruning that overlap", "cannot be compared"
    text = "; ".join(said)
    comparable = operating if operating and operating["epochs"] == at["epochs"] else None
    here = interpolated(line, _pruned(comparable)) if comparable else None
    if operating and here is not None:
        text += (
            f"; {_vote(operating) - here:+.2f} points at the {100 * _pruned(operating):.0f} % that "
            f"adaptive pruning removes within the loss of the abstract"
        )
    return text, "holds" if most >= _POINTS else "does not hold"


def soft_sops(rows: Sequence[dict[str, Any]], operating: Group | None, loss: float) -> _Judged:
    """Judge the forward SOPs saved in inference at equal accuracy.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one size, data set and width.
    operating : Group or None
        Whose schedule is compared, if soft pruning has it too.
    loss : float
        Points of accuracy (vote) that both may lose.

    Returns
    -------
    measured, verdict : str
    """
    adaptive, soft = _curves(rows, operating)
    base = base_of(adaptive[0], rows) if adaptive else None
    if base is None or not soft:
        return "Needs curves of none, adaptive and soft pruning", "cannot be compared"
    level = _vote(base) - loss
    # Rules with different labels are not points of one line.
    saved = {
        name: reach
        for name, same in by_series(adaptive, "pareto").items()
        if (reach := _reach(curve(same, _saved, _vote), level)) > 0
    }
    other = _reach(curve(soft, _saved, _vote), level)
    if not saved or other <= 0:
        return f"No strength of one of them keeps {level:.2f} %", "cannot be compared"
    text = ", ".join(
        f"{100 * share:.1f} % saved {_by(name)}, {100 * (share / other - 1):+.0f} %"
        for name, share in saved.items()
    )
    return (
        f"At {level:.2f} % (a loss of {loss:.2f} points): {100 * other:.1f} % saved by soft "
        f"pruning; {text}"
    ), "holds" if max(saved.values()) / other - 1 >= _MORE else "does not hold"


def _curves(
    rows: Sequence[dict[str, Any]], operating: Group | None
) -> tuple[list[Group], list[Group]]:
    """Return the groups of both curves that are of the same schedule and seeds.

    The schedule is that of the operating point, if soft pruning has been run with it.
    """
    soft = groups(rows, part="pareto", policy="soft")
    if not soft:
        return [], []
    names = ("epochs", "settings")
    same = [g for g in soft if operating and all(g[name] == operating[name] for name in names)]
    soft = same or soft
    shared = {name: soft[0][name] for name in names}
    return tuple(  # type: ignore[return-value]
        [
            group
            for group in groups(rows, part="pareto", policy=policy, **shared)
            if group.seeds == soft[0].seeds
        ]
        for policy in ("adaptive", "soft")
    )


def _by(name: str) -> str:
    return name if name.startswith("by ") else f"by {name}"


def _vote(group: Group) -> float:
    return 100 * group.mean("vote")


def _pruned(group: Group) -> float:
    return 1 - group.mean("density")


def _saved(group: Group) -> float:
    return 1 - group.mean("inference_sop_fraction_without_frozen")


def _reach(points: Sequence[tuple[float, float]], level: float) -> float:
    """Return the largest x at which the line through the points is at the level; 0 if nowhere."""
    x = np.linspace(points[0][0], points[-1][0], _FINE)
    y = np.interp(x, [at for at, _ in points], [value for _, value in points])
    above = x[y >= level]
    return float(above[-1]) if len(above) else 0.0
