"""Address spaces of the memory port, as integers: no gateware."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import (
    BIAS_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RATE_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
    max_of,
)
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.two_complement import signed_values, words_of_signed
from prunus_rtl.widths import Widths

__all__ = [
    "DATA_BITS",
    "PLAIN_SPACES",
    "SPACE_BITS",
    "plain_addresses",
    "plain_values",
    "plain_words",
    "readable",
    "spaces",
    "synapse_addresses",
    "synapse_values",
    "synapse_words",
    "weight_values",
]

#: Width of a word of the memory port.
DATA_BITS = 32
#: Width of the number of an address space.
SPACE_BITS = 4

#: What learning changes, and the number of the presentation: read with any access of the host.
_RESULTS = {
    Space.SYNAPSES,
    Space.THETA,
    Space.STRENGTH,
    Space.POST_COUNT,
    Space.PRESENTATION,
    Space.INPUT_RATE,
}

#: Spaces whose words are a state variable as it is, at :func:`plain_addresses`.
PLAIN_SPACES: Mapping[Space, str] = {
    Space.THETA: "theta",
    Space.STRENGTH: "strength",
    Space.POST_COUNT: "post_count",
    Space.V: "v",
    Space.V_FIRE: "v_fire",
    Space.INPUT_RATE: "input_rate",
    Space.BIAS: "bias",
}
#: Those whose words are signed in a feed-forward layer.
_SIGNED = (Space.V, Space.BIAS)


def plain_words(widths: Widths, space: Space, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the words that hold values of a state variable: two's complement if it is signed."""
    if widths.feedforward and space in _SIGNED:
        return words_of_signed(values, _signed_bits(widths, space))
    return values.astype(np.int64)


def plain_values(widths: Widths, space: Space, words: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the values of a state variable that words hold: the inverse of :func:`plain_words`."""
    if widths.feedforward and space in _SIGNED:
        return signed_values(words, _signed_bits(widths, space))
    return words.astype(np.int64)


def _signed_bits(widths: Widths, space: Space) -> int:
    """Return the width of a word that is signed, also if the memory port does not reach it."""
    return BIAS_BITS if space is Space.BIAS else widths.network.formats.v_bits


def plain_addresses(widths: Widths, space: Space) -> npt.NDArray[np.int64]:
    """Return where the elements of a state variable are, for one of :data:`PLAIN_SPACES`.

    Returns
    -------
    ndarray of int64
        One address for each element, in the order of its indices; none if the core has no such
        space.
    """
    has = spaces(widths)
    if space not in has:
        return np.zeros(0, dtype=np.int64)
    if space is Space.V_FIRE:
        return _composed(widths, widths.network.group_count).ravel()
    return np.arange(has[space][2], dtype=np.int64)


def synapse_addresses(widths: Widths) -> npt.NDArray[np.int64]:
    """Return the address of each synapse in ``SYNAPSES``: int64, shape (rows, neurons)."""
    return _composed(widths, widths.network.rows)


def weight_values(widths: Widths, words: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the weights that words of ``weight_bits`` bits hold, signed with feedforward."""
    if widths.feedforward:
        return signed_values(words, widths.network.weight_bits)
    return words.astype(np.int64)


def synapse_words(
    widths: Widths, weights: npt.NDArray[Any], alive: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """Return the words of ``SYNAPSES`` of synapses."""
    bits = widths.network.weight_bits
    return alive.astype(np.int64) << bits | words_of_signed(weights, bits)


def synapse_values(
    widths: Widths, words: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return weights, and which are alive: the inverse of :func:`synapse_words`."""
    bits = widths.network.weight_bits
    return weight_values(widths, words & max_of(bits)), words >> bits


def _composed(widths: Widths, high: int) -> npt.NDArray[np.int64]:
    """Return ``k << post_bits | post`` for all k below ``high``, and all neurons of a group."""
    posts = np.arange(widths.network.neurons, dtype=np.int64)
    return np.arange(high, dtype=np.int64)[:, np.newaxis] << widths.post_bits | posts


def spaces(widths: Widths) -> dict[Space, tuple[int, int, int]]:
    """Return the address spaces of a core: width of address and word, and number of addresses.

    Those that the memory port reaches. With ``host_access="load"`` they are those that a network is
    loaded into: not potentials and last steps, which a presentation begins by clearing, nor the
    thresholds of a core that learns, which are computed from ``THETA`` and ``STRENGTH``. With
    ``"none"`` there is ``PRESENTATION`` alone. What of them can be read: :func:`readable`.

    The addresses of ``SYNAPSES``, ``V_FIRE`` and ``STORE`` have parts, each with a range of its
    own; their number counts the gaps in. A packed store with words wider than :data:`DATA_BITS`
    (format ``bitmask``, many slots) is out of reach.
    """
    s, formats = widths, widths.network.formats
    inputs, neurons, every = s.network.inputs, s.network.neurons, s.network.all_neurons
    rows, groups = s.network.rows, s.network.group_count
    votes = every * s.network.readout.classes
    thresholds = (groups - 1 << s.post_bits) + neurons
    found = {
        Space.V: (s.post_bits, formats.v_bits, neurons),
        Space.V_FIRE: (s.group_bits + s.post_bits, V_FIRE_BITS, thresholds),
        Space.PRESENTATION: (0, PRESENTATION_BITS, 1),
        Space.VOTES: ((votes - 1).bit_length(), s.network.readout.vote_bits, votes),
    }
    if s.hardware.store == "learning":
        # Neuron in the low bits of the address; the weight in the low bits of the word, and alive.
        address, word = s.post_bits + s.row_bits, s.network.weight_bits + 1
        found[Space.SYNAPSES] = (address, word, (rows - 1 << s.post_bits) + neurons)
    if s.store is not None and s.store.width <= DATA_BITS:
        found[Space.STORE] = (s.store.address_bits, s.store.width, s.store.end)
    if s.hardware.learn:
        found |= {
            Space.THETA: (s.neuron_bits, THETA_BITS, every),
            Space.STRENGTH: (s.neuron_bits, formats.strength_bits, every),
            Space.POST_COUNT: (s.neuron_bits, POST_COUNT_BITS, every),
            Space.LAST_STEP: (s.pre_bits, STEP_BITS + 1, inputs),
        }
    if s.lift:
        found[Space.INPUT_RATE] = (s.row_bits, RATE_BITS, rows)
    if s.feedforward:
        found[Space.BIAS] = (s.post_bits, BIAS_BITS, neurons)
    access = s.hardware.host_access
    if access == "load":
        unwanted = {Space.V, Space.LAST_STEP} | ({Space.V_FIRE} if s.hardware.learn else set())
        found = {space: size for space, size in found.items() if space not in unwanted}
    elif access == "none":
        found = {Space.PRESENTATION: found[Space.PRESENTATION]}
    return dict(sorted(found.items()))


def readable(widths: Widths) -> set[Space]:
    """Return the address spaces that can be read; the words of the others read as 0.

    All of :func:`spaces`, but with ``host_access="load"`` only what learning changes and
    ``PRESENTATION``: thresholds, votes and packed stores are what the host has written itself.
    """
    has = set(spaces(widths))
    return has if widths.hardware.host_access == "all" else has & _RESULTS
