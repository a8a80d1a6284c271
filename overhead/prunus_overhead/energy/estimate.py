"""Energy of presentations in classes a and b, from what the golden model has counted.

Class a: SOPs times a constant. Class b: every memory access and operation of the core
(:mod:`prunus_rtl.counts.presentation`) times its energy. Class c, switching activity, is not made
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prunus_model.spec.counters import Counters
from prunus_overhead.energy.operations import MEMORY_UNITS, UNITS, operations
from prunus_overhead.energy.technology import Technology
from prunus_rtl.counts.memories import memories
from prunus_rtl.counts.presentation import accesses
from prunus_rtl.widths import Widths

__all__ = ["SOP_DEFINITION", "Charge", "Estimate", "Load", "class_a", "class_b"]

#: What a SOP is, wherever one is printed.
SOP_DEFINITION = (
    "A SOP is one synapse in memory read and added because of an input spike (forward), or one "
    "unpruned synapse rewritten because of an output spike while learning (update)."
)
#: What charges are counted in: nanojoules.
_NANO = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a core was given to do; all its firing thresholds were in force before.

    Attributes
    ----------
    counters : Counters
        Of the golden model, all presentations together.
    views : int
        Views of images that were shown; without groups as many as presentations.
    decays : int
        Those of them that learned, but in presentation 0.
    """

    counters: Counters
    views: int
    decays: int

    @property
    def sops(self) -> int:
        """Forward and update SOPs."""
        return self.counters.forward_sops + self.counters.update_sops

    def dense(self) -> Load:
        """Return what the same spikes would have been with nothing pruned."""
        c = self.counters
        counters = replace(
            c,
            forward_sops=c.forward_dense,
            frozen_sops=0,
            update_sops=c.update_dense,
            pruned=0,
        )
        return replace(self, counters=counters)

    def without_frozen(self) -> Load:
        """Return it without the reads of synapses that soft pruning has frozen at 0."""
        c = self.counters
        counters = replace(c, forward_sops=c.forward_sops - c.frozen_sops, frozen_sops=0)
        return replace(self, counters=counters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One position of an estimate, for one presentation.

    Attributes
    ----------
    name : str
        What is done: a memory and ``reads`` or ``writes``, or a kind of operation.
    unit : str
        One of :data:`prunus_overhead.energy.operations.UNITS`.
    memory : bool
        Whether it is an access of a memory.
    count : float
        How often, per presentation.
    pj : float
        Energy of one, in picojoules.
    """

    name: str
    unit: str
    memory: bool
    count: float
    pj: float

    @property
    def nj(self) -> float:
        """Energy per presentation, in nanojoules."""
        return self.count * self.pj * _NANO


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Energy of a presentation in one class.

    Attributes
    ----------
    energy_class : "a" or "b"
        How it was estimated.
    sops : float
        SOPs per presentation.
    charges : sequence of Charge
        What it is made of.
    """

    energy_class: Literal["a", "b"]
    sops: float
    charges: Sequence[Charge]

    @property
    def nj(self) -> float:
        """Energy of a presentation, in nanojoules."""
        return sum(charge.nj for charge in self.charges)

    @property
    def pj_per_sop(self) -> float:
        """Energy by SOPs, in picojoules; 0 if there were none."""
        return self.nj / _NANO / self.sops if self.sops else 0.0

    @property
    def units(self) -> dict[str, float]:
        """Energy of each unit, in nanojoules."""
        found = {unit: sum(c.nj for c in self.charges if c.unit == unit) for unit in UNITS}
        return {unit: nj for unit, nj in found.items() if nj}

    @property
    def memory_nj(self) -> float:
        """Energy of all accesses of memories, in nanojoules."""
        return sum(charge.nj for charge in self.charges if charge.memory)


def class_a(load: Load, technology: Technology) -> Estimate:
    """Return the energy by SOPs alone.

    Parameters
    ----------
    load : Load
        What was done.
    technology : Technology
        Gives the constant.
    """
    shown = load.counters.presentations
    kinds = {
        "forward SOPs": ("store", load.counters.forward_sops),
        "update SOPs": ("stdp", load.counters.update_sops),
    }
    return Estimate(
        energy_class="a",
        sops=load.sops / shown,
        charges=[
            Charge(name=name, unit=unit, memory=False, count=n / shown, pj=technology.sop_pj)
            for name, (unit, n) in kinds.items()
            if n
        ],
    )


def class_b(load: Load, shapes: Widths, technology: Technology) -> Estimate:
    """Return the energy of all memory accesses and operations.

    Parameters
    ----------
    load : Load
        What was done.
    shapes : Widths
        Of the core that does it; with the layout of the store, if it is packed.
    technology : Technology
        Energies.

    Raises
    ------
    ValueError
        If such a core can't have done that.
    """
    found = accesses(shapes, load.counters, decays=load.decays, views=load.views).as_dict()
    shown = load.counters.presentations
    charges = []
    for memory in memories(shapes):
        for names, what in ((memory.reads, "reads"), (memory.writes, "writes")):
            energies = [
                technology.access_pj(words=depth, width=memory.width, write=what == "writes")
                for depth in memory.depths
            ]
            charges.append(
                Charge(
                    name=f"{memory.name} {what}",
                    # A row is written when synapses are pruned, and at no other time.
                    unit="pruning" if names == ("row_writes",) else MEMORY_UNITS[memory.name],
                    memory=True,
                    count=sum(found[name] for name in names) / shown,
                    pj=sum(energies) / len(energies),
                )
            )
    for operation in operations(shapes):
        charges.append(
            Charge(
                name=operation.count.replace("_", " "),
                unit=operation.unit,
                memory=False,
                count=found[operation.count] / shown,
                pj=operation.pj(technology),
            )
        )
    return Estimate(
        energy_class="b",
        sops=load.sops / shown,
        charges=[charge for charge in charges if charge.count],
    )
