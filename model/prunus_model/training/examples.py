"""A picture of a data set: images of each class, or curves if an image has a single row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from prunus_model.data.split import Split

__all__ = ["examples", "picture_of"]

#: Examples of each class, and classes.
_EACH, _CLASSES = 8, 20


def picture_of(channels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return channels, shape (channels, height, width), as Matplotlib draws them.

    Returns
    -------
    ndarray
        (height, width) of one channel; else (height, width, 3), in which a third one is black if
        there are two.
    """
    if len(channels) == 1:
        grey: npt.NDArray[Any] = channels[0]
        return grey
    missing = np.zeros((3 - len(channels), *channels.shape[1:]), channels.dtype)
    return np.moveaxis(np.concatenate([channels, missing]), 0, 2)


def examples(split: Split, name_of: Callable[[int], str] = str) -> Figure:
    """Draw the first images of each class, at most 8 of at most 20 classes.

    Parameters
    ----------
    split : Split
        The images. With a single row or column they are drawn as curves.
    name_of : callable
        Gives the name of a class.
    """
    classes = np.unique(split.labels)[:_CLASSES].tolist()
    curves = min(split.image_shape) == 1
    across = 1 if curves else _EACH
    figure = Figure(
        figsize=(8, 1.1 * max(len(classes), 2) + 0.6), layout="constrained", facecolor="white"
    )
    grid = figure.subplots(len(classes), across, squeeze=False, sharey=curves, sharex=curves)
    for row, label in zip(grid, classes, strict=True):
        chosen = split.images[np.flatnonzero(split.labels == label)[:_EACH]]
        row[0].set_ylabel(name_of(label), rotation=0, ha="right", va="center")
        for axis in row:
            axis.set(xticks=[], yticks=[])
            axis.set_frame_on(curves)
        if curves:
            row[0].plot(chosen.reshape(len(chosen) * split.channels, -1).T, linewidth=0.7)
            row[0].set(ylim=(-5, 260), yticks=[0, 255])
            continue
        for axis, image in zip(row, chosen, strict=False):
            channels = image.reshape(split.channels, *split.image_shape)
            axis.imshow(picture_of(channels), cmap="gray", vmin=0, vmax=255)
    what = "curves" if curves else "images"
    some = f", {len(classes)} of the classes" if len(classes) == _CLASSES else ""
    title = figure.suptitle(f"First {what} of each class{some}: {split.name}", fontsize=10)
    title.set_parse_math(False)
    if curves:
        grid[-1, 0].tick_params(labelbottom=True)
        grid[-1, 0].set_xticks(np.linspace(0, max(split.image_shape) - 1, 5).round())
    return figure
