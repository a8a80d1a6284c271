"""What is counted in a presentation (semantics, section 1)."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np
import numpy.typing as npt

__all__ = ["COUNTERS", "Counters"]


@dataclass(slots=True, kw_only=True)
class Counters:
    """Counts of one presentation, or of many added up.

    A *forward SOP* is one synapse in memory read and added because of one input spike; an *update
    SOP* is one plastic synapse rewritten because of one output spike. Input spikes in inhibited
    steps are not integrated, so they cost none. Spikes that refractory inputs drop cost none
    either, but count in the dense equivalent.

    Attributes
    ----------
    presentations, steps : int
        Presentations, and their time steps that were executed (fewer with early exit).
    inhibited_steps : int
        Steps in which nothing was integrated.
    encoder_draws, learning_draws : int
        32-bit random draws; the eight thrown away after seeding are not counted.
    input_spikes, integrated_spikes : int
        Input spikes, and those of them that were neither inhibited nor dropped.
    output_spikes : int
        Output spikes.
    forward_sops, frozen_sops : int
        Forward SOPs, and those of them that read a synapse frozen at 0 by soft pruning.
    forward_dense : int
        Forward SOPs that the same spikes would have cost with nothing pruned.
    update_sops, update_dense : int
        Update SOPs, and what they would have been with nothing pruned.
    pruned : int
        Synapses pruned (or frozen).
    """

    presentations: int = 0
    steps: int = 0
    inhibited_steps: int = 0
    encoder_draws: int = 0
    learning_draws: int = 0
    input_spikes: int = 0
    integrated_spikes: int = 0
    output_spikes: int = 0
    forward_sops: int = 0
    frozen_sops: int = 0
    forward_dense: int = 0
    update_sops: int = 0
    update_dense: int = 0
    pruned: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters.from_array(self.to_array() + other.to_array())

    def to_array(self) -> npt.NDArray[np.int64]:
        """Return the counts as int64, shape (len(COUNTERS),), in the order of the attributes."""
        return np.array(astuple(self), dtype=np.int64)

    @classmethod
    def from_array(cls, counts: npt.NDArray[np.int64]) -> Counters:
        """Build from what :meth:`to_array` returns."""
        return cls(**dict(zip(COUNTERS, counts.tolist(), strict=True)))

    def neuron_updates(self, neurons: int) -> int:
        """Return how often the potential of a neuron was swept: once in each step not inhibited.

        Parameters
        ----------
        neurons : int
            Neurons of the network that was counted.
        """
        return neurons * (self.steps - self.inhibited_steps)

    @property
    def forward_fraction(self) -> float:
        """Forward SOPs, of dense; 1 if there were none."""
        return self.forward_sops / self.forward_dense if self.forward_dense else 1.0

    @property
    def update_fraction(self) -> float:
        """Update SOPs, of dense; 1 if there were none."""
        return self.update_sops / self.update_dense if self.update_dense else 1.0


#: Names of the counters, in the order of :meth:`Counters.to_array`.
COUNTERS = tuple(field.name for field in fields(Counters))
