"""Adaptive against online soft pruning: accuracy at equal share pruned, SOPs at equal accuracy.

Both are tested seed by seed: the curve of soft pruning, over its shares of pruned synapses, is that
of the same seed as the point of adaptive pruning beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from prunus_model.study.statistics import (
    Estimate,
    Group,
    at_least,
    at_most,
    curve,
    groups,
    interpolated,
)

__all__ = ["soft_accuracy", "soft_sops"]

_Row = dict[str, Any]
#: Points of a curve between two settings.
_FINE = 1001


def soft_accuracy(rows: Sequence[_Row], group: Group, margin: float) -> Estimate:
    """Test how many points adaptive pruning is more accurate at an equal share pruned.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one size, data set and width, with soft pruning.
    group : Group
        Adaptive pruning at the setting that is judged.
    margin : float
        Points of percent that it must be more accurate by.

    Returns
    -------
    Estimate
        Of the accuracy (vote), seed by seed. Seeds whose curve of soft pruning does not reach the
        share are left out: a curve is not prolonged.
    """
    differences = []
    for row in group.rows:
        other = interpolated(_soft(rows, group, row["seed"], _pruned), _pruned(row))
        if other is not None:
            differences.append(_vote(row) - other)
    return at_least(differences, margin)


def soft_sops(
    rows: Sequence[_Row], group: Group, base: Group, *, loss: float, margin: float
) -> Estimate:
    """Test which share of the SOPs that adaptive pruning saves soft pruning saves.

    Parameters
    ----------
    rows : sequence of dict
        Rows of one size, data set and width, with soft pruning.
    group : Group
        Adaptive pruning at the setting that is judged; whether it keeps the loss is another claim.
    base : Group
        The network that is never pruned. It is the first point of the curve of soft pruning.
    loss : float
        Points of accuracy (vote) that soft pruning may lose against ``base``.
    margin : float
        Percent.

    Returns
    -------
    Estimate
        Of the most that soft pruning saves within the loss, in percent of what adaptive pruning
        saves, seed by seed. Zeros of soft pruning are not counted as SOPs, which favours it.
    """
    by_seed = {row["seed"]: row for row in base.rows}
    shares = []
    for row in group.rows:
        soft = _soft(rows, group, row["seed"], _saved)
        if soft and row["seed"] in by_seed:
            level = _vote(by_seed[row["seed"]])
            shares.append(100 * _reach([(0.0, level), *soft], level - loss) / _saved(row))
    return at_most(shares, margin)


def _soft(
    rows: Sequence[_Row], group: Group, seed: int, x: Callable[[_Row], float]
) -> list[tuple[float, float]]:
    """Return the curve of soft pruning, of the schedule of a group, with one seed."""
    same = {name: group[name] for name in ("epochs", "settings", "split")}
    found = groups(rows, policy="soft", seed=seed, **same)
    return curve(found, lambda g: x(g.rows[0]), lambda g: _vote(g.rows[0]))


def _vote(row: _Row) -> float:
    return 100 * float(row["vote"])


def _pruned(row: _Row) -> float:
    return 1 - float(row["density"])


def _saved(row: _Row) -> float:
    return 1 - float(row["inference_sop_fraction_without_frozen"])


def _reach(points: Sequence[tuple[float, float]], level: float) -> float:
    """Return the largest x at which the line through the points is at least at a level."""
    x = np.linspace(points[0][0], points[-1][0], _FINE)
    y = np.interp(x, [at for at, _ in points], [value for _, value in points])
    return float(x[y >= level][-1])
