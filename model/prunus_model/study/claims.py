"""The claims of the target's abstract, each tested on the rows of a file of results.

W. Guo et al., Front. Neurosci. 14:598876 (2020). Only the abstract is known here: it names figures,
not the images, schedules or settings that they are of.

A claim is data (:class:`Claim`); :func:`words` makes a text of it. What is judged are results on
test images of seeds by which nothing was chosen; the settings come from
:mod:`prunus_model.study.choice`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import prunus_model
from prunus_model.study.choice import Goal, comparable
from prunus_model.study.comparison import soft_accuracy, soft_sops
from prunus_model.study.evidence import (
    RowsTest,
    Test,
    at_default,
    at_setting,
    changed_by_labels,
    energy_share,
    exact,
    paired,
    rise,
    spread,
    unevenness,
)
from prunus_model.study.statistics import Verdict, at_least, at_most, losses

__all__ = ["GOALS", "OVERHEAD", "Claim", "Question", "claims", "words"]

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
#: For which policy each goal is judged.
_RULES = (("abstract", "adaptive"), ("abstract", "lift"), ("aim", "lift"))
#: What the abstract says of soft pruning: points more, and the share of the SOPs that it saves.
_POINTS, _SHARE = 3.33, 100 / 1.67


@dataclass(frozen=True, slots=True)
class Question:
    """A claim before it is judged.

    Attributes
    ----------
    text, unit : str
        What is measured, and in which unit.
    margin : float
        What it must not pass.
    test : callable
        Gets the rows of a file of results.
    least : bool
        Whether it must be at least the margin, not at most.
    command : str
        What measures it.
    """

    text: str
    unit: str
    margin: float
    test: Test
    least: bool = False
    command: str = _COMMAND

    @property
    def claim(self) -> str:
        """What is claimed."""
        return (
            f"{self.text}: {'at least' if self.least else 'at most'} {self.margin:.4g} {self.unit}"
        )

    def judge(self, rows: Sequence[_Row]) -> Claim:
        """Test it on the rows of a file of results."""
        tested = self.test(rows)
        return Claim(
            claim=self.claim,
            estimate=tested.estimate,
            bound=tested.bound,
            margin=self.margin,
            n=tested.n,
            verdict=tested.verdict,
            command=self.command,
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
    questions = [q for name, policy in _RULES for q in _questions_of_rule(name, policy)]
    return [question.judge(rows) for question in (*questions, *_other_questions(overhead))]


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
        return f"{_figure(claim.estimate)} (margin {claim.margin:.4g})"
    return (
        f"{_figure(claim.estimate)} (95 % bound {_figure(claim.bound)}, "
        f"margin {claim.margin:.4g}; {claim.n} paired seeds)"
    )


def _figure(value: float) -> str:
    """Return a value with what tells it from a margin: of percents, hundredths."""
    return f"{value:.4g}" if abs(value) >= 10 else f"{value:.3g}"


def _questions_of_rule(name: str, policy: str) -> list[Question]:
    goal = GOALS[name]
    rule = ("Abstract" if name == "abstract" else "Aim of this project") + (
        ", rule of the paper" if policy == "adaptive" else f", {policy}"
    )
    # One setting for all goals: the one chosen for the savings of the abstract.
    test = partial(at_setting, goal=GOALS["abstract"], policy=policy)
    found = [
        Question(
            f"{rule}: accuracy lost by {described}",
            "points",
            goal.loss,
            test(_loss(key, goal.loss)),
        )
        for key, described in _READOUTS.items()
    ]
    found += [
        Question(
            f"{rule}: forward SOPs left in {phase}", "% of dense", share, test(_left(phase, share))
        )
        for phase, share in (("inference", 100 * goal.inference), ("training", 100 * goal.training))
    ]
    if name != "abstract":
        return found
    return [
        *found,
        Question(
            f"{rule}: more accurate than online soft pruning of an equal share",
            "points",
            _POINTS,
            test(lambda rows, group, _: soft_accuracy(rows, group, _POINTS)),
            least=True,
        ),
        Question(
            f"{rule}: SOPs that online soft pruning saves for the same loss",
            "% of what is saved here",
            _SHARE,
            test(
                lambda rows, group, base: soft_sops(
                    rows, group, base, loss=goal.loss, margin=_SHARE
                )
            ),
        ),
    ]


def _loss(readout: str, margin: float) -> RowsTest:
    return lambda _, group, base: at_most(losses(group, base, readout), margin)


def _left(phase: str, margin: float) -> RowsTest:
    return lambda _, group, __: at_most(
        [100 * row[f"{phase}_sop_fraction"] for row in group.rows], margin
    )


def _other_questions(overhead: Path) -> list[Question]:
    return [
        Question(
            "Abstract: the pruning threshold adapts over time, median at the end above that of "
            "the first tenth",
            "(weight)",
            1.0,
            at_default(lambda group, _: at_least([rise(row) for row in group.rows], 1.0)),
            least=True,
        ),
        Question(
            "Abstract: the pruning threshold adapts over neurons, 10th to 90th percentile",
            "(weight)",
            1.0,
            at_default(lambda group, _: at_least([spread(row) for row in group.rows], 1.0)),
            least=True,
        ),
        Question(
            "Abstract: strengths are balanced, deviation over mean above that of the unpruned",
            "(ratio)",
            0.0,
            at_default(lambda group, base: at_most(paired(group, base, unevenness), 0.0)),
        ),
        Question(
            "Abstract: weak neurons do not fail, neurons that no training image makes fire beyond "
            "those of the unpruned",
            "neurons",
            0.0,
            at_default(
                lambda group, base: at_most(
                    paired(group, base, lambda row: float(row["silent_neurons"])), 0.0
                )
            ),
        ),
        Question(
            "Title: pruning is unsupervised, state variables that change with shuffled labels",
            "variables",
            0.0,
            lambda _: exact(changed_by_labels(), 0.0),
        ),
        Question(
            "Pruning costs next to nothing, energy of the pruning itself in a learning "
            "presentation at 800 neurons",
            "% of its energy",
            1.0,
            lambda _: exact(energy_share(overhead), 1.0),
            command="make overhead energy",
        ),
    ]
