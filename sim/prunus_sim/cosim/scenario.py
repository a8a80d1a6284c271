"""Scenarios: what core is built, and with which sequences of presentations it is driven.

A scenario runs in the simulator beside the golden model (:mod:`prunus_sim.cosim.run`). Nothing here
needs a simulator.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prunus_model.reference import homeostasis
from prunus_model.reference.readout import Readout
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presentation import Request
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.stimulus import Stimulus, check_sequence, check_stimulus

__all__ = ["Check", "Scenario", "Sequence", "at_rest", "from_artifact", "random_votes"]

#: How the state is read after a sequence: through the memory port ("port"), from the simulator's
#: memories ("backdoor"), both ways ("both"; the two must agree), or not at all ("none").
Check = Literal["port", "backdoor", "both", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Presentations that follow each other without a gap.

    Attributes
    ----------
    stimuli : sequence
        Levels of images, or address events.
    learn, stop_after, margin, keep
        As for :meth:`prunus_model.reference.network.Network.present`, of all presentations.
    check : str
        How the state is read at the end.
    pause : float
        Probability, in every cycle of every stream, that the testbench does not offer an input or
        does not take an output. From 0 to less than 1.
    seed : int
        Seed of the random pauses.
    reset_after : int
        Reset the core after so many cycles, then present the whole sequence again. 0 means never.
    cycles : bool
        Compare the number of cycles with the bounds that the core documents. Only without pauses.
    """

    stimuli: abc.Sequence[Stimulus]
    learn: bool = False
    stop_after: int = 0
    margin: int = 0
    keep: bool = False
    check: Check = "backdoor"
    pause: float = 0.0
    seed: int = 1
    reset_after: int = 0
    cycles: bool = False

    @property
    def request(self) -> Request:
        """How each stimulus is presented."""
        return {
            "learn": self.learn,
            "stop_after": self.stop_after,
            "margin": self.margin,
            "keep": self.keep,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A core to build, and the sequences to drive it with.

    Attributes
    ----------
    name : str
        Name, for messages and files.
    network : NetworkConfig
    hardware : HardwareConfig
    state : State
        State of the model and of the core before the first presentation.
    readout : Readout, optional
        Votes. Default: all 0.
    format : str
        Format of the packed store.
    load : bool
        Write the state through the memory port. The core is then built with the contents of another
        network; a store in SPRAM, with random words.
    sequences : sequence of Sequence
    accesses : bool
        Count memory accesses and operations in the core, and compare them too.

    Raises
    ------
    StimulusError
        If a stimulus or a sequence does not fit the network or the core.
    """

    name: str
    network: NetworkConfig
    hardware: HardwareConfig
    state: State
    readout: Readout | None = None
    format: str = "csr"
    load: bool = False
    sequences: abc.Sequence[Sequence] = ()
    accesses: bool = False

    def __post_init__(self) -> None:
        number = self.state.presentation
        for k, sequence in enumerate(self.sequences):
            check_sequence(
                request=sequence.request,
                score_bits=self.network.score_bits,
                pause=sequence.pause,
                reset_after=sequence.reset_after,
                hardware=self.hardware,
                name=f"Sequence {k}",
            )
            for stimulus in sequence.stimuli:
                name = f"Presentation {number}"
                check_stimulus(stimulus, self.network, self.hardware, name=name)
                number += 1

    @property
    def presentations(self) -> int:
        """Number of presentations of all sequences."""
        return sum(len(sequence.stimuli) for sequence in self.sequences)


def random_votes(network: NetworkConfig, seed: int = 0) -> Readout:
    """Return random votes, for a network that is not trained: every spike votes for some class."""
    rng = np.random.default_rng(seed)
    shape = (network.all_neurons, network.readout.classes)
    votes = rng.integers(0, 1 << network.readout.vote_bits, shape).astype(np.uint8)
    return Readout(votes=votes, assignment=votes.argmax(axis=1).astype(np.int16))


def at_rest(state: State, network: NetworkConfig) -> State:
    """Return a copy with the thresholds of inference, and ``v`` and ``last_step`` cleared.

    Thresholds of a feed-forward layer are given, and stay.
    """
    state = state.copy()
    state.v[:] = 0
    state.last_step[:] = -1
    if network.feedforward is not None:
        return state
    theta, strength = state.theta.astype(np.int64), state.strength.astype(np.int64)
    state.v_fire[:] = homeostasis.fire_threshold(theta, strength, network.homeostasis)
    return state


def from_artifact(
    artifact: Artifact, *, name: str, hardware: HardwareConfig, sequences: abc.Sequence[Sequence]
) -> Scenario:
    """Return the scenario of a trained network."""
    return Scenario(
        name=name,
        network=artifact.config,
        hardware=hardware,
        state=at_rest(artifact.state, artifact.config),
        readout=artifact.readout,
        sequences=sequences,
    )
