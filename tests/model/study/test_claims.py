"""Claims, judged on rows that are made up."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.study.choice import chosen_setting
from prunus_model.study.claims import GOALS, Claim, claims, words
from prunus_rows import seeds

NOTHING = Path("nowhere")
BASE = seeds("none", 5)
CHOSE: dict[str, Any] = {"chose": True}
LIFT: dict[str, Any] = {"policy": "lift"}
#: Claims by number, in the order of the list.
(
    PLAIN_VOTE, PLAIN_HARD, PLAIN_INFERENCE, PLAIN_TRAINING, PLAIN_ACCURACY, PLAIN_SOPS,
    VOTE, HARD, INFERENCE, TRAINING, ACCURACY, SOPS,
    AIM_VOTE, AIM_HARD, AIM_INFERENCE, AIM_TRAINING,
    OVER_TIME, OVER_NEURONS, BALANCE, SILENT, UNSUPERVISED, COST,
) = range(22)  # fmt: skip


def judged(rows: list[dict[str, Any]], claim: int, overhead: Path = NOTHING) -> Claim:
    return claims(rows, overhead=overhead)[claim]


def verdict(rows: list[dict[str, Any]], claim: int) -> str:
    return judged(rows, claim).verdict


def both(count: int = 5, **values: Any) -> list[dict[str, Any]]:
    """A policy at one setting: three seeds that chose it, and others that judge it.

    The unpruned network is there for both.
    """
    split, policy = values.pop("split", "test"), values.pop("policy", "adaptive")
    some = {"inference": 0.4, "training": 0.6} | values
    chose = {"split": split, **CHOSE}
    return [
        *seeds("none", **chose),
        *(r | {"seed": r["seed"] + 100} for r in seeds("none", count)),
        *seeds(policy, **some, **chose),
        *(r | {"seed": r["seed"] + 100} for r in seeds(policy, count, **some)),
    ]


def noisy(rows: list[dict[str, Any]], points: float) -> list[dict[str, Any]]:
    """Judging rows of adaptive pruning, by turns better and worse by some points."""
    return [
        r | {name: r[name] + (-1) ** r["seed"] * points / 100 for name in ("vote", "hard")}
        if r["policy"] == "adaptive" and not r["chose"]
        else r
        for r in rows
    ]


def test_claims_are_data() -> None:
    found = claims([], overhead=NOTHING)
    assert len(found) == len({claim.claim for claim in found}) == 22
    for claim in found:
        assert asdict(claim).keys() == {
            "claim", "estimate", "bound", "margin", "n", "verdict", "command",
        }  # fmt: skip
        assert json.loads(json.dumps(asdict(claim))) == asdict(claim)
        if claim is not found[UNSUPERVISED]:
            assert (claim.estimate, claim.bound, claim.n) == (None, None, 0)
            assert claim.verdict == "not established"
            assert words(claim) == f"nothing measured (margin {claim.margin:.4g})"
    assert found[PLAIN_VOTE].claim == (
        "Abstract, rule of the paper: accuracy lost by vote (proportion weighting): "
        "at most 0.44 points"
    )


def test_loss_is_within_the_margin_if_its_bound_is() -> None:
    # Four seeds by turns 0.1 points better and worse: standard error 0.0577, t = 2.3534.
    rows = noisy(both(4, vote=0.94 - 0.003), 0.1)
    claim = judged(rows, PLAIN_VOTE)
    assert claim.estimate == pytest.approx(0.3)
    assert claim.bound == pytest.approx(0.3 + 2.35336 * 0.057735, abs=1e-4)
    assert (claim.margin, claim.n, claim.verdict) == (0.44, 4, "holds")
    assert words(claim) == "0.3 (95 % bound 0.436, margin 0.44; 4 paired seeds)"
    # The mean alone is within the margin still.
    assert verdict(noisy(both(4, vote=0.94 - 0.0031), 0.1), PLAIN_VOTE) == "not established"
    assert verdict(noisy(both(4, vote=0.94 - 0.0057), 0.1), PLAIN_VOTE) == "not established"
    assert verdict(noisy(both(4, vote=0.94 - 0.0059), 0.1), PLAIN_VOTE) == "does not hold"


def test_readouts_are_judged_apart() -> None:
    for name, of, other in (("vote", PLAIN_VOTE, PLAIN_HARD), ("hard", PLAIN_HARD, PLAIN_VOTE)):
        worse = [
            r | {name: r[name] - 0.01} if r["policy"] == "adaptive" and not r["chose"] else r
            for r in both(vote=0.94)
        ]
        claim = judged(worse, of)
        assert claim.estimate == pytest.approx(1.0)
        assert claim.verdict == "does not hold"
        assert verdict(worse, other) == "holds"


def test_setting_must_keep_the_loss_by_both_readouts() -> None:
    base = seeds("none", **CHOSE)
    rows = [*base, *seeds("adaptive", setting=1, inference=0.42, training=0.6, **CHOSE)]
    for name in ("vote", "hard"):
        lossy = seeds("adaptive", setting=2, inference=0.4, training=0.6, **CHOSE)
        assert setting([*rows, *lossy]) == 2
        assert setting([*rows, *(r | {name: r[name] - 0.01} for r in lossy)]) == 1


def test_savings_are_claims_of_their_own() -> None:
    rows = both(inference=0.45, training=0.70)
    assert [verdict(rows, n) for n in (PLAIN_INFERENCE, PLAIN_TRAINING)] == ["holds"] * 2
    rows = both(inference=0.451, training=0.701)
    found = [judged(rows, n) for n in (PLAIN_INFERENCE, PLAIN_TRAINING)]
    assert [claim.verdict for claim in found] == ["does not hold"] * 2
    assert [claim.estimate for claim in found] == pytest.approx([45.1, 70.1])


def test_rules_are_judged_apart() -> None:
    rows = both(**LIFT)
    assert (verdict(rows, VOTE), verdict(rows, PLAIN_VOTE)) == ("holds", "not established")
    assert (verdict(both(), VOTE), verdict(both(), PLAIN_VOTE)) == ("not established", "holds")


def test_aim_is_harder_than_the_abstract() -> None:
    rows = both(vote=0.939, inference=0.35, training=0.5, **LIFT)
    assert [verdict(rows, n) for n in (AIM_VOTE, AIM_INFERENCE, AIM_TRAINING)] == ["holds"] * 3
    rows = both(vote=0.937, inference=0.36, training=0.6, **LIFT)
    assert [verdict(rows, n) for n in (VOTE, INFERENCE, TRAINING)] == ["holds"] * 3
    assert [verdict(rows, n) for n in (AIM_VOTE, AIM_INFERENCE, AIM_TRAINING)] == [
        "does not hold"
    ] * 3


@pytest.mark.parametrize(
    "other",
    [{"weight_bits": 4}, {"neurons": 400}, {"early_exit": 1}, {"data": "fashion-mnist"}],
)
def test_only_networks_of_the_size_of_the_paper_judge(other: dict[str, Any]) -> None:
    assert judged([r | other for r in both()], PLAIN_VOTE).n == 0


def test_seeds_that_chose_do_not_judge() -> None:
    rows = [r for r in both() if r["chose"]]
    assert chosen_setting(rows, GOALS["abstract"], policy="adaptive") is not None
    assert judged(rows, PLAIN_VOTE).n == 0
    # Nor does a result on images of the validation split, whatever its seed.
    rows = [r | {"split": "validation"} for r in both()]
    assert judged(rows, PLAIN_VOTE).n == 0
    assert judged(both(5), PLAIN_VOTE).n == 5


def setting(rows: list[dict[str, Any]]) -> int:
    found = chosen_setting(rows, GOALS["abstract"], policy="adaptive")
    assert found is not None
    value: int = found["policy_setting"]["strength_gain"]
    return value


def test_setting_with_fewest_sops_of_those_within_the_loss_is_judged() -> None:
    base = seeds("none", **CHOSE)
    one = seeds("adaptive", setting=1, inference=0.42, training=0.6, **CHOSE)
    two = seeds("adaptive", setting=2, inference=0.40, training=0.6, vote=0.938, **CHOSE)
    lossy = seeds("adaptive", setting=3, inference=0.30, training=0.6, vote=0.93, **CHOSE)
    weak = seeds("adaptive", setting=4, inference=0.50, training=0.6, vote=0.95, **CHOSE)
    rows = [*base, *one, *two, *lossy, *weak]
    assert setting(rows) == 2
    # If none is within the loss, that which loses least; if none saves enough, what saves most.
    assert setting([*base, *lossy, *weak]) == 3
    slow = seeds("adaptive", setting=5, inference=0.40, training=0.8, vote=0.95, **CHOSE)
    assert setting([*base, *slow, *weak]) == 4
    # The result on test images of other seeds plays no part.
    better = seeds("adaptive", setting=3, inference=0.30, training=0.6, vote=0.95)
    assert setting([*rows, *BASE, *better]) == 2


def test_validation_chooses_where_there_is_one() -> None:
    base = seeds("none", **CHOSE)
    rows = [*base, *seeds("adaptive", setting=1, inference=0.3, training=0.6, **CHOSE)]
    assert setting(rows) == 1
    values: dict[str, Any] = {"split": "validation", **CHOSE}
    rows += seeds("none", **values)
    rows += seeds("adaptive", setting=2, inference=0.4, training=0.6, **values)
    assert setting(rows) == 2


@pytest.mark.parametrize("wrong", [{"count": 2}, {"parts": {"ablations": "x"}}, {"epochs": 3}])
def test_settings_that_cannot_be_chosen(wrong: dict[str, Any]) -> None:
    values = {"inference": 0.3, "training": 0.6, **CHOSE, **wrong}
    rows = [*seeds("none", **CHOSE), *seeds("adaptive", **values)]
    assert chosen_setting(rows, GOALS["abstract"], policy="adaptive") is None


def soft_rows(vote: float, **of_policy: Any) -> list[dict[str, Any]]:
    """Soft: 1 point less for each 20 % pruned, half of that saved; a policy at one setting."""
    rows = both(vote=vote, **{"density": 0.2, **of_policy})
    for percent in (20, 40, 60, 80):
        rows += [
            r | {"seed": r["seed"] + 100}
            for r in seeds(
                "soft",
                5,
                setting=percent,
                vote=0.94 - percent / 2000,
                density=1 - percent / 100,
                inference_sop_fraction_without_frozen=1 - percent / 200,
            )
        ]
    return rows


def test_accuracy_is_compared_at_equal_share_pruned() -> None:
    claim = judged(soft_rows(0.9334), PLAIN_ACCURACY)
    assert claim.estimate == pytest.approx(3.34)
    assert (claim.n, claim.verdict) == (5, "holds")
    assert judged(soft_rows(0.9332), PLAIN_ACCURACY).verdict == "does not hold"
    assert judged(noisy(soft_rows(0.9334), 0.1), PLAIN_ACCURACY).verdict == "not established"
    # Between two settings of soft pruning, on the line; beyond them there is no comparison.
    claim = judged(soft_rows(0.9334, density=0.3), PLAIN_ACCURACY)
    assert claim.estimate == pytest.approx(2.84)
    assert judged(soft_rows(0.9334, density=0.1), PLAIN_ACCURACY).n == 0
    assert judged(soft_rows(0.9334, density=0.9), PLAIN_ACCURACY).n == 0
    assert judged(soft_rows(0.9334, **LIFT), ACCURACY).verdict == "holds"


def test_sops_are_compared_at_equal_loss() -> None:
    # 0.44 points are lost where 4.4 % is saved; 60 % is saved by adaptive pruning.
    claim = judged(soft_rows(0.94), PLAIN_SOPS)
    assert claim.estimate == pytest.approx(100 * 0.044 / 0.6, abs=0.1)
    assert claim.margin == pytest.approx(59.88, abs=0.01)
    assert claim.verdict == "holds"
    rows = soft_rows(0.94, inference_sop_fraction_without_frozen=1 - 0.06)
    assert judged(rows, PLAIN_SOPS).verdict == "does not hold"
    other = [r | {"seed": r["seed"] + 50} if r["policy"] == "soft" else r for r in rows]
    assert judged(other, PLAIN_SOPS).n == 0


def default(**values: Any) -> list[dict[str, Any]]:
    """The rule of the paper as configured, and the unpruned network."""
    strength = NetworkConfig.named("paper").to_mapping()["pruning"]
    own = {k: strength[k] for k in ("ramp_gain", "ramp_shift", "strength_gain", "start")}
    return [*BASE, *seeds("adaptive", 5, policy_setting=own, **values)]


def test_threshold_adapts_if_it_rises_and_differs() -> None:
    def adapting(early: int, low: int, middle: int, high: int) -> list[dict[str, Any]]:
        late = [0, low, middle, middle, middle, high, 99]
        return default(w_prune_early=[early] * 7, w_prune_late=late)

    over_time, over_neurons = (
        judged(adapting(10, 40, 50, 65), n) for n in (OVER_TIME, OVER_NEURONS)
    )
    assert (over_time.estimate, over_time.verdict) == (40.0, "holds")
    assert (over_neurons.estimate, over_neurons.verdict) == (25.0, "holds")
    assert verdict(adapting(50, 40, 50, 60), OVER_TIME) == "does not hold"
    assert verdict(adapting(10, 50, 50, 50), OVER_NEURONS) == "does not hold"
    assert judged([*BASE, *seeds("adaptive", 5, setting=7)], OVER_TIME).n == 0


@pytest.mark.parametrize(
    ("deviation", "silent", "balance", "failing"),
    [
        (7999.0, 0, "holds", "holds"),
        (8001.0, 0, "does not hold", "holds"),
        (7999.0, 1, "holds", "does not hold"),
    ],
)
def test_strengths_are_balanced_against_the_unpruned(
    deviation: float, silent: int, balance: str, failing: str
) -> None:
    rows = default(strength_deviation=deviation, silent_neurons=silent)
    assert (verdict(rows, BALANCE), verdict(rows, SILENT)) == (balance, failing)
    assert judged(rows, BALANCE).estimate == pytest.approx((deviation - 8000) / 40_000)


def test_pruning_is_shown_to_be_unsupervised() -> None:
    claim = judged([], UNSUPERVISED)
    assert (claim.estimate, claim.n, claim.verdict) == (0.0, 1, "holds")
    assert words(claim) == "0 (margin 0)"


def test_cost_is_that_of_the_hardware(tmp_path: Path) -> None:
    path = tmp_path / "overhead.json"
    for of_rules, expected in (
        ((0.0012, 0.2), "holds"),
        ((1.5, 0.2), "does not hold"),
        ((0.0012, 1.5), "does not hold"),
    ):
        units = [
            {"policy": "adaptive", "neurons": neurons, "percent": percent}
            for percent in of_rules
            for neurons in (800, 100)
        ]
        path.write_text(json.dumps({"pruning_unit": units}))
        claim = judged([], COST, path)
        assert (claim.verdict, claim.estimate) == (expected, max(of_rules))
        assert claim.command == "make overhead energy"
        path.write_text(json.dumps({"pruning_unit": units[1::2]}))
        assert judged([], COST, path).verdict == "not established"
