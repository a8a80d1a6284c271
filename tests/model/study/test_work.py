"""What is measured of a training."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from prunus_cli import digits, tiny, write_digits
from prunus_model.study.rule import Rule
from prunus_model.study.work import train_and_test
from prunus_model.training.evaluation import evaluate
from prunus_model.training.relabelling import relabelled
from prunus_model.training.trainer import train
from prunus_training import training


@pytest.mark.parametrize("policy", ["adaptive", "soft", "post"])
def test_work_measures_what_training_and_evaluation_give(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits.npz")
    logarithms = Rule("logarithms", 6, 0, 40)
    rules = (Rule(), Rule(early_exit=2), Rule(margin=9), logarithms)
    result = train_and_test(replace(training(policy=policy), rules=dict.fromkeys(rules, ())))
    artifact, data = train(tiny(policy), digits(2300)), digits(200, seed=1)
    tests = {
        Rule(): evaluate(artifact, data),
        Rule(early_exit=2): evaluate(artifact, data, stop_after=2),
        Rule(margin=9): evaluate(artifact, data, margin=9),
        logarithms: evaluate(
            relabelled(artifact, votes="logarithms", vote_bits=6), data, margin=40
        ),
    }
    counters = artifact.counters
    row = result.row
    assert row["training_sop_fraction"] == counters.forward_fraction
    assert row["update_sop_fraction"] == counters.update_fraction
    assert row["density"] == artifact.density
    assert row["forward_sops_per_training_presentation"] == counters.forward_sops / 2300
    assert row["training_sop_fraction_without_frozen"] == (
        (counters.forward_sops - counters.frozen_sops) / counters.forward_dense
    )
    assert (row["training_sop_fraction_without_frozen"] < 1) == (policy != "post")
    assert row["w_prune_late"] == artifact.history.w_prune[-1].tolist()
    assert row["w_prune_early"] == artifact.history.w_prune[0].tolist()
    assert row["strength_mean"] == artifact.state.strength.sum() / 10
    assert result.tests.keys() == tests.keys()
    for rule, e in tests.items():
        test = result.tests[rule]
        assert rule.columns.items() <= test.items()
        assert (test["vote"], test["hard"], test["undecided"]) == (
            e.vote_accuracy,
            e.hard_accuracy,
            e.undecided,
        )
        assert test["forward_sops_per_inference"] == e.counters.forward_sops / 200
        assert test["inference_sop_fraction"] == e.counters.forward_fraction
        assert test["steps_per_inference"] == e.counters.steps / 200
        assert test["output_spikes_per_inference"] == e.counters.output_spikes / 200
        assert test["neuron_updates_per_inference"] == 10 * e.counters.steps / 200
    steps = [result.tests[rule]["steps_per_inference"] for rule in rules]
    assert steps[0] == 16
    assert all(n < 16 for n in steps[1:])
    history = result.detail["history"]
    assert history["presentations"] == [1000, 2000, 2300]
    assert history["running_accuracy"][0] is None
    assert history["running_accuracy"][1:] == [
        c / n for c, n in zip(artifact.history.correct.tolist()[1:], (1000, 300), strict=True)
    ]
    assert history["plastic"] == artifact.history.plastic.tolist()
    neurons = result.detail["neurons"]
    assert neurons["post_count"] == artifact.state.post_count.tolist()
    assert sum(neurons["plastic"]) == round(artifact.density * 490)
    assert re.fullmatch("[0-9a-f]{64}", row["artifact_hash"])
