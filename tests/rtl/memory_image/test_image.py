from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_rtl.memory_image.footprint import table
from prunus_rtl.memory_image.image import by_lane, pack
from prunus_rtl.memory_image.lanes import post_of_position
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_synapses import cases, synapses

LISTS = [fmt for fmt in FORMATS if fmt != "dense"]


@pytest.mark.parametrize("fmt", FORMATS)
@settings(max_examples=150, deadline=None)
@given(case=cases(), capacity=st.sampled_from([0, 0, 5, 200]))
def test_unpacking_gives_back_what_was_packed(
    fmt: str, case: dict[str, Any], capacity: int
) -> None:
    image = pack(**case, format=fmt, capacity=capacity)
    weights, alive = image.unpack()
    assert np.array_equal(weights, case["weights"])
    assert np.array_equal(alive, case["alive"])
    assert (weights.dtype.name, alive.dtype.name) == ("uint8", "bool")


@pytest.mark.parametrize("fmt", FORMATS)
@settings(max_examples=50, deadline=None)
@given(case=cases())
def test_words_are_integers_that_fit_their_width(fmt: str, case: dict[str, Any]) -> None:
    for lane in pack(**case, format=fmt).lanes:
        for memory in lane.memories:
            assert all(type(word) is int and 0 <= word < 2**memory.width for word in memory.words)


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_lists_hold_the_live_synapses_of_each_lane_in_slot_order(case: dict[str, Any]) -> None:
    weights, alive, lanes = case["weights"], case["alive"], case["lanes"]
    inputs, neurons = weights.shape
    posts = post_of_position(np.arange(neurons) if case["position"] is None else case["position"])
    for lane, image in enumerate(pack(**case, format="csr").lanes):
        pointers, entries = image.memories
        total = 0
        for pre in range(inputs):
            want = [
                (p // lanes, int(weights[pre, posts[p]]))
                for p in range(lane, neurons, lanes)
                if alive[pre, posts[p]]
            ]
            room = 1 << dict(pointers.fields)["start"]
            assert pointers.column("none")[pre] == (not want)
            assert pointers.column("start")[pre] == total % room
            part = slice(total, total + len(want))
            slots = entries.column("column")[part].tolist()
            assert list(zip(slots, entries.column("value")[part], strict=True)) == want
            total += len(want)
        assert pointers.depth == inputs + 1
        assert pointers.column("none")[inputs]
        assert pointers.column("start")[inputs] == total % room
        assert entries.depth == max(1, total)


def test_bit_positions_are_as_documented() -> None:
    # 2 pres, 3 slots in one lane; pre 0 has weights 5 and 0 in slots 0 and 2, pre 1 nothing.
    weights = np.array([[5, 0, 0], [0, 0, 0]], dtype=np.uint8)
    alive = np.array([[1, 0, 1], [0, 0, 0]], dtype=np.bool_)
    words = {
        fmt: [m.words for m in pack(weights, alive, format=fmt, lanes=1, weight_bits=3)
              .lanes[0].memories]
        for fmt in FORMATS
    }  # fmt: skip
    assert words == {
        "csr": [(0b0_0, 0b1_0, 0b1_0), (0b00_101, 0b10_000)],
        "bitmask": [(0b0_101, 0b0_000), (5, 0)],
        "dense": [(0b1_101, 0b0_000, 0b1_000, 0, 0, 0)],
    }


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_bits_are_those_of_the_formats(case: dict[str, Any]) -> None:
    alive, lanes, weight_bits = case["alive"], case["lanes"], case["weight_bits"]
    inputs, neurons = alive.shape
    slots = -(-neurons // lanes)
    unpruned = by_lane(alive, lanes, case["position"]).sum(axis=(0, 1)).tolist()
    words = [max(1, n) for n in unpruned]
    start_bits = (max(words) - 1).bit_length()
    entry = (slots - 1).bit_length() + weight_bits
    full = sum(unpruned) == inputs * slots * lanes
    want = {
        "csr": [(inputs + 1) * (start_bits + 1) + n * entry for n in words],
        "bitmask": [inputs * (start_bits + slots) + n * weight_bits for n in words],
        "dense": [inputs * slots * (weight_bits + (not full))] * lanes,
    }
    sizes = table(**case)
    assert {row.format: list(row.lane_bits) for row in sizes.rows} == want
    assert {fmt: pack(**case, format=fmt).bits for fmt in FORMATS} == {
        fmt: sum(bits) for fmt, bits in want.items()
    }


def test_largest_lane_with_a_power_of_two_of_entries_needs_no_further_pointer_bit() -> None:
    weights, alive = synapses(4, 4, 1)
    image = pack(weights, alive, format="csr", lanes=1, weight_bits=8).lanes[0]
    assert dict(image["row_pointers"].fields) == {"start": 4, "none": 1}
    assert image["row_pointers"].column("start").tolist() == [0, 4, 8, 12, 0]
    assert (image.unpack()[1] == alive).all()


def test_one_list_that_fills_the_memory_is_told_from_none() -> None:
    weights, alive = synapses(1, 4, 1)
    image = pack(weights, alive, format="csr", lanes=1, weight_bits=8).lanes[0]
    assert image["row_pointers"].column("start").tolist() == [0, 0]
    assert (image.unpack()[0] == weights).all()


@pytest.mark.parametrize("fmt", LISTS)
def test_capacity_makes_room_for_another_network(fmt: str) -> None:
    weights, alive = synapses(9, 10, 0.3)
    small = pack(weights, alive, format=fmt, lanes=2, weight_bits=8, capacity=50)
    full = pack(*synapses(9, 10, 1), format=fmt, lanes=2, weight_bits=8, capacity=50)
    for a, b in zip(small.lanes, full.lanes, strict=True):
        assert [(m.fields, m.depth) for m in a.memories] == [
            (m.fields, m.depth) for m in b.memories
        ]
        assert a.memories[1].depth == 50


@pytest.mark.parametrize("fmt", FORMATS)
def test_without_zeros_only_live_synapses_of_weight_0_are_lost(fmt: str) -> None:
    weights, alive = synapses(20, 30, 0.5)
    assert np.any(alive & (weights == 0))
    image = pack(weights, alive, format=fmt, lanes=4, weight_bits=8, keep_zeros=False)
    got_weights, got_alive = image.unpack()
    assert np.array_equal(got_weights, weights)
    assert np.array_equal(got_alive, weights > 0)


def test_writes_are_all_words_with_their_addresses() -> None:
    image = pack(*synapses(3, 4, 1), format="bitmask", lanes=2, weight_bits=8).lanes[1]
    rows, weights = image.memories
    assert list(image.writes()) == [
        *((0, n, word) for n, word in enumerate(rows.words)),
        *((1, n, word) for n, word in enumerate(weights.words)),
    ]


def test_unknown_names_are_key_errors() -> None:
    image = pack(*synapses(3, 4, 1), format="csr", lanes=2, weight_bits=8).lanes[0]
    with pytest.raises(KeyError, match="weights"):
        _ = image["weights"]
    with pytest.raises(KeyError, match="alive"):
        image["entries"].column("alive")


GOOD = synapses(3, 4, 1)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"format": "coo"}, ValueError, "Format must be one of csr, dense, bitmask, not 'coo'"),
        ({"lanes": 0}, TypeError, "Lanes must be a positive integer, not 0"),
        ({"lanes": 2.0}, TypeError, "Lanes must be a positive integer, not 2.0"),
        ({"weight_bits": 0}, ValueError, "Weight width must be in 1..8, not 0"),
        ({"weight_bits": 9}, ValueError, "Weight width must be in 1..8, not 9"),
        ({"weight_bits": "8"}, ValueError, "Weight width must be in 1..8, not '8'"),
        ({"capacity": -1}, ValueError, "Capacity must be an integer of 0 or more, not -1"),
        ({"capacity": 0.5}, ValueError, "Capacity must be an integer of 0 or more, not 0.5"),
        (
            {"weights": GOOD[0].astype(np.int64)},
            TypeError,
            "Weights must be an array of uint8, not int64",
        ),
        ({"alive": [[1]]}, TypeError, "Alive must be an array of bool, not list"),
        (
            {"alive": GOOD[1][:, :2]},
            ValueError,
            (
                "Weights and alive must have one shape (inputs, neurons), but got weights: (3, 4), "
                "alive: (3, 2)"
            ),
        ),
        (
            {"weights": GOOD[0][:0], "alive": GOOD[1][:0]},
            ValueError,
            (
                "Weights and alive must have one shape (inputs, neurons), but got weights: (0, 4), "
                "alive: (0, 4)"
            ),
        ),
        (
            {"weights": np.full((3, 4), 9, np.uint8), "weight_bits": 3},
            ValueError,
            "Weights must be in 0..7 for weight_bits=3, not 9",
        ),
        (
            {"weights": np.full((3, 4), 9, np.uint8), "alive": np.arange(12).reshape(3, 4) != 6},
            ValueError,
            "weights[1, 2] must be 0 because it is pruned",
        ),
        (
            {"position": np.array([0, 1, 2, 2])},
            ValueError,
            "Position must be a permutation of 0..3",
        ),
        ({"position": np.arange(3)}, ValueError, "Position must be a permutation of 0..3"),
    ],
)
def test_bad_arguments_are_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments: dict[str, Any] = {
        "weights": GOOD[0], "alive": GOOD[1], "format": "csr", "lanes": 2, "weight_bits": 8,
    }  # fmt: skip
    with pytest.raises(error) as info:
        pack(**(arguments | change))
    assert str(info.value) == message
