"""Image loader: levels of an image go from a request to the core."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_rtl.link.endpoint.decoder import CODED_AT, LEVELS_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, OFFSET, Status
from prunus_rtl.link.protocol.runs import LONGEST, ZEROS

__all__ = ["ImageLoader"]


class ImageLoader(wiring.Component):
    """Sends the levels of an IMAGE or INFER request to the core, and counts levels and images.

    A first pass walks through the runs of an INFER request, so that a wrong one is found before any
    level is sent (:mod:`prunus_rtl.link.protocol.runs`).

    Timing
    ------
    A level takes 2 cycles, one of a run of 0 takes 1, and the octet in front of them 2 at most; in
    the first pass 3. ``octets`` and ``levels.valid`` are functions of registers. Clock domain
    ``sync``.

    Parameters
    ----------
    inputs : int
        Levels of an image.

    Members
    -------
    check, start : In(1), In(1)
        Begin the first pass, of INFER; begin the second one. High for one cycle; not before
        ``done``.
    done : Out(1)
        The pass is over; high for one cycle.
    coded : In(1)
        The request is INFER. Valid until ``done``.
    status : Out(Status)
        Fault that the first pass has found; OK if none. Valid from the cycle after ``done``.
    length : In(9)
        Octets of the request, which has one level or more. Valid until ``done``.
    octet_address, octet : Out(8), In(8)
        Read port of the request.
    octets : Out(stream.Signature(8))
        Position, low octet first; nothing if INFER has completed an image.
    levels : Out(stream.Signature(8))
        To the core.
    position : Out(range(inputs))
        Levels of the image that is being sent which are there; 0 if it is complete.
    images : Out(2)
        Whole images that the core holds.
    present : In(1)
        One of them is presented. Not while levels are sent.
    clear : In(1)
        Forget all of them.
    """

    def __init__(self, *, inputs: int) -> None:
        self._inputs = inputs
        super().__init__(
            {
                "check": In(1),
                "start": In(1),
                "done": Out(1),
                "coded": In(1),
                "status": Out(Status),
                "length": In(range(2 * BUFFER_BYTES)),
                "octet_address": Out(range(BUFFER_BYTES)),
                "octet": In(8),
                "octets": Out(stream.Signature(8)),
                "levels": Out(stream.Signature(LEVEL_BITS)),
                "position": Out(range(inputs)),
                "images": Out(2),
                "present": In(1),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.pointer = pointer = ReadPointer(end=2 * BUFFER_BYTES, stride=LONGEST + 1)
        position = self.position
        # Levels of the image with those of the runs that were checked; those left of a run, less 1.
        total = Signal(range(self._inputs + LONGEST + 1))
        left = Signal(range(LONGEST))
        run = Signal()
        zeros = self.octet >= ZEROS
        count = self.octet[: len(left)]
        over = pointer.address == self.length
        sent = Signal()
        m.d.comb += [
            self.octet_address.eq(pointer.address),
            pointer.target.eq(Mux(self.coded, CODED_AT, LEVELS_AT)),
            sent.eq(self.levels.valid & self.levels.ready),
        ]
        with m.If(sent):
            m.d.sync += [left.eq(left - 1), position.eq(position + 1)]
            with m.If(position == self._inputs - 1):
                m.d.sync += [position.eq(0), self.images.eq(self.images + 1)]
        with m.FSM(name="image"):
            with m.State("Idle"):
                m.d.comb += pointer.load.eq(self.check | self.start)
                m.d.sync += total.eq(position)
                with m.If(self.check):
                    m.next = "Check"
                with m.If(self.start):
                    m.next = "Levels"
                    with m.If(self.coded):
                        m.next = "Run"
            with m.State("Check"):
                wrong = (total > self._inputs) | (pointer.address > self.length)
                with m.If(wrong | over):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += self.status.eq(Mux(wrong, Status.VALUE, Status.OK))
                    m.next = "Idle"
                with m.Elif(pointer.valid):
                    m.next = "Skip"
                # From a block RAM, late: where it leads to is worked out in the next cycle.
                m.d.sync += [left.eq(count), run.eq(zeros)]
            with m.State("Skip"):
                m.d.comb += [
                    pointer.advance.eq(1),
                    pointer.stride.eq(Mux(run, 1, left + 2)),
                ]
                m.d.sync += total.eq(total + left + 1)
                m.next = "Check"
            with m.State("Run"):
                m.d.comb += pointer.advance.eq(pointer.valid & ~over)
                m.d.sync += left.eq(count)
                with m.If(over):
                    m.next = "Low"
                    with m.If(position == 0):
                        m.d.comb += self.done.eq(1)
                        m.next = "Idle"
                with m.Elif(pointer.valid):
                    m.next = "Levels"
                    with m.If(zeros):
                        m.next = "Zeros"
            with m.State("Levels"):
                m.d.comb += [
                    self.levels.payload.eq(self.octet),
                    self.levels.valid.eq(pointer.valid & ~over),
                    pointer.advance.eq(sent),
                ]
                with m.If(over):
                    m.next = "Low"
                with m.If(sent & self.coded & (left == 0)):
                    m.next = "Run"
            with m.State("Zeros"):
                m.d.comb += self.levels.valid.eq(1)
                with m.If(sent & (left == 0)):
                    m.next = "Run"
            # In whole, also where there are so few inputs that a position has one octet.
            whole = Cat(position, Const(0, 8 * OFFSET.size - len(position)))
            for state, octet, following in (
                ("Low", whole[:8], "High"),
                ("High", whole[8:], "Idle"),
            ):
                with m.State(state):
                    m.d.comb += [self.octets.valid.eq(1), self.octets.payload.eq(octet)]
                    with m.If(self.octets.ready):
                        m.d.comb += self.done.eq(following == "Idle")
                        m.next = following
        with m.If(self.present):
            m.d.sync += self.images.eq(self.images - 1)
        with m.If(self.clear):
            m.d.sync += [position.eq(0), self.images.eq(0)]
        return m
