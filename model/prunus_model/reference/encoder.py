"""Rate encoder: levels to spikes (semantics, 4.2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.reference.xorshift import Stream
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.formats import RANDOM_BITS, max_of
from prunus_model.spec.random_streams import LOW_DISCREPANCY_STRIDE

__all__ = ["draw", "spikes"]


def draw(stream: Stream, step: int, inputs: int, params: EncoderParams) -> npt.NDArray[np.int64]:
    """Return the byte of each input in one step, which its level is compared with.

    Parameters
    ----------
    stream : Stream
        The encoder stream. A pass is drawn from it; with low-discrepancy spikes it then returns to
        where it was, so that every step draws the same words.
    step : int
        The step.
    inputs : int
        Number of inputs.
    params : EncoderParams
        Gives ``spikes``.

    Returns
    -------
    ndarray of int64, shape (inputs,)
        0..255. With low-discrepancy spikes, ``(byte + 157 * step) mod 256``: an additive
        recurrence, which visits all values evenly.
    """
    if params.spikes == "random":
        return stream.draw_bytes(inputs)
    held = stream.state
    first = stream.draw_bytes(inputs)
    stream.state = held
    return first + LOW_DISCREPANCY_STRIDE * step & max_of(RANDOM_BITS)


def spikes(random: npt.NDArray[np.int64], levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Decide which inputs spike in one step: ``random < level``, strictly.

    Parameters
    ----------
    random : ndarray of int64, shape (inputs,)
        A byte for each input (:func:`draw`).
    levels : ndarray of uint8, shape (inputs,)
        Levels. An input of level 0 never spikes.

    Returns
    -------
    ndarray of bool, shape (inputs,)
    """
    return random < levels
