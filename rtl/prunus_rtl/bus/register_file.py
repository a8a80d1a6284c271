"""Register file: what a program on a bus reads and writes, whatever bus it is."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.bus.access import access_layout, outcome_layout
from prunus_rtl.bus.axi_stream import packet_layout
from prunus_rtl.bus.capability import SPIKE_ROOM, check_map, hash_words, parameters
from prunus_rtl.bus.event_input import INPUT_BITS
from prunus_rtl.bus.memory_port import answer_layout, request_layout
from prunus_rtl.bus.register_groups import (
    FAULTS,
    AccessState,
    build_control,
    build_errors,
    build_hash,
    build_inputs,
    build_memory,
    build_result,
)
from prunus_rtl.bus.registers import REGISTER_BITS, REGISTERS, register
from prunus_rtl.shapes import Shapes

__all__ = ["RegisterFile"]


class RegisterFile(wiring.Component):
    """Registers of :mod:`prunus_rtl.bus.registers`.

    Timing
    ------
    One access at a time. A response comes 3 cycles after its request; of ``LEVELS`` up to 4 later,
    of ``MEMORY_DATA`` as many as the memory port takes. All outputs are functions of registers, but
    pulses that say what an access does. Clock domain ``sync``.

    Memory: the hash, 8 words. Reset does not change them.

    Parameters
    ----------
    shapes : Shapes
        Of the core.
    result : StructLayout
        Result of the core (:func:`prunus_rtl.core.core.result_layout`).
    network : bytes
        Content hash of the network that is there at power-on; 32 bytes.
    streams : bool
        Whether inputs and spikes have streams.
    limit : int
        Most output spikes that ``SPIKE`` holds.

    Members
    -------
    requests, responses : In(stream.Signature(access_layout())), Out(...(outcome_layout()))
        Accesses of the bus.
    interrupt : Out(1)
        What is enabled has happened.
    memory_requests, memory_answers : Out(stream), In(stream)
        Memory port of the core. Used while nothing is ``busy``.
    start, cancel, reset : Out(1)
        What ``CONTROL`` starts. High for one cycle each.
    control : Out(shapes.control)
        How a presentation is shown; valid with ``start``.
    input_stream, spike_stream, no_spikes : Out(1)
        Inputs come, spikes go over the stream; spikes are not kept.
    drop : Out(1)
        Drop the part of an image that has come. High for one cycle.
    busy, running, known, began, done : In(1)
        As of :class:`prunus_rtl.bus.presenter.BusPresenter`.
    result : In(result)
        Result of the core; valid while ``known``.
    word, write_levels, levels_done : Out(32), Out(1), In(1)
        As of :class:`prunus_rtl.bus.image_input.ImageInput`. Only for a core that takes levels.
    item, write_event, wrong : Out(packet_layout(16)), Out(1), In(1)
        As of :class:`prunus_rtl.bus.event_input.EventInput`. Only for a core that takes events.
    room, held : In(16), In(1)
        Levels or events that can be written; there is input for a presentation.
    spike, spike_ready, spikes_full, take_spike : In(32), In(1), In(1), Out(1)
        ``word``, ``available``, ``full`` and ``take`` of
        :class:`prunus_rtl.bus.spike_output.SpikeOutput`.
    early, late, value, cancelled : In(1)
        Set this bit of ``ERROR``.

    Raises
    ------
    ConfigError
        If numbers of the core are too wide for the map.
    ValueError
        If the hash is not one.
    """

    def __init__(
        self,
        *,
        shapes: Shapes,
        result: data.StructLayout,
        network: bytes,
        streams: bool,
        limit: int = SPIKE_ROOM,
    ) -> None:
        counters = result["counters"].shape
        check_map(shapes, {name: field.width for name, field in counters})
        self._shapes = shapes
        self._hash = hash_words(network)
        self._streams = streams
        self._limit = limit
        self._levels = levels = shapes.hardware.source == "levels"
        pulses = ("start", "cancel", "reset", "drop", "take_spike")
        states = ("busy", "running", "known", "began", "done", "held")
        inputs = (*states, "spike_ready", "spikes_full", *FAULTS)
        super().__init__(
            {
                "requests": In(stream.Signature(access_layout())),
                "responses": Out(stream.Signature(outcome_layout())),
                "interrupt": Out(1),
                "memory_requests": Out(stream.Signature(request_layout(shapes))),
                "memory_answers": In(stream.Signature(answer_layout())),
                "control": Out(shapes.control),
                "input_stream": Out(1),
                "spike_stream": Out(1),
                "no_spikes": Out(1),
                "result": In(result),
                "room": In(16),
                "spike": In(REGISTER_BITS),
            }
            | {name: Out(1) for name in pulses}
            | {name: In(1) for name in inputs}
            | (
                {"word": Out(REGISTER_BITS), "write_levels": Out(1), "levels_done": In(1)}
                if levels
                else {"item": Out(packet_layout(INPUT_BITS)), "write_event": Out(1), "wrong": In(1)}
            )
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        answer, memory = self.responses, self.memory_requests
        request = Signal(access_layout())
        now = AccessState(
            request=request,
            at={entry.name: Signal(name=f"at_{entry.name.lower()}") for entry in REGISTERS},
            executing=Signal(name="executing"),
            execute=Signal(name="execute"),
            refused=Signal(name="refused"),
            failed=Signal(name="failed"),
        )
        # Whether there is such a register, and it can be read or written at all.
        exists, allowed = Signal(), Signal()
        with m.Switch(request.address):
            for entry in REGISTERS:
                with m.Case(entry.offset):
                    writes = request.strobe.all() & (entry.access != "ro")
                    m.d.comb += exists.eq(Mux(request.write, writes, entry.access != "wo"))
        answered = Signal()
        values = self._build_registers(m, now, answered & ~self.memory_answers.p.error)
        reads = Signal(REGISTER_BITS)
        with m.Switch(request.address[2:]):
            for name, value in values.items():
                with m.Case(register(name).offset // 4):
                    m.d.comb += reads.eq(value)

        with m.FSM(name="registers"):
            with m.State("Wait"):
                m.d.comb += self.requests.ready.eq(1)
                m.d.sync += request.eq(self.requests.payload)
                with m.If(self.requests.valid):
                    m.next = "Decode"
            with m.State("Decode"):
                m.d.sync += allowed.eq(exists)
                for entry in REGISTERS:
                    m.d.sync += now.at[entry.name].eq(request.address == entry.offset)
                m.next = "Execute"
            with m.State("Execute"):
                m.d.comb += [
                    now.executing.eq(1),
                    now.execute.eq(allowed & ~now.refused),
                    now.failed.eq(~now.execute),
                ]
                m.d.sync += [
                    answer.p.data.eq(Mux(request.write | ~now.execute, 0, reads)),
                    answer.p.error.eq(~now.execute),
                    answer.valid.eq(1),
                ]
                m.next = "Respond"
                with m.If(now.execute & now.at["MEMORY_DATA"]):
                    m.d.sync += [answer.valid.eq(0), memory.valid.eq(1)]
                    m.next = "Memory"
                if self._levels:
                    with m.If(now.execute & now.at["LEVELS"]):
                        m.d.sync += answer.valid.eq(0)
                        m.next = "Levels"
            with m.State("Memory"):
                m.d.comb += self.memory_answers.ready.eq(1)
                with m.If(memory.ready):
                    m.d.sync += memory.valid.eq(0)
                with m.If(self.memory_answers.valid):
                    m.d.comb += [answered.eq(1), now.failed.eq(self.memory_answers.p.error)]
                    m.d.sync += [
                        answer.valid.eq(1),
                        answer.p.data.eq(self.memory_answers.p.data),
                        answer.p.error.eq(self.memory_answers.p.error),
                    ]
                    m.next = "Respond"
            if self._levels:
                with m.State("Levels"):
                    with m.If(self.levels_done):
                        m.d.sync += answer.valid.eq(1)
                        m.next = "Respond"
            with m.State("Respond"):
                with m.If(answer.ready):
                    m.d.sync += answer.valid.eq(0)
                    m.next = "Wait"
        return m

    def _build_registers(self, m: Module, now: AccessState, succeeded: Any) -> dict[str, Any]:
        """Build all registers; return what those read as that can be read."""
        s, levels = self._shapes, self._levels
        values: dict[str, Any] = dict(parameters(s, streams=self._streams, limit=self._limit))
        values |= build_control(m, now, s, self, streams=self._streams)
        values |= build_errors(m, now, self, levels=levels)
        values |= build_memory(m, now, self, succeeded)
        values |= build_inputs(m, now, self, levels=levels)
        values |= build_result(m, now, self)
        values |= build_hash(m, now, self._hash)
        started = Signal(REGISTER_BITS)
        m.d.sync += started.eq(started + self.began)
        return values | {"STARTED": started}
