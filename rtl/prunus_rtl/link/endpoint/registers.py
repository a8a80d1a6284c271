"""What the endpoint works with: the request, where it is, and what it knows of the core."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal

from prunus_rtl.bus.memory_port import DATA_BITS, request_layout, spaces
from prunus_rtl.link.protocol.protocol import (
    BUFFER_BYTES,
    IDENTITY_SPACE,
    OFFSET,
    READ_WRITE,
    REQUEST_HEADER,
    Identity,
    Opcode,
    Status,
    word_bytes,
)
from prunus_rtl.shapes import Shapes

__all__ = ["LEVELS_AT", "POSITION_AT", "RESULT_AT", "STATUS_AT", "WORDS_AT", "Work"]

#: Where in a request are the words of WRITE, and the levels of IMAGE.
WORDS_AT = REQUEST_HEADER + READ_WRITE.size
LEVELS_AT = REQUEST_HEADER + OFFSET.size
#: Where in the octets that can be shown are the body of STATUS, the position of the image in it,
#: and the body of RESULT.
STATUS_AT = 0
POSITION_AT = 3
RESULT_AT = 8


class Work:
    """Registers of the endpoint, and what its states do with them.

    Parameters
    ----------
    m : Module
        The endpoint.
    shapes : Shapes
        Of the core.
    depth : int
        Octets of the record.

    Attributes
    ----------
    opcode, space, count, base, beyond
        The request: opcode (0 if unknown), arguments of READ and WRITE; ``base`` is the address,
        ``beyond`` is high if it has bits above.
    offset, stop_after, learn, first
        Arguments of other requests, which are in the same place.
    position, waiting, started, broken, known
        Levels of the image that is being sent; whole images that were not presented;
        presentations; broken frames; there is a result.
    at, advance, stride, fetched
        Address in the request or in the record; goes on by ``stride`` if ``advance`` is high. Both
        memories are read all the time: ``fetched`` is high if their data are those of this address.
    word, byte, word_size, last_byte, data
        Word of the request, byte of the word, and the word that is written.
    status, probing, same
        Answer; it is the first pass; all octets so far were those of the last request.
    writing, mine, there, address, outside
        The request is WRITE; the space is that of the identity block; it exists; address of the
        word; it can't exist, or not be written.
    """

    def __init__(self, m: Module, shapes: Shapes, depth: int) -> None:
        self._m = m
        self.opcode = Signal(range(max(Opcode) + 1))
        self.space = Signal(8)
        self.count = Signal(8)
        self.base = Signal(request_layout(shapes)["address"].width)
        self.beyond = Signal()
        self.offset = Cat(self.space, self.count)
        self.stop_after, self.learn, self.first = self.space, self.count, self.space

        self.position = Signal(range(shapes.network.inputs))
        self.waiting = Signal(2)
        self.started = Signal(16)
        self.broken = Signal(16)
        self.known = Signal()

        self.at = Signal(range(max(depth, 2 * BUFFER_BYTES)))
        self.advance = Signal()
        self.stride = Signal(range(DATA_BITS // 8 + 1), init=1)
        self.fetched = Signal()
        self.word = Signal(8)
        self.byte = Signal(range(8))
        self.data = Signal(DATA_BITS)
        self.status = Signal(Status)
        self.probing = Signal()
        self.same = Signal()
        m.d.sync += self.fetched.eq(1)
        with m.If(self.advance):
            m.d.sync += [self.at.eq(self.at + self.stride), self.fetched.eq(0)]

        self.writing = self.opcode == Opcode.WRITE
        self.mine = self.space == IDENTITY_SPACE
        self.there = Signal()
        self.word_size = Signal(range(DATA_BITS // 8 + 1))
        with m.Switch(self.space):
            for number, (_, width, _) in spaces(shapes).items():
                with m.Case(number.value):
                    m.d.comb += [self.there.eq(1), self.word_size.eq(word_bytes(width))]
            with m.Case(IDENTITY_SPACE):
                m.d.comb += [self.there.eq(1), self.word_size.eq(1)]
        self.last_byte = self.byte + 1 == self.word_size
        self.address = Signal(len(self.base) + 1)
        self.outside = Signal()
        m.d.comb += [
            self.address.eq(self.base + self.word),
            self.outside.eq(
                self.beyond
                | self.address[-1]
                | self.mine & (self.address >= Identity.FORMAT.size)
                | self.mine & self.writing & (self.address < Identity.NETWORK_AT)
            ),
        ]

    def go(self, where: Any) -> None:
        """Go on at another address."""
        self._m.d.sync += [self.at.eq(where), self.fetched.eq(0)]

    def refuse(self, why: Any) -> None:
        """Answer with this status."""
        self._m.d.sync += self.status.eq(why)
        self._m.next = "PutStatus"

    def next_word(self) -> None:
        """Go on with the next word of READ or WRITE."""
        self._m.d.sync += [self.word.eq(self.word + 1), self.byte.eq(0), self.fetched.eq(0)]
        self._m.next = "Word"
