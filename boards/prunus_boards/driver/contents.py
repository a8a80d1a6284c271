"""What the memories of a core hold, as words of the address spaces of its memory port.

The words of a space are an array with one element per address. Not every address exists; see
:func:`blocks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from prunus_model.reference.homeostasis import fire_threshold
from prunus_model.spec.formats import STEP_BITS, max_of
from prunus_model.spec.state import NO_STEP, State, state_dtypes
from prunus_rtl.bus.spaces import (
    PLAIN_SPACES,
    plain_addresses,
    plain_values,
    plain_words,
    spaces,
    synapse_addresses,
    synapse_values,
    synapse_words,
    weight_values,
)
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.image import StoreImage
from prunus_rtl.widths import Widths

__all__ = ["Words", "blocks", "state_of", "words_of"]

#: Words by space; the index is the address.
Words = dict[Space, npt.NDArray[np.int64]]


def blocks(widths: Widths, space: Space) -> Iterator[tuple[int, int]]:
    """Yield (first address, number) of the addresses of a space that exist."""
    depth, network = spaces(widths)[space][2], widths.network
    if space in (Space.SYNAPSES, Space.V_FIRE):
        for k in range(network.rows if space is Space.SYNAPSES else network.group_count):
            yield k << widths.post_bits, network.neurons
    elif space is Space.STORE and widths.store is not None:
        for lane, depths in enumerate(widths.store.depths):
            for memory, words in enumerate(depths):
                yield widths.store.address(lane, memory, 0), words
    else:
        yield 0, depth


def words_of(widths: Widths, state: State, votes: npt.NDArray[np.uint8]) -> Words:
    """Return what the memories hold for a state, in the order of positions.

    Parameters
    ----------
    widths : Widths
        Of the core.
    state : State
        All state variables.
    votes : ndarray of uint8, shape (all_neurons, classes)
        Votes.
    """
    words: Words = {}
    for space, (_, _, depth) in spaces(widths).items():
        values = np.zeros(depth, dtype=np.int64)
        if space in PLAIN_SPACES:
            held = getattr(state, PLAIN_SPACES[space])
            values[plain_addresses(widths, space)] = plain_words(widths, space, held)
        elif space is Space.PRESENTATION:
            values = np.array([state.presentation], dtype=np.int64)
        elif space is Space.VOTES:
            values = votes.T.astype(np.int64).ravel()
        elif space is Space.LAST_STEP:
            last = state.last_step.astype(np.int64)
            values = np.where(last == NO_STEP, 0, last | 1 << STEP_BITS)
        elif space is Space.STORE and widths.store is not None:
            for address, word in widths.store.writes(widths.store.pack(state.weights, state.alive)):
                values[address] = word
        else:
            found = synapse_words(widths, state.weights, state.alive)
            values[synapse_addresses(widths)] = found
        words[space] = values
    return words


def state_of(
    widths: Widths,
    words: Words,
    base: State,
    votes: npt.NDArray[np.uint8] | None = None,
) -> tuple[State, npt.NDArray[np.uint8]]:
    """Return the state, and the votes, that the memories hold: the inverse of :func:`words_of`.

    Parameters
    ----------
    widths : Widths
        Of the core.
    words : Words
        What the memories hold.
    base : State
        What there are no words of is taken from here; but the thresholds of a core that learns
        follow from ``THETA`` and ``STRENGTH``.
    votes : ndarray of uint8, shape (all_neurons, classes), optional
        Votes if there are no words of them. Default: 0.
    """
    network = widths.network
    found: dict[str, npt.NDArray[np.int64]] = {
        name: plain_values(widths, space, words[space][plain_addresses(widths, space)])
        for space, name in PLAIN_SPACES.items()
        if space in words
    }
    if Space.LAST_STEP in words:
        last = words[Space.LAST_STEP]
        found["last_step"] = np.where(last >> STEP_BITS, last & max_of(STEP_BITS), NO_STEP)
    if Space.SYNAPSES in words:
        synapses = words[Space.SYNAPSES][synapse_addresses(widths)]
        found["weights"], found["alive"] = synapse_values(widths, synapses)
    if Space.STORE in words and widths.store is not None:
        store = words[Space.STORE][list(widths.store.addresses())].tolist()
        image = StoreImage(
            format=widths.store.format,
            position=np.arange(network.neurons, dtype=np.int64),
            lanes=widths.store.images(store),
        )
        weights, alive = image.unpack()
        found |= {"weights": weight_values(widths, weights), "alive": alive.astype(np.int64)}
    dtypes = state_dtypes(network)
    arrays = {
        name: np.ascontiguousarray(values.astype(dtypes[name])) for name, values in found.items()
    }
    state = replace(base.copy(), **arrays, presentation=int(words[Space.PRESENTATION][0]))
    if Space.V_FIRE not in words and Space.THETA in words:
        theta, strength = state.theta.astype(np.int64), state.strength.astype(np.int64)
        state.v_fire[:] = fire_threshold(theta, strength, network.homeostasis)
    if Space.VOTES in words:
        found_votes = words[Space.VOTES].reshape(network.readout.classes, network.all_neurons).T
        votes = found_votes.astype(np.uint8)
    elif votes is None:
        votes = np.zeros((network.all_neurons, network.readout.classes), dtype=np.uint8)
    return state, np.ascontiguousarray(votes)
