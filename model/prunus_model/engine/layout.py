"""What kernels work on: parameters, network, scratch memory; and the constants they share."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.formats import (
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    THETA_BITS,
    V_FIRE_BITS,
    V_SIGNED_BITS,
    max_of,
)

__all__ = [
    "ADAPTIVE",
    "BLOCK",
    "CONSTANT",
    "FLUSH",
    "FROZEN",
    "LANES",
    "MASK32",
    "NO_MARGIN",
    "NO_SWEEP_PRUNING",
    "PLASTIC",
    "POST_COUNT_MAX",
    "PRESENTATION_MAX",
    "PRUNED",
    "SOFT",
    "THETA_MAX",
    "U32",
    "UNDRAWN",
    "V_FIRE_MAX",
    "V_SIGNED_MAX",
    "Count",
    "Net",
    "Params",
    "Stimuli",
    "View",
    "Workspace",
]

#: Codes of the pruning policies that act while learning.
NO_SWEEP_PRUNING, CONSTANT, ADAPTIVE, SOFT, LIFT = range(5)
#: Status of a synapse: plastic is what is neither pruned nor frozen.
PRUNED, PLASTIC, FROZEN = range(3)
#: Steps whose spikes are found side by side; the arrays of steps are padded to a multiple of it.
LANES = 64
#: Neurons added side by side; rows are padded to a multiple of it with neurons that never fire.
BLOCK = 64
#: Rows of bytes whose sum cannot overflow 16 bits.
FLUSH = 256

U32 = np.uint32
MASK32 = max_of(32)
PRESENTATION_MAX = max_of(PRESENTATION_BITS)
THETA_MAX, V_FIRE_MAX = max_of(THETA_BITS), max_of(V_FIRE_BITS)
V_SIGNED_MAX = max_of(V_SIGNED_BITS - 1)
POST_COUNT_MAX = max_of(POST_COUNT_BITS)
#: Below every margin.
NO_MARGIN = -(1 << 30)
#: Number of the spikes of a step that are drawn when it is executed.
UNDRAWN = -1


class Count(IntEnum):
    """Places of the counters, as in :class:`prunus_model.spec.counters.Counters`."""

    PRESENTATIONS = COUNTERS.index("presentations")
    STEPS = COUNTERS.index("steps")
    INHIBITED_STEPS = COUNTERS.index("inhibited_steps")
    ENCODER_DRAWS = COUNTERS.index("encoder_draws")
    LEARNING_DRAWS = COUNTERS.index("learning_draws")
    INPUT_SPIKES = COUNTERS.index("input_spikes")
    INTEGRATED_SPIKES = COUNTERS.index("integrated_spikes")
    OUTPUT_SPIKES = COUNTERS.index("output_spikes")
    FORWARD_SOPS = COUNTERS.index("forward_sops")
    FROZEN_SOPS = COUNTERS.index("frozen_sops")
    FORWARD_DENSE = COUNTERS.index("forward_dense")
    UPDATE_SOPS = COUNTERS.index("update_sops")
    UPDATE_DENSE = COUNTERS.index("update_dense")
    PRUNED = COUNTERS.index("pruned")


class Params(NamedTuple):
    """Numbers of a configuration, flat, for the kernels, named as there; of one group.

    Attributes
    ----------
    feedforward, subtract : bool
        Whether it is a feed-forward layer; whether its reset is by subtraction.
    weight_offset : int
        What is added to weights that are stored, so that none is negative.
    """

    inputs: int
    neurons: int
    words: int
    steps: int
    low_discrepancy: bool
    refractory_steps: int
    w_max: int
    leak_shift: int
    inhibition_steps: int
    v_th: int
    theta_plus: int
    theta_decay_shift: int
    fire_shift: int
    trace_window: int
    potentiation_shift: int
    depression_shift: int
    policy: int
    w_prune: int
    ramp_gain: int
    ramp_shift: int
    strength_gain: int
    start: int
    share: int
    unit_shift: int
    units: int
    weight_bits: int
    after_presentations: int
    min_spikes: int
    percent: int
    score_max: int
    feedforward: bool
    subtract: bool
    weight_offset: int


class View(NamedTuple):
    """What a view has of its own (semantics, 4.7).

    Attributes
    ----------
    seed : int
    indices : ndarray of int64, shape (inputs,)
        Level of the image that each input sees, negative for none.
    pre_of : ndarray of int64, shape (image levels,)
        Input that sees each level, negative for none.
    """

    seed: int
    indices: npt.NDArray[np.int64]
    pre_of: npt.NDArray[np.int64]


class Stimuli(NamedTuple):
    """What is presented: images or events, and nothing of the other.

    Attributes
    ----------
    levels : ndarray of uint8, shape (n, image levels)
        Levels of images; for events n is 0.
    first : ndarray of int64, shape (n, steps + 1)
        Where the events of each step begin, and end at last; for images n is 0.
    pres : ndarray of uint16 or uint32
        Levels of the image whose events they are.
    """

    levels: npt.NDArray[np.uint8]
    first: npt.NDArray[np.int64]
    pres: npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

    def part(self, chosen: slice) -> Stimuli:
        """Return some of them."""
        return Stimuli(self.levels[chosen], self.first[chosen], self.pres)


class Net(NamedTuple):
    """What all presentations share, and learning changes.

    Attributes
    ----------
    weights : ndarray of uint8, shape (inputs, neurons, padded)
        With the offset of :class:`Params`.
    columns : ndarray of uint8, shape (neurons, inputs)
        The same weights, by neuron.
    status : ndarray of uint8, shape (neurons, inputs)
        :data:`PRUNED`, :data:`PLASTIC` or :data:`FROZEN`.
    row_alive, row_frozen : ndarray of int64, shape (inputs,)
        Synapses of each input that are not pruned; that are frozen.
    theta, strength, post_count, active_count : ndarray of int32, shape (neurons,)
    input_rate : ndarray of int32, shape (inputs,), or (0,) without ``lift``
        As in :class:`prunus_model.spec.state.State`.
    bias, v_fire : ndarray of int32, shape (neurons,), or (0,) unless a feed-forward layer
        Biases and firing thresholds that are given.
    votes : ndarray of uint8, shape (neurons, classes)
        Votes of one output spike of each neuron; not changed by learning.
    """

    weights: npt.NDArray[np.uint8]
    columns: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint8]
    row_alive: npt.NDArray[np.int64]
    row_frozen: npt.NDArray[np.int64]
    theta: npt.NDArray[np.int32]
    strength: npt.NDArray[np.int32]
    post_count: npt.NDArray[np.int32]
    active_count: npt.NDArray[np.int32]
    input_rate: npt.NDArray[np.int32]
    bias: npt.NDArray[np.int32]
    v_fire: npt.NDArray[np.int32]
    votes: npt.NDArray[np.uint8]


class Workspace(NamedTuple):
    """What one thread works in; ``v``, ``v_fire`` and ``last_step`` are state, the rest is not.

    Attributes
    ----------
    v, v_fire : ndarray of int32, shape (neurons, padded)
    sums : ndarray of uint16, shape (neurons, padded)
    last_step : ndarray of int16, shape (inputs,)
    levels : ndarray of uint8, shape (inputs,)
        Those that the inputs see.
    lanes : ndarray of uint32, shape (steps, padded)
        States of the encoder stream, one for each step.
    hits : ndarray of uint64, shape (groups of 64 steps, inputs)
        Steps in which an input spikes, a bit each.
    events : ndarray of uint16, shape (steps, inputs)
        Spiking inputs of each step.
    event_counts : ndarray of int64, shape (steps, padded)
        How many they are, or :data:`UNDRAWN`.
    random, random_encoder : ndarray of uint8, shape (4 * words,)
        A pass of the learning stream; of that of the encoder, for all steps.
    column : ndarray of uint8, shape (inputs,)
        The weights of a neuron.
    thresholds : ndarray of uint16, shape (inputs,)
        Pruning threshold of each synapse of the neuron that fired.
    changed : ndarray of uint16, shape (inputs + 1,)
        Inputs whose synapse a sweep changes.
    spike_steps, spike_posts : ndarray of int64, shape (steps,), or (steps * neurons,) of a layer
    spike_counts : ndarray of uint8, shape (neurons,)
    scores : ndarray of int64, shape (classes,)
        Sums of votes.
    """

    v: npt.NDArray[np.int32]
    v_fire: npt.NDArray[np.int32]
    sums: npt.NDArray[np.uint16]
    last_step: npt.NDArray[np.int16]
    levels: npt.NDArray[np.uint8]
    lanes: npt.NDArray[np.uint32]
    hits: npt.NDArray[np.uint64]
    events: npt.NDArray[np.uint16]
    event_counts: npt.NDArray[np.int64]
    random: npt.NDArray[np.uint8]
    random_encoder: npt.NDArray[np.uint8]
    column: npt.NDArray[np.uint8]
    thresholds: npt.NDArray[np.uint16]
    changed: npt.NDArray[np.uint16]
    spike_steps: npt.NDArray[np.int64]
    spike_posts: npt.NDArray[np.int64]
    spike_counts: npt.NDArray[np.uint8]
    scores: npt.NDArray[np.int64]
