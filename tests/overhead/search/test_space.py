"""What is searched: ranges in TOML, and what is wrong with them."""

import pytest

from prunus_model.common.errors import ConfigError
from prunus_overhead.search.space import parse_space

GOOD = """
config = "tiny"
data = "digits.npz"
seeds = [3, 4]
set.pruning = { policy = "constant", start = 7 }
set.weight_bits = 6
[ranges]
pruning.w_prune = { low = 2, high = 32, log = true }
"homeostasis.theta_plus" = { low = 100, high = 500, step = 50 }
readout.votes = ["shares", "logarithms"]
"""


def test_ranges_become_distributions() -> None:
    found = parse_space(GOOD).distributions
    assert {name: str(one) for name, one in found.items()} == {
        "pruning.w_prune": "IntDistribution(high=32, log=True, low=2, step=1)",
        "homeostasis.theta_plus": "IntDistribution(high=500, log=False, low=100, step=50)",
        "readout.votes": "CategoricalDistribution(choices=('shares', 'logarithms'))",
    }


def test_values_go_over_what_is_set_and_that_over_the_configuration() -> None:
    space = parse_space(GOOD)
    config = space.configured(
        {"pruning.w_prune": 9, "homeostasis.theta_plus": 150, "readout.votes": "logarithms"}, seed=4
    )
    assert (config.seed, config.weight_bits, config.neurons) == (4, 6, 10)
    assert config.to_mapping()["pruning"] == {"policy": "constant", "w_prune": 9, "start": 7}
    assert (config.homeostasis.theta_plus, config.readout.votes) == (150, "logarithms")
    # A trial leaves nothing behind for the next.
    other = space.configured({"pruning.w_prune": 8}, seed=3)
    assert other.homeostasis.theta_plus == 500


def test_parameters_of_the_policy_that_is_left_are_no_longer_there() -> None:
    text = 'config = "demo"\nset.pruning.policy = "none"\nranges.neurons = [10, 20]'
    assert parse_space(text).configured({}, seed=1).to_mapping()["pruning"] == {"policy": "none"}
    text = 'config = "demo"\nset.pruning.start = 5\nranges.neurons = [10, 20]'
    kept = parse_space(text).configured({}, seed=1).to_mapping()["pruning"]
    assert (kept["start"], kept["strength_gain"]) == (5, 250)


def test_identity_is_of_what_trials_depend_on() -> None:
    space = parse_space(GOOD)
    assert space.identity == parse_space(GOOD).identity
    for old, new in (
        ('"tiny"', '"demo"'),
        ("[3, 4]", "[3, 5]"),
        ("start = 7", "start = 8"),
        ("high = 32", "high = 33"),
        ("step = 50", "step = 100"),
        ('config = "tiny"', 'config = "tiny"\nepochs = 2'),
        ('config = "tiny"', 'config = "tiny"\nlanes = 2'),
    ):
        assert parse_space(GOOD.replace(old, new)).identity != space.identity
    # What they hold tells data apart, not what they are called on a machine.
    assert parse_space(GOOD.replace("digits.npz", "other.npz")).identity == space.identity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ranges = ", "search: Search must be TOML: "),
        ("config = 'tiny'", "search: ranges is missing"),
        ("ranges = {}", "search: ranges must have at least 1, not {}"),
        ("range.neurons = [1, 2]", "Key 'range' is unknown"),
        ("ranges.neuron = [1, 2]", "search: ranges.neuron: Search: Key 'neuron' is unknown"),
        ("ranges.neurons = 7", "search: ranges.neurons must be a table with low and high, or a "),
        ("ranges.neurons = [7]", "search: ranges.neurons must be a list of at least two "),
        ("ranges.neurons = [7, 1.5]", "search: ranges.neurons must be a list of at least two "),
        ("ranges.neurons = [7, 8, 7]", "search: ranges.neurons must not have a choice twice"),
        ("ranges.neurons = {}", "search: ranges.neurons must have low and high"),
        ("ranges.neurons = { low = 3 }", "search: ranges.neurons: high is missing"),
        ("ranges.neurons = { low = 3, high = 3 }", "low must be less than high, 3, not 3"),
        ("ranges.neurons = { low = 3, high = 4.5 }", "high must be an integer, not 4.5"),
        ("ranges.neurons = { low = 3, high = 9, steps = 2 }", "Key 'steps' is unknown"),
        ("ranges.neurons = { low = 3, high = 9, step = 0 }", "step must be at least 1, not 0"),
        (
            "ranges.neurons = { low = 3, high = 9, step = 2, log = true }",
            "step must be 1 with log, not 2",
        ),
        (
            "ranges.pruning.start = { low = 0, high = 9, log = true }",
            "low must be at least 1 with log, not 0",
        ),
        (
            "ranges.weight_bits = { low = 4, high = 9 }",
            "search: ranges.weight_bits: Search: weight_bits must be at most 8, not 9",
        ),
        ("ranges.weight_bits = { low = 0, high = 8 }", "weight_bits must be at least 1, not 0"),
        ("ranges.readout.votes = ['shares', 'sums']", "not 'sums'"),
        ("ranges.seed = [1, 2]", "search: ranges must not have seed: "),
        ("ranges.pruning.policy = ['none', 'lift']", "must not have pruning.policy: "),
        ("set.seed = 2\nranges.neurons = [8, 9]", "set must not have seed, which is given by"),
        ("seeds = [2, 2]\nranges.neurons = [8, 9]", "seeds must not have one twice"),
        ("seeds = []\nranges.neurons = [8, 9]", "seeds must have at least 1, not []"),
        ("epochs = 0\nranges.neurons = [8, 9]", "epochs must be at least 1, not 0"),
        ("set.neuron = 2\nranges.weight_bits = [8, 7]", "Search: Key 'neuron' is unknown"),
        ("config = 'dmeo'\nranges.weight_bits = [8, 7]", "did you mean 'demo'?"),
    ],
)
def test_what_is_wrong_is_told(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_space(text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
