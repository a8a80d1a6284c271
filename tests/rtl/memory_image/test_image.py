from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_model.reference.membrane import winner
from prunus_rtl.memory_image.devices import DEVICES, BlockRam, Device, Fit
from prunus_rtl.memory_image.footprint import StoreRow, StoreTable, choose, table
from prunus_rtl.memory_image.formats import FORMATS
from prunus_rtl.memory_image.image import LaneImage, StoreImage, by_lane, pack
from prunus_rtl.memory_image.lanes import balance, lane_cycles, post_of_position
from prunus_rtl.memory_image.memory import Memory

Weights = npt.NDArray[np.uint8]
Alive = npt.NDArray[np.bool_]
LISTS = [fmt for fmt in FORMATS if fmt != "dense"]


def synapses(
    inputs: int, neurons: int, density: float, *, weight_bits: int = 8, seed: int = 0
) -> tuple[Weights, Alive]:
    """Random weights, many of them 0, of which a share is unpruned."""
    rng = np.random.default_rng(seed)
    alive = rng.random((inputs, neurons)) < density
    weights = rng.integers(0, 2**weight_bits, alive.shape) * (rng.random(alive.shape) < 0.8)
    return (weights * alive).astype(np.uint8), alive


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    weight_bits = draw(st.integers(1, 8))
    neurons = draw(st.one_of(st.just(1), st.integers(2, 30), st.just(150)))
    seed = draw(st.integers(0, 2**32 - 1))
    weights, alive = synapses(
        draw(st.integers(1, 12)),
        neurons,
        draw(st.sampled_from([0, 0.02, 0.2, 0.5, 0.9, 1])),
        weight_bits=weight_bits,
        seed=seed,
    )
    rng = np.random.default_rng(seed)
    return {
        "weights": weights,
        "alive": alive,
        "lanes": draw(st.sampled_from([1, 2, 3, 7, 16, 40])),
        "weight_bits": weight_bits,
        "position": draw(st.sampled_from([None, rng.permutation(neurons)])),
    }


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


# --- sizes and devices ---


def memory(width: int, depth: int) -> Memory:
    return Memory(name="m", fields=(("a", width - 1), ("b", 1)), words=(0,) * depth)


def store(*memories: Memory) -> StoreImage:
    lane = LaneImage(format="csr", inputs=1, slots=1, weight_bits=8, memories=memories)
    return StoreImage(format="csr", position=np.arange(1), lanes=(lane,))


@pytest.mark.parametrize(
    ("device", "width", "depth", "blocks"),
    [
        ("ECP5-85F", 18, 1024, 1),
        ("ECP5-85F", 18, 1025, 2),
        ("ECP5-85F", 19, 1024, 2),
        ("ECP5-85F", 36, 512, 1),
        ("ECP5-85F", 9, 2048, 1),
        ("ECP5-85F", 4, 4096, 1),
        ("ECP5-85F", 2, 8192, 1),
        ("ECP5-85F", 15, 7840, 8),
        ("GW1NR-9", 14, 784, 1),
        ("GW1NR-9", 37, 512, 2),
    ],
)
def test_a_memory_takes_the_blocks_of_its_best_mode(
    device: str, width: int, depth: int, blocks: int
) -> None:
    (kind,) = DEVICES[device].kinds
    assert kind.blocks(memory(width, depth)) == blocks
    assert DEVICES[device].fit(store(memory(width, depth))).bits == blocks * 18 * 1024


def test_large_memories_take_spram_and_the_rest_block_ram() -> None:
    fit = DEVICES["UP5K"].fit(store(*[memory(15, 784)] * 4, *[memory(16, 13000)] * 4))
    assert fit == Fit(device="UP5K", bits=4 * 256 * 1024 + 16 * 4096, missing_bits=0)
    # A fifth large one needs 16-bit words of 256: 51 blocks, but 14 are left.
    fit = DEVICES["UP5K"].fit(store(*[memory(15, 784)] * 4, *[memory(16, 13000)] * 5))
    assert fit.missing_bits == (51 + 16 - 30) * 4096


def test_a_memory_takes_the_first_kind_that_has_room_not_the_cheapest() -> None:
    fit = DEVICES["UP5K"].fit(store(memory(15, 784)))
    assert fit == Fit(device="UP5K", bits=256 * 1024, missing_bits=0)
    kinds = (
        BlockRam(count=1, bits=40, shapes=((10, 4),)),
        BlockRam(count=9, bits=100, shapes=((10, 10),)),
        BlockRam(count=9, bits=400, shapes=((10, 40),)),
    )
    device = Device(name="three", kinds=kinds)
    # The first kind has one block too few; the second and the third have room.
    assert device.fit(store(memory(10, 5))) == Fit(device="three", bits=100, missing_bits=0)


def test_memory_that_fits_nowhere_is_missing_where_it_costs_least() -> None:
    device = Device(
        name="small",
        kinds=(
            BlockRam(count=1, bits=100, shapes=((10, 10),)),
            BlockRam(count=2, bits=40, shapes=((10, 4),)),
        ),
    )
    assert device.fit(store(memory(10, 12))) == Fit(device="small", bits=120, missing_bits=40)


def test_sizes_of_the_devices() -> None:
    bits = {name: sum(kind.count * kind.bits for kind in d.kinds) for name, d in DEVICES.items()}
    assert bits == {
        "ECP5-85F": 208 * 18 * 1024,
        "ECP5-25F": 56 * 18 * 1024,
        "UP5K": 30 * 4 * 1024 + 4 * 256 * 1024,
        "GW1NR-9": 26 * 18 * 1024,
    }


def test_dense_network_that_fits_no_device_has_missing_bits() -> None:
    weights, alive = synapses(784, 800, 1)
    dense = table(weights, alive, lanes=16, weight_bits=8).row("dense")
    assert dense.bits == 784 * 800 * 8
    # 16 lanes of 39,200 words of 8 bits: 20 blocks each, 112 more than there are.
    assert dense.fit("ECP5-85F").missing_bits == 112 * 18 * 1024


def test_pruned_network_fits_where_the_dense_one_does_not() -> None:
    sizes = table(*synapses(784, 800, 0.21), lanes=16, weight_bits=8)
    for row in (sizes.row("csr"), sizes.row("bitmask")):
        assert row.fit("ECP5-85F").missing_bits == 0


def sizes_of(**rows: tuple[int, int, int]) -> StoreTable:
    """(raw bits, bits of blocks, missing bits) of each format, on device D."""
    return StoreTable(
        rows=tuple(
            StoreRow(
                format=name,
                lane_bits=(bits,),
                fits=(Fit(device="D", bits=taken, missing_bits=missing),),
            )
            for name, (bits, taken, missing) in rows.items()
        )
    )


@pytest.mark.parametrize(
    ("rows", "raw", "on_device"),
    [
        ({"csr": (5, 9, 0), "dense": (9, 9, 0), "bitmask": (4, 9, 0)}, "bitmask", "bitmask"),
        ({"csr": (4, 9, 0), "dense": (4, 9, 0), "bitmask": (4, 9, 0)}, "csr", "csr"),
        ({"csr": (4, 9, 0), "dense": (5, 8, 0), "bitmask": (6, 9, 0)}, "csr", "dense"),
        ({"csr": (4, 7, 1), "dense": (5, 8, 2), "bitmask": (6, 9, 0)}, "csr", "bitmask"),
    ],
    ids=["fewest bits", "first of equals", "fewest blocks", "the one that fits"],
)
def test_choice(rows: dict[str, tuple[int, int, int]], raw: str, on_device: str) -> None:
    assert choose(sizes_of(**rows)) == raw
    assert choose(sizes_of(**rows), "D") == on_device


@pytest.mark.parametrize(
    ("density", "lanes", "fmt"), [(0.05, 4, "csr"), (0.3, 4, "bitmask"), (1, 4, "dense")]
)
def test_choice_follows_the_density(density: float, lanes: int, fmt: str) -> None:
    assert choose(table(*synapses(100, 200, density), lanes=lanes, weight_bits=8)) == fmt


def test_table_as_text() -> None:
    lines = str(table(*synapses(784, 100, 0.5), lanes=4, weight_bits=8)).splitlines()
    assert lines[0].split() == ["format", "bits", "largest", "lane", *DEVICES]
    # UP5K: two lanes take 2 SPRAMs each, the others 50 block RAMs each of the 30.
    dense = "dense 705600 176400 737280 fits 737280 fits 286720 missing 258048 missing"
    assert lines[2].split() == dense.split()


# --- balancing ---


def lanes_of(position: npt.NDArray[np.int64], lanes: int) -> list[list[int]]:
    """Posts of each lane in the order of the slots."""
    posts = post_of_position(position).tolist()
    return [posts[lane::lanes] for lane in range(lanes)]


@settings(max_examples=60, deadline=None)
@given(case=cases(), images=st.integers(0, 4))
def test_balanced_order_is_a_permutation_whose_lanes_ascend(
    case: dict[str, Any], images: int
) -> None:
    alive, lanes = case["alive"], case["lanes"]
    levels = np.random.default_rng(images).integers(0, 256, (images, len(alive))).astype(np.uint8)
    position = balance(alive, lanes=lanes, levels=levels if images else None)
    assert position.dtype == np.int64
    assert sorted(position.tolist()) == list(range(alive.shape[1]))
    assert all(posts == sorted(posts) for posts in lanes_of(position, lanes))
    assert post_of_position(position)[position].tolist() == list(range(alive.shape[1]))


@pytest.mark.parametrize("seed", range(20))
def test_balance_minimises_the_expected_squares_of_the_cycles_of_a_step(seed: int) -> None:
    # With 4 neurons on 2 lanes every distribution is one swap away from every other.
    rng = np.random.default_rng(seed)
    alive = rng.random((5, 4)) < 0.6
    levels = rng.integers(0, 256, (1, 5)).astype(np.uint8)

    def squares(pair: tuple[int, ...]) -> Fraction:
        first = alive[:, list(pair)].sum(axis=1)
        second = alive.sum(axis=1) - first
        total = Fraction(0)
        for spikes in product([0, 1], repeat=5):
            chance = Fraction(1)
            for level, spike in zip(levels[0].tolist(), spikes, strict=True):
                chance *= Fraction(level if spike else 256 - level, 256)
            total += chance * (int(first @ spikes) ** 2 + int(second @ spikes) ** 2)
        return total

    got = tuple(lanes_of(balance(alive, lanes=2, levels=levels), 2)[0])
    assert squares(got) == min(squares(pair) for pair in combinations(range(4), 2))


def test_no_swap_of_two_neurons_is_better() -> None:
    rng = np.random.default_rng(1)
    alive = rng.random((12, 17)) < rng.random(17)
    position = balance(alive, lanes=3)

    def squares(position: npt.NDArray[np.int64]) -> int:
        n = by_lane(alive, 3, position).sum(axis=1)
        # All inputs spike in every other step: E[s s'] is 1/4, or 1/2 for the same input.
        return int((n.sum(axis=0) ** 2).sum() + (n**2).sum())

    best = squares(position)
    assert best < squares(np.arange(17))
    for a, b in combinations(range(17), 2):
        other = position.copy()
        other[[a, b]] = position[[b, a]]
        assert squares(other) >= best


def test_neurons_that_are_busy_in_the_same_images_are_kept_apart() -> None:
    # Posts 0 and 2 listen to inputs 0..3, posts 1 and 3 to inputs 4..7: the same mean work.
    alive = np.zeros((8, 4), dtype=np.bool_)
    alive[:4, [0, 2]] = True
    alive[4:, [1, 3]] = True
    levels = np.zeros((2, 8), dtype=np.uint8)
    levels[0, :4] = levels[1, 4:] = 200
    lanes = lanes_of(balance(alive, lanes=2, levels=levels), 2)
    assert [sum(post % 2 for post in posts) for posts in lanes] == [1, 1]


def test_balance_saves_cycles() -> None:
    rng = np.random.default_rng(3)
    alive = rng.random((200, 64)) < np.linspace(0.05, 0.5, 64)[rng.permutation(64)]
    spikes = rng.random((300, 200)) < 0.2
    before = lane_cycles(spikes, alive, lanes=8)
    after = lane_cycles(spikes, alive, lanes=8, position=balance(alive, lanes=8))
    assert after.busy.sum() == before.busy.sum()
    assert before.utilisation < 0.88
    assert after.utilisation > 0.91


@pytest.mark.parametrize("seed", range(30))
def test_ties_come_out_as_documented(seed: int) -> None:
    rng = np.random.default_rng(seed)
    neurons, lanes = 13, 4
    alive = rng.random((9, neurons)) < 0.5
    posts = lanes_of(balance(alive, lanes=lanes), lanes)
    v, v_fire = rng.integers(0, 3, neurons), rng.integers(0, 2, neurons)
    candidates = []
    for lane in posts:
        best = lane[0]
        for post in lane[1:]:
            if v[post] - v_fire[post] > v[best] - v_fire[best]:
                best = post
        candidates.append((-(v[best] - v_fire[best]), best))
    margin, post = min(candidates)
    assert (post if margin <= 0 else -1) == winner(v, v_fire)


def test_lane_cycles_of_an_example() -> None:
    alive = np.array([[1, 1, 1], [1, 0, 0]], dtype=np.bool_)
    spikes = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=np.bool_)
    cycles = lane_cycles(spikes, alive, lanes=2)
    assert cycles.busy.tolist() == [[2, 1], [3, 1], [1, 0], [0, 0]]
    assert cycles.cycles.tolist() == [2, 3, 1, 0]
    assert cycles.barrier.tolist() == [2, 3, 1, 0]
    assert cycles.utilisation == 8 / 12
    swapped = lane_cycles(spikes, alive, lanes=2, position=np.array([1, 0, 2]))
    assert swapped.busy.tolist() == [[2, 1], [2, 2], [0, 1], [0, 0]]
    assert swapped.cycles.tolist() == [2, 2, 1, 0]
    assert swapped.barrier.tolist() == [2, 3, 1, 0]


def test_lanes_without_work_are_fully_used() -> None:
    spikes, alive = np.ones((3, 2), np.bool_), np.zeros((2, 5), np.bool_)
    assert lane_cycles(spikes, alive, lanes=2).utilisation == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: balance(GOOD[1], lanes=-1),
            TypeError,
            "Lanes must be a positive integer, not -1",
        ),
        (
            lambda: balance(GOOD[1], lanes=2, levels=np.zeros((2, 4), np.uint8)),
            ValueError,
            "Levels must have shape (images, 3), not (2, 4)",
        ),
        (
            lambda: balance(GOOD[1], lanes=2, levels=np.zeros((0, 3), np.uint8)),
            ValueError,
            "Levels must have shape (images, 3), not (0, 3)",
        ),
        (
            lambda: post_of_position(np.array([1, 1])),
            ValueError,
            "Position must be a permutation of 0..1",
        ),
    ],
)
def test_bad_arguments_of_the_balancer_are_refused(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == message
