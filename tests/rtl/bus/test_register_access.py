"""Registers of a core behind a bus: each can be what the table says, and holds what the core is."""

# amaranth: UnusedElaboratable=no

from dataclasses import replace
from typing import Any

import pytest

from prunus_bus import HASH, Bus, system_of, word
from prunus_core import LIVELY, run
from prunus_model.common.errors import ConfigError
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.units import MembraneParams
from prunus_rtl.bus.capability import SPIKE_ROOM, check_map, hash_words, parameters
from prunus_rtl.bus.registers import MAGIC, MAP_VERSION, REGISTERS, register
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.widths import Widths

BUSES = ("axi", "wishbone")
#: What refused accesses must not change.
UNTOUCHED = ("MARGIN", "CONTROL", "MEMORY_ADDRESS", "INTERRUPT_ENABLE", "ROOM", "STARTED")


def _system(bus: str, **hardware: Any) -> Any:
    return system_of(bus, LIVELY, HardwareConfig(lanes=2, **hardware))


@pytest.mark.parametrize("bus_name", BUSES)
def test_every_register_can_be_what_the_table_says_and_nothing_else(bus_name: str) -> None:
    dut = _system(bus_name)

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        before = [await bus.read(name) for name in UNTOUCHED]
        for entry in REGISTERS:
            readable = entry.access != "wo" and entry.name != "SPIKE"
            _, error = await bus.access(entry.offset)
            assert error == (not readable), entry.name
            for strobe in (0, 1, 3, 7, 12, 14):
                assert await bus.refused(entry.name, 0, strobe=strobe), entry.name
            if entry.access == "ro":
                assert await bus.refused(entry.name, 0), entry.name
        known = {entry.offset for entry in REGISTERS}
        for offset in (*range(0, 0x200, 4), 0x800, 0x1000, 0x8040, 0xFFFC):
            if offset not in known:
                assert (await bus.access(offset))[1], hex(offset)
                assert (await bus.access(offset, 1))[1], hex(offset)
        assert [await bus.read(name) for name in UNTOUCHED] == before
        assert await bus.read("ERROR") == word("ERROR", access=1)

    run(dut, bench, cycles=100_000)


def test_an_offset_that_is_no_multiple_of_four_is_an_error() -> None:
    dut = _system("axi")

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        for low in (1, 2, 3):
            for name in ("ID", "MARGIN", "STATUS"):
                assert (await bus.access(register(name).offset + low))[1]
            assert (await bus.access(register("MARGIN").offset + low, 3))[1]
        assert await bus.read("MARGIN") == 0
        assert await bus.read("ERROR") == word("ERROR", access=1)

    run(dut, bench)


@pytest.mark.parametrize("bus_name", BUSES)
@pytest.mark.parametrize("hardware", [{}, {"learn": False}, {"source": "events"}])
def test_the_parameters_are_those_of_the_core(bus_name: str, hardware: Any) -> None:
    dut = _system(bus_name, **hardware)
    want = {
        "ID": MAGIC,
        "VERSION": MAP_VERSION,
        "CAPABILITY": word(
            "CAPABILITY",
            learn=hardware.get("learn", True),
            events=hardware.get("source") == "events",
            streams=bus_name == "axi",
        ),
        "INPUTS": 10,
        "NEURONS": 5,
        "STEPS": 8,
        "VIEWS": 1,
        "GROUPS": 1,
        "LANES": 2,
        "CLASSES": 10,
        "MAX_SPIKES": 8,
        "SPIKE_ROOM": 8,
    }

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        assert {name: await bus.read(name) for name in want} == want
        assert [await bus.read(f"HASH{k}") for k in range(8)] == hash_words(HASH)
        for k in range(8):
            await bus.write(f"HASH{k}", 0xFFFFFFFF - k)
        await bus.write("CONTROL", word("CONTROL", reset=1))
        assert [await bus.read(f"HASH{k}") for k in range(8)] == [0xFFFFFFFF - k for k in range(8)]

    run(dut, bench)


def test_a_feedforward_layer_says_that_it_is_one_and_how_many_spikes_are_kept() -> None:
    config = replace(
        LIVELY, pruning=NoPruning(), membrane=MembraneParams(), feedforward=FeedforwardParams()
    )
    widths = Widths(network=config, hardware=HardwareConfig(lanes=2, learn=False))
    every = config.neurons * config.encoder.steps
    found = parameters(widths, streams=False)
    assert config.presentation_spikes() == found["MAX_SPIKES"] == found["SPIKE_ROOM"] == every
    assert found["CAPABILITY"] == word("CAPABILITY", feedforward=1)
    assert parameters(widths, streams=False, limit=7)["SPIKE_ROOM"] == 7
    assert parameters(widths, streams=False, limit=7)["MAX_SPIKES"] == every
    large = replace(config, neurons=1000)
    widths = Widths(network=large, hardware=HardwareConfig(lanes=2, learn=False))
    assert parameters(widths, streams=False)["SPIKE_ROOM"] == SPIKE_ROOM < 8000


def test_numbers_that_do_not_fit_into_the_map_are_refused() -> None:
    widths = Widths(network=LIVELY, hardware=HardwareConfig(lanes=2))
    check_map(widths, {"forward_sops": 64, "cycles": 32})
    with pytest.raises(ConfigError, match=r"^count forward_sops must have at most 64 bits"):
        check_map(widths, {"forward_sops": 65})
    with pytest.raises(ConfigError, match=r"^count pruned must have at most 32 bits"):
        check_map(widths, {"pruned": 33})
    many = replace(LIVELY, inputs=1 << 16)
    with pytest.raises(ConfigError, match=r"^number of an input must have at most 16 bits.*17$"):
        check_map(Widths(network=many, hardware=HardwareConfig(lanes=2)), {})
    with pytest.raises(ValueError, match=r"^Hash of the network must be 32 bytes, not 31$"):
        hash_words(bytes(31))
