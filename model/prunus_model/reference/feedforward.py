"""A feed-forward layer, step by step (semantics, 4.9): all that reach their threshold fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from prunus_model.reference import membrane, refractory
from prunus_model.reference.readout import add_votes, lead
from prunus_model.reference.view import Shown, Step, clear
from prunus_model.spec.counters import Counters
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.formats import V_SIGNED_BITS, max_of
from prunus_model.spec.state import State

__all__ = ["feedforward_steps", "fire", "settle"]


def fire(
    v: npt.NDArray[np.int64], v_fire: npt.NDArray[np.int64], reset: Literal["zero", "subtract"]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Compare all potentials with their thresholds, and reset those that reach them.

    Parameters
    ----------
    v : ndarray of int64, shape (neurons,)
        Membrane potentials, inputs and bias added.
    v_fire : ndarray of int64, shape (neurons,)
        Firing thresholds.
    reset : "zero" or "subtract"
        What is left of a potential that reached its threshold: 0, or what was above it.

    Returns
    -------
    fires : ndarray of bool, shape (neurons,)
    v : ndarray of int64, shape (neurons,)

    Examples
    --------
    >>> fires, v = fire(np.array([4, 5, 7]), np.array([5, 5, 5]), "subtract")
    >>> fires.tolist(), v.tolist()
    ([False, True, True], [4, 0, 2])
    """
    fires = v >= v_fire
    return fires, np.where(fires, v - v_fire if reset == "subtract" else 0, v)


def settle(v: npt.NDArray[np.int64], leak_shift: int) -> npt.NDArray[np.int64]:
    """Let the potentials leak, towards 0, and saturate at 24 bits, signed.

    The quotient is rounded down: a negative potential ends at 0, a positive one above it.

    Examples
    --------
    >>> settle(np.array([8, 1, -1, -8]), 2).tolist()
    [6, 1, 0, -6]
    """
    top = max_of(V_SIGNED_BITS - 1)
    return np.clip(membrane.leak(v, leak_shift), -top - 1, top)


def feedforward_steps(
    shown: Shown,
    params: FeedforwardParams,
    spikes_of: Callable[[int], npt.NDArray[np.bool_]],
    state: State,
    scores: npt.NDArray[np.int64],
    counters: Counters,
    *,
    stop_after: int,
    margin: int,
) -> Iterator[Step]:
    """Show an image and pause after each step; as :func:`prunus_model.reference.view.view_steps`.

    Early exit and sequential test are looked at once, at the end of a step in which neurons fired.
    """
    config = shown.config
    clear(state)
    fired = 0
    for step in range(config.encoder.steps):
        spikes = spikes_of(step)
        kept = refractory.kept(spikes, state.last_step, step, config.encoder)
        state.last_step[kept] = step
        counters.steps += 1
        counters.input_spikes += int(np.count_nonzero(spikes))
        counters.forward_dense += int(np.count_nonzero(spikes)) * config.neurons
        counters.integrated_spikes += int(np.count_nonzero(kept))
        counters.forward_sops += int(np.count_nonzero(state.alive[kept]))
        v = membrane.integrate(state.v.astype(np.int64), state.weights, kept)
        fires, v = fire(v + state.bias, state.v_fire.astype(np.int64), params.reset)
        state.v[:] = settle(v, config.membrane.leak_shift)
        posts = np.flatnonzero(fires).tolist()
        for post in posts:
            scores[:] = add_votes(scores, shown.votes[post], shown.score_max)
        counters.output_spikes += len(posts)
        fired += len(posts)
        yield Step(
            view=shown.number,
            step=step,
            spikes=spikes,
            kept=kept,
            inhibited=False,
            post=-1,
            posts=tuple(posts),
            w_prune=0,
        )
        if posts and (0 < stop_after <= fired or 0 < margin <= lead(scores)):
            break
