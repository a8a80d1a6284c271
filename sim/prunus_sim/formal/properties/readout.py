"""Properties of the readout: scores, class, lead and margin after every spike."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux, Signal

from prunus_model.spec.formats import max_of
from prunus_rtl.neurons.readout import Readout
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, opened, words_of

__all__ = ["CASES", "ReadoutProperties"]


class ReadoutProperties(Properties):
    """What the outputs say, beside scores that are added up in one cycle.

    The unit is used as its docstring demands: ``clear`` only while it takes spikes, and the memory
    port only while no spike is offered or worked on. Votes are anything that the port may write.

    Parameters
    ----------
    neurons, classes, vote_bits, score_bits : int
        Sizes of the unit.
    """

    def __init__(self, *, neurons: int, classes: int, vote_bits: int, score_bits: int) -> None:
        self._neurons = neurons
        self._classes = classes
        self._vote_bits = vote_bits
        self._score_bits = score_bits
        super().__init__(
            free={
                "clear": 1,
                "spike": 1,
                "post": range(neurons),
                "margin": score_bits,
                "strobe": 1,
                "address": range(neurons * classes),
                "vote": vote_bits,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        neurons, classes, top = self._neurons, self._classes, max_of(self._score_bits)
        unit = Readout(
            neurons=neurons,
            classes=classes,
            vote_bits=self._vote_bits,
            score_bits=self._score_bits,
        )
        inside = opened(unit)
        m.submodules.unit = unit
        votes = words_of(m, inside.submodules["votes"], name="votes")
        idle = unit.spike.ready
        scores = [Signal(self._score_bits, name=f"score{c}") for c in range(classes)]
        for c, score in enumerate(scores):
            vote = Array(votes[c * neurons + n] for n in range(neurons))[self.post]
            total = Signal(self._score_bits + 1, name=f"total{c}")
            # A spike that comes with `clear` is the first one of the new scores.
            m.d.comb += total.eq(Mux(self.clear, 0, score) + vote)
            with m.If(idle & self.spike):
                m.d.sync += score.eq(Mux(total > top, top, total))
            with m.Elif(self.clear):
                m.d.sync += score.eq(0)
        winner = Array(scores)[unit.prediction]
        others = [Mux(unit.prediction == c, 0, score) for c, score in enumerate(scores)]
        second = Signal(self._score_bits)
        m.d.comb += second.eq(
            sum((Mux(_largest(others, c), other, 0) for c, other in enumerate(others)), start=0)
        )
        silent = ~sum((score != 0 for score in scores), start=0).any()
        m.d.comb += [
            unit.clear.eq(self.clear),
            unit.spike.valid.eq(self.spike),
            unit.spike.payload.eq(self.post),
            unit.margin.eq(self.margin),
            unit.access.strobe.eq(self.strobe),
            unit.access.write.eq(1),
            unit.access.address.eq(self.address),
            unit.access.data.eq(self.vote),
            Assume(self.post < neurons),
            Assume(self.address < neurons * classes),
            Assume(implies(self.clear | self.strobe, idle)),
            Assume(implies(self.strobe, ~self.spike)),
            Assert(
                implies(idle, _all(score <= winner for score in scores)),
                "nobody has a larger score than the elected class",
            ),
            Assert(
                implies(
                    idle,
                    _all(
                        (score < winner) | (unit.prediction <= c) for c, score in enumerate(scores)
                    ),
                ),
                "a tie goes to the lowest class",
            ),
            Assert(implies(idle, unit.undecided == silent), "undecided if nobody has a score"),
            Assert(implies(idle, unit.lead == winner - second), "the lead over the second"),
            Assert(
                implies(idle, unit.reached == ((self.margin != 0) & (unit.lead >= self.margin))),
                "the margin is reached by a lead that is not less",
            ),
            Cover(idle & (winner == top) & (second != 0) & (second != top), "a score saturates"),
            Cover(idle & unit.reached & (second != 0), "reached"),
            Cover(idle & (unit.lead == 0) & ~silent, "tie"),
        ]
        return m


def _all(conditions: Any) -> Any:
    found: Any = 1
    for condition in conditions:
        found = found & condition
    return found


def _largest(values: list[Any], c: int) -> Any:
    """Whether a value is the first of the largest."""
    return _all(
        values[c] > value if k < c else values[c] >= value
        for k, value in enumerate(values)
        if k != c
    )


CASES = (
    Case(
        name="class, lead and margin",
        sizes="2 neurons, 3 classes, 2-bit votes, 3-bit scores",
        build=lambda: ReadoutProperties(neurons=2, classes=3, vote_bits=2, score_bits=3),
        bmc=19,
        cover=30,
        deep=32,
    ),
)
