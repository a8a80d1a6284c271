"""Bodies of answers: registers that are shown, octets of the record that are copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal

from prunus_rtl.link.endpoint.log import IDENTITY_AT
from prunus_rtl.link.endpoint.registers import POSITION_AT, RESULT_AT, STATUS_AT, Work
from prunus_rtl.link.protocol.protocol import (
    MAX_BODY,
    OFFSET,
    SPIKE,
    Condition,
    Identity,
    Opcode,
    word_bytes,
)

if TYPE_CHECKING:
    from prunus_rtl.link.endpoint.endpoint import Endpoint

__all__ = ["add_bodies"]


def add_bodies(m: Module, e: Endpoint, w: Work) -> None:
    """Add the states that give the bodies of answers to the state machine of an endpoint.

    ``Show`` gives STATUS, RESULT and the position of an image; ``Copy`` the identity block and,
    after ``Skip``, output spikes.
    """
    answer = e.framer.i
    flags = Cat(e.running, w.waiting != 0, e.levels.ready, w.known)
    octets = {
        STATUS_AT: flags,
        STATUS_AT + 1: w.broken,
        # In whole, also where there are so few inputs that a position has one octet.
        POSITION_AT: Cat(w.position, Const(0, 8 * OFFSET.size - len(w.position))),
        POSITION_AT + OFFSET.size: w.started,
        RESULT_AT: e.result.payload.as_value(),
    }
    result_end = RESULT_AT + word_bytes(len(octets[RESULT_AT]))
    table = {
        start + k: value[8 * k : 8 * k + 8]
        for start, value in octets.items()
        for k in range(word_bytes(len(value)))
    }
    shown = Signal(8)
    m.d.comb += shown.eq(_chosen(table, w.at[: (result_end - 1).bit_length()]))
    with m.State("Show"):
        m.d.comb += [answer.valid.eq(1), answer.payload.eq(shown)]
        with m.If(answer.ready):
            m.d.comb += w.advance.eq(1)
            with m.Switch(w.opcode):
                for shows, end in (
                    (Opcode.STATUS, STATUS_AT + Condition.FORMAT.size),
                    (Opcode.IMAGE, POSITION_AT + OFFSET.size),
                    (Opcode.RESULT, result_end),
                ):
                    with m.Case(shows):
                        with m.If(w.at == end - 1):
                            m.next = "Finish"
    with m.State("Skip"):
        m.d.comb += w.stride.eq(SPIKE.size)
        m.d.sync += w.word.eq(w.word + 1)
        with m.If((w.word == w.first) | (w.at == e.record.end)):
            m.d.sync += [w.word.eq(0), w.fetched.eq(0)]
            m.next = "Copy"
        with m.Else():
            m.d.comb += w.advance.eq(1)
    with m.State("Copy"):
        over = Mux(
            w.opcode == Opcode.IDENTIFY,
            w.at == IDENTITY_AT + Identity.FORMAT.size,
            (w.at == e.record.end) | (w.word == MAX_BODY // SPIKE.size * SPIKE.size),
        )
        m.d.comb += [
            answer.valid.eq(w.fetched & ~over),
            answer.payload.eq(e.record.read_data),
            w.advance.eq(answer.valid & answer.ready),
        ]
        with m.If(w.advance):
            m.d.sync += w.word.eq(w.word + 1)
        with m.If(over):
            m.next = "Finish"


def _chosen(table: dict[int, Any], index: Any) -> Any:
    """Return ``table[index]`` as a tree of multiplexers; any value where there is none."""
    if not len(index):
        return table[0]
    halves = [{k >> 1: value for k, value in table.items() if k & 1 == low} for low in range(2)]
    chosen = [_chosen(half, index[1:]) for half in halves if half]
    return Mux(index[0], chosen[-1], chosen[0]) if len(chosen) == 2 else chosen[0]
