"""Report: bodies of the responses to IDENTIFY, STATUS, RESULT, SPIKES and INFER."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.link.endpoint.log import IDENTITY_AT, SPIKES_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.protocol.protocol import (
    MAX_BODY,
    SPIKE,
    STARTED,
    Opcode,
    spikes_beside,
    word_bytes,
)
from prunus_rtl.link.protocol.records import Condition, Identity

__all__ = ["Report"]

#: Where the bodies of STATUS and of RESULT are among the octets of registers.
_STATUS_AT = 0
_RESULT_AT = _STATUS_AT + Condition.FORMAT.size
#: Where that of INFER begins: the count of presentations is the end of STATUS.
_STARTED_AT = _RESULT_AT - STARTED.size
#: Octets of spikes in the longest response.
_SPIKE_OCTETS = MAX_BODY // SPIKE.size * SPIKE.size


class Report(wiring.Component):
    """Gives what registers hold, or what the log RAM holds, octet by octet.

    Timing
    ------
    An octet of a register takes a cycle, one of the log RAM 3, and a spike that is skipped 1.
    ``octets`` is a function of registers, ``condition``, ``result`` and ``log_data``. Clock domain
    ``sync``.

    Parameters
    ----------
    depth : int
        Octets of the log RAM.
    result_bits : int
        Bits of a result.
    first_bits : int
        Bits of the number of a spike.

    Members
    -------
    start, done : In(1), Out(1)
        Begin; everything was given. High for one cycle each.
    opcode, first : In(range(10)), In(first_bits)
        IDENTIFY, STATUS, RESULT, SPIKES or INFER; number of the first spike. Valid until ``done``.
    condition : In(56)
        :class:`prunus_rtl.link.protocol.records.Condition`, as it goes over the link.
    result : In(result_bits)
        Result of the last presentation.
    octets : Out(stream.Signature(8))
        The body.
    log_address, log_data : Out(range(depth)), In(8)
        Read port of the log RAM.
    log_end : In(range(depth + 1))
        Address behind the last spike.
    """

    def __init__(self, *, depth: int, result_bits: int, first_bits: int) -> None:
        self._depth = depth
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "opcode": In(range(max(Opcode) + 1)),
                "first": In(first_bits),
                "condition": In(8 * Condition.FORMAT.size),
                "result": In(result_bits),
                "octets": Out(stream.Signature(8)),
                "log_address": Out(range(depth)),
                "log_data": In(8),
                "log_end": In(range(depth + 1)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        registers = {_STATUS_AT: self.condition, _RESULT_AT: self.result}
        table = {
            start + k: value[8 * k : 8 * k + 8]
            for start, value in registers.items()
            for k in range(word_bytes(len(value)))
        }
        # Behind the last octet, too.
        end = max(self._depth, max(table) + 1) + 1
        m.submodules.pointer = pointer = ReadPointer(end=end, stride=SPIKE.size, latency=2)
        at = pointer.address
        infer = self.opcode == Opcode.INFER
        # Octets of the spikes that fit behind a result.
        beside = spikes_beside(len(self.result)) * SPIKE.size
        # Spikes that are skipped, then octets.
        number = Signal(max(len(self.first), _SPIKE_OCTETS.bit_length()))
        m.d.comb += self.log_address.eq(at)
        # Valid with the data: the memory takes longer than this.
        over = Signal()
        m.d.sync += over.eq(
            Mux(
                self.opcode == Opcode.IDENTIFY,
                at == IDENTITY_AT + Identity.FORMAT.size,
                (at == self.log_end) | (number == Mux(infer, beside, _SPIKE_OCTETS)),
            )
        )

        def take(target: int, state: str) -> None:
            m.d.comb += pointer.target.eq(target)
            m.next = state

        with m.FSM(name="report"):
            with m.State("Idle"):
                m.d.comb += pointer.load.eq(self.start)
                m.d.sync += number.eq(0)
                with m.If(self.start):
                    with m.Switch(self.opcode):
                        with m.Case(Opcode.IDENTIFY):
                            take(IDENTITY_AT, "Copy")
                        with m.Case(Opcode.STATUS):
                            take(_STATUS_AT, "Registers")
                        with m.Case(Opcode.RESULT):
                            take(_RESULT_AT, "Registers")
                        with m.Case(Opcode.INFER):
                            take(_STARTED_AT, "Registers")
                        with m.Case(Opcode.SPIKES):
                            take(SPIKES_AT, "Skip")
            with m.State("Registers"):
                last = Mux(
                    self.opcode == Opcode.STATUS,
                    at == _STATUS_AT + Condition.FORMAT.size - 1,
                    at == max(table),
                )
                m.d.comb += [
                    self.octets.valid.eq(1),
                    self.octets.payload.eq(_chosen(table, at[: max(table).bit_length()])),
                    pointer.advance.eq(self.octets.ready),
                ]
                with m.If(self.octets.ready & last):
                    with m.If(infer):
                        m.d.comb += pointer.load.eq(1)
                        take(SPIKES_AT, "Copy")
                    with m.Else():
                        m.d.comb += self.done.eq(1)
                        m.next = "Idle"
            with m.State("Skip"):
                m.d.comb += pointer.stride.eq(SPIKE.size)
                m.d.sync += number.eq(number + 1)
                with m.If((number == self.first) | (at == self.log_end)):
                    m.d.sync += number.eq(0)
                    m.next = "Copy"
                with m.Else():
                    m.d.comb += pointer.advance.eq(1)
            with m.State("Copy"):
                m.d.comb += [
                    self.octets.valid.eq(pointer.valid & ~over),
                    self.octets.payload.eq(self.log_data),
                    pointer.advance.eq(self.octets.valid & self.octets.ready),
                    self.done.eq(pointer.valid & over),
                ]
                with m.If(pointer.advance):
                    m.d.sync += number.eq(number + 1)
                with m.If(self.done):
                    m.next = "Idle"
        return m


def _chosen(table: dict[int, Any], index: Any) -> Any:
    """Return ``table[index]`` as a tree of multiplexers; any value where there is none."""
    if not len(index):
        return table[0]
    halves = [{k >> 1: value for k, value in table.items() if k & 1 == low} for low in range(2)]
    chosen = [_chosen(half, index[1:]) for half in halves if half]
    return Mux(index[0], chosen[-1], chosen[0]) if len(chosen) == 2 else chosen[0]
