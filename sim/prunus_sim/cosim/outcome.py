"""Results that a core gave, as the testbench records them, in the types of the golden model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from prunus_model.spec.counters import Counters
from prunus_model.spec.readout import UNDECIDED
from prunus_rtl.core.core import result_layout
from prunus_rtl.core.result import expanded
from prunus_rtl.counts.accesses import Accesses
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.probes import COUNTS, IDLE, STRAY

__all__ = ["Outcome", "OutcomeReader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Results of one presentation.

    Attributes
    ----------
    spike_steps, spike_posts : tuple of int
        Output spikes.
    prediction : int
        Class; :data:`prunus_model.reference.readout.UNDECIDED` if there is none.
    lead : int
        Largest score less the second largest.
    counters : Counters
        As the model counts.
    cycles : int
        Clock cycles.
    accesses : Accesses, optional
        Memory accesses and operations, if the testbench counts them.
    """

    spike_steps: tuple[int, ...]
    spike_posts: tuple[int, ...]
    prediction: int
    lead: int
    counters: Counters
    cycles: int
    accesses: Accesses | None = None


class OutcomeReader:
    """Reads the file of results from where it ended last time.

    Parameters
    ----------
    path : Path
        The file (:data:`prunus_sim.cosim.interface.RESULT_FILE`).
    shapes : Shapes
        Of the core.

    Attributes
    ----------
    spikes : list of (int, int)
        Step and neuron of output spikes that belong to no result yet.
    """

    def __init__(self, path: Path, shapes: Shapes) -> None:
        self._path = path
        self._shapes = shapes
        self._read = 0
        self.spikes: list[tuple[int, int]] = []

    def read(self, *, learn: bool) -> list[Outcome]:
        """Return the outcomes that were recorded since the last call.

        Raises
        ------
        AssertionError
            If the core accessed a memory that it must leave alone.
        """
        with self._path.open() as file:
            file.seek(self._read)
            lines = file.read().splitlines()
            self._read = file.tell()
        outcomes: list[Outcome] = []
        counted: list[Accesses] = []
        for line in lines:
            kind, _, word = line.partition(" ")
            if kind == "a":
                # Written in the cycle of the result that it belongs to: before it, or behind it.
                counted.append(_accesses(word))
            elif kind == "s":
                spike = self._shapes.spike.from_bits(int(word, 16))
                self.spikes.append((int(spike["step"]), int(spike["post"])))
            else:
                outcomes.append(self._outcome(int(word, 16), learn=learn))
        if not counted:
            return outcomes
        pairs = zip(outcomes, counted, strict=True)
        return [replace(outcome, accesses=accesses) for outcome, accesses in pairs]

    def _outcome(self, bits: int, *, learn: bool) -> Outcome:
        shapes = self._shapes
        result = result_layout(shapes).from_bits(bits)
        layout = result["counters"].shape()
        counts = {name: int(result["counters"][name]) for name in layout.members}
        n = counts["output_spikes"]
        spikes, self.spikes = self.spikes[:n], self.spikes[n:]
        return Outcome(
            spike_steps=tuple(step for step, _ in spikes),
            spike_posts=tuple(post for _, post in spikes),
            prediction=UNDECIDED if result["undecided"] else int(result["prediction"]),
            lead=int(result["lead"]),
            counters=expanded(counts, shapes.network, shapes.hardware, learn=learn),
            cycles=counts["cycles"],
        )


def _accesses(line: str) -> Accesses:
    """Return the counts of a line."""
    counts = dict(zip(COUNTS, (int(word, 16) for word in line.split()), strict=True))
    for name in (STRAY, IDLE):
        if found := counts.pop(name):
            raise AssertionError(f"{name} must be 0, not {found}")
    return Accesses(**counts)
