"""Small data sets of events, made by code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_cli import digits
from prunus_model.data.events.recording import Recording

#: A structured array as the package tonic gives them.
STRUCTURED = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)])


def recording(
    t: Sequence[int],
    x: Sequence[int],
    y: Sequence[int] | None = None,
    p: Sequence[int] | None = None,
    *,
    label: int | None = 0,
    frame: tuple[int, int] | None = None,
) -> Recording:
    y, p = y or [0] * len(t), p or [1] * len(t)
    arrays: dict[str, Any] = {
        name: np.array(values, dtype=np.int64)
        for name, values in (("t", t), ("x", x), ("y", y), ("p", p))
    }
    return Recording(name="rec", label=label, frame=frame, **arrays)


def structured(
    t: Sequence[int], x: Sequence[int], y: Sequence[int], p: Sequence[int]
) -> npt.NDArray:  # type: ignore[type-arg]
    array = np.zeros(len(t), dtype=STRUCTURED)
    for name, values in (("t", t), ("x", x), ("y", y), ("p", p)):
        array[name] = values
    return array


def event_digits(count: int, *, seed: int = 0) -> dict[str, Any]:
    """Events of the shapes of :func:`prunus_cli.digits`: 7 x 7 pixels, no polarity, 16 ms."""
    images = digits(count, seed=seed)
    rng = np.random.default_rng(seed)
    chance = images.images[:, np.newaxis].astype(np.int64) * 160 / 65536
    number, step, pixel = np.nonzero(rng.random((count, 16, 49)) < chance)
    y, x = np.divmod(pixel, 7)
    return {
        "t": step * 1000 + 5_000_000,
        "x": x,
        "y": y,
        "offsets": np.searchsorted(number, np.arange(count + 1)),
        "labels": images.labels.astype(np.int64),
    }


def write_event_digits(folder: Path, train: int = 1200, test: int = 200) -> Path:
    """Write `train.npz` and `test.npz`."""
    folder.mkdir()
    np.savez(folder / "train.npz", **event_digits(train))
    np.savez(folder / "test.npz", **event_digits(test, seed=1))
    return folder
