"""A view of an image, step by step (semantics, 4.1 to 4.6), composed of the units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.reference import homeostasis, membrane, refractory
from prunus_model.reference.learning import freeze, learn_spike
from prunus_model.reference.readout import add_votes, lead
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.pruning import SoftPruning
from prunus_model.spec.state import NO_STEP, State
from prunus_model.spec.units import HomeostasisParams

__all__ = ["Shown", "Step", "begin", "clear", "view_steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One time step that has just been executed.

    Attributes
    ----------
    view, step : int
        View of the image, 0 without groups; number of the step in it.
    spikes, kept : ndarray of bool, shape (inputs,)
        Inputs that spiked; those of them whose spike was not dropped.
    inhibited : bool
        Whether nothing was integrated.
    post : int
        The neuron that fired, of all groups; -1 if none, and with ``feedforward``.
    w_prune : int
        The pruning threshold of the sweep that it caused; 0 if it caused none.
    posts : tuple of int
        With ``feedforward``, the neurons that fired, in ascending order; else empty.
    """

    view: int
    step: int
    spikes: npt.NDArray[np.bool_]
    kept: npt.NDArray[np.bool_]
    inhibited: bool
    post: int
    w_prune: int
    posts: tuple[int, ...] = ()

    @property
    def fired(self) -> tuple[int, ...]:
        """The neurons that fired, in the order in which their output spikes are given out."""
        return (self.post,) if self.post >= 0 else self.posts


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A view that is shown.

    Attributes
    ----------
    number : int
        Of the view.
    config : NetworkConfig
        That of a view (:meth:`NetworkConfig.view`); its seed is not used.
    first_post : int
        Number of the first neuron of its group.
    votes : ndarray of uint8, shape (neurons, classes)
        Votes of the neurons of its group.
    score_max : int
        Largest score, of which all views have the same.
    learning : Stream
        Its learning stream, seeded.
    """

    number: int
    config: NetworkConfig
    first_post: int
    votes: npt.NDArray[np.uint8]
    score_max: int
    learning: Stream


def clear(state: State) -> None:
    """Set potentials and last steps to what they are before the first step."""
    state.v[:] = 0
    state.last_step[:] = NO_STEP


def begin(state: State, params: HomeostasisParams, *, learn: bool) -> None:
    """Prepare a group for a presentation (semantics, 4.1)."""
    if learn and state.presentation > 0:
        state.theta[:] = homeostasis.decay(state.theta.astype(np.int64), params)
    clear(state)
    state.v_fire[:] = homeostasis.fire_threshold(
        state.theta.astype(np.int64), state.strength.astype(np.int64), params
    )


def view_steps(
    shown: Shown,
    spikes_of: Callable[[int], npt.NDArray[np.bool_]],
    state: State,
    scores: npt.NDArray[np.int64],
    counters: Counters,
    *,
    learn: bool,
    stop_after: int,
    margin: int,
) -> Iterator[Step]:
    """Show a view and pause after each step.

    Parameters
    ----------
    shown : Shown
        The view.
    spikes_of : callable
        Gives the inputs that spike in a step: ndarray of bool, shape (inputs,).
    state : State
        That of its group; it changes.
    scores : ndarray of int64, shape (classes,)
        Votes are added to it.
    counters : Counters
        Counted up on the way.
    learn, stop_after, margin
        As in :meth:`prunus_model.spec.golden_model.GoldenModel.present`.
    """
    config, neurons = shown.config, shown.config.neurons
    spike_counts = np.zeros(neurons, dtype=np.int64)
    begin(state, config.homeostasis, learn=learn)
    inhibition = 0
    for step in range(config.encoder.steps):
        spikes = spikes_of(step)
        kept = refractory.kept(spikes, state.last_step, step, config.encoder)
        state.last_step[kept] = step
        counters.steps += 1
        counters.input_spikes += int(np.count_nonzero(spikes))
        inhibited, post, w_prune = inhibition > 0, -1, 0
        if inhibited:
            inhibition -= 1
            counters.inhibited_steps += 1
        else:
            counters.forward_dense += int(np.count_nonzero(spikes)) * neurons
            counters.integrated_spikes += int(np.count_nonzero(kept))
            counters.forward_sops += int(np.count_nonzero(state.alive[kept]))
            counters.frozen_sops += int(np.count_nonzero(state.frozen[kept]))
            v = membrane.integrate(state.v.astype(np.int64), state.weights, kept)
            post = membrane.winner(v, state.v_fire.astype(np.int64))
            state.v[:] = membrane.leak(v, config.membrane.leak_shift)
        if post >= 0:
            counters.output_spikes += 1
            spike_counts[post] += 1
            scores[:] = add_votes(scores, shown.votes[post], shown.score_max)
            if learn:
                w_prune = learn_spike(post, step, shown.learning, config, state, counters)
            state.v[:] = 0
            inhibition = config.membrane.inhibition_steps
        yield Step(
            view=shown.number,
            step=step,
            spikes=spikes,
            kept=kept,
            inhibited=inhibited,
            post=shown.first_post + post if post >= 0 else -1,
            w_prune=w_prune,
        )
        if post >= 0 and (spike_counts.sum() == stop_after or (margin and lead(scores) >= margin)):
            break
    if learn and isinstance(config.pruning, SoftPruning):
        freeze(spike_counts, config.pruning, state, counters)
