"""The claims of the target's abstract, each tested on the rows of a file of results.

W. Guo et al., Front. Neurosci. 14:598876 (2020). Only the abstract is known here: it names figures,
not the images, schedules or settings that they are of.

A claim is data (:class:`Claim`); :func:`words` makes a text of it. What is judged are results on
test images of seeds by which nothing was chosen; the settings come from
:mod:`prunus_model.study.choice`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import prunus_model
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.choice import Goal, chosen_setting, comparable, judged
from prunus_model.study.comparison import soft_accuracy, soft_sops
from prunus_model.study.statistics import (
    Estimate,
    Group,
    Verdict,
    at_least,
    at_most,
    base_of,
    groups,
    losses,
    same_setting,
)
from prunus_model.training.history import QUANTILES
from prunus_model.training.trainer import train

__all__ = ["GOALS", "OVERHEAD", "Claim", "claims", "words"]

_Row = dict[str, Any]
#: Energy of networks, if the package is in its checkout.
OVERHEAD = Path(str(prunus_model.__file__)).resolve().parents[2] / "overhead/results/energy.json"
_COMMAND = "prunus reproduce paper"
#: Readouts by the key that rows have, and by the names that BindsNET gives them. Vote is
#: proportion weighting, in integers; hard is all-activity assignment.
_READOUTS = {"vote": "vote (proportion weighting)", "hard": "hard readout (all-activity)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim and the test of it.

    Attributes
    ----------
    claim : str
        What is claimed, with the margin and its unit.
    estimate : float or None
        What was measured: the mean over the seeds, as a rule; None if nothing was.
    bound : float or None
        One-sided 95 % confidence bound of the estimate, on the side of the margin; None where
        nothing is sampled (a count or an estimate without spread) or ``n`` is below 2.
    margin : float
        What the estimate must not pass, in the same unit.
    n : int
        Paired seeds; 1 for what is not sampled, 0 if nothing was measured.
    verdict : str
        ``holds``, ``does not hold`` or ``not established``.
    command : str
        What measures it.
    """

    claim: str
    estimate: float | None
    bound: float | None
    margin: float
    n: int
    verdict: Verdict
    command: str


#: What the abstract says, and what this project wants beyond it.
GOALS = {
    "abstract": Goal(inference=0.45, training=0.70, loss=0.44),
    "aim": Goal(inference=0.35, training=0.50, loss=0.2),
}
#: Which rule each goal is judged for: with redundant inputs pruned too, or without.
_RULES = (("abstract", False), ("abstract", True), ("aim", True))
#: What the abstract says of soft pruning: points more, and the share of the SOPs that it saves.
_POINTS, _SHARE = 3.33, 100 / 1.67
_NOTHING = Estimate(estimate=None, bound=None, n=0, verdict="not established")


@dataclass(frozen=True, slots=True)
class _Question:
    """A claim before it is judged."""

    text: str
    unit: str
    margin: float
    judge: Callable[[Sequence[_Row]], Estimate]
    least: bool = False
    command: str = _COMMAND

    @property
    def claim(self) -> str:
        return (
            f"{self.text}: {'at least' if self.least else 'at most'} {self.margin:.4g} {self.unit}"
        )


def claims(rows: Sequence[_Row], *, overhead: Path = OVERHEAD) -> list[Claim]:
    """Judge every claim.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a file of results.
    overhead : Path
        Results of the overhead in hardware. If they are not there, what pruning costs is not
        established.

    Returns
    -------
    list of Claim
        Always the same claims, in the same order.
    """
    rows = comparable(rows)
    found = []
    for question in _questions(overhead):
        tested = question.judge(rows)
        found.append(
            Claim(
                claim=question.claim,
                estimate=tested.estimate,
                bound=tested.bound,
                margin=question.margin,
                n=tested.n,
                verdict=tested.verdict,
                command=question.command,
            )
        )
    return found


def words(claim: Claim) -> str:
    """Return what was measured of a claim, for people.

    Examples
    --------
    >>> words(
    ...     Claim(
    ...         claim="Points lost: at most 0.44 points",
    ...         estimate=0.1,
    ...         bound=0.25,
    ...         margin=0.44,
    ...         n=10,
    ...         verdict="holds",
    ...         command="prunus reproduce paper",
    ...     )
    ... )
    '0.1 (95 % bound 0.25, margin 0.44; 10 paired seeds)'
    """
    if claim.estimate is None:
        return f"nothing measured (margin {claim.margin:.4g})"
    if claim.bound is None:
        return f"{claim.estimate:.3g} (margin {claim.margin:.4g})"
    return (
        f"{claim.estimate:.3g} (95 % bound {claim.bound:.3g}, margin {claim.margin:.4g}; "
        f"{claim.n} paired seeds)"
    )


def _questions(overhead: Path) -> list[_Question]:
    found = []
    for name, redundancy in _RULES:
        goal = GOALS[name]
        rule = ("Abstract" if name == "abstract" else "Aim of this project") + (
            ", redundant inputs pruned too" if redundancy else ", rule of the paper"
        )

        def at_setting(
            test: Callable[[Sequence[_Row], Group, Group], Estimate],
            redundancy: bool = redundancy,
        ) -> Callable[[Sequence[_Row]], Estimate]:
            return lambda rows: _at_setting(rows, redundancy, test)

        for readout, described in _READOUTS.items():

            def loss(
                _rows: Sequence[_Row],
                group: Group,
                base: Group,
                readout: str = readout,
                margin: float = goal.loss,
            ) -> Estimate:
                return at_most(losses(group, base, readout), margin)

            found.append(
                _Question(
                    f"{rule}: accuracy lost by {described}", "points", goal.loss, at_setting(loss)
                )
            )
        for phase, margin in (("inference", goal.inference), ("training", goal.training)):

            def left(
                _rows: Sequence[_Row],
                group: Group,
                _base: Group,
                name: str = f"{phase}_sop_fraction",
                margin: float = 100 * margin,
            ) -> Estimate:
                return at_most([100 * row[name] for row in group.rows], margin)

            found.append(
                _Question(
                    f"{rule}: forward SOPs left in {phase}",
                    "% of dense",
                    100 * margin,
                    at_setting(left),
                )
            )
        if name == "abstract":

            def accuracy(rows: Sequence[_Row], group: Group, _base: Group) -> Estimate:
                return soft_accuracy(rows, group, _POINTS)

            def sops(
                rows: Sequence[_Row], group: Group, base: Group, goal: Goal = goal
            ) -> Estimate:
                return soft_sops(rows, group, base, loss=goal.loss, margin=_SHARE)

            found += [
                _Question(
                    f"{rule}: more accurate than online soft pruning of an equal share",
                    "points",
                    _POINTS,
                    at_setting(accuracy),
                    least=True,
                ),
                _Question(
                    f"{rule}: SOPs that online soft pruning saves for the same loss",
                    "% of what is saved here",
                    _SHARE,
                    at_setting(sops),
                ),
            ]
    return [*found, *_other_questions(overhead)]


def _other_questions(overhead: Path) -> list[_Question]:
    def at_default(
        test: Callable[[Group, Group], Estimate],
    ) -> Callable[[Sequence[_Row]], Estimate]:
        return lambda rows: _at_default(rows, test)

    return [
        _Question(
            "Abstract: the pruning threshold adapts over time, median at the end above that of "
            "the first tenth",
            "(weight)",
            1.0,
            at_default(lambda group, _: at_least([_rise(row) for row in group.rows], 1.0)),
            least=True,
        ),
        _Question(
            "Abstract: the pruning threshold adapts over neurons, 10th to 90th percentile",
            "(weight)",
            1.0,
            at_default(lambda group, _: at_least([_spread(row) for row in group.rows], 1.0)),
            least=True,
        ),
        _Question(
            "Abstract: strengths are balanced, deviation over mean above that of the unpruned",
            "(ratio)",
            0.0,
            at_default(lambda group, base: at_most(_paired(group, base, _unevenness), 0.0)),
        ),
        _Question(
            "Abstract: weak neurons do not fail, neurons that no training image makes fire beyond "
            "those of the unpruned",
            "neurons",
            0.0,
            at_default(
                lambda group, base: at_most(
                    _paired(group, base, lambda row: float(row["silent_neurons"])), 0.0
                )
            ),
        ),
        _Question(
            "Title: pruning is unsupervised, state variables that change with shuffled labels",
            "variables",
            0.0,
            lambda _: _exact(_changed_by_labels(), 0.0),
        ),
        _Question(
            "Pruning costs next to nothing, energy of the pruning itself in a learning "
            "presentation at 800 neurons",
            "% of its energy",
            1.0,
            lambda _: _exact(_cost(overhead), 1.0),
            command="make overhead energy",
        ),
    ]


def _at_setting(
    rows: Sequence[_Row],
    redundancy: bool,
    test: Callable[[Sequence[_Row], Group, Group], Estimate],
) -> Estimate:
    """Test a rule at one setting for all goals: the one chosen for the savings of the abstract."""
    setting = chosen_setting(rows, GOALS["abstract"], redundancy=redundancy)
    rows = judged(rows)
    group = same_setting(setting, rows) if setting else None
    base = base_of(group, rows) if group else None
    return test(rows, group, base) if group and base else _NOTHING


def _at_default(rows: Sequence[_Row], test: Callable[[Group, Group], Estimate]) -> Estimate:
    """Test the rule of the paper as the configuration `paper` has it."""
    rows = judged(rows)
    default = NetworkConfig.named("paper").to_mapping()["pruning"]
    for group in groups(rows, policy="adaptive", epochs=2, settings={}):
        same = all(default[name] == value for name, value in group["policy_setting"].items())
        if same and not group.redundancy and (base := base_of(group, rows)) is not None:
            return test(group, base)
    return _NOTHING


def _paired(group: Group, base: Group, value: Callable[[_Row], float]) -> list[float]:
    by_seed = {row["seed"]: row for row in base.rows}
    return [
        value(row) - value(by_seed[row["seed"]]) for row in group.rows if row["seed"] in by_seed
    ]


def _rise(row: _Row) -> float:
    middle = QUANTILES.index(50)
    return float(row["w_prune_late"][middle] - row["w_prune_early"][middle])


def _spread(row: _Row) -> float:
    low, high = QUANTILES.index(10), QUANTILES.index(90)
    return float(row["w_prune_late"][high] - row["w_prune_late"][low])


def _unevenness(row: _Row) -> float:
    return float(row["strength_deviation"] / row["strength_mean"])


def _exact(value: float | None, margin: float) -> Estimate:
    """Compare what has no spread."""
    if value is None:
        return _NOTHING
    verdict: Verdict = "holds" if value <= margin else "does not hold"
    return Estimate(estimate=value, bound=None, n=1, verdict=verdict)


@cache
def _changed_by_labels() -> float | None:
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


def _cost(overhead: Path) -> float | None:
    """Return the largest share of the energy, of all rules, in percent; None without results."""
    if not overhead.exists():
        return None
    rows = json.loads(overhead.read_text())["pruning_unit"]
    return max((float(row["percent"]) for row in rows if row["neurons"] == 800), default=None)
