"""Endpoint: carries out the requests of the host link."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_rtl.bus.memory_port import answer_layout, request_layout
from prunus_rtl.core.core import result_layout
from prunus_rtl.core.sequencer import control_layout
from prunus_rtl.link.endpoint.decoder import add_check
from prunus_rtl.link.endpoint.log import IDENTITY_AT, LAST_AT, LAST_BYTES, SPIKES_AT, Record
from prunus_rtl.link.endpoint.registers import (
    LEVELS_AT,
    POSITION_AT,
    RESULT_AT,
    STATUS_AT,
    WORDS_AT,
    Work,
)
from prunus_rtl.link.endpoint.report import add_bodies
from prunus_rtl.link.endpoint.words import add_words
from prunus_rtl.link.framing.framer import Framer
from prunus_rtl.link.protocol.protocol import REQUEST_HEADER, Identity, Opcode, Status
from prunus_rtl.shapes import Shapes

__all__ = ["Endpoint"]


class Endpoint(wiring.Component):
    """Endpoint: carries out the requests of the host link, one after the other.

    Everything of :mod:`prunus_rtl.link.protocol.protocol`. Of several faults of a request, that
    which the list names first is reported:

    - any: OPCODE, LENGTH
    - READ, WRITE: ADDRESS (no such space), VALUE (``count`` is 0), BUSY; then word by word ADDRESS;
      last, or as soon as they are too many, VALUE (READ) or LENGTH (WRITE)
    - IMAGE: FULL, POSITION, VALUE
    - PRESENT: VALUE, BUSY, NO_IMAGE
    - RESULT, SPIKES: BUSY, NO_RESULT

    Relies on this of the core: ``levels`` is ready for a whole image, once it is ready for its
    first level; ``control`` becomes ready if an image was loaded and no presentation runs;
    ``requests`` are taken and answered then, too; ``result.payload`` is kept until the next
    transfer of ``control``, or reset.

    Timing
    ------
    Whole requests are received, then carried out, then answered: meanwhile ``rx`` is not ready.
    Output spikes and the result are always taken at once. Clock domain ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Of the core.
    identity : Identity
        Initial identity block.

    Members
    -------
    rx, tx : In(stream.Signature(8)), Out(stream.Signature(8))
        From and to the host.
    running : Out(1)
        A presentation runs.
    reset_core : Out(1)
        Reset of the core.
    levels, control, spikes, result, requests, answers
        Ports of :class:`prunus_rtl.core.core.Core`, in the other direction.
    """

    def __init__(self, *, shapes: Shapes, identity: Identity) -> None:
        self._shapes = shapes
        #: Parts that the states use.
        self.framer = Framer()
        self.record = Record(shapes=shapes, identity=identity)
        octets = stream.Signature(8)
        super().__init__(
            {
                "rx": In(octets),
                "tx": Out(octets),
                "running": Out(1),
                "reset_core": Out(1),
                "levels": Out(stream.Signature(LEVEL_BITS)),
                "control": Out(stream.Signature(control_layout(learn=shapes.hardware.learn))),
                "spikes": In(stream.Signature(shapes.spike)),
                "result": In(stream.Signature(result_layout(shapes))),
                "requests": Out(stream.Signature(request_layout(shapes))),
                "answers": In(stream.Signature(answer_layout())),
            }
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        m.submodules.framer = framer = self.framer
        m.submodules.record = record = self.record
        w = Work(m, s, record.depth)
        inputs = s.network.inputs
        wiring.connect(m, wiring.flipped(self.rx), framer.rx)
        wiring.connect(m, wiring.flipped(self.tx), framer.tx)
        wiring.connect(m, wiring.flipped(self.spikes), record.spikes)

        answer = framer.i
        m.d.comb += [
            framer.address.eq(w.at),
            record.read_address.eq(w.at),
            record.write_address.eq(LAST_AT + w.byte),
            record.write_data.eq(framer.data),
            record.forget.eq(self.reset_core | (self.control.valid & self.control.ready)),
            answer.payload.eq(framer.data),
            self.requests.p.address.eq(w.address),
            self.requests.p.space.eq(w.space),
            self.requests.p.data.eq(w.data),
            self.requests.p.write.eq(w.writing & ~w.probing),
            self.control.p.stop_after.eq(w.stop_after),
            self.levels.payload.eq(framer.data),
        ]
        if s.hardware.learn:
            m.d.comb += self.control.p.learn.eq(w.learn)
        m.d.comb += self.result.ready.eq(~self.spikes.valid)
        with m.If(self.result.valid & self.result.ready):
            m.d.sync += [self.running.eq(0), w.known.eq(1)]

        with m.FSM(name="endpoint"):
            with m.State("Receive"):
                m.d.comb += framer.receive.eq(1)
                m.d.sync += [w.byte.eq(0), w.same.eq(framer.held)]
                w.go(0)
                with m.If(framer.done):
                    m.next = "Recall"
                    with m.If(~framer.whole):
                        m.d.comb += framer.broken.eq(1)
                        m.d.sync += w.broken.eq(w.broken + 1)
                        m.next = "Answer"
            with m.State("Recall"):
                # Is it the last request again? Compare sequence and CRC, and remember them.
                m.d.comb += record.read_address.eq(LAST_AT + w.byte)
                equal = w.same & (framer.data == record.read_data)
                with m.If(w.fetched):
                    m.d.comb += record.write.eq(1)
                    with m.If(record.write_ready):
                        m.d.comb += w.advance.eq(1)
                        m.d.sync += [w.same.eq(equal), w.byte.eq(w.byte + 1)]
                        with m.If(w.byte == 0):
                            w.go(framer.length)
                        with m.If(w.byte == LAST_BYTES - 1):
                            m.d.sync += w.beyond.eq(0)
                            w.go(0)
                            with m.If(equal):
                                m.d.comb += framer.repeat.eq(1)
                                m.next = "Answer"
                            with m.Else():
                                m.d.comb += framer.begin.eq(1)
                                m.next = "Load"
            with m.State("Load"):
                # Arguments. What the request does not have is something else, and never used.
                with m.If(w.fetched):
                    m.d.comb += [
                        answer.valid.eq(w.at < REQUEST_HEADER),
                        w.advance.eq(answer.ready | ~answer.valid),
                    ]
                with m.If(w.advance):
                    with m.Switch(w.at):
                        with m.Case(1):
                            exists = framer.data <= max(Opcode)
                            m.d.sync += w.opcode.eq(Mux(exists, framer.data, 0))
                        with m.Case(2):
                            m.d.sync += w.space.eq(framer.data)
                        with m.Case(3):
                            m.d.sync += w.count.eq(framer.data)
                        for k in range(WORDS_AT - 4):
                            with m.Case(4 + k):
                                part = w.base[8 * k : 8 * k + 8]
                                m.d.sync += part.eq(framer.data)
                                with m.If(framer.data[len(part) :] != 0):
                                    m.d.sync += w.beyond.eq(1)
                    with m.If(w.at == WORDS_AT - 1):
                        m.next = "Check"
            add_check(m, self, w)
            add_words(m, self, w)
            with m.State("PutStatus"):
                # From here on nothing is refused.
                m.d.comb += [answer.valid.eq(1), answer.payload.eq(w.status)]
                m.d.sync += [w.probing.eq(0), w.word.eq(0), w.byte.eq(0)]
                with m.If(answer.ready):
                    m.next = "Finish"
                    with m.If(w.status == Status.OK):
                        with m.Switch(w.opcode):
                            with m.Case(Opcode.IDENTIFY):
                                w.go(IDENTITY_AT)
                                m.next = "Copy"
                            with m.Case(Opcode.READ, Opcode.WRITE):
                                w.go(WORDS_AT)
                                m.next = "Word"
                            with m.Case(Opcode.IMAGE):
                                w.go(LEVELS_AT)
                                m.next = "Levels"
                            with m.Case(Opcode.PRESENT):
                                m.next = "Start"
                            with m.Case(Opcode.RESULT):
                                w.go(RESULT_AT)
                                m.next = "Show"
                            with m.Case(Opcode.SPIKES):
                                w.go(SPIKES_AT)
                                m.next = "Skip"
                            with m.Case(Opcode.STATUS):
                                w.go(STATUS_AT)
                                m.next = "Show"
                            with m.Case(Opcode.RESET):
                                m.next = "Reset"
            add_bodies(m, self, w)
            with m.State("Levels"):
                m.d.comb += self.levels.valid.eq(w.fetched & (w.at != framer.length))
                with m.If(w.at == framer.length):
                    w.go(POSITION_AT)
                    m.next = "Show"
                with m.Elif(w.fetched & self.levels.ready):
                    m.d.comb += w.advance.eq(1)
                    m.d.sync += w.position.eq(w.position + 1)
                    with m.If(w.position == inputs - 1):
                        m.d.sync += [w.position.eq(0), w.waiting.eq(w.waiting + 1)]
            with m.State("Start"):
                m.d.comb += self.control.valid.eq(1)
                with m.If(self.control.ready):
                    m.d.sync += [
                        self.running.eq(1),
                        w.known.eq(0),
                        w.waiting.eq(w.waiting - 1),
                        w.started.eq(w.started + 1),
                    ]
                    m.next = "Finish"
            with m.State("Reset"):
                m.d.comb += self.reset_core.eq(1)
                m.d.sync += [self.running.eq(0), w.known.eq(0), w.position.eq(0), w.waiting.eq(0)]
                m.next = "Finish"
            with m.State("Finish"):
                with m.If(~framer.pending):
                    m.d.comb += framer.finish.eq(1)
                    m.next = "Answer"
            with m.State("Answer"):
                with m.If(framer.sent):
                    m.next = "Receive"
        return m
