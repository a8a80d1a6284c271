"""The Pareto front of a search: rows of the results, and which network to take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial

from prunus_overhead.search.trials import MEASURED, OBJECTIVES

__all__ = ["dominates", "rows", "thriftiest"]

_Row = dict[str, Any]


def rows(trials: Sequence[FrozenTrial]) -> list[_Row]:
    """Return a row for each trial, the most accurate first; each set of values once.

    Parameters
    ----------
    trials : sequence of FrozenTrial
        Trials that are done.

    Returns
    -------
    list of dict
        ``values`` by dotted name; means over the seeds: ``accuracy`` 0..1, ``sops_per_image``,
        ``memory_bits``, ``density`` 0..1; ``digests`` of the trainings; ``front``, whether no other
        is at least as good in all objectives and better in one.
    """
    found: dict[str, _Row] = {}
    for trial in trials:
        measured = trial.user_attrs[MEASURED]
        row = {
            "number": trial.number,
            "values": dict(sorted(trial.params.items())),
            **dict(zip(OBJECTIVES, trial.values, strict=True)),
            "density": sum(one["density"] for one in measured) / len(measured),
            "digests": [one["digest"] for one in measured],
        }
        found.setdefault(repr(row["values"]), row)
    listed = sorted(found.values(), key=lambda row: (*_costs(row), repr(row["values"])))
    return [row | {"front": not any(dominates(other, row) for other in listed)} for row in listed]


def dominates(one: _Row, other: _Row) -> bool:
    """Return whether a row is at least as good in all objectives, and better in one."""
    a, b = _costs(one), _costs(other)
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def thriftiest(found: Sequence[_Row], within: float) -> _Row:
    """Return the row with the fewest additions that loses no more than so many points.

    Parameters
    ----------
    found : sequence of dict
        Of :func:`rows`; at least one.
    within : float
        Points of accuracy below the most accurate one.
    """
    best = max(row["accuracy"] for row in found)
    # Accuracies are quotients of counts: a loss that is just allowed must not be lost to rounding.
    near = [row for row in found if 100 * (best - row["accuracy"]) <= within + 1e-9]
    return min(near, key=lambda row: (row["sops_per_image"], row["memory_bits"], -row["accuracy"]))


def _costs(row: _Row) -> tuple[float, ...]:
    """Return the objectives, each the better the less."""
    return tuple(
        -row[name] if direction == "maximize" else row[name]
        for name, direction in OBJECTIVES.items()
    )
