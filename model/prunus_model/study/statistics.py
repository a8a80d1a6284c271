"""Rows of equal trials put together over their seeds, compared seed by seed, and tested.

A verdict is a one-sided test at 95 % on the paired differences of seeds (Student's t, as
``scipy.stats.ttest_1samp`` does it): a claim *holds* if the confidence bound of the mean is within
the margin, *does not hold* if the bound on the other side is beyond it, and is *not established*
otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.special import stdtrit

from prunus_model.spec.labels import pruning_label
from prunus_model.study.rule import Rule
from prunus_model.study.trials import dotted

__all__ = [
    "CONFIDENCE",
    "Compared",
    "Estimate",
    "Group",
    "Verdict",
    "at_least",
    "at_most",
    "base_of",
    "by_series",
    "compared",
    "completed",
    "curve",
    "groups",
    "interpolated",
    "losses",
    "same_setting",
]

Verdict: TypeAlias = Literal["holds", "does not hold", "not established"]
#: Of every confidence bound; each is one-sided.
CONFIDENCE = 0.95

_Row = dict[str, Any]
#: What, with the parameters of the policy, makes two runs equal but for the seed.
_SAME = ("data", "neurons", "network", "epochs", "weight_bits", "split", *Rule._fields)
#: What rows do not have that were written before there were groups: all are of one kind.
_EARLIER = {"groups": 1, "network": ""}


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
    def policy_setting(self) -> str:
        """Parameters of the policy, for people."""
        return ", ".join(f"{k} {v}" for k, v in self.rows[0]["policy_setting"].items())

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Outcome of a one-sided test of a mean against a margin.

    Attributes
    ----------
    estimate : float or None
        Mean; None without a value.
    bound : float or None
        One-sided confidence bound of the mean on the side of the margin; None with fewer than two
        values.
    n : int
        Number of values: of paired seeds, as a rule.
    verdict : str
        ``holds``, ``does not hold`` or ``not established``.
    """

    estimate: float | None
    bound: float | None
    n: int
    verdict: Verdict


def at_most(values: Sequence[float], margin: float) -> Estimate:
    """Test whether the mean of a population is at most a margin (non-inferiority, if of losses).

    Parameters
    ----------
    values : sequence of float
        Independent values, for example one paired difference for each seed.
    margin : float
        In the unit of the values.

    Returns
    -------
    Estimate
        With an upper bound.

    Examples
    --------
    >>> tested = at_most([0.1, 0.2, 0.3], 0.5)
    >>> round(tested.estimate, 3), round(tested.bound, 3), tested.n, tested.verdict
    (0.2, 0.369, 3, 'holds')
    >>> at_most([0.1, 0.2, 0.3], 0.3).verdict, at_most([0.1, 0.2, 0.3], 0.0).verdict
    ('not established', 'does not hold')
    """
    n = len(values)
    if n < 2:
        return Estimate(
            estimate=mean(values) if values else None, bound=None, n=n, verdict="not established"
        )
    estimate = mean(values)
    half = float(stdtrit(n - 1, CONFIDENCE)) * stdev(values) / n**0.5
    verdict: Verdict = "not established"
    if estimate + half <= margin:
        verdict = "holds"
    elif estimate - half > margin:
        verdict = "does not hold"
    return Estimate(estimate=estimate, bound=estimate + half, n=n, verdict=verdict)


def at_least(values: Sequence[float], margin: float) -> Estimate:
    """Test whether the mean of a population is at least a margin; as :func:`at_most`.

    Returns
    -------
    Estimate
        With a lower bound.
    """
    turned = at_most([-value for value in values], -margin)
    return Estimate(
        estimate=None if turned.estimate is None else -turned.estimate,
        bound=None if turned.bound is None else -turned.bound,
        n=turned.n,
        verdict=turned.verdict,
    )


def completed(rows: Sequence[_Row]) -> list[_Row]:
    """Return rows with the default of every column that they were written without."""
    return [_EARLIER | Rule().columns | row for row in rows]


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
    for row in completed(rows):
        if (part and part not in row["parts"]) or any(row[k] != v for k, v in values.items()):
            continue
        key = [*(row[k] for k in (*_SAME, "policy", "policy_setting", "settings"))]
        found.setdefault(json.dumps(key, sort_keys=True), []).append(row)
    return [Group(tuple(sorted(same, key=lambda row: row["seed"]))) for same in found.values()]


def same_setting(group: Group, rows: Sequence[_Row]) -> Group | None:
    """Return the rows that have all parameters of a group, whatever their split and seed."""
    names = {*_SAME, "policy", "policy_setting", "settings"} - {"split"}
    found = groups(rows, **{name: group[name] for name in names})
    return found[0] if found else None


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
    found = groups(rows, policy="none", **same)
    return found[0] if found else None


def losses(group: Group, base: Group, readout: str) -> list[float]:
    """Return how many points of percent a group loses against another, for each shared seed.

    Parameters
    ----------
    group, base : Group
        Paired by seed; a seed that only one of them has is left out.
    readout : {"vote", "hard"}
        Whose accuracy.

    Returns
    -------
    list of float
        By ascending seed.
    """
    return [100 * (a[readout] - b[readout]) for a, b in _pairs(group, base)]


def _pairs(group: Group, base: Group) -> list[tuple[_Row, _Row]]:
    by_seed = {row["seed"]: row for row in base.rows}
    return [(by_seed[row["seed"]], row) for row in group.rows if row["seed"] in by_seed]


def compared(group: Group, base: Group) -> Compared | None:
    """Compare two groups by the seeds that both have; None if there are none."""
    pairs = _pairs(group, base)
    if not pairs:
        return None

    def ratio(name: str) -> float:
        return float(mean(b[name] / a[name] for a, b in pairs))

    vote = losses(group, base, "vote")
    return Compared(
        seeds=tuple(row["seed"] for _, row in pairs),
        vote=mean(vote),
        hard=mean(losses(group, base, "hard")),
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
