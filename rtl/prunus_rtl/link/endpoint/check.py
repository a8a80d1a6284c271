"""Request check: what is wrong with a request, before anything is done."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.link.endpoint.decoder import CODED_AT, LEVELS_AT, WORDS_AT, fields_layout
from prunus_rtl.link.protocol.protocol import (
    BUFFER_BYTES,
    IDENTITY_SPACE,
    OFFSET,
    PRESENT,
    REQUEST_HEADER,
    Opcode,
    Status,
)

__all__ = ["RequestCheck"]


class RequestCheck(wiring.Component):
    """Compares a request with what the device can do, and does now.

    Of several faults the first of the list in :class:`prunus_rtl.link.endpoint.endpoint.Endpoint`
    is found. The words of READ and WRITE are left to
    :class:`prunus_rtl.link.endpoint.words.WordAccess`, the items of EVENTS to
    :class:`prunus_rtl.link.endpoint.events.EventLoader`, the code of INFER to
    :class:`prunus_rtl.link.endpoint.image.ImageLoader`.

    Timing
    ------
    Combinational, but ``length`` and ``position`` must not have changed in the cycle before. Clock
    domain ``sync``.

    Parameters
    ----------
    address_bits : int
        Bits of the address of a word.
    spaces, readable : collection of int
        Address spaces of the core, and those of them that can be read.
    source : "levels" or "events"
        What the core takes.
    inputs : int
        Levels of an image.
    first_bytes : int
        Octets of ``first`` in SPIKES: 1 or 2.
    learn : bool
        Whether the core can learn.
    score_bits : int
        Width of a margin.

    Members
    -------
    request : In(fields_layout(address_bits))
        The request.
    length : In(9)
        Its octets.
    running, known : In(1), In(1)
        A presentation runs; there is a result.
    room, position : In(1), In(range(inputs)) or In(16)
        There is room for levels, or items; those of the image, or presentation, that is being sent.
    images : In(2)
        Whole images; only with levels.
    status : Out(Status)
        The fault; OK if there is none.
    """

    def __init__(
        self,
        *,
        address_bits: int,
        spaces: Collection[int],
        readable: Collection[int],
        source: Literal["levels", "events"],
        inputs: int,
        first_bytes: int,
        learn: bool,
        score_bits: int,
    ) -> None:
        self._spaces = sorted(spaces)
        self._readable = sorted(readable)
        self._levels = source == "levels"
        self._inputs = inputs
        self._first_bytes = first_bytes
        self._learn = learn
        self._score_bits = score_bits
        super().__init__(
            {
                "request": In(fields_layout(address_bits)),
                "length": In(range(2 * BUFFER_BYTES)),
                "running": In(1),
                "known": In(1),
                "room": In(1),
                "position": In(range(inputs) if self._levels else 8 * OFFSET.size),
                "status": Out(Status),
            }
            | ({"images": In(2)} if self._levels else {})
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        length, arguments = self.length, self.request.arguments
        words, opcode = arguments.words, self.request.opcode
        identity = words.space == IDENTITY_SPACE
        exists = words.space.matches(*self._spaces, IDENTITY_SPACE)
        writing = opcode == Opcode.WRITE
        if self._readable != self._spaces:
            exists &= writing | words.space.matches(*self._readable, IDENTITY_SPACE)
        first = (opcode == Opcode.SPIKES).shift_left(self._first_bytes - 1)
        sent = [
            (length <= LEVELS_AT, Status.LENGTH),
            (~self.room, Status.FULL),
            (arguments.image.offset != self.position, Status.POSITION),
        ]
        missing = []
        if self._levels:
            # A sum and a comparison are too much for one cycle with all that follows.
            too_many = Signal()
            m.d.sync += too_many.eq(self.position + length > self._inputs + LEVELS_AT)
            sent.append((too_many, Status.VALUE))
            missing.append((self.images == 0, Status.NO_IMAGE))
        else:
            # What the items are is left to the loader.
            sent.insert(0, (length[0], Status.LENGTH))
        presented = [
            (arguments.present.unknown != 0, Status.VALUE),
            (arguments.present.learn > int(self._learn), Status.VALUE),
            (self.request.margin >> self._score_bits != 0, Status.VALUE),
            (self.running, Status.BUSY),
        ]
        faults: dict[tuple[Opcode, ...], list[tuple[Any, Status]]] = {
            (Opcode.IDENTIFY, Opcode.STATUS, Opcode.RESET): [
                (length != REQUEST_HEADER, Status.LENGTH),
            ],
            (Opcode.READ, Opcode.WRITE): [
                (Mux(writing, length < WORDS_AT, length != WORDS_AT), Status.LENGTH),
                (~exists, Status.ADDRESS),
                (words.count == 0, Status.VALUE),
                (self.running & ~identity, Status.BUSY),
            ],
            (Opcode.IMAGE if self._levels else Opcode.EVENTS,): sent,
            (Opcode.PRESENT,): [
                (length != REQUEST_HEADER + PRESENT.size, Status.LENGTH),
                *presented,
                *missing,
            ],
            (Opcode.RESULT, Opcode.SPIKES): [
                (length != REQUEST_HEADER + first, Status.LENGTH),
                (self.running, Status.BUSY),
                (~self.known, Status.NO_RESULT),
            ],
        }
        if self._levels:
            faults[(Opcode.INFER,)] = [
                (length <= CODED_AT, Status.LENGTH),
                *presented,
                # The image that it completes must be the only one.
                (~self.room | (self.images != 0), Status.FULL),
                (self.request.offset != self.position, Status.POSITION),
            ]
        m.d.comb += self.status.eq(Status.OPCODE)
        with m.Switch(opcode):
            for opcodes, checks in faults.items():
                with m.Case(*opcodes):
                    m.d.comb += self.status.eq(Status.OK)
                    # What is assigned last holds: the first fault comes last.
                    for wrong, status in reversed(checks):
                        with m.If(wrong):
                            m.d.comb += self.status.eq(status)
        return m
