"""From trials to trainings: each once, whichever parts ask for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import tiny, tiny_windows, write_digits
from prunus_model.common.errors import ConfigError, DataError
from prunus_model.data.split import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import LiftPruning
from prunus_model.study.plan import chosen, halves, plan
from prunus_model.study.rule import Rule
from prunus_model.study.trials import Trial


def trial(policy: str = "adaptive", *, part: str = "a", label: str = "", seed: int = 1) -> Trial:
    return Trial(
        part=part,
        label=label,
        data="digits.npz",
        config_name="tiny",
        config=tiny(policy, seed=seed),
        epochs=2,
        rules=(Rule(),),
        settings={},
    )


RULES = (Rule(early_exit=2), Rule(margin=9), Rule("logarithms", 6, margin=9), Rule())


@pytest.fixture
def digits_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_digits(tmp_path / "digits.npz")


@pytest.mark.usefixtures("digits_here")
def test_one_training_serves_all_that_ask_for_it() -> None:
    trials = [trial(), trial("none"), replace(trial(part="b", label="x"), rules=RULES)]
    first, second = plan(trials)
    assert first.parts == {"a": "", "b": "x"}
    # Each test is of the parts that ask for it, in an order that does not depend on the list.
    assert list(first.rules.items()) == [
        (RULES[2], ("b",)),
        (Rule(), ("a", "b")),
        (Rule(margin=9), ("b",)),
        (Rule(early_exit=2), ("b",)),
    ]
    assert (second.parts, second.rules) == ({"a": ""}, {Rule(): ("a",)})
    assert first.presentations == 2300 * 3 + 200 * 4
    assert first.name == (
        "digits.npz tiny adaptive ramp_gain=1 ramp_shift=2 strength_gain=1200 start=0 "
        "weight_bits=8 epochs=2 seed=1"
    )
    (third,) = plan([replace(trial("none"), settings={"stdp": {"trace_window": 9}, "inputs": 784})])
    assert third.name == (
        "digits.npz tiny none stdp.trace_window=9 inputs=784 weight_bits=8 epochs=2 seed=1"
    )


@pytest.mark.usefixtures("digits_here")
def test_digest_is_of_all_that_determines_a_training() -> None:
    others = [
        trial(),
        trial("none"),
        trial(seed=2),
        replace(trial(), epochs=3),
        replace(trial(), config=replace(trial().config, weight_bits=7)),
    ]
    assert len(plan(others)) == len(others)
    # Of the readout only the early exit, with which neurons are labelled, is part of training.
    first = trial()
    early = replace(first, config=first.config.with_readout(stop_after=3))
    (kept,) = plan([early])
    assert kept.digest != plan([first])[0].digest
    assert (kept.config.readout.stop_after, kept.config.readout.margin) == (3, 0)
    for changes in ({"margin": 9}, {"votes": "logarithms"}, {"vote_bits": 6}):
        other = replace(first, config=first.config.with_readout(**changes))
        (one,) = plan([other, first])
        assert one.config == first.config
        assert plan([other])[0].digest == plan([first])[0].digest


def test_digest_is_of_the_images_not_of_their_name(digits_here: Path) -> None:
    (before,) = plan([trial()])
    copied = digits_here.with_name("copy.npz")
    copied.write_bytes(digits_here.read_bytes())
    (same,) = plan([replace(trial(), data="copy.npz")])
    write_digits(digits_here, test=201)
    (other,) = plan([trial()])
    assert same.digest == before.digest != other.digest


@pytest.mark.usefixtures("digits_here")
def test_two_labels_of_one_training_contradict_each_other() -> None:
    with pytest.raises(ConfigError) as caught:
        plan([trial(label="x"), trial(label="y")])
    assert str(caught.value) == (
        "Sweep list: part 'a' must give one training one label, not 'x' and 'y'"
    )


@pytest.mark.usefixtures("digits_here")
def test_data_that_do_not_fit_are_refused_before_anything_is_trained() -> None:
    fits = trial()
    said = replace(fits, config=NetworkConfig.named("demo"), settings={"inputs": 784})
    with pytest.raises(DataError, match="have 49 levels, not 784: set inputs to 49"):
        plan([fits, said])


@pytest.mark.usefixtures("digits_here")
def test_what_one_trial_says_is_refused_also_if_an_equal_one_says_nothing() -> None:
    demo = replace(trial(), config=NetworkConfig.named("demo"))
    with pytest.raises(DataError, match="set inputs to 49"):
        plan([demo, replace(demo, settings={"inputs": 784})])


@pytest.mark.usefixtures("digits_here")
def test_sizes_that_nobody_has_said_are_those_of_the_data() -> None:
    (training,) = plan([replace(trial(), config=NetworkConfig.named("demo"))])
    assert training.config.inputs == 49


@pytest.mark.usefixtures("digits_here")
def test_validation_keeps_the_last_sixth_of_the_training_images() -> None:
    whole, test = halves("digits.npz", EncoderParams(), validate=False)
    train, validation = halves("digits.npz", EncoderParams(), validate=True)
    assert isinstance(whole, Split)
    assert isinstance(train, Split)
    assert isinstance(validation, Split)
    assert (len(whole), len(test), len(train), len(validation)) == (2300, 200, 1917, 383)
    assert np.array_equal(np.concatenate([train.images, validation.images]), whole.images)
    assert np.array_equal(np.concatenate([train.labels, validation.labels]), whole.labels)
    one, other = plan([trial(), replace(trial(), validate=True, chose=True)])
    assert one.digest != other.digest
    assert (one.columns["split"], one.columns["chose"]) == ("test", False)
    assert (other.columns["split"], other.columns["chose"]) == ("validation", True)
    assert other.presentations == 1917 * 3 + 383
    assert other.name == f"{one.name} validate"


@pytest.mark.usefixtures("digits_here")
def test_setting_is_the_same_on_both_splits() -> None:
    def lift(share: int, length: int | None = None) -> Trial:
        config = replace(tiny(), pruning=LiftPruning(share=share, length=length))
        return replace(trial(), config=config)

    one, other = plan([lift(224), replace(lift(224), validate=True)])
    policies = [t.config.pruning for t in (one, other)]
    lengths = [policy.length for policy in policies if isinstance(policy, LiftPruning)]
    assert lengths == [2 * 2300, 2 * 1917]
    # By this, what is judged is found for the setting that was chosen.
    assert one.columns["policy"] == "lift"
    assert one.columns["policy_setting"] == other.columns["policy_setting"] == {"share": 224}
    (told,) = plan([lift(224, 50)])
    assert told.columns["policy_setting"] == {"share": 224, "length": 50}


def test_too_few_images_cannot_be_divided(tmp_path: Path) -> None:
    write_digits(tmp_path / "few.npz", train=5)
    with pytest.raises(DataError, match="must have at least 6 training images for validation"):
        halves(str(tmp_path / "few.npz"), EncoderParams(), validate=True)


def test_parts_are_chosen_by_name() -> None:
    trials = [trial(part="a"), trial(part="b"), trial(part="a", seed=2)]
    assert chosen(trials, ()) == trials
    assert chosen(trials, ["a"]) == [trials[0], trials[2]]
    with pytest.raises(ConfigError) as caught:
        chosen(trials, ["a", "c"])
    assert str(caught.value) == "Part must be one of a, b, not 'c'"


@pytest.mark.usefixtures("digits_here")
def test_columns_and_cost_of_groups() -> None:
    plain, grouped = plan([trial(), replace(trial(), config=tiny_windows())])
    names = ("groups", "neurons", "weights")
    assert [plain.columns[name] for name in names] == [1, 10, 490]
    assert [grouped.columns[name] for name in names] == [4, 40, 640]
    # Four times the plain network of ten neurons.
    assert grouped.cost == pytest.approx(4 * plain.cost)
    # A quarter of 64 steps of 28 and 0.03 for each neuron, microseconds.
    assert plain.cost == pytest.approx((2300 * 3 + 200) * 28.3 / 4e6)


@pytest.mark.usefixtures("digits_here")
def test_a_network_is_known_by_what_rows_do_not_say_otherwise() -> None:
    first = tiny_windows()
    assert first.groups is not None
    same = [
        first,
        replace(first, seed=2),
        tiny_windows("none"),
        replace(first, weight_bits=7),
        first.with_readout(margin=9),
    ]
    other = [
        replace(first, groups=replace(first.groups, order="given")),
        replace(first, encoder=replace(first.encoder, steps=9)),
        tiny(),
    ]
    trials = [replace(trial(), config=config) for config in (*same, *other)]
    networks = [plan([one])[0].columns["network"] for one in trials]
    assert len(set(networks[:5])) == 1
    assert len(set(networks)) == 4
