"""What networks of groups are to reach, judged as the claims are.

A target names a configuration; its readout, margin included, is that of the configuration, so that
nothing is chosen by what is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presets import PRESETS
from prunus_model.study.choice import judged
from prunus_model.study.claims import Claim, Question
from prunus_model.study.evidence import NOTHING, exact
from prunus_model.study.frontier import PART
from prunus_model.study.rule import Rule
from prunus_model.study.statistics import Estimate, Group, at_least, at_most, groups, losses

__all__ = ["TARGETS", "Target", "reach"]

_Row = dict[str, Any]
_COMMAND = f"prunus reproduce paper --only {PART}"
#: The network whose SOPs are the measure: 800 neurons, never pruned, all steps, two epochs.
_DENSE: _Row = {"config": "paper", "policy": "none", "settings": {}, "early_exit": 0, "margin": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a network is to reach.

    Attributes
    ----------
    data, configuration : str
        Data set, and named configuration.
    accuracy : float, optional
        Percent by vote, at least. Without it: as accurate as the dense network, seed by seed.
    inference, training : float, optional
        Forward SOPs, of those of the dense network on the same data, at most: per image in
        inference; of the whole training.
    weights : int, optional
        Before pruning, at most.
    label : str
        That of the policy in the sweep list.
    margin : int, optional
        Of the sequential test. Default: that of the configuration.
    aim : bool
        Whether it is beyond what must be.
    """

    data: str
    configuration: str
    accuracy: float | None = None
    inference: float | None = None
    training: float | None = None
    weights: int | None = None
    label: str = ""
    margin: int | None = None
    aim: bool = False

    @property
    def name(self) -> str:
        """What it is, for people."""
        network = f"{self.data}, {self.configuration}{f' {self.label}' if self.label else ''}"
        if self.margin is not None:
            network += f" with margin {self.margin}" if self.margin else " by all views"
        return f"{'Aim' if self.aim else 'Must'}, {network}"


_MNIST, _FASHION = "mnist", "fashion-mnist"
TARGETS = (
    Target(data=_MNIST, configuration="windows-large", accuracy=96.0, inference=0.025),
    Target(
        data=_MNIST, configuration="windows-16", accuracy=96.0, inference=0.025, weights=720_000
    ),
    Target(data=_MNIST, configuration="windows", accuracy=96.0, inference=0.025, weights=720_000),
    Target(data=_MNIST, configuration="lean", accuracy=95.0),
    Target(data=_MNIST, configuration="windows-xl", accuracy=97.0),
    Target(data=_FASHION, configuration="windows-fashion", accuracy=83.0, inference=0.1),
    Target(data=_MNIST, configuration="windows", training=0.2),
    Target(data=_MNIST, configuration="windows-large", accuracy=97.0, inference=0.03, aim=True),
    Target(
        data=_MNIST,
        configuration="windows-16",
        accuracy=96.5,
        inference=0.015,
        weights=720_000,
        aim=True,
    ),
    Target(data=_MNIST, configuration="windows-xl", margin=0, accuracy=98.0, aim=True),
    Target(data=_FASHION, configuration="windows-fashion", accuracy=86.0, inference=0.03, aim=True),
    Target(data=_MNIST, configuration="windows", training=0.05, aim=True),
)


def reach(rows: Sequence[_Row], targets: Sequence[Target] = TARGETS) -> list[Claim]:
    """Judge every target.

    Parameters
    ----------
    rows : sequence of dict
        Rows of :func:`prunus_model.study.export.collect`.
    targets : sequence of Target
        What is to be reached.

    Returns
    -------
    list of Claim
        One for each figure of each target, always the same ones in the same order.
    """
    rows = judged(rows)
    # A figure that two targets share is judged once.
    questions = {q.claim: q for target in targets for q in _questions(target)}
    return [question.judge(rows) for question in questions.values()]


def _questions(target: Target) -> list[Question]:
    ask = partial(Question, command=_COMMAND)
    found = []
    if target.accuracy is None:
        found.append(
            ask(
                f"{target.name}: accuracy lost against 800 neurons never pruned",
                "points",
                0.0,
                _tested(target, lambda group, dense: at_most(losses(group, dense, "vote"), 0.0)),
            )
        )
    else:
        least = target.accuracy
        found.append(
            ask(
                f"{target.name}: accuracy",
                "%",
                least,
                _tested(
                    target,
                    lambda group, _: at_least([100 * row["vote"] for row in group.rows], least),
                ),
                least=True,
            )
        )
    for phase, share, cost in (
        ("in inference", target.inference, _per_image),
        ("in training", target.training, _of_training),
    ):
        if share is not None:
            most = 100 * share
            found.append(
                ask(
                    f"{target.name}: forward SOPs {phase}",
                    "% of 800 neurons never pruned",
                    most,
                    _tested(target, partial(_costs, cost=cost, most=most)),
                )
            )
    if target.weights is not None:
        most = float(target.weights)
        found.append(
            ask(
                f"{target.name}: weights before pruning",
                "thousand",
                most / 1000,
                _tested(target, lambda group, _: exact(group["weights"] / 1000, most / 1000)),
            )
        )
    return found


def _per_image(row: _Row) -> float:
    return float(row["forward_sops_per_inference"])


def _of_training(row: _Row) -> float:
    return float(row["forward_sops_per_training_presentation"] * row["epochs"])


def _costs(group: Group, dense: Group, *, cost: Callable[[_Row], float], most: float) -> Estimate:
    """Test a cost, of that of the dense network with the same seed, in percent."""
    of_dense = {row["seed"]: cost(row) for row in dense.rows}
    return at_most(
        [100 * cost(row) / of_dense[row["seed"]] for row in group.rows if row["seed"] in of_dense],
        most,
    )


def _tested(
    target: Target, test: Callable[[Group, Group], Estimate]
) -> Callable[[Sequence[_Row]], Estimate]:
    """Return the test of the rows of a target and of the dense network."""

    def tested(rows: Sequence[_Row]) -> Estimate:
        if target.configuration not in PRESETS:
            return NOTHING
        config = NetworkConfig.named(target.configuration)
        of = config.readout
        margin = of.margin if target.margin is None else target.margin
        rule = Rule(of.votes, of.vote_bits, of.stop_after, margin)
        found = [
            group
            for group in groups(
                rows,
                part=PART,
                data=target.data,
                config=target.configuration,
                policy=config.pruning.policy,
                **rule.columns,
            )
            if group.label(PART) == target.label
        ]
        dense = groups(rows, data=target.data, epochs=2, **_DENSE)
        # Two that are called alike would have to be chosen from.
        return test(found[0], dense[0]) if len(found) == 1 and dense else NOTHING

    return tested
