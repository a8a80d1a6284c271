"""Encoder: levels become address events, four or more inputs per cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS, SEED_BITS, STEP_BITS
from prunus_model.spec.random_streams import LOW_DISCREPANCY_STRIDE, PRE_PER_DRAW, words
from prunus_rtl.encoder.gather import Gather
from prunus_rtl.encoder.images import Images
from prunus_rtl.encoder.prng import RandomStream
from prunus_rtl.lib.priority import lowest
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

    It handles ``per_cycle`` inputs in a cycle, a word, with as many draws as that takes. A word is
    never passed over, however dark it is: its draws must be taken, so that the next word gets its
    own.

    With ``view_indices`` an image is shown in views, one ``start`` after the other, and each has
    its own choice of the levels.

    Timing
    ------
    Events start 10 cycles after ``start``. A step takes, for each word, as many cycles as it makes
    events (the end of the step is one), but at least one. With
    ``hold``, its events start 3 cycles after ``step`` has come to it, 4 with views.
    ``levels.ready`` and ``events`` are functions of registers only. Clock domain ``sync``.

    Memory: :class:`prunus_rtl.encoder.images.Images`, or with views
    :class:`prunus_rtl.encoder.gather.Gather`. Each word is read once in a step.

    Parameters
    ----------
    inputs, steps : int
        Number of inputs, and of the steps of a presentation.
    low_discrepancy : bool
        Whether spikes are spread evenly over the steps, not drawn anew in each.
    view_indices : ndarray of int64, shape (views, inputs), optional
        Level of the image that each input has in each view; -1 for a level of 0. Default: an image
        is one view, and has a level for each input.
    image_levels : int, optional
        Levels of an image. Only with ``view_indices``.
    per_cycle : int
        Inputs that are handled in one cycle: 4, 8 or 16.

    Members
    -------
    levels : In(stream.Signature(8))
        Levels of an image, level 0 first.
    loaded : Out(1)
        A whole image waits to be shown.
    start : In(1)
        Show it, or the next view of it. Only while ``loaded`` is high and nothing is shown.
    seed : In(32)
        Seed of the encoder stream, mixed; taken at ``start``.
    hold, step : In(1), In(STEP_BITS)
        Draw no step before it is executed; and the step that is.
    stop : In(1)
        Forget the image that is shown, whether or not its steps are over.
    next_view : In(1)
        The same for the view that is shown; the image is kept. Only with ``view_indices``.
    events : Out(stream.Signature(event_layout(inputs=inputs)))
        Address events. ``stop`` (or ``next_view``) withdraws an event that has not been taken.
    """

    def __init__(
        self,
        *,
        inputs: int,
        steps: int,
        low_discrepancy: bool = False,
        view_indices: npt.NDArray[np.int64] | None = None,
        image_levels: int = 0,
        per_cycle: int = PRE_PER_DRAW,
    ) -> None:
        self._inputs = inputs
        self._steps = steps
        self._low_discrepancy = low_discrepancy
        self._view_indices = view_indices
        self._image_levels = image_levels
        self._per_cycle = per_cycle
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
            | ({} if view_indices is None else {"next_view": In(1)})
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs, steps, per_cycle = self._inputs, self._steps, self._per_cycle
        count = -(-inputs // per_cycle)
        index_bits = (per_cycle - 1).bit_length()

        draws = per_cycle // PRE_PER_DRAW
        # The last word of a step may need fewer draws.
        few = words(inputs) % draws
        m.submodules.random = random = RandomStream(
            draws=draws, rest=few, rewinds=self._low_discrepancy
        )
        over: Any = self.stop
        if self._view_indices is None:
            m.submodules.images = images = Images(inputs=inputs, per_word=per_cycle)
        else:
            images = Gather(
                indices=self._view_indices, image_levels=self._image_levels, per_word=per_cycle
            )
            m.submodules.images = images
            m.d.comb += images.next_view.eq(self.next_view)
            over = self.stop | self.next_view
        wiring.connect(m, wiring.flipped(self.levels), images.levels)
        m.d.comb += [self.loaded.eq(images.loaded), images.release.eq(self.stop)]

        # Stage 1: the word that the memory shows. Stage 2: what of it is still to be sent.
        running = Signal()
        fetched = Signal()
        step = Signal(range(steps))
        next_word = Signal(range(count))
        at = Signal(range(count))
        todo = Signal(per_cycle + 1)
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
            images.word.eq(next_word),
        ]
        if few:
            m.d.comb += random.last.eq(last_word)
        room = take | ~fetched
        fetch, fetch_at = images.read, next_word
        if isinstance(images, Gather):
            # Stage 0: the word that the map shows.
            mapped = Signal()
            fetch, fetch_at = images.fetch, Signal.like(at)
            m.d.comb += fetch.eq(mapped & room)
            room = fetch | ~mapped
            with m.If(over):
                m.d.sync += mapped.eq(0)
            with m.Elif(images.read):
                m.d.sync += [mapped.eq(1), fetch_at.eq(next_word)]
            with m.Elif(fetch):
                m.d.sync += mapped.eq(0)
        m.d.comb += images.read.eq(running & room & ~(self.hold & (step != self.step)))
        drawn = [random.draw.word_select(b, LEVEL_BITS) for b in range(per_cycle)]
        if self._low_discrepancy:
            offset = Signal(LEVEL_BITS)
            drawn = [(byte + offset)[:LEVEL_BITS] for byte in drawn]
            m.d.comb += random.rewind.eq(last_word)
            with m.If(self.start):
                m.d.sync += offset.eq(0)
            with m.Elif(take & last_word):
                m.d.sync += offset.eq(offset + LOW_DISCREPANCY_STRIDE)
        with m.If(images.read):
            m.d.sync += next_word.eq(next_word + 1)
            with m.If(next_word == count - 1):
                m.d.sync += [next_word.eq(0), step.eq(step + 1)]
                with m.If(step == steps - 1):
                    m.d.sync += running.eq(0)
        with m.If(fetch):
            m.d.sync += [fetched.eq(1), at.eq(fetch_at)]
        with m.Elif(take):
            m.d.sync += fetched.eq(0)
        with m.If(take):
            spikes = Cat(drawn[b] < images.data[b] for b in range(per_cycle))
            m.d.sync += [todo.eq(Cat(spikes, last_word)), todo_at.eq(at)]
        with m.Elif(self.events.ready):
            m.d.sync += todo.eq(rest)

        index = Signal(range(per_cycle + 1))
        lowest(m, todo, index)
        end = ~todo[:per_cycle].any()
        m.d.comb += [
            self.events.valid.eq(todo != 0),
            self.events.p.end.eq(end),
            self.events.p.pre.eq(Mux(end, 0, Cat(index[:index_bits], todo_at))),
        ]

        with m.If(self.start):
            m.d.sync += [running.eq(1), step.eq(0), next_word.eq(0)]
        with m.If(over):
            m.d.sync += [running.eq(0), fetched.eq(0), todo.eq(0)]
        return m
