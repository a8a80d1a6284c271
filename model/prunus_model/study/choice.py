"""Choice of the setting that is judged, by results that are not judged.

Settings are chosen on the validation split of the training images if a file of results has such
rows for a rule, and else by the seeds on whose test images settings were chosen before there was a
validation split. What is judged are results on test images of all other seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from prunus_model.study.rule import Rule
from prunus_model.study.statistics import (
    Estimate,
    Group,
    at_most,
    base_of,
    completed,
    groups,
    losses,
)

__all__ = ["Goal", "chosen_setting", "comparable", "judged"]

_Row = dict[str, Any]
#: Parts of the sweep list whose settings may be chosen; the others show what parts of a rule do.
_CANDIDATES = ("pareto", "sizes", "validation")
#: Seeds that a setting must have to be chosen.
_LEAST = 3
_READOUTS = ("vote", "hard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Savings for a loss.

    Attributes
    ----------
    inference, training : float
        Forward SOPs that are left, of dense: at most.
    loss : float
        Points of accuracy lost against the network that is never pruned, seed by seed, by both
        readouts: at most.
    """

    inference: float
    training: float
    loss: float


def chosen_setting(rows: Sequence[_Row], goal: Goal, *, policy: str) -> Group | None:
    """Choose the setting of a rule that is judged for a goal, by rows that are not judged.

    Of the settings that save what the goal wants, it is the one with the fewest SOPs in inference
    whose loss is established to be within the goal; if none is, the one with the smallest bound of
    the loss. If no setting saves enough, it is the one that comes closest.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a file of results.
    goal : Goal
        Savings and loss.
    policy : str
        Pruning policy.

    Returns
    -------
    Group or None
        Rows that chose it: of the validation split if the rule has such rows, and else of the test
        images. None if no setting has enough seeds.
    """
    rows = [row for row in comparable(rows) if row["chose"]]
    found = [
        (group, base)
        for group in groups(rows, policy=policy)
        if len(group.seeds) >= _LEAST
        and any(part in group.rows[0]["parts"] for part in _CANDIDATES)
        and (base := base_of(group, rows)) is not None
    ]
    if validated := [pair for pair in found if pair[0]["split"] == "validation"]:
        found = validated
    if not found:
        return None

    def excess(group: Group) -> float:
        left = (
            group.mean("inference_sop_fraction") / goal.inference,
            group.mean("training_sop_fraction") / goal.training,
        )
        return max(1.0, *left)

    def rank(pair: tuple[Group, Group]) -> tuple[float, float, float]:
        group, base = pair
        bound = _loss(group, base, goal.loss).bound
        over = float("inf") if bound is None else max(0.0, bound - goal.loss)
        return excess(group), over, group.mean("inference_sop_fraction")

    return min(found, key=rank)[0]


def comparable(rows: Sequence[_Row]) -> list[_Row]:
    """Return the rows at the paper's size, on MNIST, all steps, with votes as by default."""
    wanted = {"data": "mnist", "neurons": 800, "groups": 1, "weight_bits": 8, **Rule().columns}
    return [row for row in completed(rows) if wanted.items() <= row.items()]


def judged(rows: Sequence[_Row]) -> list[_Row]:
    """Return the rows of test images and of seeds by which nothing was chosen."""
    return [row for row in rows if row["split"] == "test" and not row["chose"]]


def _loss(group: Group, base: Group, margin: float) -> Estimate:
    """Test the loss by both readouts: both must be within the margin.

    Each is tested at the full level (an intersection-union test); what is returned is of the
    readout with the larger bound.
    """
    tested = [at_most(losses(group, base, readout), margin) for readout in _READOUTS]
    worse = max(tested, key=lambda t: float("-inf") if t.bound is None else t.bound)
    # The one with the smaller bound may still be beyond the margin for certain.
    refuted = any(t.verdict == "does not hold" for t in tested)
    return replace(worse, verdict="does not hold") if refuted else worse
