"""READ and WRITE: words of the core's memories and of the identity block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Module, Mux

from prunus_rtl.link.endpoint.registers import WORDS_AT, Work
from prunus_rtl.link.protocol.protocol import MAX_BODY, Status

if TYPE_CHECKING:
    from prunus_rtl.link.endpoint.endpoint import Endpoint

__all__ = ["add_words"]


def add_words(m: Module, e: Endpoint, w: Work) -> None:
    """Add the states that read and write words to the state machine of an endpoint.

    In ``Word`` with ``probing`` each address is read, or checked; the answer to a wrong one is its
    status, else OK. Without, each word is read into the answer, or written from the request.
    """
    answer = e.framer.i
    with m.State("Word"):
        # A first pass of reads finds wrong addresses, a second does what is asked for.
        with m.If(w.probing):
            m.next = "Request"
            with m.If(w.at > WORDS_AT + MAX_BODY):
                w.refuse(Mux(w.writing, Status.LENGTH, Status.VALUE))
            with m.Elif(w.word == w.count):
                m.next = "PutStatus"
                with m.If(w.writing & (w.at != e.framer.length)):
                    w.refuse(Status.LENGTH)
            with m.Elif(w.outside):
                w.refuse(Status.ADDRESS)
            with m.Elif(w.mine):
                m.d.comb += w.advance.eq(1)
                w.next_word()
        with m.Elif(w.word == w.count):
            m.next = "Finish"
        with m.Elif(w.writing):
            m.next = "Gather"
        with m.Elif(w.mine):
            m.next = "PutWord"
        with m.Else():
            m.next = "Request"
        m.d.sync += w.fetched.eq(0)
    with m.State("Request"):
        m.d.comb += e.requests.valid.eq(1)
        with m.If(e.requests.ready):
            m.next = "Await"
    with m.State("Await"):
        with m.If(e.answers.valid):
            m.next = "PutWord"
            with m.If(w.probing | w.writing):
                m.d.comb += [
                    e.answers.ready.eq(1),
                    w.advance.eq(w.probing),
                    w.stride.eq(w.word_size),
                ]
                w.next_word()
                with m.If(e.answers.p.error):
                    w.refuse(Status.ADDRESS)
    with m.State("PutWord"):
        m.d.comb += [
            e.record.read_address.eq(w.address),
            answer.valid.eq(w.fetched),
            answer.payload.eq(
                Mux(
                    w.mine,
                    e.record.read_data,
                    e.answers.p.data.word_select(w.byte[:2], 8),
                )
            ),
        ]
        with m.If(w.fetched & answer.ready):
            m.d.sync += w.byte.eq(w.byte + 1)
            with m.If(w.last_byte):
                m.d.comb += e.answers.ready.eq(1)
                w.next_word()
    with m.State("Gather"):
        m.d.comb += [
            e.record.write_address.eq(w.address),
            e.record.write.eq(w.fetched & w.mine),
            w.advance.eq(w.fetched & (~w.mine | e.record.write_ready)),
        ]
        m.d.sync += w.data.word_select(w.byte[:2], 8).eq(e.framer.data)
        with m.If(w.advance):
            m.d.sync += w.byte.eq(w.byte + 1)
            with m.If(w.last_byte):
                m.next = "Request"
                with m.If(w.mine):
                    w.next_word()
