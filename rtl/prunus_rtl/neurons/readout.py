"""Readout: votes of the neurons that fired, and the class they elect."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import STEP_BITS
from prunus_rtl.lib.ram import Ram
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.streams import Access

__all__ = ["Readout"]


class Readout(wiring.Component):
    """Readout by votes (semantics, section 7, ``vote``).

    Each output spike adds its neuron's votes to the scores of all classes, one class per cycle. The
    class with the largest score is elected; ties go to the lowest class.

    Timing
    ------
    A spike is worked on for ``classes + 1`` cycles after its transfer, an election for
    ``classes + 2`` cycles from ``finish`` to ``done`` (1 if there was no spike). ``spike.ready`` is
    a function of registers only. Clock domain ``sync``.

    Memories: ``votes`` at ``class * neurons + post``
    (:class:`prunus_rtl.lib.state_memory.StateMemory`), and one score per class
    (:class:`prunus_rtl.lib.ram.Ram`); the first spike of a presentation overwrites the scores.

    Parameters
    ----------
    neurons, classes : int
        Number of neurons, and of classes.
    vote_bits : int
        Width of a vote.
    votes : list of int, optional
        Initial votes. Default: 0.

    Members
    -------
    begin : In(1)
        Forget all scores. Only while idle.
    spike : In(stream.Signature(range(neurons)))
        Output spikes.
    finish : In(1)
        Elect. Only while ``spike.ready`` is high.
    done : Out(1)
        The election is over.
    prediction : Out(range(classes))
        The elected class; 0 if undecided. Valid from ``done`` until the next ``begin``.
    undecided : Out(1)
        There was no spike; likewise.
    access : In(Access(range(neurons * classes), vote_bits))
        Memory port to the votes.
    """

    def __init__(
        self, *, neurons: int, classes: int, vote_bits: int, votes: list[int] | None = None
    ) -> None:
        self._neurons = neurons
        self._classes = classes
        self._vote_bits = vote_bits
        self._votes = votes
        super().__init__(
            {
                "begin": In(1),
                "spike": In(stream.Signature(range(neurons))),
                "finish": In(1),
                "done": Out(1),
                "prediction": Out(range(classes)),
                "undecided": Out(1),
                "access": In(Access(range(neurons * classes), unsigned(vote_bits))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        neurons, classes = self._neurons, self._classes
        vote = unsigned(self._vote_bits)
        # At most one spike in each step.
        score = unsigned(self._vote_bits + STEP_BITS)
        m.submodules.votes = votes = StateMemory(
            shape=vote, depth=neurons * classes, init=self._votes
        )
        wiring.connect(m, wiring.flipped(self.access), votes.access)
        m.submodules.scores = scores = Ram(shape=score, depth=classes)

        electing = Signal()
        reading = Signal()
        read = Signal()
        index = Signal(range(classes))
        at = Signal(range(classes))
        address = Signal(range(neurons * (classes + 1)))
        best = Signal(score)
        better = Signal()
        m.d.comb += [
            votes.read.eq(reading & ~electing),
            votes.read_address.eq(address),
            scores.read.eq(reading),
            scores.read_address.eq(index),
            scores.write.eq(read & ~electing),
            scores.write_address.eq(at),
            scores.write_data.eq(votes.read_data + Mux(self.undecided, 0, scores.read_data)),
            better.eq((at == 0) | (scores.read_data > best)),
        ]
        m.d.sync += [read.eq(reading), at.eq(index)]
        with m.If(read & electing & better):
            m.d.sync += [best.eq(scores.read_data), self.prediction.eq(at)]

        with m.FSM(name="readout"):
            with m.State("Wait"):
                m.d.comb += self.spike.ready.eq(1)
                m.d.sync += [index.eq(0), address.eq(self.spike.payload), electing.eq(self.finish)]
                with m.If(self.begin):
                    m.d.sync += [self.undecided.eq(1), self.prediction.eq(0)]
                with m.If(self.spike.valid):
                    m.next = "Walk"
                with m.Elif(self.finish):
                    m.next = "Walk"
                    with m.If(self.undecided):
                        m.next = "Finish"
            with m.State("Walk"):
                m.d.comb += reading.eq(1)
                m.d.sync += [index.eq(index + 1), address.eq(address + neurons)]
                with m.If(index == classes - 1):
                    m.next = "Settle"
            with m.State("Settle"):
                m.next = "Wait"
                with m.If(electing):
                    m.next = "Finish"
                with m.Else():
                    m.d.sync += self.undecided.eq(0)
            with m.State("Finish"):
                m.d.comb += self.done.eq(1)
                m.next = "Wait"
        return m
