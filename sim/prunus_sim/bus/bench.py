"""Bench that runs in the simulator: a program on a bus drives a scenario, beside the model."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

from prunus_rtl.bus.registers import MAGIC, MAP_VERSION
from prunus_sim.bus.masters import master_of, pauses
from prunus_sim.bus.program import CYCLE_NS, Program, packets_of, word
from prunus_sim.bus.variables import BUS_VARIABLE, STREAMS_VARIABLE
from prunus_sim.cosim.build import shapes_of
from prunus_sim.cosim.interface import REPORT_FILE, SCENARIO_FILE
from prunus_sim.cosim.outcome import Outcome
from prunus_sim.cosim.scenario import Scenario, Sequence
from prunus_sim.cosim.scoreboard import Scoreboard

__all__ = ["BusCosim"]


def _cycle() -> int:
    return int(get_sim_time("ns")) // CYCLE_NS


class BusCosim:
    """A core behind a bus and the golden model, side by side.

    Parameters
    ----------
    dut : cocotb handle
        The system.
    scenario : Scenario
        What is built, and how it is driven.
    bus : str
        ``axi`` or ``wishbone``.
    streams : bool
        Whether inputs and spikes go over streams.

    Attributes
    ----------
    program : Program
        What accesses the registers.
    control : dict of str to int
        Fields of ``CONTROL`` that choose the streams.
    source : AxiStreamSource or None
        The stream of the inputs.
    cycles, core_cycles : int
        Cycles of all presentations, as the program sees them, and as the core counts them.
    """

    def __init__(self, dut: Any, scenario: Scenario, bus: str, *, streams: bool) -> None:
        self.dut = dut
        self.scenario = scenario
        self.shapes = shapes_of(scenario)
        self.scoreboard = Scoreboard(self.shapes, scenario.state, scenario.readout)
        self._rng = np.random.default_rng(scenario.network.seed)
        self.program = Program(dut, master_of(bus, dut, self._rng, pause=0.0), self.shapes)
        self.core_cycles = self.cycles = 0
        self.control = {"input_stream": int(streams), "spike_stream": int(streams)}
        self.source: Any = None
        if streams:
            name = f"s_axis_{self.shapes.hardware.source}"
            self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, name), dut.clk, dut.rst)
            self._sink = AxiStreamSink(
                AxiStreamBus.from_prefix(dut, "m_axis_spikes"), dut.clk, dut.rst
            )

    async def init(self) -> None:
        """Reset, look whether it is such a core, and bring it to the state of the model."""
        dut, program = self.dut, self.program
        Clock(dut.clk, CYCLE_NS, "ns").start()
        dut.rst.value = 1
        for _ in range(4):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        for _ in range(2):
            await RisingEdge(dut.clk)
        assert await program.read("ID") == MAGIC
        assert await program.read("VERSION") == MAP_VERSION
        await program.write(
            "INTERRUPT_ENABLE", word("INTERRUPT_ENABLE", done=1, error=1, spikes_full=1)
        )
        await program.write("CONTROL", word("CONTROL", **self.control))
        if self.scenario.load:
            await program.port.write_state(self.scoreboard.expected())
        else:
            await program.port.write_presentation(self.scenario.state.presentation)

    async def _send(self, stimulus: Any) -> None:
        """Send a stimulus over the stream, without waiting, or by registers."""
        if self.source is None:
            await self.program.send(stimulus)
            return
        octets = 1 if self.shapes.hardware.source == "levels" else 2
        for packet in packets_of(stimulus, self.shapes):
            frame = b"".join(value.to_bytes(octets, "little") for value in packet)
            await self.source.send(frame)

    async def _spikes(self) -> list[int] | None:
        """Return the packet of spikes of a presentation; None if they are in the register."""
        if self.source is None:
            return None
        frame = bytes((await self._sink.recv(compact=True)).tdata)
        return [int(word) for word in np.frombuffer(frame, "<u4")]

    def _pause(self, sequence: Sequence) -> None:
        self.program.master.pause(sequence.pause)
        if self.source is None:
            return
        for end in (self.source, self._sink):
            if sequence.pause:
                end.set_pause_generator(pauses(self._rng.spawn(1)[0], sequence.pause))
            else:
                end.clear_pause_generator()
                end.pause = False

    async def run(self, sequence: Sequence) -> None:
        """Drive a sequence, and compare everything."""
        self._pause(sequence)
        levels = self.shapes.hardware.source == "levels"
        first = self.scoreboard.engine.state.presentation
        stimuli = list(sequence.stimuli)
        outcomes: list[Outcome] = []
        began = _cycle()
        if levels:
            await self._send(stimuli[0])
        for k, stimulus in enumerate(stimuli):
            await self.program.start(sequence.request, **self.control)
            if not levels:
                await self._send(stimulus)
            elif k + 1 < len(stimuli):
                # The next image while this one is shown.
                await self._send(stimuli[k + 1])
            await self.program.done(5_000_000)
            self.cycles += _cycle() - began
            packet = await self._spikes()
            outcomes.append(await self.program.outcome(learn=sequence.learn, packet=packet))
            began = _cycle()
        for k, (stimulus, outcome) in enumerate(zip(stimuli, outcomes, strict=True)):
            self.core_cycles += outcome.cycles
            expected = self.scoreboard.present(stimulus, sequence.request)
            found = self.scoreboard.compare_outcome(
                first + k, expected, outcome, learn=sequence.learn
            )
            if found is not None:
                raise AssertionError(str(found))
        if await self.program.read("ERROR"):
            raise AssertionError("there must be no error")
        if sequence.check != "none":
            got = await self.program.port.read_state()
            wrong = self.scoreboard.compare_state(first + len(stimuli) - 1, got, "port")
            if wrong is not None:
                raise AssertionError(str(wrong))


@cocotb.test()
async def core_behind_a_bus_equals_engine(dut: Any) -> None:
    """Run the scenario in the folder."""
    folder = Path.cwd()
    scenario: Scenario = pickle.loads((folder / SCENARIO_FILE).read_bytes())
    streams = os.environ[STREAMS_VARIABLE] == "1"
    cosim = BusCosim(dut, scenario, os.environ[BUS_VARIABLE], streams=streams)
    await cosim.init()
    for sequence in scenario.sequences:
        await cosim.run(sequence)
    report = {
        "cycles": cosim.cycles,
        "core_cycles": cosim.core_cycles,
        "values_compared": cosim.scoreboard.compared,
    }
    (folder / REPORT_FILE).write_text(json.dumps(report))
