import re
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prunus_model.common.errors import ConfigError
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import LaneImage, StoreImage, pack
from prunus_rtl.memory_image.store_formats import FORMATS


def network(seed: int, *, density: float = 0.4, shape: tuple[int, int] = (9, 11)) -> Any:
    rng = np.random.default_rng(seed)
    alive = rng.random(shape) < density
    return (rng.integers(0, 16, shape) * alive).astype(np.uint8), alive


def built(fmt: str, *, seed: int = 1, lanes: int = 4, **options: Any) -> StoreImage:
    return pack(*network(seed), format=fmt, lanes=lanes, weight_bits=4, **options)


@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("fmt", FORMATS)
def test_another_network_is_written_word_by_word_and_read_back(fmt: str, lanes: int) -> None:
    layout = StoreLayout.of(built(fmt, lanes=lanes, capacity=30).lanes)
    weights, alive = network(2, density=0.2)
    position = np.random.default_rng(3).permutation(11)
    image = layout.pack(weights, alive, position=position)
    words = dict(layout.writes(image))
    # Every address once, in the order of addresses, and none beside them.
    assert list(words) == list(layout.addresses()) == sorted(words)
    assert len(words) == sum(map(sum, layout.depths))
    assert max(words) == layout.end - 1 < 1 << layout.address_bits
    assert max(words.values()) < 1 << layout.width
    lanes_read = layout.images(list(words.values()))
    assert lanes_read == image.lanes
    got = StoreImage(format=fmt, position=image.position, lanes=lanes_read).unpack()
    np.testing.assert_array_equal(got[0], weights)
    np.testing.assert_array_equal(got[1], alive)


def test_address_is_lane_memory_index() -> None:
    layout = StoreLayout.of(built("csr", capacity=33).lanes)
    assert layout.depths == ((10, 33),) * 4
    assert (layout.word_bits, layout.memory_bits, layout.lane_bits) == (6, 1, 2)
    assert layout.address(2, 1, 5) == 2 * 128 + 64 + 5
    assert (layout.address_bits, layout.end) == (9, 3 * 128 + 64 + 33)
    # A core's own words, in place.
    image = built("csr", capacity=33)
    words = dict(layout.writes(image))
    for lane, part in enumerate(image.lanes):
        for number, memory in enumerate(part.memories):
            for index, word in enumerate(memory.words):
                assert words[layout.address(lane, number, index)] == word


@settings(deadline=None)
@given(
    fmt=st.sampled_from(list(FORMATS)),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 20)),
    lanes=st.sampled_from([1, 2, 4, 8, 16, 64]),
    capacity=st.integers(0, 300) | st.sampled_from([1 << k for k in range(10)]),
    density=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
# The last memory of the last lane fills all that an index can reach.
@example(fmt="dense", shape=(1, 5), lanes=4, capacity=0, density=1.0, seed=0)
@example(fmt="dense", shape=(1024, 16), lanes=16, capacity=0, density=1.0, seed=0)
@example(fmt="csr", shape=(9, 11), lanes=4, capacity=64, density=0.4, seed=0)
@example(fmt="bitmask", shape=(1023, 4), lanes=4, capacity=1 << 14, density=0.1, seed=0)
def test_addresses_are_unique_and_end_behind_the_last(
    fmt: str, shape: tuple[int, int], lanes: int, capacity: int, density: float, seed: int
) -> None:
    weights, alive = network(seed, density=density, shape=shape)
    image = pack(weights, alive, format=fmt, lanes=lanes, weight_bits=4, capacity=capacity)
    layout = StoreLayout.of(image.lanes)
    found = [address for address, _ in layout.writes(image)]
    assert len(found) == sum(memory.depth for lane in image.lanes for memory in lane.memories)
    assert len(set(found)) == len(found)
    assert layout.end == max(found) + 1 <= 1 << layout.address_bits


@pytest.mark.parametrize("fmt", ["csr", "bitmask"])
def test_lanes_of_different_depth_take_what_fits_them(fmt: str) -> None:
    image = built(fmt)
    layout = StoreLayout.of(image.lanes)
    rooms = [depths[1] for depths in layout.depths]
    assert len(set(rooms)) > 1
    assert layout.pack(*network(1)).lanes == image.lanes
    # The lane with least room gets one synapse too many, though another lane would hold it.
    lane = int(np.argmin(rooms))
    weights, alive = network(1)
    own = alive[:, lane::4]
    pre, slot = np.argwhere(~own)[0]
    alive[pre, slot * 4 + lane] = True
    message = (
        f"Unpruned synapses of lane {lane} must fit {rooms[lane]} words, not be {rooms[lane] + 1}: "
        "1 words are missing"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        layout.pack(weights, alive)


def test_tells_the_lane_that_lacks_most() -> None:
    layout = StoreLayout.of(built("csr", capacity=27).lanes)
    weights, alive = network(1, density=1.0)
    # Lanes 0 to 2 have 3 neurons of 9 synapses, lane 3 has 2.
    alive[0, 0] = False
    weights[0, 0] = 0
    assert layout.pack(weights, alive).lanes[1]["entries"].depth == 27
    tight = StoreLayout.of(built("csr", capacity=25).lanes)
    message = "Unpruned synapses of lane 1 must fit 25 words, not be 27: 2 words are missing"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        tight.pack(weights, alive)


def test_dense_store_takes_any_network_if_it_has_the_bit_alive() -> None:
    full = network(1, density=1.0, shape=(9, 8))
    pruned = network(2, shape=(9, 8))
    options: Any = {"format": "dense", "lanes": 4, "weight_bits": 4}
    bare = StoreLayout.of(pack(*full, **options).lanes)
    flagged = StoreLayout.of(pack(*full, **options, flagged=True).lanes)
    assert (bare.width, flagged.width) == (4, 5)
    assert bare.pack(*full).lanes[0]["weights"].fields == (("weight", 4),)
    for weights, alive in (full, pruned):
        got = flagged.pack(weights, alive).unpack()
        np.testing.assert_array_equal(got[0], weights)
        np.testing.assert_array_equal(got[1], alive)
    with pytest.raises(
        ConfigError, match=r"^Every synapse must be unpruned, because words have no bit"
    ):
        bare.pack(*pruned)


@pytest.mark.parametrize("shape", [(8, 11), (9, 13)])
def test_rejects_a_network_of_another_size(shape: tuple[int, int]) -> None:
    layout = StoreLayout.of(built("csr", capacity=60).lanes)
    with pytest.raises(ConfigError, match=r"^Network must have 9 inputs, and 3 neurons in the"):
        layout.pack(*network(1, shape=shape))


def test_rejects_an_image_of_another_core() -> None:
    layout = StoreLayout.of(built("csr", capacity=60).lanes)
    with pytest.raises(ValueError, match=r"^Image must have the layout "):
        list(layout.writes(built("csr", capacity=70)))


def test_rejects_lanes_that_are_not_alike() -> None:
    first: LaneImage = built("csr", capacity=30).lanes[0]
    other = built("csr", capacity=90).lanes[0]
    with pytest.raises(ValueError, match=r"^Images must be one for each lane, but there are none$"):
        StoreLayout.of([])
    with pytest.raises(ValueError, match=r"^depths of lane 1 must be "):
        StoreLayout.of([first, built("bitmask", capacity=30).lanes[1]])
    with pytest.raises(ValueError, match=r"^Image of lane 0 must have format csr with fields "):
        StoreLayout.of([first, other])
