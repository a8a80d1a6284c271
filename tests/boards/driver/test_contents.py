import numpy as np
import pytest

from prunus_boards.driver.contents import blocks, state_of, words_of
from prunus_devices import LEARNING, PACKED, network
from prunus_model.spec.state import State
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

OPTIONS = {
    "learning": LEARNING,
    "inference": ExportOptions(lanes=4, store="learning"),
    "csr": PACKED,
    "dense": ExportOptions(lanes=2, store="dense"),
    "bitmask": ExportOptions(lanes=8, store="bitmask"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_words_hold_the_state(name: str) -> None:
    plan = link_plan(network(), OPTIONS[name])
    shapes = CoreDescription.of(plan).widths
    state = plan.state.copy()
    rng = np.random.default_rng(1)
    state.v[:] = rng.integers(0, 1000, 10)
    state.v_fire[:] = rng.integers(0, 1 << 23, 10)
    state.last_step[:] = rng.integers(-1, 16, 49)
    words = words_of(shapes, state, plan.votes)
    assert {space: len(array) for space, array in words.items()} == {
        space: depth for space, (_, _, depth) in spaces(shapes).items()
    }
    blank = State.initial(network().config)
    blank.weights[:], blank.alive[:] = 0, False
    found, votes = state_of(shapes, words, blank)
    assert np.array_equal(votes, plan.votes)
    differing = {line.partition("[")[0].partition(":")[0] for line in found.differences(state)}
    learned = {"theta", "strength", "post_count", "last_step"}
    assert differing == (set() if name == "learning" else learned)


@pytest.mark.parametrize("name", OPTIONS)
def test_blocks_are_the_addresses_that_exist(name: str) -> None:
    shapes = CoreDescription.of(link_plan(network(), OPTIONS[name])).widths
    for space, (_, bits, depth) in spaces(shapes).items():
        found = [at for first, n in blocks(shapes, space) for at in range(first, first + n)]
        assert found == sorted(set(found))
        assert found[-1] == depth - 1
        if space is Space.SYNAPSES:
            # 10 neurons in 4 lanes: an address has 4 bits for them.
            assert found == [pre * 16 + post for pre in range(49) for post in range(10)]
        elif space is Space.STORE:
            assert shapes.store is not None
            assert found == list(shapes.store.addresses())
        else:
            assert found == list(range(depth))
        assert bits <= 32


def test_word_of_a_synapse_and_of_a_last_step() -> None:
    plan = link_plan(network(), LEARNING)
    state = plan.state.copy()
    state.weights[3, 2], state.alive[3, 2] = 77, True
    state.last_step[:2] = [5, -1]
    words = words_of(CoreDescription.of(plan).widths, state, plan.votes)
    assert words[Space.SYNAPSES][3 << 4 | 2] == 1 << 8 | 77
    assert words[Space.LAST_STEP][:2].tolist() == [1 << 8 | 5, 0]
    assert words[Space.VOTES][3 * 10 + 4] == plan.votes[4, 3]
