"""Small data sets of events, made by code."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_cli import digits, tiny
from prunus_model.data.events.recording import Recording
from prunus_model.data.events.split import EventSplit, load_events
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train

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


@cache
def event_network(presentations: int = 600) -> Artifact:
    """Ten neurons that have learned from events, and pruned some of their synapses."""
    encoder = replace(tiny().encoder, events=EventsParams(width=7, height=7, polarity="merged"))
    config = replace(tiny("adaptive"), encoder=encoder)
    return train(config, _split(presentations, 0, encoder), epochs=1)


def shown_events(count: int, *, seed: int = 3) -> PackedEvents:
    """Events that the network has not seen."""
    return _split(count, seed, event_network().config.encoder).events


def _split(count: int, seed: int, encoder: EncoderParams) -> EventSplit:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "some.npz"
        np.savez(path, **event_digits(count, seed=seed))
        return load_events(str(path), "test", encoder)


def write_event_digits(folder: Path, train: int = 1200, test: int = 200) -> Path:
    """Write `train.npz` and `test.npz`."""
    folder.mkdir()
    np.savez(folder / "train.npz", **event_digits(train))
    np.savez(folder / "test.npz", **event_digits(test, seed=1))
    return folder
