"""Sweep lists: what they stand for, and what is refused."""

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.labels import pruning_label
from prunus_model.spec.pruning import POLICIES, AdaptivePruning
from prunus_model.study.rule import Rule
from prunus_model.study.trials import Trial, parse_trials, read_trials

#: An entry that is right; each test changes a line or adds one.
ENTRY = """
[[sweeps]]
part = "sizes"
epochs = 2
seeds = [1, 2]
policies = [{ policy = "none" }]
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_trials(text, source="list.toml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in ENTRY
    return refused(ENTRY.replace(old, new))


def test_list_stands_for_every_combination() -> None:
    trials = parse_trials(
        """
        [[sweeps]]
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
    assert len(trials) == len({(r.data, r.config) for r in trials}) == 2 * 2 * 2 * 2 * (2 * 2 + 1)
    rules = (Rule(), Rule(early_exit=2))
    assert {(r.part, r.epochs, r.rules) for r in trials} == {("grid", 3, rules)}
    assert {(r.label, r.config.pruning.policy) for r in trials} == {
        ("grid", "constant"),
        ("", "none"),
    }
    assert {(r.config_name, r.config.neurons) for r in trials} == {("demo", 100), ("paper", 800)}
    assert {(r.config.seed, r.config.weight_bits) for r in trials} == {
        (seed, bits) for seed in (7, 9) for bits in (4, 8)
    }


def test_what_is_not_said_is_as_configured() -> None:
    policies = 'policies = [{ policy = "adaptive", ramp_shift = 9 }, { policy = "soft" }]'
    text = ENTRY.replace('policies = [{ policy = "none" }]', policies)
    text += 'config = ["demo"]\nset.homeostasis.theta_plus = 77\nset.neurons = 50\n'
    adaptive, _, soft, _ = parse_trials(text)
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
    assert (adaptive.data, adaptive.rules) == ("mnist", (Rule(),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Sweep list must have at least one [[sweeps]]"),
        ("sweeps = []", "Sweep list must have at least one [[sweeps]]"),
        ("sweeps = 3", "Sweep list must have at least one [[sweeps]]"),
        ("rums = []", "Key 'rums' is unknown"),
        (
            "a b",
            (
                "Sweep list must be TOML: Expected '=' after a key in a key/value pair "
                "(at line 1, column 3)"
            ),
        ),
        ("sweeps = [3]", "sweeps 1: Entry must be a table, not 3"),
        (
            "[[sweeps]]",
            "sweeps 1: part is missing; policies is missing; seeds is missing; epochs is",
        ),
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
        (
            "epochs = 2",
            'epochs = 2\nconfig = ["x"]',
            "config must be of tiny, demo, 400, up5k, paper, ",
        ),
        ("epochs = 2", "epochs = 2\nstop_after = [256]", "stop_after.0 must be at most 255, "),
        ("epochs = 2", "epochs = 2\nmargin = [-1]", "margin.0 must be at least 0, "),
        ("epochs = 2", "epochs = 2\nmargin = []", "margin must "),
        ("epochs = 2", "epochs = 2\nmargin = [9, 9]", "margin must not have 9 twice"),
        (
            "epochs = 2",
            "epochs = 2\nmargin = [961]",
            "readout.margin must be at most 960, which 64 ",
        ),
        ("epochs = 2", 'epochs = 2\nvotes = ["x"]', "votes.0 must be 'shares' or "),
        ("epochs = 2", "epochs = 2\nvote_bits = [9]", "vote_bits.0 must be at most 8, "),
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
            (
                "policies 1: policy must be one of none, constant, adaptive, lift, soft, post, "
                "not 'nope'"
            ),
        ),
        (
            '"none"',
            "[1]",
            "policies 1: policy must be one of none, constant, adaptive, lift, soft, post, ",
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
    assert said.startswith("list.toml: sweeps 1: ")
    assert said.removeprefix("list.toml: sweeps 1: ").startswith(message)


def test_entry_that_is_wrong_is_named() -> None:
    assert refused(ENTRY + ENTRY.replace("epochs = 2", "epochs = -1")) == (
        "list.toml: sweeps 2: epochs must be at least 1, not -1"
    )


def test_unreadable_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^Sweep list .* must be a file, not a folder$"):
        read_trials(tmp_path)
    (tmp_path / "list.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"^Sweep list .*list.toml must be readable: not UTF-8$"):
        read_trials(tmp_path / "list.toml")


def test_seeds_and_validation_that_choose_are_said() -> None:
    validated = ENTRY.replace("epochs = 2", "epochs = 2\nvalidate = true")
    found = parse_trials(f"choosing_seeds = [1]\n{validated}{ENTRY}")
    assert [(trial.validate, trial.config.seed, trial.chose) for trial in found] == [
        (True, 1, True),
        (True, 2, True),
        (False, 1, True),
        (False, 2, False),
    ]
    assert not any(trial.chose for trial in parse_trials(ENTRY))
    for wrong in ("3", "[-1]", '["1"]', "[1.5]"):
        said = refused(f"choosing_seeds = {wrong}\n{ENTRY}")
        assert said == "list.toml: choosing_seeds must be a list of seeds"
    said = changed("epochs = 2", "epochs = 2\nvalidate = 1")
    assert said.startswith("list.toml: sweeps 1: validate: Input should be a valid boolean")


def bundled(name: str) -> list[Trial]:
    return read_trials(Path(str(files("prunus_model.study") / f"{name}.toml")))


def test_results_are_a_part_of_the_list_of_the_project() -> None:
    listed = [(trial.data, trial.config, trial.epochs) for trial in bundled("paper")]
    results = [(trial.data, trial.config, trial.epochs) for trial in bundled("results")]
    assert len(results) == (3 * 3 + 6) * 5
    assert all(trial in listed for trial in results)


def test_list_of_the_project_is_what_it_says() -> None:
    trials = bundled("paper")
    sizes = {
        (r.data, r.config.neurons, pruning_label(r.config), r.config.seed)
        for r in trials
        if r.part == "sizes"
    }
    # Every policy and rule at every size with both data sets.
    assert len(sizes) == 2 * 4 * 6 * 5
    for policy in ("adaptive", "lift", "constant", "soft", "post"):
        strengths = {
            str(r.config.pruning)
            for r in trials
            if r.part == "pareto" and r.config.pruning.policy == policy
        }
        assert len(strengths) >= 6
    # The ramp is in units of a weight.
    ramps = {
        (pruning_label(r.config), r.config.pruning.ramp_shift - 8 + r.config.weight_bits)
        for r in trials
        if r.part == "weight-bits" and isinstance(r.config.pruning, AdaptivePruning)
    }
    assert ramps == {("adaptive", 3)}


def test_list_in_the_readme_is_one() -> None:
    readme = Path(__file__).parents[3] / "model/README.md"
    if not readme.exists():
        pytest.skip("needs the checkout")
    (text,) = re.findall(r"```toml\n(\[\[sweeps\]\].*?)```", readme.read_text(), re.DOTALL)
    trials = parse_trials(text)
    assert len(trials) == 3 * 3
    assert {trial.label for trial in trials} == {"", "ours"}


def test_each_early_exit_is_tested_with_each_margin_and_votes() -> None:
    keys = 'stop_after = [0, 2]\nmargin = [9, 0]\nvotes = ["logarithms"]\nvote_bits = [5, 6]'
    trials = parse_trials(ENTRY.replace("epochs = 2", f"epochs = 2\n{keys}"))
    for trial in trials:
        assert trial.rules == tuple(
            Rule("logarithms", bits, early_exit, margin)
            for bits in (5, 6)
            for early_exit in (0, 2)
            for margin in (9, 0)
        )
        assert trial.config.readout.votes == "shares"


def test_votes_are_as_configured_by_default() -> None:
    (trial, _) = parse_trials(f'{ENTRY}set.readout = {{ votes = "logarithms", vote_bits = 6 }}\n')
    assert trial.rules == (Rule("logarithms", 6),)
