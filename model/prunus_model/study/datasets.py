"""What pruning costs and saves on different data, by data set, size and rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prunus_model.spec.labels import pruning_label
from prunus_model.study.statistics import Group, at_most, base_of, groups, losses

__all__ = ["PART", "datasets"]

#: Part of a sweep list, and name of the list, that the file is made of.
PART = "datasets"


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
        SOPs of those that the same spikes would cost if nothing were pruned; ``unpruned_share`` are
        the synapses that are left. A rule without an unpruned network of its seeds is left out.
    """
    found = []
    for group in groups(rows, part=PART):
        base = base_of(group, rows)
        if base is None or not (lost := losses(group, base, "vote")):
            continue
        found.append(_row(group, [points / 100 for points in lost]))
    return found


def _row(group: Group, lost: list[float]) -> dict[str, Any]:
    tested = at_most(lost, 0.0)
    return {
        "data": group["data"],
        "neurons": group["neurons"],
        "rule": group.label(PART) or pruning_label(group.rows[0]),
        "epochs": group["epochs"],
        "seeds": list(group.seeds),
        "accuracy": group.mean("vote"),
        "loss": tested.estimate,
        "loss_high": tested.bound,
        "inference_sop_fraction": group.mean("inference_sop_fraction"),
        "training_sop_fraction": group.mean("training_sop_fraction"),
        "unpruned_share": group.mean("density"),
    }
