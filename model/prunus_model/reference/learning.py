"""What an output spike changes while learning, and what soft pruning does after a presentation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.reference import homeostasis, lift, pruning, stdp
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.formats import POST_COUNT_BITS, max_of
from prunus_model.spec.pruning import LiftPruning, SoftPruning
from prunus_model.spec.random_streams import words
from prunus_model.spec.state import State

__all__ = ["freeze", "learn_spike"]


def learn_spike(
    post: int, step: int, learning: Stream, config: NetworkConfig, state: State, counters: Counters
) -> int:
    """Learn from an output spike (semantics, 5).

    Parameters
    ----------
    post, step : int
        The neuron, and the step in which it fired.
    learning : Stream
        The learning stream; a pass is drawn from it.
    config : NetworkConfig
        All parameters.
    state : State
        Changed in place.
    counters : Counters
        Counted up.

    Returns
    -------
    int
        The pruning threshold of the neuron; with ``lift`` the highest of its synapses.
    """
    w_max = config.formats.w_max
    state.theta[post] = homeostasis.raise_theta(int(state.theta[post]), config.homeostasis)
    state.post_count[post] = homeostasis.count_spike(int(state.post_count[post]))
    w_prune = pruning.pruning_threshold(
        int(state.post_count[post]),
        int(state.strength[post]),
        state.presentation,
        w_max,
        config.pruning,
    )
    alive = state.alive[:, post].copy()
    plastic = alive & ~state.frozen[:, post]
    recent = stdp.recent(state.last_step.astype(np.int64), step, config.stdp)
    old = state.weights[:, post].astype(np.int64)
    new = stdp.updated(old, recent, learning.draw_bytes(config.inputs), w_max, config.stdp)
    thresholds = np.full(config.inputs, w_prune, dtype=np.int64)
    if isinstance(config.pruning, LiftPruning):
        rates = state.input_rate.astype(np.int64)
        thresholds = lift.lift_thresholds(
            rates,
            int(state.post_count[post]),
            int(state.strength[post]),
            state.presentation,
            config.pruning,
            config,
        )
        w_prune = int(thresholds.max())
        state.input_rate[:] = lift.updated_rates(rates, recent)
    state.weights[:, post], state.alive[:, post] = pruning.prune(
        new, thresholds, alive=alive, plastic=plastic
    )
    state.strength[post] = state.weights[:, post].sum(dtype=np.int64)
    state.v_fire[post] = homeostasis.fire_threshold(
        state.theta[post : post + 1].astype(np.int64),
        state.strength[post : post + 1].astype(np.int64),
        config.homeostasis,
    )[0]
    counters.learning_draws += words(config.inputs)
    counters.update_sops += int(np.count_nonzero(plastic))
    counters.update_dense += config.inputs
    counters.pruned += int(np.count_nonzero(alive & ~state.alive[:, post]))
    return w_prune


def freeze(
    spike_counts: npt.NDArray[np.int64], policy: SoftPruning, state: State, counters: Counters
) -> None:
    """Prune softly at the end of a learning presentation (semantics, 6).

    Parameters
    ----------
    spike_counts : ndarray of int64, shape (neurons,)
        Output spikes of each neuron in the presentation.
    policy : SoftPruning
        Its parameters.
    state : State
        Changed in place.
    counters : Counters
        Counted up.
    """
    for post in np.flatnonzero(spike_counts >= policy.min_spikes).tolist():
        if state.active_count[post] == max_of(POST_COUNT_BITS):
            continue
        state.active_count[post] += 1
        if state.active_count[post] == policy.after_presentations:
            weights = state.weights[:, post].astype(np.int64)
            frozen = pruning.frozen_by_soft(weights, state.plastic[:, post], policy)
            state.frozen[frozen, post] = True
            state.weights[frozen, post] = 0
            state.strength[post] = state.weights[:, post].sum(dtype=np.int64)
            counters.pruned += int(np.count_nonzero(frozen))
