"""Run lists: what they stand for, and what is refused."""

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import tiny, write_digits
from prunus_model.common.errors import ConfigError, DataError
from prunus_model.spec.config import NetworkConfig, pruning_label
from prunus_model.spec.pruning import POLICIES, AdaptivePruning
from prunus_model.study import fingerprint as fingerprints
from prunus_model.study.fingerprint import fingerprint
from prunus_model.study.plan import chosen, halves, plan
from prunus_model.study.trials import Run, parse_runs, read_runs

#: An entry that is right; each test changes a line or adds one.
ENTRY = """
[[runs]]
part = "sizes"
epochs = 2
seeds = [1, 2]
policies = [{ policy = "none" }]
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_runs(text, source="list.toml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in ENTRY
    return refused(ENTRY.replace(old, new))


def test_list_stands_for_every_combination() -> None:
    runs = parse_runs(
        """
        [[runs]]
        part = "grid"
        epochs = 3
        config = ["demo", "paper"]
        data = ["mnist", "fashion-mnist"]
        seeds = [7, 9]
        weight_bits = [4, 8]
        stop_after = [0, 2]
        policies = [
          { policy = "constant", w_prune = [1, 2], start = [0, 5], label = "grid" },
          { policy = "none" },
        ]
        """
    )
    assert len(runs) == len({(r.data, r.config) for r in runs}) == 2 * 2 * 2 * 2 * (2 * 2 + 1)
    assert {(r.part, r.epochs, r.stop_after) for r in runs} == {("grid", 3, (0, 2))}
    assert {(r.label, r.config.pruning.policy) for r in runs} == {
        ("grid", "constant"),
        ("", "none"),
    }
    assert {(r.config_name, r.config.neurons) for r in runs} == {("demo", 100), ("paper", 800)}
    assert {(r.config.seed, r.config.weight_bits) for r in runs} == {
        (seed, bits) for seed in (7, 9) for bits in (4, 8)
    }


def test_what_is_not_said_is_as_configured() -> None:
    policies = 'policies = [{ policy = "adaptive", ramp_shift = 9 }, { policy = "soft" }]'
    text = ENTRY.replace('policies = [{ policy = "none" }]', policies)
    text += 'config = ["demo"]\nset.homeostasis.theta_plus = 77\nset.neurons = 50\n'
    adaptive, _, soft, _ = parse_runs(text)
    demo = NetworkConfig.named("demo")
    assert isinstance(demo.pruning, AdaptivePruning)
    expected = replace(
        demo,
        seed=1,
        neurons=50,
        homeostasis=replace(demo.homeostasis, theta_plus=77),
        pruning=replace(demo.pruning, ramp_shift=9),
    )
    assert adaptive.config == expected
    assert soft.config == replace(expected, pruning=POLICIES["soft"])
    assert adaptive.settings == {"homeostasis": {"theta_plus": 77}, "neurons": 50}
    assert (adaptive.data, adaptive.stop_after) == ("mnist", (0,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Run list must have at least one [[runs]]"),
        ("runs = []", "Run list must have at least one [[runs]]"),
        ("runs = 3", "Run list must have at least one [[runs]]"),
        ("rums = []", "Key 'rums' is unknown"),
        (
            "a b",
            (
                "Run list must be TOML: Expected '=' after a key in a key/value pair "
                "(at line 1, column 3)"
            ),
        ),
        ("runs = [3]", "runs 1: Entry must be a table, not 3"),
        ("[[runs]]", "runs 1: part is missing; policies is missing; seeds is missing; epochs is"),
    ],
)
def test_lists_that_are_refused(text: str, message: str) -> None:
    assert refused(text).startswith(f"list.toml: {message}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 2", "epochs = 2\nepoch = 2", "Key 'epoch' is unknown"),
        ("epochs = 2", "epochs = 0", "epochs must be at least 1, not 0"),
        ("epochs = 2", 'epochs = "2"', "epochs must be an integer, not '2'"),
        ("[1, 2]", "[1, 2, 1]", "seeds must not have 1 twice"),
        ("[1, 2]", "[]", "seeds must have at least 1, not []"),
        ("[1, 2]", "1", "seeds must be a list, not 1"),
        ("[1, 2]", "[1, -2]", "seeds.1 must be at least 0, not -2"),
        ('"sizes"', '"Sizes"', "part: String should match pattern '^[a-z][a-z0-9-]*$', not"),
        ('"sizes"', "3", "part must be a text, not 3"),
        ("epochs = 2", 'epochs = 2\nconfig = ["x"]', "config must be of tiny, demo, 400, up5k, "),
        ("epochs = 2", "epochs = 2\nstop_after = [256]", "stop_after.0 must be at most 255, "),
        ("epochs = 2", "epochs = 2\nweight_bits = [9]", "weight_bits.0 must be at most 8, not 9"),
        ("epochs = 2", "epochs = 2\nset.seed = 3", "set must not have seed, which is given by s"),
        (
            "epochs = 2",
            "epochs = 2\nset.weight_bits = 3",
            "set must not have weight_bits, which is given by weight_bits",
        ),
        (
            "epochs = 2",
            'epochs = 2\nset.pruning.policy = "none"',
            "set must not have pruning, which is given by policies",
        ),
        ("epochs = 2", "epochs = 2\nset.steps = 3", "Key 'steps' is unknown"),
        (
            '"none"',
            '"nope"',
            "policies 1: policy must be one of none, constant, adaptive, soft, post, not 'nope'",
        ),
        ('policy = "none"', 'label = "a"', "policies 1: policy must be one of none, constant, "),
        ('"none"', '"none", label = 3', "policies 1: label must be a text, not 3"),
        ('"none"', '"none", w_prune = 3', "Key 'pruning.w_prune' is unknown"),
        ('"none"', '"post", w_prune = 256', "pruning.w_prune must be at most 255, not 256"),
        ('"none"', '"post", w_prune = []', "policies 1: w_prune must have at least one value"),
        ('"none"', '"post", w_prune = [3, 3]', "policies 1: w_prune must not have 3 twice"),
        (
            'epochs = 2\nseeds = [1, 2]\npolicies = [{ policy = "none" }]',
            (
                "epochs = 2\nseeds = [1]\nweight_bits = [4]\npolicies = "
                '[{ policy = "post", w_prune = 16 }]'
            ),
            "pruning.w_prune must be in 0..15 for weight_bits=4, not 16",
        ),
    ],
)
def test_entries_that_are_refused(old: str, new: str, message: str) -> None:
    said = changed(old, new)
    assert said.startswith("list.toml: runs 1: ")
    assert said.removeprefix("list.toml: runs 1: ").startswith(message)


def test_entry_that_is_wrong_is_named() -> None:
    assert refused(ENTRY + ENTRY.replace("epochs = 2", "epochs = -1")) == (
        "list.toml: runs 2: epochs must be at least 1, not -1"
    )


def test_unreadable_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^Run list .* must be readable: Is a directory$"):
        read_runs(tmp_path)
    (tmp_path / "list.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"^Run list .*list.toml must be readable: not UTF-8$"):
        read_runs(tmp_path / "list.toml")


def run(policy: str = "adaptive", *, part: str = "a", label: str = "", seed: int = 1) -> Run:
    return Run(
        part=part,
        label=label,
        data="digits.npz",
        config_name="tiny",
        config=tiny(policy, seed=seed),
        epochs=2,
        stop_after=(0,),
        settings={},
    )


@pytest.fixture
def digits_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_digits(tmp_path / "digits.npz")


@pytest.mark.usefixtures("digits_here")
def test_one_training_serves_all_that_ask_for_it() -> None:
    runs = [run(), run("none"), replace(run(part="b", label="x"), stop_after=(2, 1))]
    first, second = plan(runs)
    assert (first.parts, first.early_exits) == ({"a": "", "b": "x"}, (0, 1, 2))
    assert (second.parts, second.early_exits) == ({"a": ""}, (0,))
    assert first.presentations == 2300 * 3 + 200 * 3
    assert first.name == (
        "digits.npz tiny adaptive ramp_gain=1 ramp_shift=2 strength_gain=1200 start=0 "
        "weight_bits=8 epochs=2 seed=1"
    )
    (third,) = plan([replace(run("none"), settings={"stdp": {"trace_window": 9}, "inputs": 784})])
    assert third.name == (
        "digits.npz tiny none stdp.trace_window=9 inputs=784 weight_bits=8 epochs=2 seed=1"
    )


@pytest.mark.usefixtures("digits_here")
def test_digest_is_of_all_that_determines_a_training() -> None:
    others = [
        run(),
        run("none"),
        run(seed=2),
        replace(run(), epochs=3),
        replace(run(), config=replace(run().config, weight_bits=7)),
    ]
    assert len(plan(others)) == len(others)
    # The early exit of the configuration is not part of training.
    readout = replace(run().config.readout, stop_after=3)
    assert len(plan([run(), replace(run(), config=replace(run().config, readout=readout))])) == 1


def test_digest_is_of_the_images_not_of_their_name(digits_here: Path) -> None:
    (before,) = plan([run()])
    copied = digits_here.with_name("copy.npz")
    copied.write_bytes(digits_here.read_bytes())
    (same,) = plan([replace(run(), data="copy.npz")])
    write_digits(digits_here, test=201)
    (other,) = plan([run()])
    assert same.digest == before.digest != other.digest


@pytest.mark.usefixtures("digits_here")
def test_two_labels_of_one_training_contradict_each_other() -> None:
    with pytest.raises(ConfigError) as caught:
        plan([run(label="x"), run(label="y")])
    assert str(caught.value) == (
        "Run list: part 'a' must give one training one label, not 'x' and 'y'"
    )


@pytest.mark.usefixtures("digits_here")
def test_data_that_do_not_fit_are_refused_before_anything_is_trained() -> None:
    fits = run()
    with pytest.raises(DataError, match="49"):
        plan([fits, replace(fits, config=NetworkConfig.named("demo"))])


def test_seeds_and_validation_that_choose_are_said() -> None:
    validated = ENTRY.replace("epochs = 2", "epochs = 2\nvalidate = true")
    found = parse_runs(f"choosing_seeds = [1]\n{validated}{ENTRY}")
    assert [(run.validate, run.config.seed, run.chose) for run in found] == [
        (True, 1, True),
        (True, 2, True),
        (False, 1, True),
        (False, 2, False),
    ]
    assert not any(run.chose for run in parse_runs(ENTRY))
    for wrong in ("3", "[-1]", '["1"]', "[1.5]"):
        said = refused(f"choosing_seeds = {wrong}\n{ENTRY}")
        assert said == "list.toml: choosing_seeds must be a list of seeds"
    said = changed("epochs = 2", "epochs = 2\nvalidate = 1")
    assert said.startswith("list.toml: runs 1: validate: Input should be a valid boolean")


@pytest.mark.usefixtures("digits_here")
def test_validation_keeps_the_last_sixth_of_the_training_images() -> None:
    whole, test = halves("digits.npz", validate=False)
    train, validation = halves("digits.npz", validate=True)
    assert (len(whole), len(test), len(train), len(validation)) == (2300, 200, 1917, 383)
    assert np.array_equal(np.concatenate([train.images, validation.images]), whole.images)
    assert np.array_equal(np.concatenate([train.labels, validation.labels]), whole.labels)
    one, other = plan([run(), replace(run(), validate=True, chose=True)])
    assert one.digest != other.digest
    assert (one.columns["split"], one.columns["chose"]) == ("test", False)
    assert (other.columns["split"], other.columns["chose"]) == ("validation", True)
    assert other.presentations == 1917 * 3 + 383
    assert other.name == f"{one.name} validate"


def test_too_few_images_cannot_be_divided(tmp_path: Path) -> None:
    write_digits(tmp_path / "few.npz", train=5)
    with pytest.raises(DataError, match="must have at least 6 training images for validation"):
        halves(str(tmp_path / "few.npz"), validate=True)


def test_parts_are_chosen_by_name() -> None:
    runs = [run(part="a"), run(part="b"), run(part="a", seed=2)]
    assert chosen(runs, ()) == runs
    assert chosen(runs, ["a"]) == [runs[0], runs[2]]
    with pytest.raises(ConfigError) as caught:
        chosen(runs, ["a", "c"])
    assert str(caught.value) == "Part must be one of a, b, not 'c'"


def bundled(name: str) -> list[Run]:
    return read_runs(Path(str(files("prunus_model.study") / f"{name}.toml")))


def test_results_are_a_part_of_the_list_of_the_project() -> None:
    listed = [(run.data, run.config, run.epochs) for run in bundled("paper")]
    results = [(run.data, run.config, run.epochs) for run in bundled("results")]
    assert len(results) == (3 * 3 + 5) * 5 + 2 * 10
    assert all(run in listed for run in results)


def test_list_of_the_project_is_what_it_says() -> None:
    runs = bundled("paper")
    sizes = {
        (r.data, r.config.neurons, pruning_label(r.config), r.config.seed)
        for r in runs
        if r.part == "sizes"
    }
    # Every policy and rule at every size with both data sets.
    assert len(sizes) == 2 * 4 * 6 * 5
    for policy in ("adaptive", "constant", "soft", "post"):
        strengths = {
            str((r.config.pruning, r.config.redundancy))
            for r in runs
            if r.part == "pareto" and r.config.pruning.policy == policy
        }
        assert len(strengths) >= 8
    # The ramp is in units of a weight.
    ramps = {
        (pruning_label(r.config), r.config.pruning.ramp_shift - 8 + r.config.weight_bits)
        for r in runs
        if r.part == "weight-bits" and isinstance(r.config.pruning, AdaptivePruning)
    }
    assert ramps == {("adaptive", 3), ("adaptive + redundancy", 3)}


def test_list_in_the_readme_is_one() -> None:
    readme = Path(__file__).parents[3] / "model/README.md"
    if not readme.exists():
        pytest.skip("needs the checkout")
    (text,) = re.findall(r"```toml\n(\[\[runs\]\].*?)```", readme.read_text(), re.DOTALL)
    runs = parse_runs(text)
    assert len(runs) == 3 * 3
    assert {run.label for run in runs} == {"", "ours"}


def test_fingerprint_is_of_what_the_engine_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    assert len(before) == 16
    fingerprint.cache_clear()
    assert fingerprint() == before
    rules = fingerprints._RULES
    seen = {before}
    adaptive = [(n, p, r) for n, (p, r) in enumerate(rules) if isinstance(p, AdaptivePruning)]
    assert {bool(redundancy) for _, _, redundancy in adaptive} == {False, True}
    for n, policy, redundancy in adaptive:
        changed = list(rules)
        changed[n] = replace(policy, strength_gain=policy.strength_gain * 2), redundancy
        monkeypatch.setattr(fingerprints, "_RULES", tuple(changed))
        fingerprint.cache_clear()
        seen.add(fingerprint())
    assert len(seen) == 1 + len(adaptive)
    fingerprint.cache_clear()
