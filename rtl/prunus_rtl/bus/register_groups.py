"""Groups of registers: what each keeps, does when it is written, and reads as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned

from prunus_rtl.bus.registers import COUNTS, REGISTER_BITS, REGISTERS, register
from prunus_rtl.lib.ram import Ram
from prunus_rtl.shapes import Shapes

__all__ = [
    "FAULTS",
    "AccessState",
    "build_control",
    "build_errors",
    "build_hash",
    "build_inputs",
    "build_memory",
    "build_result",
]

#: Bits of ``ERROR`` that other units set.
FAULTS = ("early", "late", "value", "cancelled")


@dataclass(frozen=True, kw_only=True)
class AccessState:
    """The access that is worked on.

    Attributes
    ----------
    request : View
        Of :func:`prunus_rtl.bus.access.access_layout`.
    at : dict of str to Signal
        For each register, whether it is the one.
    executing, execute : Signal
        The cycle in which it is carried out or refused; and it is carried out.
    refused : Signal
        It must not be carried out. Driven by the registers.
    failed : Signal
        It is answered with an error. High for one cycle.
    """

    request: Any
    at: dict[str, Signal]
    executing: Signal
    execute: Signal
    refused: Signal
    failed: Signal

    def written(self, name: str) -> Value:
        """Return whether a register is written in this cycle."""
        return self.execute & self.request.write & self.at[name]

    def read(self, name: str) -> Value:
        """Return whether a register is read in this cycle."""
        return self.execute & ~self.request.write & self.at[name]

    def refuse(self, m: Module, name: str, why: Any) -> None:
        """Refuse an access of a register for a reason."""
        with m.If(self.at[name] & why):
            m.d.comb += self.refused.eq(1)

    def bit(self, name: str, field: str) -> Value:
        """Return the bit of a field in what is written."""
        return self.request.data[register(name).field(field).lsb]


def build_control(
    m: Module, now: AccessState, shapes: Shapes, port: Any, *, streams: bool
) -> dict[str, Any]:
    """Build ``CONTROL`` and ``MARGIN``; ``port`` is the register file."""
    at, data = register("CONTROL"), now.request.data

    def bit(name: str) -> Value:
        return now.bit("CONTROL", name)

    stop_at = at.field("stop_after")
    stop_after = Signal(stop_at.width)
    margin = Signal(shapes.score_bits)
    learn, keep = Signal(), Signal()
    kept = {
        "learn": learn,
        "keep": keep,
        "input_stream": port.input_stream,
        "spike_stream": port.spike_stream,
        "no_spikes": port.no_spikes,
    }
    write = now.request.write
    now.refuse(m, "CONTROL", write & bit("start") & (port.busy | bit("cancel") | bit("reset")))
    if not shapes.hardware.learn:
        now.refuse(m, "CONTROL", write & bit("learn"))
    if not streams:
        now.refuse(m, "CONTROL", write & (bit("input_stream") | bit("spike_stream")))
    now.refuse(m, "MARGIN", write & data[shapes.score_bits :].any())
    with m.If(now.written("CONTROL")):
        m.d.comb += [getattr(port, name).eq(bit(name)) for name in ("start", "cancel", "reset")]
        m.d.comb += port.drop.eq(bit("cancel") | (bit("input_stream") != port.input_stream))
        m.d.sync += [value.eq(bit(name)) for name, value in kept.items()]
        m.d.sync += stop_after.eq(data[stop_at.lsb :])
    with m.If(now.written("MARGIN")):
        m.d.sync += margin.eq(data)
    # A presentation is asked for by the write that starts it.
    m.d.comb += [
        port.control.stop_after.eq(data[stop_at.lsb : stop_at.lsb + stop_at.width]),
        port.control.keep.eq(bit("keep")),
        port.control.margin.eq(margin),
    ]
    if shapes.hardware.learn:
        m.d.comb += port.control.learn.eq(bit("learn"))
    reads = Signal(REGISTER_BITS)
    m.d.comb += [reads[at.field(name).lsb].eq(value) for name, value in kept.items()]
    m.d.comb += reads[stop_at.lsb : stop_at.lsb + stop_at.width].eq(stop_after)
    return {"CONTROL": reads, "MARGIN": margin}


def build_errors(m: Module, now: AccessState, port: Any, *, levels: bool) -> dict[str, Any]:
    """Build ``STATUS``, ``ERROR`` and the interrupt."""
    names = [field.name for field in register("ERROR").fields]
    error, new = Signal(len(names)), Signal(len(names))
    interrupts = len(register("INTERRUPT_STATUS").fields)
    enabled, happened = Signal(interrupts), Signal(interrupts)
    asked = now.executing & now.request.write
    pulses: dict[str, Any] = {name: getattr(port, name) for name in FAULTS}
    if not levels:
        pulses["value"] |= asked & now.at["EVENT"] & (port.room != 0) & port.wrong
    pulses["access"] = now.failed
    pulses["busy"] = asked & now.at["CONTROL"] & now.bit("CONTROL", "start") & port.busy
    m.d.comb += new.eq(Cat(pulses[name] for name in names))
    for name, kept, found in (
        ("ERROR", error, new),
        ("INTERRUPT_STATUS", happened, Cat(port.done, new.any(), port.spikes_full)),
    ):
        cleared = Mux(now.written(name), now.request.data, 0)
        m.d.sync += kept.eq(kept & ~cleared | found)
    with m.If(now.written("INTERRUPT_ENABLE")):
        m.d.sync += enabled.eq(now.request.data)
    m.d.sync += port.interrupt.eq((enabled & happened).any())
    status = {
        "busy": port.busy,
        "running": port.running,
        "known": port.known,
        "input_ready": port.room != 0,
        "input_held": port.held,
        "spike_ready": port.spike_ready,
        "error": error.any(),
        "interrupt": port.interrupt,
        "spikes_full": port.spikes_full,
    }
    return {
        "STATUS": Cat(status[field.name] for field in register("STATUS").fields),
        "ERROR": error,
        "INTERRUPT_ENABLE": enabled,
        "INTERRUPT_STATUS": happened,
    }


def build_memory(m: Module, now: AccessState, port: Any, succeeded: Any) -> dict[str, Any]:
    """Build ``MEMORY_ADDRESS``, and what ``MEMORY_DATA`` asks for."""
    table = register("MEMORY_ADDRESS")
    address_field, space_field = table.field("address"), table.field("space")
    address = Signal(address_field.width)
    increment, space = Signal(), Signal(space_field.width)
    data, asked = now.request.data, port.memory_requests.p
    with m.If(now.written("MEMORY_ADDRESS")):
        m.d.sync += [
            address.eq(data[address_field.lsb :]),
            increment.eq(now.bit("MEMORY_ADDRESS", "increment")),
            space.eq(data[space_field.lsb :]),
        ]
    with m.If(succeeded & increment):
        m.d.sync += address.eq(address + 1)
    m.d.comb += [
        asked.data.eq(data),
        asked.address.eq(address),
        asked.space.eq(space),
        asked.write.eq(now.request.write),
    ]
    beyond = address[len(asked.address) :].any()
    now.refuse(m, "MEMORY_DATA", port.busy | beyond)
    return {"MEMORY_ADDRESS": Cat(address, increment, space)}


def build_inputs(m: Module, now: AccessState, port: Any, *, levels: bool) -> dict[str, Any]:
    """Build ``LEVELS``, ``EVENT`` and ``ROOM``; one of the first two is always refused."""
    if levels:
        now.refuse(m, "EVENT", 1)
        now.refuse(m, "LEVELS", port.room == 0)
        m.d.comb += [port.word.eq(now.request.data), port.write_levels.eq(now.written("LEVELS"))]
    else:
        now.refuse(m, "LEVELS", 1)
        now.refuse(m, "EVENT", (port.room == 0) | port.wrong)
        m.d.comb += [
            port.item.data.eq(now.request.data),
            port.item.last.eq(now.bit("EVENT", "last")),
            port.write_event.eq(now.written("EVENT")),
        ]
    return {"ROOM": port.room}


def build_result(m: Module, now: AccessState, port: Any) -> dict[str, Any]:
    """Build ``SPIKE``, ``RESULT``, ``LEAD`` and the counts; without a result these are 0."""
    now.refuse(m, "SPIKE", ~port.spike_ready)
    m.d.comb += port.take_spike.eq(now.read("SPIKE"))
    result, known = port.result, port.known
    reads = Signal(REGISTER_BITS)
    table = register("RESULT")
    m.d.comb += [
        reads[: len(result.prediction)].eq(result.prediction),
        reads[table.field("undecided").lsb].eq(result.undecided),
        reads[table.field("known").lsb].eq(1),
    ]
    values: dict[str, Any] = {"SPIKE": port.spike}
    shown = {"RESULT": reads, "LEAD": result.lead}
    counted = result.counters.shape().members
    for count, name in COUNTS.items():
        if count in counted:
            shown[name] = result.counters[count][:REGISTER_BITS]
    shown["FORWARD_SOPS_HIGH"] = result.counters["forward_sops"][REGISTER_BITS:]
    return values | {name: Mux(known, value, 0) for name, value in shown.items()}


def build_hash(m: Module, now: AccessState, words: list[int]) -> dict[str, Any]:
    """Build the hash of the network: a memory, so that it needs no registers."""
    entries = [entry for entry in REGISTERS if entry.name.startswith("HASH")]
    m.submodules.hash = ram = Ram(shape=unsigned(REGISTER_BITS), depth=len(words), init=words)
    index = now.request.address[2 : 2 + (len(words) - 1).bit_length()]
    m.d.comb += [
        # The request is there in the cycle before the one in which it is carried out.
        ram.read.eq(1),
        ram.read_address.eq(index),
        ram.write_address.eq(index),
        ram.write_data.eq(now.request.data),
        ram.write.eq(
            now.execute & now.request.write & Cat(now.at[entry.name] for entry in entries).any()
        ),
    ]
    return {entry.name: ram.read_data for entry in entries}
