"""Encoder: levels become address events, four inputs per cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS, SEED_BITS, STEP_BITS
from prunus_model.spec.random_streams import LOW_DISCREPANCY_STRIDE, PRE_PER_DRAW, words
from prunus_rtl.encoder.prng import RandomStream
from prunus_rtl.lib.priority import lowest
from prunus_rtl.lib.ram import Ram
from prunus_rtl.streams import event_layout

__all__ = ["Encoder"]


class Encoder(wiring.Component):
    """Rate encoder.

    Takes the levels of an image while the one before is shown, and turns an image into the address
    events of all its steps: the spiking inputs in ascending order, then the end of the step. An
    input spikes iff its random byte is ``<`` its level, as in
    :func:`prunus_model.reference.encoder.spikes`. For low-discrepancy spikes the stream goes back
    to its start after every step, and a register, which each step raises, is added to all bytes. It
    runs as far ahead as the events are taken; with ``hold`` no step ahead, so that of a
    presentation that is left early nothing was drawn in vain.

    Timing
    ------
    Events start 10 cycles after ``start``. A step takes, for each word of four
    inputs, as many cycles as it makes events (the end of the step is one), but at least one. With
    ``hold``, its events start 3 cycles after ``step`` has come to it.
    ``levels.ready`` and ``events`` are functions of registers only. Clock domain ``sync``.

    Memory: two images, one 32-bit word per four inputs (:class:`prunus_rtl.lib.ram.Ram`). A word is
    read once for each draw.

    Parameters
    ----------
    inputs, steps : int
        Number of inputs, and of the steps of a presentation.
    low_discrepancy : bool
        Whether spikes are spread evenly over the steps, not drawn anew in each.

    Members
    -------
    levels : In(stream.Signature(8))
        Level of each input, input 0 first.
    loaded : Out(1)
        A whole image waits to be shown.
    start : In(1)
        Show it. Only while ``loaded`` is high and no image is shown.
    seed : In(32)
        Seed of the encoder stream, mixed; taken at ``start``.
    hold, step : In(1), In(STEP_BITS)
        Draw no step before it is executed; and the step that is.
    stop : In(1)
        Forget the image that is shown, whether or not its steps are over.
    events : Out(stream.Signature(event_layout(inputs=inputs)))
        Address events. ``stop`` withdraws an event that has not been taken.
    """

    def __init__(self, *, inputs: int, steps: int, low_discrepancy: bool = False) -> None:
        self._inputs = inputs
        self._steps = steps
        self._low_discrepancy = low_discrepancy
        super().__init__(
            {
                "levels": In(stream.Signature(unsigned(LEVEL_BITS))),
                "loaded": Out(1),
                "start": In(1),
                "seed": In(SEED_BITS),
                "hold": In(1),
                "step": In(STEP_BITS),
                "stop": In(1),
                "events": Out(stream.Signature(event_layout(inputs=inputs))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs, steps = self._inputs, self._steps
        count = words(inputs)

        m.submodules.random = random = RandomStream(rewinds=self._low_discrepancy)
        word = data.ArrayLayout(unsigned(LEVEL_BITS), PRE_PER_DRAW)
        m.submodules.images = images = Ram(shape=word, depth=2 * count)

        # Loading: a word is written with its last byte; bytes beyond the last input are 0.
        load_bank = Signal()
        show_bank = Signal()
        full = Signal(2)
        load_pre = Signal(range(count * PRE_PER_DRAW))
        load_word = Signal(range(count))
        gathered = Signal(word)
        m.d.comb += [
            self.levels.ready.eq(~full.bit_select(load_bank, 1)),
            self.loaded.eq(full.bit_select(show_bank, 1)),
            images.write_address.eq(load_word + Mux(load_bank, count, 0)),
        ]
        byte = load_pre[:2]
        last_byte = load_pre == inputs - 1
        for b in range(PRE_PER_DRAW):
            m.d.comb += images.write_data[b].eq(Mux(byte == b, self.levels.payload, gathered[b]))
        with m.If(self.levels.valid & self.levels.ready):
            m.d.sync += gathered[byte].eq(self.levels.payload)
            with m.If((byte == PRE_PER_DRAW - 1) | last_byte):
                m.d.comb += images.write.eq(1)
                m.d.sync += [gathered.eq(0), load_word.eq(load_word + 1)]
            m.d.sync += load_pre.eq(load_pre + 1)
            with m.If(last_byte):
                m.d.sync += [
                    load_pre.eq(0),
                    load_word.eq(0),
                    load_bank.eq(~load_bank),
                    full.bit_select(load_bank, 1).eq(1),
                ]

        # Stage 1: the word that the memory shows. Stage 2: what of it is still to be sent.
        running = Signal()
        fetched = Signal()
        step = Signal(range(steps))
        next_word = Signal(range(count))
        at = Signal(range(count))
        todo = Signal(PRE_PER_DRAW + 1)
        todo_at = Signal(range(count))
        take = Signal()
        rest = Signal.like(todo)
        last_word = at == count - 1
        m.d.comb += [
            rest.eq(todo & (todo - 1)),
            take.eq(fetched & random.ready & ((todo == 0) | (self.events.ready & (rest == 0)))),
            random.advance.eq(take),
            random.load.eq(self.start),
            random.seed.eq(self.seed),
            images.read_address.eq(next_word + Mux(show_bank, count, 0)),
            images.read.eq(running & (take | ~fetched) & ~(self.hold & (step != self.step))),
        ]
        drawn = [random.draw.word_select(b, LEVEL_BITS) for b in range(PRE_PER_DRAW)]
        if self._low_discrepancy:
            offset = Signal(LEVEL_BITS)
            drawn = [(byte + offset)[:LEVEL_BITS] for byte in drawn]
            m.d.comb += random.rewind.eq(last_word)
            with m.If(self.start):
                m.d.sync += offset.eq(0)
            with m.Elif(take & last_word):
                m.d.sync += offset.eq(offset + LOW_DISCREPANCY_STRIDE)
        with m.If(images.read):
            m.d.sync += [
                fetched.eq(1),
                at.eq(next_word),
                next_word.eq(next_word + 1),
            ]
            with m.If(next_word == count - 1):
                m.d.sync += [next_word.eq(0), step.eq(step + 1)]
                with m.If(step == steps - 1):
                    m.d.sync += running.eq(0)
        with m.Elif(take):
            m.d.sync += fetched.eq(0)
        with m.If(take):
            spikes = Cat(
                drawn[b] < s_level
                for b, s_level in enumerate(images.read_data[b] for b in range(PRE_PER_DRAW))
            )
            m.d.sync += [todo.eq(Cat(spikes, last_word)), todo_at.eq(at)]
        with m.Elif(self.events.ready):
            m.d.sync += todo.eq(rest)

        index = Signal(range(PRE_PER_DRAW + 1))
        lowest(m, todo, index)
        end = ~todo[:PRE_PER_DRAW].any()
        m.d.comb += [
            self.events.valid.eq(todo != 0),
            self.events.p.end.eq(end),
            self.events.p.pre.eq(Mux(end, 0, Cat(index[:2], todo_at))),
        ]

        with m.If(self.start):
            m.d.sync += [running.eq(1), step.eq(0), next_word.eq(0)]
        with m.If(self.stop):
            m.d.sync += [
                running.eq(0),
                fetched.eq(0),
                todo.eq(0),
                show_bank.eq(~show_bank),
                full.bit_select(show_bank, 1).eq(0),
            ]
        return m
