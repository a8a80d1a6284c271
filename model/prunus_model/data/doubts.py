"""What is odd about images that can be used: one line each, to be told and no more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.data.brightness import Brightness
from prunus_model.data.events.split import EventSplit, Labelled
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams

__all__ = ["doubts", "grey_doubts", "training_doubts"]

#: Images of a class, on average, from which on their order is no chance.
_MANY = 10


def grey_doubts(
    pixels: npt.NDArray[np.uint8], what: str, params: EncoderParams | None = None
) -> list[str]:
    """Return what is odd about the grey levels of images.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, ...)
        The images.
    what : str
        How messages call them.
    params : EncoderParams, optional
        Of the network that they are for. Default: the defaults.

    Examples
    --------
    >>> grey_doubts(np.array([[0, 1]], np.uint8), "x")[0][:56]
    'No pixel of x is above 1: is 1 white? Here white is 255;'
    """
    return Brightness.of(pixels).doubts(what, params or EncoderParams())


def doubts(split: Labelled, params: EncoderParams) -> list[str]:
    """Return what is odd about a split: what its reader noted, grey levels, that it is another."""
    if isinstance(split, EventSplit):
        what, found = "recordings", list(split.hints)
    else:
        what = "images"
        found = [*split.notes, *grey_doubts(split.images, split.name, params)]
    if split.fallback:
        found.append(f"The wanted {what} are missing; those of {split.name} are taken instead")
    return found


def training_doubts(split: Labelled, config: NetworkConfig) -> list[str]:
    """Return what is odd about images for training.

    As :func:`doubts`, and classes without any, and classes that come one after the other.
    """
    found, classes = doubts(split, config.encoder), config.readout.classes
    what = "recordings" if isinstance(split, EventSplit) else "images"
    if (there := len(np.unique(split.labels))) < classes:
        found.append(f"Only {there} of {classes} classes have {what} in {split.name}")
    if len(split) >= _MANY * there and np.count_nonzero(np.diff(split.labels)) == there - 1 > 0:
        found.append(
            f"The {what} of {split.name} come class by class, so that a network forgets the first "
            "ones while it learns the last: shuffle them"
        )
    return found
