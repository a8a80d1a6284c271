"""Random numbers: xorshift32 streams, and the key that tells those of presentations apart."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import PRESENTATION_BITS, SEED_BITS, max_of
from prunus_model.spec.random_streams import DISCARD, FALLBACK, STRIDE

__all__ = ["RandomStream", "StreamKey"]


class RandomStream(wiring.Component):
    """A xorshift32 stream: one or more draws of 32 random bits per cycle.

    Equals :class:`prunus_model.reference.xorshift.Stream`. A draw is linear in the state, so those
    behind the next one are exclusive ors of its bits, too, and no chain of draws.

    With ``rewinds`` it can go back to where it was after seeding, for 32 more registers.

    Timing
    ------
    ``ready`` rises 9 cycles after ``load``. Then ``draws`` draws per cycle; ``draw`` depends on
    registers only. Clock domain ``sync``.

    Parameters
    ----------
    draws : int
        Draws that are shown, and taken, at once.
    rest : int
        Draws that are taken with ``last``: those of the end of a pass whose number of draws is no
        multiple of ``draws``. 0: there is no ``last``, and all are taken.
    rewinds : bool
        Whether there is ``rewind``.

    Members
    -------
    load : In(1)
        Seed the stream anew, from ``seed``; at any time.
    seed : In(32)
        Seed, presentation and constant of the stream, mixed; 0 is replaced.
    ready : Out(1)
        The first eight draws are thrown away.
    draw : Out(32 * draws)
        The next draws, the first in the low bits.
    advance : In(1)
        Take them.
    last : In(1)
        With ``advance``: take the first ``rest`` of them. Only with ``rest``.
    rewind : In(1)
        With ``advance``: after this draw come those after seeding again. Only with ``rewinds``.
    """

    def __init__(self, *, draws: int = 1, rest: int = 0, rewinds: bool = False) -> None:
        if not 0 <= rest < draws:
            raise ValueError(f"rest must be 0 to {draws - 1} with {draws} draws, not {rest}")
        self._draws = draws
        self._rest = rest
        self._rewinds = rewinds
        super().__init__(
            {
                "load": In(1),
                "seed": In(SEED_BITS),
                "ready": Out(1),
                "draw": Out(SEED_BITS * draws),
                "advance": In(1),
            }
            | ({"last": In(1)} if rest else {})
            | ({"rewind": In(1)} if rewinds else {})
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        state = Signal(SEED_BITS, init=FALLBACK)
        discard = Signal(range(DISCARD + 1))
        a = Signal(SEED_BITS)
        b = Signal(SEED_BITS)
        m.d.comb += [
            a.eq(state ^ state << 13),
            b.eq(a ^ a >> 17),
            self.draw[:SEED_BITS].eq(b ^ b << 5),
            self.ready.eq(discard == 0),
        ]
        for n in range(1, self._draws):
            m.d.comb += self.draw.word_select(n, SEED_BITS).eq(_ahead(state, n + 1))
        first, taken = self.draw[:SEED_BITS], self.draw[-SEED_BITS:]
        if self._rest:
            taken = Mux(self.last, self.draw.word_select(self._rest - 1, SEED_BITS), taken)
        if self._draws > 1:
            taken = Mux(self.ready, taken, first)
        with m.If(self.load):
            m.d.sync += [
                state.eq(Mux(self.seed == 0, FALLBACK, self.seed)),
                discard.eq(DISCARD),
            ]
        with m.Else():
            with m.If(~self.ready | self.advance):
                m.d.sync += state.eq(taken)
            with m.If(~self.ready):
                m.d.sync += discard.eq(discard - 1)
            if self._rewinds:
                seeded = Signal.like(state)
                with m.If(~self.ready):
                    m.d.sync += seeded.eq(first)
                with m.Elif(self.advance & self.rewind):
                    m.d.sync += state.eq(seeded)
        return m


def _ahead(state: Signal, draws: int) -> Any:
    """Return the state after so many draws: each bit is an exclusive or of bits of the state."""
    sources = [1 << k for k in range(SEED_BITS)]
    for _ in range(draws):
        for shift in (13, -17, 5):
            sources = [
                bits ^ (sources[k - shift] if 0 <= k - shift < SEED_BITS else 0)
                for k, bits in enumerate(sources)
            ]
    return Cat((state & bits).xor() for bits in sources)


class StreamKey(wiring.Component):
    """Number of the presentation, and the offset of its seeds: its product with their stride.

    All modulo 2**32. The offset is kept up to date by one addition per presentation; only a number
    written from outside is multiplied, one bit per cycle.

    Timing
    ------
    ``step`` takes effect in the next cycle. After ``write``, ``ready`` is low for 32 cycles: only
    then does the number read back whole. Clock domain ``sync``.

    Parameters
    ----------
    first : int
        Number after reset.

    Members
    -------
    presentation : Out(32)
        Number of the presentation; valid while ``ready``.
    offset : Out(32)
        Seed offset, ``presentation * STRIDE``; valid while ``ready``.
    ready : Out(1)
        No multiplication runs.
    step : In(1)
        Go on to the next presentation. Ignored while not ``ready``.
    write : In(1)
        Go to presentation ``data``.
    data : In(32)
        Number to go to.
    """

    def __init__(self, *, first: int = 0) -> None:
        self._first = first
        offset = first * STRIDE & max_of(SEED_BITS)
        super().__init__(
            {
                "presentation": Out(PRESENTATION_BITS, init=first),
                "offset": Out(SEED_BITS, init=offset),
                "ready": Out(1),
                "step": In(1),
                "write": In(1),
                "data": In(PRESENTATION_BITS),
            }
        )

    @property
    def first(self) -> int:
        """Number after reset."""
        return self._first

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        count = Signal(range(PRESENTATION_BITS + 1))
        top = self.presentation[-1]
        # Horner's rule, most significant bit first; a whole turn brings the number back.
        base = Mux(self.ready, self.offset, self.offset << 1)
        m.d.comb += self.ready.eq(count == 0)
        with m.If(self.write):
            m.d.sync += [
                self.presentation.eq(self.data),
                self.offset.eq(0),
                count.eq(PRESENTATION_BITS),
            ]
        with m.Elif(~self.ready):
            m.d.sync += [
                self.presentation.eq(Cat(top, self.presentation[:-1])),
                self.offset.eq(base + Mux(top, STRIDE, 0)),
                count.eq(count - 1),
            ]
        with m.Elif(self.step):
            m.d.sync += [
                self.presentation.eq(self.presentation + 1),
                self.offset.eq(base + STRIDE),
            ]
        return m
