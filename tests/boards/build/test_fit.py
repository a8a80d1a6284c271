"""Whether memories fit a device, and what is said if not."""

import re
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from prunus_boards.build.fit import (
    FitError,
    check_memories,
    design_memories,
    with_neuron_memory,
)
from prunus_boards.platforms import BOARDS
from prunus_boards.platforms.board import Board
from prunus_cli import digits, tiny, windows
from prunus_model.cli.common import load_network
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.trainer import train
from prunus_rtl.counts.memories import MemoryUse
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.memory_image.devices import DEVICES, Device


def memory(width: int, *depths: int, huge: bool = False) -> MemoryUse:
    return MemoryUse(name="any", depths=depths, width=width, every_cycle=huge)


def test_blocks_are_counted_to_the_last_one() -> None:
    plan = link_plan(train(tiny(), digits(600)), ExportOptions(lanes=2, store="csr"))
    ice40, ecp5 = BOARDS["generic-ice40"], BOARDS["generic-ecp5"]
    check_memories([memory(16, *[256] * 30)], ice40, plan)
    with pytest.raises(FitError, match=r" 4,096 bits \(1 blocks\) are missing; ") as caught:
        check_memories([memory(16, *[256] * 31)], ice40, plan)
    assert caught.value.missing == 1
    # A word more takes a further block.
    with pytest.raises(FitError, match=r"\(30 blocks\)"):
        check_memories([memory(16, 257)] * 30, ice40, plan)
    # What may be made of logic is left to place and route.
    check_memories([memory(25, 64), memory(3, 300)] * 1000, ice40, plan)
    # Only some devices have large memories beside their blocks.
    huge = [memory(16, *[16384] * 4, huge=True)]
    check_memories(huge, ice40, plan)
    with pytest.raises(FitError, match=r"\(8 blocks\)"):
        check_memories(huge, ecp5, plan)


def test_potentials_and_thresholds_go_to_blocks_if_lanes_have_many_and_a_tenth_is_left() -> None:
    ecp5, artifact = BOARDS["ulx3s-85f"], load_network("400")

    def chosen(board: Board, plan: Plan) -> str:
        found = with_neuron_memory(plan, board)
        assert found.options.neuron_memory == found.hardware.neuron_memory
        return found.hardware.neuron_memory

    plan = link_plan(artifact, ExportOptions(lanes=16, store="csr"))
    assert chosen(ecp5, plan) == "block"
    counted = {m.name: m for m in design_memories(with_neuron_memory(plan, ecp5).widths)}
    assert [m.name for m in counted.values() if m.style == "block"] == ["v", "v_fire"]
    # Not more than 16 in a lane.
    assert chosen(ecp5, link_plan(artifact, ExportOptions(lanes=32, store="csr"))) == "auto"
    # The user has said what he wants.
    said = ExportOptions(lanes=16, store="csr", neuron_memory="distributed")
    assert chosen(ecp5, link_plan(artifact, said)) == "distributed"
    # Blocks are left, but less than a tenth of them.
    learning = link_plan(artifact, ExportOptions(lanes=16, mode="learning"))
    blocked = replace(learning, hardware=replace(learning.hardware, neuron_memory="block"))
    assert chosen(ecp5, learning) == "auto"
    with pytest.raises(FitError, match="block RAM"):
        check_memories([memory(9, *[2048] * 208), *design_memories(blocked.widths)], ecp5, blocked)


def test_lut_ram_takes_no_block_and_an_ice40_has_none() -> None:
    ecp5, ice40, artifact = BOARDS["ulx3s-85f"], BOARDS["icebreaker"], load_network("400")
    options = ExportOptions(lanes=4, mode="learning")
    taken = {}
    for style in ("auto", "block", "distributed"):
        widths = link_plan(artifact, replace(options, neuron_memory=style)).widths
        memories = [m for m in design_memories(widths) if m.name in ("v", "v_fire")]
        taken[style] = [m.in_blocks(depth, lut_words=64) for m in memories for depth in m.depths]
    assert taken == {"auto": [True] * 8, "block": [True] * 8, "distributed": [False] * 8}
    plan = link_plan(artifact, replace(options, neuron_memory="distributed"))
    check_memories([], ecp5, plan)
    with pytest.raises(FitError, match=r"^neuron_memory must be auto or block for iCE40UP5K.*LUT"):
        check_memories([], ice40, plan)


def test_small_memories_are_counted_if_they_must_be_blocks() -> None:
    plan = link_plan(train(tiny(), digits(600)), ExportOptions(lanes=2, store="csr"))
    ice40 = BOARDS["generic-ice40"]
    small = replace(memory(8, *[4] * 31), style="block")
    with pytest.raises(FitError, match=r"\(1 blocks\) are missing"):
        check_memories([small], ice40, plan)
    check_memories([replace(small, style="auto")], ice40, plan)


def test_groups_are_named_in_what_is_missing() -> None:
    plan = link_plan(windows(), ExportOptions(lanes=2, store="csr"))
    with pytest.raises(FitError) as caught:
        check_memories([memory(16, *[256] * 50)], BOARDS["generic-ice40"], plan)
    assert str(caught.value).startswith("4 groups of 5 neurons with store csr must fit the ")
    with pytest.raises(FitError, match=r"about 4 groups of \d+ neurons like these would fit"):
        check_memories(
            [memory(16, *[256] * 50)], BOARDS["generic-ice40"], replace(plan, sizes=None)
        )


def spram(network: str, **options: Any) -> list[tuple[int, int]]:
    """Check a core for the iCEBreaker; return width and depth of what is in SPRAM."""
    plan = link_plan(load_network(network), ExportOptions(device="UP5K", **options))
    found = design_memories(plan.widths)
    check_memories(found, BOARDS["icebreaker"], plan)
    return [(m.width, depth) for m in found if m.every_cycle for depth in m.depths]


def test_each_lane_takes_whole_sprams() -> None:
    assert spram("demo", lanes=1, store="csr") == [(16, 32768)]
    assert spram("up5k", lanes=4, store="csr") == [(15, 16384)] * 4


@pytest.mark.parametrize(
    ("network", "lanes", "store", "bits", "missing", "largest", "advice"),
    [
        # Few bits in all, but more lanes than SPRAMs.
        ("demo", 8, "csr", 8, 4, "3,022 words of 13", "4 lanes would fit"),
        # 416 words too many in one lane: a second SPRAM.
        ("400", 4, "csr", 8, 4, "16,800 words of 15", "2 lanes would fit"),
        ("up5k", 4, "dense", 20, 16, "78,400 words of 9", "about 80 neurons like these would fit"),
    ],
)
def test_too_few_sprams_are_told_with_what_would_fit(
    network: str, lanes: int, store: str, bits: int, missing: int, largest: str, advice: str
) -> None:
    with pytest.raises(FitError) as caught:
        spram(network, lanes=lanes, store=store)
    assert caught.value.missing == missing
    neurons = load_network(network).config.neurons
    tail = " in 4 lanes" if advice.startswith("about") else ""
    assert str(caught.value) == (
        f"{neurons} neurons with store {store} must fit the 1,048,576 bits of SPRAM of "
        f"iCE40UP5K-SG48, not take {bits * 262_144:,}: {missing * 262_144:,} bits ({missing} "
        f"blocks) are missing, as the store of a lane takes whole blocks and the largest has "
        f"{largest} bits; {advice}{tail}"
    )


def test_words_too_wide_for_a_lane_are_narrower_in_a_smaller_network() -> None:
    config = replace(NetworkConfig.named("tiny"), neurons=520, inputs=400)
    data = digits(100)
    images = np.ascontiguousarray(np.tile(data.images, (1, 9))[:, :400])
    shaped = replace(data, images=images, image_shape=(1, 400))
    with pytest.raises(FitError) as caught:
        options = ExportOptions(device="UP5K", lanes=4, store="csr")
        plan = link_plan(train(config, shaped), options)
        check_memories(design_memories(plan.widths), BOARDS["icebreaker"], plan)
    (about,) = re.findall(r"about (\d+) neurons like these would fit in 4 lanes", str(caught.value))
    assert 100 < int(about) < 256


def learning_core(board: str, lanes: int, neurons: int = 100) -> None:
    """Check a core of 784 inputs that learns."""
    plan = link_plan(load_network("demo"), ExportOptions(mode="learning", lanes=lanes))
    widths = replace(plan.widths, network=replace(plan.network, neurons=neurons))
    check_memories(design_memories(widths), BOARDS[board], plan)


@pytest.mark.parametrize(
    ("board", "lanes", "advice", "fits", "too_large"),
    [
        # EBR: 14 for weights and 3 for rows of alive bits of 9 neurons, and 12 others, of 30.
        (
            "icebreaker", 4, "about 9 neurons like these would fit in 1 lane",
            {"lanes": 1, "neurons": 9}, {"lanes": 1, "neurons": 10},
        ),
        # DP16KD: 2 lanes of 50 slots take 20 and 3 each, and 9 others, of 56.
        ("generic-ecp5", 16, "2 lanes would fit", {"lanes": 2}, {"lanes": 4}),
    ],
)  # fmt: skip
def test_learning_core_that_does_not_fit_is_told_what_would(
    board: str, lanes: int, advice: str, fits: dict[str, int], too_large: dict[str, int]
) -> None:
    with pytest.raises(FitError) as caught:
        learning_core(board, lanes)
    assert str(caught.value).startswith("100 neurons with store learning must fit the ")
    assert str(caught.value).endswith(f" are missing; {advice}")
    learning_core(board, **fits)
    with pytest.raises(FitError):
        learning_core(board, **too_large)


def test_learning_core_fits_no_device_of_so_few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    (_, block) = DEVICES["UP5K"].kinds
    tiny = Device(name="UP5K", kinds=(replace(block, count=8),))
    monkeypatch.setitem(cast(dict[str, Device], DEVICES), "UP5K", tiny)
    with pytest.raises(FitError, match=r"; no core that learns 784 inputs would fit$"):
        learning_core("icebreaker", 4)
