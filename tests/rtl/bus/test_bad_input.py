"""Core behind a bus: what is wrong is refused in its place, changes nothing, and hangs nothing."""

# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_bus import Bus, items_of, system_of, word
from prunus_core import LIVELY, Show, image, run
from prunus_model.reference.network import Network
from prunus_rtl.bus.registers import register
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.hardware import HardwareConfig, Space

BUSES = ("axi", "wishbone")
PLAIN = Show(learn=False).request


def _system(bus: str, **hardware: Any) -> Any:
    return system_of(bus, LIVELY, HardwareConfig(lanes=2, **hardware))


async def _errors(bus: Bus) -> set[str]:
    """Return what went wrong, and forget it."""
    value = await bus.read("ERROR")
    await bus.write("ERROR", value)
    return {field.name for field in register("ERROR").fields if value >> field.lsb & 1}


@pytest.mark.parametrize("bus_name", BUSES)
def test_what_a_core_cannot_do_is_refused(bus_name: str) -> None:
    dut = _system(bus_name, learn=False)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        score = dut.core.shapes.score_bits
        await bus.write("MARGIN", (1 << score) - 1)
        assert await bus.read("MARGIN") == (1 << score) - 1
        assert await bus.refused("MARGIN", 1 << score)
        assert await bus.refused("MARGIN", 1 << 31)
        assert await bus.read("MARGIN") == (1 << score) - 1
        assert await bus.refused("CONTROL", word("CONTROL", learn=1, stop_after=3))
        assert await bus.refused("CONTROL", word("CONTROL", start=1, cancel=1))
        assert await bus.refused("CONTROL", word("CONTROL", start=1, reset=1))
        for name in ("input_stream", "spike_stream"):
            error = await bus.refused("CONTROL", word("CONTROL", **{name: 1}))
            assert error == (bus_name == "wishbone")
        # A core that takes levels has no events.
        assert await bus.refused("EVENT", word("EVENT", input=1, last=1))
        await bus.write("CONTROL", word("CONTROL", keep=1, stop_after=200))
        assert await bus.read("CONTROL") == word("CONTROL", keep=1, stop_after=200)
        assert not await bus.field("STATUS", "busy")
        assert await _errors(bus) == {"access"}

    run(dut, bench)


@pytest.mark.parametrize("bus_name", BUSES)
def test_a_start_while_busy_is_refused_and_the_presentation_goes_on(bus_name: str) -> None:
    network = Network(LIVELY)
    dut = system_of(bus_name, LIVELY, HardwareConfig(lanes=2), state=network.state)
    levels = image(np.random.default_rng(1), LIVELY.inputs)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        await bus.start(Show().request)
        # It waits for its image.
        assert await bus.read("STATUS") == word("STATUS", busy=1, input_ready=1)
        assert await bus.refused("CONTROL", word("CONTROL", start=1, stop_after=9))
        assert await _errors(bus) == {"access", "busy"}
        assert (await bus.memory(Space.PRESENTATION, 0))[1]
        await bus.send_levels(levels)
        while not await bus.field("STATUS", "running"):
            pass
        assert await bus.refused("CONTROL", word("CONTROL", start=1, stop_after=9))
        assert (await bus.memory(Space.PRESENTATION, 0, 77))[1]
        assert await bus.field("STATUS", "running"), "it must not have been over yet"
        assert await bus.read("RESULT") == await bus.read("CYCLES") == 0
        assert await _errors(bus) == {"access", "busy"}
        shown = await bus.finish()
        want = network.present(levels, learn=True)
        assert [post for _, post in shown.spikes] == want.spike_posts.tolist()
        assert await bus.memory(Space.PRESENTATION, 0) == (1, False)
        assert await bus.read("STARTED") == 1
        assert await bus.field("CONTROL", "stop_after") == 0

    run(dut, bench)


@pytest.mark.parametrize("bus_name", BUSES)
def test_words_of_the_memory_port_that_there_are_not_are_errors(bus_name: str) -> None:
    dut = _system(bus_name)
    found = spaces(dut.core.shapes)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        # The memory port itself refuses this one.
        assert (await bus.memory(14, 0))[1]
        assert await _errors(bus) == {"access"}
        for space in range(16):
            depth = found[Space(space)][2] if space in list(found) else 0
            for address in {depth, depth + 1, 1 << 20, (1 << 27) - 1}:
                assert (await bus.memory(space, address))[1], (space, address)
                assert (await bus.memory(space, address, 1))[1], (space, address)
            if depth:
                assert not (await bus.memory(space, depth - 1))[1]
        # An address that is refused is not counted up, one that is not is.
        at = word("MEMORY_ADDRESS", space=Space.THETA, address=4, increment=1)
        await bus.write("MEMORY_ADDRESS", at)
        await bus.write("MEMORY_DATA", 0xABCDEF)
        assert await bus.read("MEMORY_ADDRESS") == at + 1
        assert await bus.refused("MEMORY_DATA")
        assert await bus.read("MEMORY_ADDRESS") == at + 1
        assert await bus.memory(Space.THETA, 4) == (0xABCDEF, False)
        assert await bus.read("MEMORY_ADDRESS") == word(
            "MEMORY_ADDRESS", space=Space.THETA, address=4
        )
        assert await _errors(bus) == {"access"}

    run(dut, bench)


@pytest.mark.parametrize("wrong", ["early", "late"])
def test_a_packet_of_a_wrong_length_withdraws_the_start_that_waits_for_it(wrong: str) -> None:
    network = Network(LIVELY)
    dut = system_of("axi", LIVELY, HardwareConfig(lanes=2), state=network.state)
    levels = image(np.random.default_rng(2), LIVELY.inputs).tolist()
    length = {"early": 4, "late": 13}[wrong]
    name = "s_axis_levels"

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        await bus.write("INTERRUPT_ENABLE", word("INTERRUPT_ENABLE", error=1))
        await bus.start(PLAIN, input_stream=1)
        await bus.send_packet(name, [(9, k == length - 1) for k in range(length)])
        await ctx.tick().repeat(4)
        assert ctx.get(dut.interrupt)
        assert not await bus.field("STATUS", "busy")
        assert await _errors(bus) == {wrong, "cancelled"}
        await bus.write("INTERRUPT_STATUS", word("INTERRUPT_STATUS", error=1))
        assert await bus.read("STATUS") == 0
        assert not ctx.get(dut.interrupt)
        # An image that the core has is shown, though the next one is wrong.
        good = [(level, k == len(levels) - 1) for k, level in enumerate(levels)]
        await bus.send_packet(name, good)
        await bus.send_packet(name, [(9, k == length - 1) for k in range(length)])
        await bus.start(PLAIN, input_stream=1)
        shown = await bus.finish()
        want = network.present(np.array(levels, dtype=np.uint8), **PLAIN)
        assert [post for _, post in shown.spikes] == want.spike_posts.tolist()
        assert await _errors(bus) == {wrong}

    run(dut, bench)


@pytest.mark.parametrize("bus_name", BUSES)
def test_a_start_can_be_withdrawn_and_a_part_of_an_image_dropped(bus_name: str) -> None:
    network = Network(LIVELY)
    dut = system_of(bus_name, LIVELY, HardwareConfig(lanes=2), state=network.state)
    levels = image(np.random.default_rng(3), LIVELY.inputs)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        await bus.start(PLAIN)
        await bus.write("LEVELS", 0x01020304)
        assert await bus.read("ROOM") == 6
        await bus.write("CONTROL", word("CONTROL", cancel=1))
        assert await bus.read("ROOM") == 10
        assert await bus.read("STATUS") == word("STATUS", input_ready=1, error=1)
        assert await _errors(bus) == {"cancelled"}
        await bus.write("CONTROL", word("CONTROL", cancel=1))
        assert await _errors(bus) == set()
        await bus.send_levels(levels)
        await bus.start(PLAIN)
        shown = await bus.finish()
        want = network.present(levels, **PLAIN)
        assert [post for _, post in shown.spikes] == want.spike_posts.tolist()

    run(dut, bench)


@pytest.mark.parametrize("bus_name", BUSES)
def test_levels_are_refused_when_there_is_no_room_and_reset_makes_room(bus_name: str) -> None:
    network = Network(LIVELY)
    dut = system_of(bus_name, LIVELY, HardwareConfig(lanes=2), state=network.state)
    levels = image(np.random.default_rng(4), LIVELY.inputs)
    # More input spikes than those of the images that are forgotten.
    bright = np.full(LIVELY.inputs, 255, dtype=np.uint8)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        for _ in range(3):
            await bus.send_levels(levels)
        await ctx.tick().repeat(40)
        assert await bus.read("ROOM") == 0
        assert await bus.refused("LEVELS", 0)
        assert await bus.refused("SPIKE")
        assert await bus.field("STATUS", "input_held")
        await bus.write("CONTROL", word("CONTROL", reset=1))
        assert await bus.read("ROOM") == 10
        assert not await bus.field("STATUS", "input_held")
        await bus.start(PLAIN)
        await ctx.tick().repeat(100)
        assert await bus.field("STATUS", "busy")
        assert not await bus.field("STATUS", "running")
        await bus.write("CONTROL", word("CONTROL", reset=1))
        assert not await bus.field("STATUS", "busy")
        assert await _errors(bus) == {"access"}
        # The core has forgotten its images, too.
        await bus.send_levels(bright)
        await bus.start(PLAIN)
        want = network.present(bright, **PLAIN)
        assert (await bus.finish()).counts["input_spikes"] == want.counters.input_spikes
        # Spikes and result are forgotten, too.
        await bus.send_levels(bright)
        await bus.start(PLAIN)
        while not await bus.field("RESULT", "known"):
            pass
        await ctx.tick().repeat(4)
        assert await bus.field("STATUS", "spike_ready")
        await bus.write("CONTROL", word("CONTROL", reset=1))
        assert await bus.refused("SPIKE")
        assert await bus.read("RESULT") == await bus.read("CYCLES") == 0

    run(dut, bench)


@pytest.mark.parametrize("bus_name", BUSES)
def test_wrong_events_are_refused_and_a_presentation_without_events_can_be_ended(
    bus_name: str,
) -> None:
    network = Network(LIVELY)
    hardware = HardwareConfig(lanes=2, source="events")
    dut = system_of(bus_name, LIVELY, hardware, state=network.state)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        assert await bus.refused("LEVELS", 0)
        assert await _errors(bus) == {"access"}
        await bus.start(PLAIN)
        await bus.write("EVENT", word("EVENT", input=4))
        for event in (word("EVENT", input=4), word("EVENT", input=3, last=1), 10, 0xFFFE):
            assert await bus.refused("EVENT", event)
            assert await _errors(bus) == {"access", "value"}
        await bus.write("EVENT", word("EVENT", input=5, last=1))
        await ctx.tick().repeat(100)
        assert await bus.field("STATUS", "running")
        await bus.write("CONTROL", word("CONTROL", cancel=1))
        shown = await bus.finish()
        want = network.present_events([[4, 5]], **PLAIN)
        assert [post for _, post in shown.spikes] == want.spike_posts.tolist()
        assert shown.counts["input_spikes"] == 2
        assert shown.counts["steps"] == 8
        assert await _errors(bus) == {"cancelled"}
        # Nothing runs: nothing to end. The next one is whole.
        await bus.write("CONTROL", word("CONTROL", cancel=1))
        assert await _errors(bus) == set()
        await bus.start(PLAIN)
        await bus.send_events(items_of([[0], [9]], 8))
        assert (await bus.finish()).counts["input_spikes"] == 2

    run(dut, bench)


def test_the_register_has_no_spikes_while_they_go_over_the_stream() -> None:
    state = Network(LIVELY).state
    dut = system_of("axi", LIVELY, HardwareConfig(lanes=2), state=state)
    # The first spike waits at the stream, the others behind it.
    levels = np.full(LIVELY.inputs, 255, dtype=np.uint8)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        await bus.send_levels(levels)
        await bus.start(PLAIN, spike_stream=1)
        while not await bus.field("INTERRUPT_STATUS", "done"):
            pass
        assert await bus.read("OUTPUT_SPIKES") > 1
        assert not await bus.field("STATUS", "spike_ready")
        assert await bus.refused("SPIKE")
        assert await bus.refused("LEVELS", 0) is False
        await bus.write("CONTROL", word("CONTROL", input_stream=1, spike_stream=1))
        # The part of an image was dropped when its way was changed.
        assert await bus.refused("LEVELS", 0)
        await bus.write("CONTROL", 0)
        assert await bus.read("ROOM") == 10

    run(dut, bench)
