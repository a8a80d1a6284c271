"""Image loader: levels of an image go from a request to the core."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_rtl.link.endpoint.decoder import LEVELS_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, OFFSET

__all__ = ["ImageLoader"]


class ImageLoader(wiring.Component):
    """Sends the levels of an IMAGE request to the core, and counts levels and whole images.

    Timing
    ------
    A level takes 2 cycles. ``octets`` and ``levels.valid`` are functions of registers. Clock domain
    ``sync``.

    Parameters
    ----------
    inputs : int
        Levels of an image.

    Members
    -------
    start, done : In(1), Out(1)
        Begin; everything was sent. High for one cycle each.
    length : In(9)
        Octets of the request. Valid until ``done``.
    octet_address, octet : Out(8), In(8)
        Read port of the request.
    octets : Out(stream.Signature(8))
        Position, low octet first.
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
                "start": In(1),
                "done": Out(1),
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
        m.submodules.pointer = pointer = ReadPointer(end=2 * BUFFER_BYTES)
        position = self.position
        m.d.comb += [
            self.octet_address.eq(pointer.address),
            self.levels.payload.eq(self.octet),
            pointer.target.eq(LEVELS_AT),
        ]
        with m.FSM(name="image"):
            with m.State("Idle"):
                m.d.comb += pointer.load.eq(self.start)
                with m.If(self.start):
                    m.next = "Levels"
            with m.State("Levels"):
                over = pointer.address == self.length
                m.d.comb += [
                    self.levels.valid.eq(pointer.valid & ~over),
                    pointer.advance.eq(self.levels.valid & self.levels.ready),
                ]
                with m.If(over):
                    m.next = "Low"
                with m.If(pointer.advance):
                    m.d.sync += position.eq(position + 1)
                    with m.If(position == self._inputs - 1):
                        m.d.sync += [position.eq(0), self.images.eq(self.images + 1)]
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
