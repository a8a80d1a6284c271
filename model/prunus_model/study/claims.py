"""The claims of the target's abstract, judged by the rows of a file of results.

W. Guo et al., Front. Neurosci. 14:598876 (2020). Only the abstract is known here: it names figures,
not the images, schedules or strengths that they are of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from prunus_model.data.datasets import load
from prunus_model.spec.config import BY_REDUNDANCY, NetworkConfig
from prunus_model.study.comparison import soft_accuracy, soft_sops
from prunus_model.study.statistics import Compared, Group, base_of, compared, groups
from prunus_model.training.history import QUANTILES
from prunus_model.training.trainer import train

__all__ = ["GOALS", "OPERATING", "OVERHEAD", "Goal", "claims", "operating"]

Verdict = Literal["holds", "does not hold", "cannot be compared"]
HOLDS: Verdict = "holds"
WRONG: Verdict = "does not hold"
UNKNOWN: Verdict = "cannot be compared"

#: Where the overhead in hardware is, in the checkout.
OVERHEAD = Path("overhead/results/energy.json")
#: Seeds that a mean must be of.
_SEEDS = 5
#: Percent of the energy of a presentation below which pruning is called negligible.
_NEGLIGIBLE = 1.0
_COMMAND = "prunus reproduce paper"


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

    def __str__(self) -> str:
        return (
            f"at 800 neurons {100 * (1 - self.inference):.0f} % fewer SOPs in inference and "
            f"{100 * (1 - self.training):.0f} % fewer in training, for {self.loss:.2f} points of "
            f"accuracy"
        )


#: What the abstract says, and what this project wants beyond it.
OPERATING = Goal(inference=0.45, training=0.70, loss=0.44)
_BEYOND = Goal(inference=0.35, training=0.50, loss=0.2)
#: By the name that figures give them.
GOALS = {"abstract": OPERATING, "aim": _BEYOND}


def claims(rows: Sequence[dict[str, Any]], *, overhead: Path = OVERHEAD) -> list[dict[str, str]]:
    """Judge every claim.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a file of results.
    overhead : Path
        Results of the overhead in hardware; need not be there.

    Returns
    -------
    list of dict
        Each with ``claim``, ``measured``, ``verdict``, ``note`` (what differs from the paper, or
        what the figure leaves out) and ``command``.
    """
    found: list[tuple[str, Callable[[], tuple[str, Verdict]], str, str]] = [
        (
            f"Abstract: {OPERATING}",
            lambda: _goal(rows, OPERATING),
            (
                "Schedule and readout are ours: both readouts must keep the loss; of the strengths "
                "that do, that of most seeds"
            ),
            _COMMAND,
        ),
        (
            f"Beyond it, the aim of this project: {_BEYOND}",
            lambda: _goal(rows, _BEYOND),
            "Not a claim of the paper",
            _COMMAND,
        ),
        (
            "Abstract: 3.33 points more accuracy than online soft pruning, equal share pruned",
            lambda: soft_accuracy(_comparable(rows), operating(rows)),
            (
                "No share is known of the paper: the verdict is of the largest difference, of "
                "either rule; redundancy goes beyond the abstract. Soft pruning is mapped to "
                "integers here"
            ),
            f"{_COMMAND} --only pareto",
        ),
        (
            "Abstract: 67 % more SOP reduction than online soft pruning, equal accuracy",
            lambda: soft_sops(_comparable(rows), operating(rows), OPERATING.loss),
            (
                "In the reading that favours soft pruning: its zeros are not counted as SOPs. As "
                "they are stored and read, it saves none in inference"
            ),
            f"{_COMMAND} --only pareto",
        ),
        (
            "Abstract: the pruning threshold adapts over time and neurons",
            lambda: _adapts(rows),
            "The rule is a reconstruction from the abstract",
            f"{_COMMAND} --only sizes",
        ),
        (
            "Abstract: connection strengths are balanced, and weak neurons do not fail",
            lambda: _balances(rows),
            (
                "Balance is read as deviation of the strengths over their mean; a neuron has "
                "failed if no training image makes it fire in the end"
            ),
            f"{_COMMAND} --only sizes",
        ),
        (
            "Title: pruning is unsupervised",
            _unsupervised,
            "Labels are used after training, to give neurons their votes",
            _COMMAND,
        ),
        (
            "Pruning costs next to nothing",
            lambda: _cost(overhead),
            (
                f"Estimated by memory accesses and operations, none measured on a chip; "
                f"negligible is read as less than {_NEGLIGIBLE:g} %"
            ),
            "make overhead energy",
        ),
    ]
    judged = []
    for claim, judge, note, command in found:
        measured, verdict = judge()
        judged.append(
            {
                "claim": claim,
                "measured": measured,
                "verdict": verdict,
                "note": note,
                "command": command,
            }
        )
    return judged


def _comparable(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows at the paper's size, on MNIST, that a curve can be of."""
    return [
        row
        for row in rows
        if (row["data"], row["neurons"], row["weight_bits"], row["early_exit"])
        == ("mnist", 800, 8, 0)
    ]


def _adaptive(rows: Sequence[dict[str, Any]]) -> list[tuple[Group, Compared]]:
    """Return all adaptive networks of the paper's size with enough paired seeds."""
    rows = _comparable(rows)
    found = []
    for group in groups(rows, policy="adaptive"):
        base = base_of(group, rows)
        difference = compared(group, base) if base else None
        if difference and len(difference.seeds) >= _SEEDS:
            found.append((group, difference))
    return found


def operating(rows: Sequence[dict[str, Any]], goal: Goal = OPERATING) -> Group | None:
    """Return the adaptive network with fewest SOPs in inference that loses no more than a goal.

    Parameters
    ----------
    rows : sequence of dict
        Rows of a file of results.
    goal : Goal
        Gives the loss.
    """
    kept = [group for group, _ in _within(goal, _adaptive(rows))]
    return min(kept, key=lambda group: group.mean("inference_sop_fraction"), default=None)


def _within(goal: Goal, found: list[tuple[Group, Compared]]) -> list[tuple[Group, Compared]]:
    """Return what loses no more than a goal, by either readout."""
    return [(group, c) for group, c in found if max(c.vote, c.hard) <= goal.loss]


def _goal(rows: Sequence[dict[str, Any]], goal: Goal) -> tuple[str, Verdict]:
    found = _adaptive(rows)
    if not found:
        return _missing()
    cheap = [
        (group, c)
        for group, c in found
        if group.mean("inference_sop_fraction") <= goal.inference
        and group.mean("training_sop_fraction") <= goal.training
    ]
    kept = _within(goal, found)
    if both := [pair for pair in cheap if pair in kept]:
        # Of those that have it all, what most seeds speak for.
        best = min(
            both, key=lambda pair: (-len(pair[1].seeds), pair[0].mean("inference_sop_fraction"))
        )
        text = _saved(*best)
        plain = [pair for pair in kept if "echo_shift" not in pair[0]["policy_strength"]]
        if plain and best not in plain:
            other = min(plain, key=lambda pair: pair[0].mean("inference_sop_fraction"))
            text += f". With the plain rule, most saved within the loss: {_saved(*other)}"
        return text, HOLDS
    said = []
    if kept:
        best = min(kept, key=lambda pair: pair[0].mean("inference_sop_fraction"))
        said.append(f"Within the loss, most saved: {_saved(*best)}")
    if cheap:
        best = min(cheap, key=lambda pair: max(pair[1].vote, pair[1].hard))
        said.append(f"Within the SOPs, least lost: {_saved(*best)}")
    return ". ".join(said) or "No strength has either the loss or the SOPs", WRONG


def _saved(group: Group, c: Compared) -> str:
    inference, training = (
        100 * (1 - group.mean(f"{name}_sop_fraction")) for name in ("inference", "training")
    )
    return (
        f"{inference:.1f} % fewer in inference and {training:.1f} % fewer in training than dense "
        f"({100 * (1 - c.inference):.1f} and {100 * (1 - c.training):.1f} % fewer than unpruned), "
        f"for {c.vote:.2f} ± {c.vote_error:.2f} points by vote and {c.hard:.2f} by hard "
        f"readout ({group['epochs']} epochs, {len(c.seeds)} paired seeds; {group.strength})"
    )


def _plain(rows: Sequence[dict[str, Any]]) -> list[Group]:
    """Return the adaptive networks at default strength, without what goes beyond the paper."""
    found = [group for group, _ in _adaptive(rows)]
    return [g for g in found if "sizes" in g.rows[0]["parts"] and not g.label("sizes")]


def _adapts(rows: Sequence[dict[str, Any]]) -> tuple[str, Verdict]:
    found = _plain(rows)
    if not found:
        return _missing()
    group = found[0]
    low, middle, high = (QUANTILES.index(q) for q in (10, 50, 90))
    early, late = (
        np.mean([row[name] for row in group.rows], axis=0)
        for name in ("w_prune_early", "w_prune_late")
    )
    holds = all(
        row["w_prune_late"][middle] > row["w_prune_early"][middle]
        and row["w_prune_late"][high] > row["w_prune_late"][low]
        for row in group.rows
    )
    return (
        f"Median threshold {early[middle]:.1f} after a tenth of the training and "
        f"{late[middle]:.1f} at its end; then {late[low]:.1f} to {late[high]:.1f} between the "
        f"10th and 90th percentile of the neurons ({len(group.seeds)} seeds)"
    ), HOLDS if holds else WRONG


def _balances(rows: Sequence[dict[str, Any]]) -> tuple[str, Verdict]:
    found = _plain(rows)
    base = base_of(found[0], _comparable(rows)) if found else None
    if base is None:
        return _missing()

    def spread(group: Group) -> float:
        return float(np.mean([r["strength_deviation"] / r["strength_mean"] for r in group.rows]))

    group = found[0]
    others = [
        f"{spread(other):.3f} with {other['policy']} pruning, "
        f"{other.mean('silent_neurons'):.1f} failed"
        for other in groups(_comparable(rows), part="sizes", policy="constant")
    ]
    silent = group.mean("silent_neurons"), base.mean("silent_neurons")
    holds = spread(group) < spread(base) and silent[0] <= silent[1]
    text = (
        f"Deviation of the strengths over their mean: {spread(group):.3f}, {silent[0]:.1f} of 800 "
        f"neurons failed; unpruned {spread(base):.3f}, {silent[1]:.1f} failed"
    )
    return "; ".join([text, *others]), HOLDS if holds else WRONG


@cache
def _unsupervised() -> tuple[str, Verdict]:
    data = load("sample", "train")
    shuffled = np.random.default_rng(0).permutation(data.labels)
    config = NetworkConfig.named("demo")
    states, responses = [], []
    for labels in (data.labels, shuffled):
        artifact = train(config, replace(data, labels=labels))
        states.append(artifact.state)
        responses.append(artifact.response)
    differing = states[0].differences(states[1])
    # Were the votes the same, the labels would not have been shuffled.
    equal = not differing and not np.array_equal(responses[0], responses[1])
    synapses, pruned = states[0].alive.size, int(np.count_nonzero(~states[0].alive))
    return (
        f"{config.neurons} neurons, {len(data)} images of the sample, labels shuffled: "
        f"{len(differing)} state variables differ ({synapses:,} synapses, {pruned:,} pruned)"
    ), HOLDS if equal else WRONG


def _cost(overhead: Path) -> tuple[str, Verdict]:
    if not overhead.exists():
        return f"Needs {overhead}", UNKNOWN
    rows = json.loads(overhead.read_text())["pruning_unit"]
    rules = ("adaptive", BY_REDUNDANCY)
    shares = {row["policy"]: row["percent"] for row in rows if row["neurons"] == 800}
    if not all(rule in shares for rule in rules):
        return f"Needs 800 neurons in {overhead}", UNKNOWN
    text = " and ".join(f"{shares[rule]:.4f} % ({rule})" for rule in rules)
    return (
        f"{text} of the energy of a learning presentation at 800 neurons; area and clock are in "
        f"{overhead}"
    ), HOLDS if max(shares[rule] for rule in rules) < _NEGLIGIBLE else WRONG


def _missing() -> tuple[str, Verdict]:
    return f"Needs adaptive and none at 800 neurons on MNIST, {_SEEDS} seeds", UNKNOWN
