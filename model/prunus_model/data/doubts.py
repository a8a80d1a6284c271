"""What is odd about images that can be used: one line each, to be told and no more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.data.events.split import EventSplit, Labelled

__all__ = ["doubts", "grey_doubts", "training_doubts"]

#: What other sources call white: of bits, and of scikit-learn's digits.
_WHITES = (1, 16)


def grey_doubts(pixels: npt.NDArray[np.uint8], what: str) -> list[str]:
    """Return what is odd about the grey levels of images.

    Examples
    --------
    >>> grey_doubts(np.array([[0, 1]], np.uint8), "x")
    ['No pixel of x is above 1: is 1 white? Here white is 255']
    """
    top = int(pixels.max())
    if top == 0:
        return [f"All pixels of {what} are black"]
    white = next((white for white in _WHITES if top <= white), None)
    if white is None:
        return []
    return [f"No pixel of {what} is above {white}: is {white} white? Here white is 255"]


def doubts(split: Labelled) -> list[str]:
    """Return what is odd about a split: grey levels, events, or that it is not the wanted one."""
    if isinstance(split, EventSplit):
        what, found = "recordings", list(split.hints)
    else:
        what, found = "images", grey_doubts(split.images, split.name)
    if split.fallback:
        found.append(f"The wanted {what} are missing; those of {split.name} are taken instead")
    return found


def training_doubts(split: Labelled, *, classes: int) -> list[str]:
    """Return what is odd about images for training: as :func:`doubts`, and classes without any."""
    found = doubts(split)
    what = "recordings" if isinstance(split, EventSplit) else "images"
    if (there := len(np.unique(split.labels))) < classes:
        found.append(f"Only {there} of {classes} classes have {what} in {split.name}")
    return found
