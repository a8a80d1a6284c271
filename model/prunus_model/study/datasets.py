"""What pruning costs and saves on different data, by data set, size and rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prunus_model.data.benchmarks import CHESSBOARD
from prunus_model.spec.labels import pruning_label
from prunus_model.study.statistics import (
    Compared,
    Estimate,
    Group,
    at_most,
    compared,
    groups,
    losses,
)

__all__ = ["PART", "datasets"]

#: Part of a sweep list, and name of the list, that the file is made of.
PART = "datasets"
#: Data sets that are a part of another, and are compared with the whole: which, and the rule.
_PART_OF = {CHESSBOARD: ("mnist", "none, on a chessboard of the inputs")}


def datasets(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the results file of the data sets: means over seeds, with a bound.

    Parameters
    ----------
    rows : sequence of dict
        Rows of :func:`prunus_model.study.export.collect`.

    Returns
    -------
    list of dict
        One for each data set, size and rule. Accuracy is by vote, 0..1; ``loss`` is that of the
        unpruned network less this one, seed by seed, and ``loss_high`` its one-sided 95 % bound
        (None with one seed). ``inference_sop_fraction`` and ``training_sop_fraction`` are forward
        SOPs, and ``unpruned_share`` synapses, of those of the unpruned network. That is the one
        without a label, on all inputs. A rule without an unpruned network of its seeds is left out.
    """
    found = []
    for group in groups(rows, part=PART):
        base = _unpruned(group, rows)
        if base is not None and (against := compared(group, base)):
            lost = at_most([points / 100 for points in losses(group, base, "vote")], 0.0)
            found.append(_row(group, base, against, lost))
    return found


def _unpruned(group: Group, rows: Sequence[dict[str, Any]]) -> Group | None:
    """Return the unpruned network that a rule is compared with, if it is there."""
    whole, _ = _PART_OF.get(group["data"], (group["data"], ""))
    same = {name: group[name] for name in ("neurons", "epochs")}
    found = groups(rows, part=PART, policy="none", data=whole, **same)
    return next((one for one in found if not one.label(PART)), None)


def _row(group: Group, base: Group, against: Compared, lost: Estimate) -> dict[str, Any]:
    data, rule = _PART_OF.get(group["data"], (group["data"], ""))
    return {
        "data": data,
        "neurons": group["neurons"],
        "rule": rule or group.label(PART) or pruning_label(group.rows[0]),
        "epochs": group["epochs"],
        "seeds": list(against.seeds),
        "accuracy": group.mean("vote"),
        "loss": lost.estimate,
        "loss_high": lost.bound,
        "inference_sop_fraction": against.inference,
        "training_sop_fraction": against.training,
        "unpruned_share": group.mean("density") * group["weights"] / base["weights"],
    }
