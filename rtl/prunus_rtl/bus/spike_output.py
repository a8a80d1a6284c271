"""Spike output: output spikes and the end of a presentation, for a bus or a stream."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from prunus_rtl.bus.axi_stream import packet_layout
from prunus_rtl.bus.registers import REGISTER_BITS, register

__all__ = ["SpikeOutput"]


class SpikeOutput(wiring.Component):
    """Keeps the output spikes of a presentation, and its end, until somebody takes them.

    They have the layout of register ``SPIKE``. The core waits if there is no room for them, or for
    the end. For the bus, what is left of the presentation before is dropped when one begins.

    Timing
    ------
    From ``spikes`` to ``word`` 2 cycles, to ``packets`` 3; one per cycle. ``spikes.ready`` and
    ``packets`` are functions of registers and of ``no_spikes``, ``hold`` also of ``spikes.valid``.
    Clock domain ``sync``.

    Memory: ``depth`` words.

    Parameters
    ----------
    spike : StructLayout
        Output spike of the core (:func:`prunus_rtl.streams.spike_layout`).
    prediction_bits : int
        Width of the number of a class.
    depth : int
        Output spikes that there is room for, and 1 for the end of a presentation.

    Members
    -------
    spikes : In(stream.Signature(spike))
        From the core.
    began, done : In(1), In(1)
        A presentation begins; it is over. The latter not while ``hold`` is high.
    hold : Out(1)
        It must not be over yet.
    prediction, undecided : In(prediction_bits), In(1)
        Its result; valid with ``done``.
    streaming : In(1)
        They are sent over the stream.
    no_spikes : In(1)
        Take spikes without keeping them.
    word, available, take : Out(32), Out(1), In(1)
        What is next; whether there is any; take it. Not while ``streaming``.
    packets : Out(stream.Signature(packet_layout(32)))
        The stream; ``last`` with the end of a presentation.
    full : Out(1)
        The core waits, or will have to, until ``word`` is taken. Not while ``streaming``.
    clear : In(1)
        Forget what is there. What ``packets`` offers stays.
    """

    def __init__(self, *, spike: data.StructLayout, prediction_bits: int, depth: int) -> None:
        self._spike = spike
        self._prediction_bits = prediction_bits
        self._depth = depth
        super().__init__(
            {
                "spikes": In(stream.Signature(spike)),
                "began": In(1),
                "done": In(1),
                "hold": Out(1),
                "prediction": In(prediction_bits),
                "undecided": In(1),
                "streaming": In(1),
                "no_spikes": In(1),
                "word": Out(REGISTER_BITS),
                "available": Out(1),
                "take": In(1),
                "packets": Out(stream.Signature(packet_layout(REGISTER_BITS))),
                "full": Out(1),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        spikes, packets = self.spikes, self.packets
        bits = max(self._spike.size, self._prediction_bits)
        kept = data.StructLayout({"what": bits, "undecided": 1, "end": 1})
        forget = Signal()
        m.submodules.queue = queue = ResetInserter(forget)(
            SyncFIFOBuffered(width=kept.size, depth=self._depth)
        )
        put, found = Signal(kept), Signal(kept)
        # Between the beginning of a presentation and its end, for which there must be room.
        open_ = Signal()
        m.d.comb += [
            forget.eq(self.clear | self.began & ~self.streaming),
            put.what.eq(Mux(self.done, self.prediction, spikes.payload.as_value())),
            put.undecided.eq(self.done & self.undecided),
            put.end.eq(self.done),
            spikes.ready.eq(queue.w_rdy | self.no_spikes),
            # The end comes after all spikes.
            self.hold.eq(spikes.valid | ~queue.w_rdy),
            queue.w_data.eq(put),
            queue.w_en.eq(spikes.valid & spikes.ready & ~self.no_spikes | self.done),
            self.full.eq(open_ & ~queue.w_rdy & ~self.streaming),
            found.eq(queue.r_data),
            self.word[:bits].eq(found.what),
            self.word[register("SPIKE").field("undecided").lsb].eq(found.undecided),
            self.word[register("SPIKE").field("end").lsb].eq(found.end),
            self.available.eq(queue.r_rdy & ~self.streaming),
            queue.r_en.eq(Mux(self.streaming, ~packets.valid | packets.ready, self.take)),
        ]
        with m.If(self.began | self.done | self.clear):
            m.d.sync += open_.eq(self.began)
        with m.If(packets.ready):
            m.d.sync += packets.valid.eq(0)
        with m.If(self.streaming & queue.r_rdy & queue.r_en & ~forget):
            m.d.sync += [
                packets.valid.eq(1),
                packets.p.data.eq(self.word),
                packets.p.last.eq(found.end),
            ]
        return m
