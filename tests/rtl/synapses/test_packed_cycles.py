"""Cycles that packed stores take."""

# amaranth: UnusedElaboratable=no

import numpy as np
import numpy.typing as npt
import pytest

from prunus_packed import LISTS, expected, image_of, rows, simulate
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.synapses.components import packed_store


def test_list_in_spram_takes_two_cycles_more_for_each_pre() -> None:
    image = image_of(rows("xxx", "...", ".x.", "x.x"), fmt="csr")
    trace = simulate(packed_store(image=image, spram=True), [0, 1, 1, 2, 3, 0])
    # Pointers are looked up in the cycles in which nothing comes.
    assert trace.taken == [0, 5, 7, 9, 12, 16]
    assert trace.cycles == [4, 5, 6, 13, 16, 17, 20, 21, 22]
    assert trace.busy == list(range(1, 23))


@pytest.mark.parametrize(
    "alive",
    [
        pytest.param(rows("x..", ".x.", "..x"), id="single entries"),
        pytest.param(rows("xxxx", "xxxx"), id="full rows"),
        pytest.param(rows("x....", "xx...", ".xxxx", "....x"), id="all lengths"),
        pytest.param(rows("xx..", "....", ".xxx", "x..x"), id="with empty rows between"),
        pytest.param(rows("x", "x"), id="one slot"),
    ],
)
def test_bitmap_loses_no_cycle_between_the_first_synapse_and_the_last(
    alive: npt.NDArray[np.bool_],
) -> None:
    image = image_of(alive, fmt="bitmask")
    pres = list(range(len(alive))) * 10
    # An empty row is hidden if the rows around it are longer than one.
    trace = simulate(packed_store(image=image), pres)
    assert trace.synapses == expected(image, pres)
    assert trace.cycles == list(range(3, 3 + len(trace.synapses)))


@pytest.mark.parametrize(
    "alive",
    [
        pytest.param(rows("x.x.", ".x.x", "..xx"), id="two entries"),
        pytest.param(rows("xxxx", "xxxx"), id="full rows"),
        pytest.param(rows("xx.x", ".xxx", "...x"), id="one is hidden behind longer ones"),
        pytest.param(rows("xxxx", "...."), id="an empty one is hidden behind longer ones"),
    ],
)
def test_list_loses_no_cycle_if_lists_have_two_synapses_or_more(
    alive: npt.NDArray[np.bool_],
) -> None:
    image = image_of(alive, fmt="csr")
    pres = list(range(len(alive))) * 10
    trace = simulate(packed_store(image=image), pres)
    assert trace.synapses == expected(image, pres)
    assert trace.cycles == list(range(7, 7 + len(trace.synapses)))


@pytest.mark.parametrize("alive", [rows("x..", ".x.", "..x"), rows("x", "x")])
def test_list_takes_two_cycles_for_a_pre_of_one_synapse(alive: npt.NDArray[np.bool_]) -> None:
    image = image_of(alive, fmt="csr")
    trace = simulate(packed_store(image=image), [0, 1] * 10)
    assert trace.cycles == list(range(7, 7 + 40, 2))


@pytest.mark.parametrize("alive", [rows("xx", "xx"), rows("x", "x"), rows("xxxxx", "xxxxx")])
def test_dense_delivers_one_synapse_per_cycle_if_nothing_is_pruned(
    alive: npt.NDArray[np.bool_],
) -> None:
    image = image_of(alive, fmt="dense")
    assert dict(image["weights"].fields) == {"weight": 8}
    trace = simulate(packed_store(image=image), [0, 1] * 10)
    assert trace.synapses == expected(image, [0, 1] * 10)
    assert trace.cycles == list(range(2, 2 + len(trace.synapses)))


def test_dense_spends_one_cycle_on_every_slot() -> None:
    image = image_of(rows("x..x.", ".....", "..x.."), fmt="dense")
    trace = simulate(packed_store(image=image), [0, 1, 2])
    assert [slot for slot, _ in trace.synapses] == [0, 3, 2]
    assert trace.cycles == [2 + 0, 2 + 3, 2 + 12]


@pytest.mark.parametrize(("fmt", "each", "first"), [("csr", 2, 7), ("bitmask", 1, 3)])
def test_pres_without_synapses_cost_few_cycles(fmt: str, each: int, first: int) -> None:
    image = image_of(rows("....", ".x.."), fmt=fmt)
    trace = simulate(packed_store(image=image), [0] * 20 + [1])
    assert trace.taken == list(range(0, 21 * each, each))
    assert trace.cycles == [20 * each + first]
    assert trace.busy == list(range(1, 20 * each + first + 1))


@pytest.mark.parametrize(("fmt", "first"), [("csr", 7), ("bitmask", 3)])
def test_pres_without_synapses_are_dropped_while_another_is_walked(fmt: str, first: int) -> None:
    image = image_of(rows("xxxxxxxx", "........"), fmt=fmt)
    trace = simulate(packed_store(image=image), [0, 1, 1, 0, 1, 1, 0])
    assert trace.cycles == list(range(first, first + 24))


def test_list_without_entries_is_dropped_though_another_waits() -> None:
    image = image_of(rows("xxxxxxxx", "xx......", "........"), fmt="csr")
    trace = simulate(packed_store(image=image), [0, 1, 2, 0, 1])
    assert trace.cycles == list(range(7, 7 + 20))


@pytest.mark.parametrize("fmt", LISTS)
def test_fewer_than_one_cycle_in_twenty_is_lost_at_the_density_of_a_trained_network(
    fmt: str,
) -> None:
    rng = np.random.default_rng(0)
    image = image_of(rng.random((100, 50)) < 0.2, fmt=fmt)
    pres = rng.integers(0, 100, 100).tolist()
    trace = simulate(packed_store(image=image), pres)
    first = {"csr": 7, "bitmask": 3}[fmt]
    assert trace.cycles == list(range(first, first + len(trace.synapses)))
    assert len(trace.synapses) > 900


@pytest.mark.parametrize("fmt", FORMATS)
def test_busy_spans_the_fetch_exactly(fmt: str) -> None:
    image = image_of(rows("xxx", "xxx"), fmt=fmt)
    trace = simulate(packed_store(image=image), [0, 1])
    assert trace.taken[0] == 0
    assert trace.busy == list(range(1, trace.cycles[-1] + 1))
