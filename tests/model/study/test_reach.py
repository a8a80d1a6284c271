"""What networks of groups are to reach, on rows that are made up."""

from typing import Any

import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.study.reach import TARGETS, Target, reach
from prunus_rows import row, seeds

PARTS = {"frontier": ""}
READOUT = NetworkConfig.named("windows").readout
WINDOWS: dict[str, Any] = {
    "config": "windows",
    "neurons": 5000,
    "groups": 25,
    "weights": 720_000,
    "network": "w",
    "epochs": 1,
    "parts": PARTS,
    "votes": READOUT.votes,
    "vote_bits": READOUT.vote_bits,
    "early_exit": READOUT.stop_after,
    "margin": READOUT.margin,
}
DENSE = seeds("none", 4, parts=PARTS)
MUST = Target(
    data="mnist", configuration="windows", accuracy=96.0, inference=0.025, weights=720_000
)
TRAINING = Target(data="mnist", configuration="windows", training=0.2, aim=True)


def windows(**changes: Any) -> list[dict[str, Any]]:
    """Four seeds of 96.11 to 96.14 %, at a fiftieth of the SOPs, a third as many in training."""
    values = {"vote": 0.96, "inference": 0.02, "training": 0.33} | WINDOWS | changes
    vote = values.pop("vote")
    return [row("adaptive", n, vote=vote + 0.001 + 0.0001 * n, **values) for n in range(1, 5)]


def test_accuracy_cost_and_size_are_judged_apart() -> None:
    accuracy, sops, weights = reach([*DENSE, *windows()], [MUST])
    assert accuracy.claim == "Must, mnist, windows: accuracy: at least 96 %"
    assert accuracy.estimate == pytest.approx(96.125)
    # Student's t with three degrees of freedom is 2.353 at 95 %.
    deviation = 0.01 * (5 / 3) ** 0.5
    assert accuracy.bound == pytest.approx(96.125 - 2.353 * deviation / 2, abs=1e-4)
    assert (accuracy.verdict, accuracy.n, accuracy.margin) == ("holds", 4, 96.0)
    assert sops.claim == (
        "Must, mnist, windows: forward SOPs in inference: at most 2.5 % of 800 neurons never pruned"
    )
    assert [sops.estimate, sops.bound] == pytest.approx([2.0, 2.0])
    assert sops.verdict == "holds"
    assert weights.claim == ("Must, mnist, windows: weights before pruning: at most 720 thousand")
    assert (weights.estimate, weights.bound, weights.verdict) == (720.0, None, "holds")
    assert accuracy.command == "prunus reproduce paper --only frontier"


def test_what_is_missed_is_said() -> None:
    found = reach([*DENSE, *windows(vote=0.95, inference=0.03, weights=720_001)], [MUST])
    assert [claim.verdict for claim in found] == ["does not hold"] * 3


def test_costs_are_compared_seed_by_seed() -> None:
    dense = [one | {"forward_sops_per_inference": 1e6 * one["seed"]} for one in DENSE]
    rows = [one | {"forward_sops_per_inference": 2e4 * one["seed"]} for one in windows()]
    # A seed that the dense network does not have says nothing.
    rows.append(row("adaptive", 9, **WINDOWS))
    sops = reach([*dense, *rows], [MUST])[1]
    assert [sops.estimate, sops.bound, sops.n] == pytest.approx([2.0, 2.0, 4])


def test_training_is_judged_by_all_of_its_presentations_and_the_accuracy_of_the_dense() -> None:
    accuracy, sops = reach([*DENSE, *windows()], [TRAINING])
    assert accuracy.claim == (
        "Aim, mnist, windows: accuracy lost against 800 neurons never pruned: at most 0 points"
    )
    assert accuracy.estimate == pytest.approx(-1.875)
    assert accuracy.verdict == "holds"
    assert sops.claim == (
        "Aim, mnist, windows: forward SOPs in training: at most 20 % of 800 neurons never pruned"
    )
    # A third of the SOPs in each of half as many presentations.
    assert sops.estimate == pytest.approx(16.5)
    assert sops.verdict == "holds"


@pytest.mark.parametrize(
    "changes",
    [
        {"margin": READOUT.margin + 1},
        {"early_exit": 0},
        {"config": "lean"},
        {"data": "fashion-mnist"},
        {"parts": {"frontier": "another"}},
        {"parts": {"pareto": ""}},
        {"chose": True},
        {"split": "validation"},
    ],
    ids=str,
)
def test_rows_of_anything_else_are_not_judged(changes: dict[str, Any]) -> None:
    found = reach([*DENSE, *windows(**changes)], [MUST])
    assert [(claim.estimate, claim.verdict) for claim in found] == [(None, "not established")] * 3


def test_two_networks_that_are_called_alike_are_not_chosen_from() -> None:
    rows = [*DENSE, *windows(), *windows(network="other", vote=0.97)]
    assert {claim.verdict for claim in reach(rows, [MUST])} == {"not established"}


@pytest.mark.parametrize(
    "dense",
    [
        [],
        seeds("none", 4, parts=PARTS, margin=9),
        seeds("none", 4, parts=PARTS, early_exit=1),
        seeds("adaptive", 4, parts=PARTS),
        seeds("none", 4, parts=PARTS, config="demo"),
        seeds("none", 4, parts=PARTS, settings={"encoder": {"gain": 50}}),
    ],
    ids=["none", "margin", "early exit", "pruned", "smaller", "thinned"],
)
def test_without_the_dense_network_there_is_no_measure(dense: list[dict[str, Any]]) -> None:
    assert {claim.verdict for claim in reach([*dense, *windows()], [MUST])} == {"not established"}


def test_label_tells_networks_of_a_configuration_apart() -> None:
    target = Target(data="mnist", configuration="windows", label="contrast", accuracy=83.0)
    rows = [*DENSE, *windows(vote=0.9), *windows(network="c", parts={"frontier": "contrast"})]
    (claim,) = reach(rows, [target])
    assert claim.claim == "Must, mnist, windows contrast: accuracy: at least 83 %"
    assert claim.estimate == pytest.approx(96.125)


def test_all_targets_are_judged_once_even_if_nothing_was_measured() -> None:
    found = reach([])
    assert {claim.verdict for claim in found} == {"not established"}
    names = [claim.claim for claim in found]
    assert len(set(names)) == len(names) == 24
    assert {target.configuration for target in TARGETS} == {
        *("windows", "windows-16", "windows-large", "windows-xl", "windows-fashion", "lean")
    }
