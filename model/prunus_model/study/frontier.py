"""Accuracy against what an image costs, for every rule that saves something: the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prunus_model.spec.labels import pruning_label
from prunus_model.study.statistics import Group, at_least, groups

__all__ = ["PART", "ending", "frontier", "rule_name", "series_name"]

#: Part of a sweep list that the frontier is made of.
PART = "frontier"


def ending(group: Group) -> str:
    """Return what ends a presentation: a margin, an early exit, both, or the last step."""
    ends = [f"early exit {group['early_exit']}"] if group["early_exit"] else []
    if group["groups"] > 1 and ends:
        ends = [f"{ends[0]} of each view"]
    return " and ".join([*ends, *(["margin"] if group["margin"] else [])]) or "all steps"


def series_name(group: Group) -> str:
    """Return how the network was pruned and the votes that it has."""
    return f"{rule_name(group)}, {group['vote_bits']}-bit {group['votes']}"


def rule_name(group: Group) -> str:
    """Return how the network was pruned, and which it is if it has groups."""
    pruning = group.label(PART) or pruning_label(group.rows[0])
    return f"{group['config']} {pruning}" if group["groups"] > 1 else pruning


def frontier(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the results file of the frontier: means over seeds, with a bound.

    Parameters
    ----------
    rows : sequence of dict
        Rows of :func:`prunus_model.study.export.collect`.

    Returns
    -------
    list of dict
        One for each network and rule; accuracies are 0..1, ``accuracy_low`` is the one-sided 95 %
        bound (None with one seed), ``weights`` are those before pruning, costs are means per image.
        Empty if the part has not been run.
    """
    found = []
    for group in groups(rows, part=PART):
        accuracies = [row["vote"] for row in group.rows]
        found.append(
            {
                "data": group["data"],
                "configuration": group["config"],
                "rule": f"{series_name(group)}, {ending(group)}",
                "groups": group["groups"],
                "neurons": group["neurons"],
                "weights": group["weights"],
                "margin": group["margin"],
                "seeds": list(group.seeds),
                "accuracy": group.mean("vote"),
                "accuracy_low": at_least(accuracies, 0.0).bound,
                "sops_per_image": group.mean("forward_sops_per_inference"),
                "training_sops_per_image": group.mean("forward_sops_per_training_presentation"),
                "neuron_updates_per_image": group.mean("neuron_updates_per_inference"),
                "spikes": group.mean("output_spikes_per_inference"),
            }
        )
    return found
