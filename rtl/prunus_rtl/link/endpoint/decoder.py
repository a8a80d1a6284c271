"""What is checked of a request before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Module

from prunus_rtl.link.endpoint.registers import LEVELS_AT, WORDS_AT, Work
from prunus_rtl.link.protocol.protocol import REQUEST_HEADER, Opcode, Status

if TYPE_CHECKING:
    from prunus_rtl.link.endpoint.endpoint import Endpoint

__all__ = ["add_check"]


def add_check(m: Module, e: Endpoint, w: Work) -> None:
    """Add the state that checks a request to the state machine of an endpoint."""
    s = e.shapes
    with m.State("Check"):
        # Nothing has been done yet. `at` is where the words of WRITE begin.
        m.d.sync += [w.status.eq(Status.OK), w.word.eq(0), w.probing.eq(1)]
        m.next = "PutStatus"
        length = e.framer.length
        with m.Switch(w.opcode):
            with m.Case(Opcode.IDENTIFY, Opcode.STATUS, Opcode.RESET):
                with m.If(length != REQUEST_HEADER):
                    w.refuse(Status.LENGTH)
            with m.Case(Opcode.READ, Opcode.WRITE):
                m.next = "Word"
                with m.If((length < WORDS_AT) | (~w.writing & (length != WORDS_AT))):
                    w.refuse(Status.LENGTH)
                with m.Elif(~w.there):
                    w.refuse(Status.ADDRESS)
                with m.Elif(w.count == 0):
                    w.refuse(Status.VALUE)
                with m.Elif(e.running & ~w.mine):
                    w.refuse(Status.BUSY)
            with m.Case(Opcode.IMAGE):
                with m.If(length <= LEVELS_AT):
                    w.refuse(Status.LENGTH)
                with m.Elif(~e.levels.ready):
                    w.refuse(Status.FULL)
                with m.Elif(w.offset != w.position):
                    w.refuse(Status.POSITION)
                with m.Elif(w.position + length > s.network.inputs + LEVELS_AT):
                    w.refuse(Status.VALUE)
            with m.Case(Opcode.PRESENT):
                with m.If(length != REQUEST_HEADER + 2):
                    w.refuse(Status.LENGTH)
                with m.Elif(w.learn > int(s.hardware.learn)):
                    w.refuse(Status.VALUE)
                with m.Elif(e.running):
                    w.refuse(Status.BUSY)
                with m.Elif(w.waiting == 0):
                    w.refuse(Status.NO_IMAGE)
            with m.Case(Opcode.RESULT, Opcode.SPIKES):
                with m.If(length != REQUEST_HEADER + (w.opcode == Opcode.SPIKES)):
                    w.refuse(Status.LENGTH)
                with m.Elif(e.running):
                    w.refuse(Status.BUSY)
                with m.Elif(~w.known):
                    w.refuse(Status.NO_RESULT)
            with m.Default():
                w.refuse(Status.OPCODE)
