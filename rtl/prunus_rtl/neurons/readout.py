"""Readout: votes of the neurons that fired, the class they elect, and by how much it leads."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import max_of
from prunus_rtl.lib.ram import Ram
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.streams import Access

__all__ = ["Readout"]


class Readout(wiring.Component):
    """Readout by votes (semantics, section 7, ``vote``).

    Each output spike adds its neuron's votes to the scores of all classes, one class per cycle. The
    largest score and the second largest are found on the way, so that the election is over with the
    last addition. Ties go to the lowest class.

    Timing
    ------
    ``spike.ready`` is low for ``classes + 4`` cycles after the transfer of a spike; then all
    outputs are those of the scores with its votes. A class is read, registered, added to and
    compared in one cycle each, so that no path leads from a memory through an adder, or from the
    adder into the election. Outputs are functions of registers; ``reached`` of ``margin``, too.
    Clock domain ``sync``.

    Memories: ``votes`` at ``class * neurons + post``
    (:class:`prunus_rtl.lib.state_memory.StateMemory`), and one score per class
    (:class:`prunus_rtl.lib.ram.Ram`); the first spike after ``clear`` overwrites the scores.

    Parameters
    ----------
    neurons, classes : int
        Number of neurons, and of classes.
    vote_bits, score_bits : int
        Width of a vote, and of a score, which saturates.
    votes : list of int, optional
        Initial votes. Default: 0.
    readable : bool
        Whether the memory port reads votes, too.

    Members
    -------
    clear : In(1)
        Forget all scores. Only while ``spike.ready`` is high.
    spike : In(stream.Signature(range(neurons)))
        Output spikes.
    margin : In(score_bits)
        Lead that suffices; 0: none does.
    prediction : Out(range(classes))
        The class with the largest score; 0 if undecided.
    undecided : Out(1)
        All scores are 0.
    lead : Out(score_bits)
        Largest score less the second largest; less 0 if there is one class.
    reached : Out(1)
        ``margin`` is not 0, and ``lead`` not less.
    access : In(Access(range(neurons * classes), vote_bits))
        Memory port to the votes.
    """

    def __init__(
        self,
        *,
        neurons: int,
        classes: int,
        vote_bits: int,
        score_bits: int,
        votes: list[int] | None = None,
        readable: bool = True,
    ) -> None:
        self._readable = readable
        self._neurons = neurons
        self._classes = classes
        self._vote_bits = vote_bits
        self._score_bits = score_bits
        self._votes = votes
        super().__init__(
            {
                "clear": In(1),
                "spike": In(stream.Signature(range(neurons))),
                "margin": In(score_bits),
                "prediction": Out(range(classes)),
                "undecided": Out(1),
                "lead": Out(score_bits),
                "reached": Out(1),
                "access": In(Access(range(neurons * classes), unsigned(vote_bits))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        neurons, classes = self._neurons, self._classes
        score = unsigned(self._score_bits)
        m.submodules.votes = votes = StateMemory(
            shape=unsigned(self._vote_bits),
            depth=neurons * classes,
            init=self._votes,
            readable=self._readable,
        )
        wiring.connect(m, wiring.flipped(self.access), votes.access)
        m.submodules.scores = scores = Ram(shape=score, depth=classes)

        fresh = Signal(init=1)
        reading = Signal()
        index = Signal(range(classes))
        address = Signal(range(neurons * (classes + 1)))
        with m.If(reading):
            m.d.sync += [index.eq(index + 1), address.eq(address + neurons)]

        # A class goes through four stages: its words are shown, registered, added, and elected.
        stages = Signal(3)
        shown, adding, elected = stages
        vote = Signal(self._vote_bits)
        before = Signal(score)
        total = Signal(self._score_bits + 1)
        new = Signal(score)
        at = Signal(range(classes))
        first = Signal(score)
        second = Signal(score)
        # Every walk reads all scores, so what was best before plays no part.
        best = Signal(score)
        settling = Signal()
        m.d.sync += stages.eq(Cat(reading, stages))
        m.d.comb += [
            votes.read.eq(reading),
            votes.read_address.eq(address),
            scores.read.eq(reading),
            scores.read_address.eq(index),
            total.eq(vote + before),
            scores.write.eq(elected),
            scores.write_address.eq(at),
            scores.write_data.eq(new),
            best.eq(Mux(at == 0, 0, first)),
            self.undecided.eq(first == 0),
            self.reached.eq((self.margin != 0) & (self.lead >= self.margin)),
        ]
        with m.If(shown):
            m.d.sync += [vote.eq(votes.read_data), before.eq(Mux(fresh, 0, scores.read_data))]
        with m.If(adding):
            m.d.sync += new.eq(Mux(total[-1], max_of(self._score_bits), total))
        with m.If(elected):
            m.d.sync += at.eq(at + 1)
            with m.If(new > best):
                m.d.sync += [first.eq(new), second.eq(best), self.prediction.eq(at)]
            with m.Elif(at == 0):
                m.d.sync += [first.eq(0), second.eq(0), self.prediction.eq(0)]
            with m.Elif(new > second):
                m.d.sync += second.eq(new)
        with m.If(settling):
            m.d.sync += self.lead.eq(first - second)

        with m.FSM(name="readout"):
            with m.State("Wait"):
                m.d.comb += self.spike.ready.eq(1)
                m.d.sync += [index.eq(0), at.eq(0), address.eq(self.spike.payload)]
                with m.If(self.clear):
                    m.d.sync += [fresh.eq(1), first.eq(0), second.eq(0), self.prediction.eq(0)]
                    m.d.sync += self.lead.eq(0)
                with m.If(self.spike.valid):
                    m.next = "Walk"
            with m.State("Walk"):
                m.d.comb += reading.eq(1)
                with m.If(index == classes - 1):
                    m.next = "Settle"
            with m.State("Settle"):
                with m.If(stages == 0):
                    m.d.comb += settling.eq(1)
                    m.d.sync += fresh.eq(0)
                    m.next = "Wait"
        return m
