"""Widths: the table of the semantics, section 2, and the bounds behind it."""

import pytest

from prunus_model.spec import formats
from prunus_model.spec.formats import Formats, max_of


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("LEVEL_BITS", 8),
        ("RANDOM_BITS", 8),
        ("WEIGHT_BITS_MAX", 8),
        ("STEP_BITS", 8),
        ("THETA_BITS", 24),
        ("V_FIRE_BITS", 23),
        ("POST_COUNT_BITS", 16),
        ("PRESENTATION_BITS", 32),
        ("SEED_BITS", 32),
        ("STRENGTH_GAIN_SHIFT", 16),
    ],
)
def test_widths_are_those_of_the_semantics(name: str, bits: int) -> None:
    assert getattr(formats, name) == bits


@pytest.mark.parametrize(
    ("bits", "largest"),
    [(1, 1), (2, 3), (4, 15), (8, 255), (16, 65535), (23, 8388607), (32, 4294967295)],
    ids=lambda number: f"{number}",
)
def test_largest_number_has_all_bits_set(bits: int, largest: int) -> None:
    assert max_of(bits) == largest


@pytest.mark.parametrize(
    ("inputs", "weight_bits", "w_max", "strength_bits", "v_bits"),
    [
        pytest.param(784, 8, 255, 18, 24, id="as in the semantics"),
        pytest.param(784, 4, 15, 14, 24, id="narrow weights"),
        pytest.param(49, 8, 255, 14, 24, id="tiny"),
        pytest.param(1, 1, 1, 1, 24, id="smallest"),
        pytest.param(65536, 8, 255, 24, 25, id="largest"),
        pytest.param(3, 1, 1, 2, 24, id="just fits 2 bits"),
        pytest.param(4, 1, 1, 3, 24, id="just needs 3 bits"),
        pytest.param(32896, 8, 255, 23, 24, id="just fits 23 bits"),
        pytest.param(32897, 8, 255, 24, 25, id="just needs 24 bits"),
    ],
)
def test_widths_follow_the_size(
    inputs: int, weight_bits: int, w_max: int, strength_bits: int, v_bits: int
) -> None:
    f = Formats(inputs=inputs, weight_bits=weight_bits)
    assert (f.w_max, f.strength_bits, f.v_bits) == (w_max, strength_bits, v_bits)


@pytest.mark.parametrize("weight_bits", range(1, 9), ids="{} bits".format)
@pytest.mark.parametrize(
    "inputs", [1, 2, 3, 4, 255, 784, 32896, 32897, 65535, 65536], ids="{} inputs".format
)
def test_all_weights_at_most_and_the_next_spike_of_all_inputs_fit(
    inputs: int, weight_bits: int
) -> None:
    f = Formats(inputs=inputs, weight_bits=weight_bits)
    assert 2 ** (f.strength_bits - 1) <= inputs * f.w_max < 2**f.strength_bits
    largest_below_threshold = max_of(23) - 1
    assert largest_below_threshold + inputs * f.w_max <= max_of(f.v_bits)
