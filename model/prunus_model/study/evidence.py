"""What a claim is tested by: rows of one setting, two trainings, results of the hardware."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.choice import Goal, chosen_setting, judged
from prunus_model.study.statistics import Estimate, Group, Verdict, base_of, groups, same_setting
from prunus_model.training.history import QUANTILES
from prunus_model.training.trainer import train

__all__ = [
    "NOTHING",
    "RowsTest",
    "Test",
    "at_default",
    "at_setting",
    "changed_by_labels",
    "energy_share",
    "exact",
    "paired",
    "rise",
    "spread",
    "unevenness",
]

_Row = dict[str, Any]
#: Test of the rows of a file of results.
Test: TypeAlias = Callable[[Sequence[_Row]], Estimate]
#: Test of two groups: all rows that judge, those of a setting, those of the unpruned network.
RowsTest: TypeAlias = Callable[[Sequence[_Row], Group, Group], Estimate]
#: Outcome where nothing was measured.
NOTHING = Estimate(estimate=None, bound=None, n=0, verdict="not established")


def at_setting(test: RowsTest, *, goal: Goal, policy: str) -> Test:
    """Return the test of a rule at the setting that is chosen for a goal.

    Parameters
    ----------
    test : callable
        Gets all rows that judge, those of the setting, and those of the unpruned network.
    goal : Goal
        What the setting is chosen for (:func:`prunus_model.study.choice.chosen_setting`).
    policy : str
        Pruning policy.

    Returns
    -------
    callable
        Gets the rows of a file of results.
    """

    def tested(rows: Sequence[_Row]) -> Estimate:
        setting = chosen_setting(rows, goal, policy=policy)
        rows = judged(rows)
        group = same_setting(setting, rows) if setting else None
        base = base_of(group, rows) if group else None
        return test(rows, group, base) if group and base else NOTHING

    return tested


def at_default(test: Callable[[Group, Group], Estimate]) -> Test:
    """Return the test of the rule of the paper as the preset `paper` has it, by :func:`at_setting`.

    Parameters
    ----------
    test : callable
        Gets the rows of the preset, and those of the unpruned network.
    """

    def tested(rows: Sequence[_Row]) -> Estimate:
        rows = judged(rows)
        default = NetworkConfig.named("paper").to_mapping()["pruning"]
        for group in groups(rows, policy="adaptive", epochs=2, settings={}):
            same = all(default[name] == value for name, value in group["policy_setting"].items())
            if same and (base := base_of(group, rows)) is not None:
                return test(group, base)
        return NOTHING

    return tested


def paired(group: Group, base: Group, value: Callable[[_Row], float]) -> list[float]:
    """Return a value of the rows of a group less that of a base, for each seed that both have."""
    by_seed = {row["seed"]: row for row in base.rows}
    return [
        value(row) - value(by_seed[row["seed"]]) for row in group.rows if row["seed"] in by_seed
    ]


def rise(row: _Row) -> float:
    """Return by how much the median of the pruning thresholds rises from the first tenth on."""
    middle = QUANTILES.index(50)
    return float(row["w_prune_late"][middle] - row["w_prune_early"][middle])


def spread(row: _Row) -> float:
    """Return the distance of the 10th to the 90th percentile of the pruning thresholds."""
    low, high = QUANTILES.index(10), QUANTILES.index(90)
    return float(row["w_prune_late"][high] - row["w_prune_late"][low])


def unevenness(row: _Row) -> float:
    """Return the standard deviation of the strengths, as a share of their mean."""
    return float(row["strength_deviation"] / row["strength_mean"])


def exact(value: float | None, margin: float) -> Estimate:
    """Compare a value without spread with the margin that it must not pass."""
    if value is None:
        return NOTHING
    verdict: Verdict = "holds" if value <= margin else "does not hold"
    return Estimate(estimate=value, bound=None, n=1, verdict=verdict)


@cache
def changed_by_labels() -> float | None:
    """Return how many state variables differ if the labels are shuffled; None without evidence."""
    data = load("sample", "train")
    shuffled = np.random.default_rng(0).permutation(data.labels)
    config = NetworkConfig.named("demo")
    first, second = (
        train(config, replace(data, labels=labels)) for labels in (data.labels, shuffled)
    )
    # Were the votes the same, the labels would not have been shuffled; unpruned, it says nothing.
    if np.array_equal(first.response, second.response) or first.state.alive.all():
        return None
    return float(len(first.state.differences(second.state)))


def energy_share(overhead: Path) -> float | None:
    """Return the largest share of pruning in the energy at 800 neurons, in percent."""
    if not overhead.exists():
        return None
    rows = json.loads(overhead.read_text())["pruning_unit"]
    return max((float(row["percent"]) for row in rows if row["neurons"] == 800), default=None)
