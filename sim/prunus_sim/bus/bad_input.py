"""Bench of bad input that runs in the simulator: what the masters of others can do wrong."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from prunus_rtl.bus.registers import REGISTERS, WINDOW_BYTES, register
from prunus_sim.bus.bench import BusCosim
from prunus_sim.bus.program import Program, field_of, word
from prunus_sim.bus.variables import BUS_VARIABLE
from prunus_sim.cosim.interface import SCENARIO_FILE
from prunus_sim.cosim.scenario import Scenario

#: Pauses of the masters here.
_PAUSE = 0.3


async def _cosim(dut: Any) -> BusCosim:
    """Return a core behind its bus after reset, with inputs over the stream if there is one."""
    scenario: Scenario = pickle.loads((Path.cwd() / SCENARIO_FILE).read_bytes())
    bus = os.environ[BUS_VARIABLE]
    cosim = BusCosim(dut, scenario, bus, streams=bus == "axi")
    await cosim.init()
    cosim.program.master.pause(_PAUSE)
    return cosim


async def _errors(program: Program) -> set[str]:
    """Return what went wrong, and forget it."""
    value = await program.read("ERROR")
    await program.write("ERROR", value)
    await program.write("INTERRUPT_STATUS", word("INTERRUPT_STATUS", error=1))
    return {f.name for f in register("ERROR").fields if field_of("ERROR", f.name, value)}


@cocotb.test()
async def wrong_sizes_and_offsets_are_errors(dut: Any) -> None:
    """Access what there is not, and parts of what there is."""
    program = (await _cosim(dut)).program
    known = {entry.offset for entry in REGISTERS}
    for offset in (0x30, 0x3C, 0x68, 0x88, 0x12C, 0x400, 0x8000, WINDOW_BYTES - 4):
        assert offset not in known
        assert (await program.master.read(offset))[1], hex(offset)
        assert await program.master.write(offset, 0), hex(offset)
    margin = register("MARGIN").offset
    for size in (1, 2, 3):
        assert await program.master.write(margin, 1, size=size)
    assert await program.read("MARGIN") == 0
    for name in ("ID", "STATUS", "RESULT", "CYCLES"):
        assert await program.master.write(register(name).offset, 0), name
    assert await _errors(program) == {"access"}


@cocotb.test()
async def a_start_while_busy_is_an_error(dut: Any) -> None:
    """Start twice without an image."""
    cosim = await _cosim(dut)
    program, control = cosim.program, cosim.control
    request = cosim.scenario.sequences[0].request
    await program.start(request, **control)
    start = word("CONTROL", start=1, **control)
    assert await program.master.write(register("CONTROL").offset, start)
    assert await _errors(program) == {"access", "busy"}
    assert field_of("STATUS", "busy", await program.read("STATUS"))
    await program.write("CONTROL", word("CONTROL", cancel=1, **control))
    assert not field_of("STATUS", "busy", await program.read("STATUS"))
    assert await _errors(program) == {"cancelled"}


@cocotb.test()
async def a_packet_of_a_wrong_length_is_dropped(dut: Any) -> None:
    """Send packets that are too short and too long, then the images of a sequence."""
    cosim = await _cosim(dut)
    program = cosim.program
    sequence = cosim.scenario.sequences[0]
    inputs = cosim.scenario.network.image_levels
    if cosim.source is not None:
        for length, error in (
            (1, "early"),
            (inputs - 1, "early"),
            (inputs + 1, "late"),
            (3 * inputs, "late"),
        ):
            await program.start(sequence.request, **cosim.control)
            await cosim.source.send(bytes([200] * length))
            await cosim.source.wait()
            await ClockCycles(dut.clk, 8)
            assert not field_of("STATUS", "busy", await program.read("STATUS"))
            assert await _errors(program) == {error, "cancelled"}, length
    await cosim.run(sequence)
