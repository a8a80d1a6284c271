"""Rows of equal runs put together over their seeds, and compared seed by seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import numpy as np

from prunus_model.spec.config import pruning_label
from prunus_model.study.trials import dotted

__all__ = [
    "Compared",
    "Group",
    "base_of",
    "by_series",
    "compared",
    "curve",
    "groups",
    "interpolated",
]

_Row = dict[str, Any]
#: What, with the rule of pruning and the settings, makes two runs equal but for the seed.
_SAME = ("data", "neurons", "epochs", "weight_bits", "early_exit")


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that differ in the seed alone.

    Attributes
    ----------
    rows : tuple of dict
        One per seed, ascending.
    """

    rows: tuple[_Row, ...]

    def __getitem__(self, name: str) -> Any:
        """Return a value that all rows share."""
        return self.rows[0][name]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, ascending."""
        return tuple(row["seed"] for row in self.rows)

    @property
    def strength(self) -> str:
        """Parameters of the policy, for people."""
        row = self.rows[0]
        values = row["policy_strength"] | dotted({"redundancy": row["redundancy"] or {}})
        return ", ".join(f"{k} {v}" for k, v in values.items())

    @property
    def settings(self) -> str:
        """What was set beside the policy, for people."""
        return ", ".join(f"{k} {v}" for k, v in dotted(self.rows[0]["settings"]).items())

    def mean(self, name: str) -> float:
        """Return the mean of a value over the seeds."""
        return mean(float(row[name]) for row in self.rows)

    def half_range(self, name: str) -> float:
        """Return half the distance between the extremes of a value."""
        values = [float(row[name]) for row in self.rows]
        return (max(values) - min(values)) / 2

    def label(self, part: str) -> str:
        """Return the label in a part; empty if there is none."""
        return str(self.rows[0]["parts"].get(part, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Differences between two groups, seed by seed.

    Attributes
    ----------
    seeds : tuple of int
        Seeds that both have.
    vote, hard : float
        Mean accuracy of the first less that of the second, in points of percent.
    vote_error : float
        Standard error of ``vote``; 0 with one seed.
    inference, training : float
        Forward SOPs of the second, of those of the first: other spikes are in it too, not only
        what was pruned.
    """

    seeds: tuple[int, ...]
    vote: float
    hard: float
    vote_error: float
    inference: float
    training: float


def groups(rows: Sequence[_Row], *, part: str = "", **values: Any) -> list[Group]:
    """Return groups of rows, in the order of the rows.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a file of results.
    part : str
        Only rows of this part of the list; empty for all.
    **values
        Only rows that have these values.
    """
    found: dict[str, list[_Row]] = {}
    for row in rows:
        if (part and part not in row["parts"]) or any(row[k] != v for k, v in values.items()):
            continue
        key = [*(row[k] for k in (*_SAME, "policy", "policy_strength", "redundancy", "settings"))]
        found.setdefault(json.dumps(key, sort_keys=True), []).append(row)
    return [Group(tuple(sorted(same, key=lambda row: row["seed"]))) for same in found.values()]


def by_series(found: Sequence[Group], part: str) -> dict[str, list[Group]]:
    """Return groups by label in a part, or rule; with the epochs, if those are not all the same.

    Parameters
    ----------
    found : sequence of Group
        In the order that the series are to have.
    part : str
        Whose labels.
    """
    epochs = len({group["epochs"] for group in found}) > 1
    series: dict[str, list[Group]] = {}
    for group in found:
        name = group.label(part) or pruning_label(group.rows[0])
        name += f", {group['epochs']} epochs" if epochs else ""
        series.setdefault(name, []).append(group)
    return series


def base_of(group: Group, rows: Sequence[_Row]) -> Group | None:
    """Return the network that is never pruned and equal to a group in all else, if it is there."""
    same = {name: group[name] for name in (*_SAME, "settings")}
    found = groups(rows, policy="none", redundancy=None, **same)
    return found[0] if found else None


def compared(group: Group, base: Group) -> Compared | None:
    """Compare two groups by the seeds that both have; None if there are none."""
    by_seed = {row["seed"]: row for row in base.rows}
    pairs = [(by_seed[row["seed"]], row) for row in group.rows if row["seed"] in by_seed]
    if not pairs:
        return None

    def differences(name: str) -> list[float]:
        return [100 * (a[name] - b[name]) for a, b in pairs]

    def ratio(name: str) -> float:
        return float(mean(b[name] / a[name] for a, b in pairs))

    vote = differences("vote")
    return Compared(
        seeds=tuple(row["seed"] for _, row in pairs),
        vote=mean(vote),
        hard=mean(differences("hard")),
        vote_error=stdev(vote) / len(vote) ** 0.5 if len(vote) > 1 else 0.0,
        inference=ratio("forward_sops_per_inference"),
        training=ratio("forward_sops_per_training_presentation"),
    )


def curve(
    found: Sequence[Group], x: Callable[[Group], float], y: Callable[[Group], float]
) -> list[tuple[float, float]]:
    """Return the points of some groups, by ascending x."""
    return sorted((x(group), y(group)) for group in found)


def interpolated(points: Sequence[tuple[float, float]], x: float) -> float | None:
    """Return y at x on the line through points of ascending x; None outside of them.

    Examples
    --------
    >>> interpolated([(0.0, 1.0), (1.0, 3.0)], 0.25), interpolated([(0.0, 1.0), (1.0, 3.0)], 2.0)
    (1.5, None)
    """
    if not points or not points[0][0] <= x <= points[-1][0]:
        return None
    return float(np.interp(x, [at for at, _ in points], [value for _, value in points]))
