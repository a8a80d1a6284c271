"""Labelled events for training or testing, binned; and the choice between events and images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ConfigError, DataError
from prunus_model.data.benchmarks import SIMULATED
from prunus_model.data.datasets import load
from prunus_model.data.events import saccades
from prunus_model.data.events.arrays import from_structured
from prunus_model.data.events.binning import binned_series
from prunus_model.data.events.recording import Recording
from prunus_model.data.events.sources import find, is_events
from prunus_model.data.split import Split, SplitName, check_for
from prunus_model.data.trained_on import TrainedOn
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.spec.levels import levels
from prunus_model.spec.packed_events import PackedEvents

__all__ = [
    "EventSplit",
    "Labelled",
    "bin_recordings",
    "from_tonic",
    "label_of",
    "load_events",
    "load_for",
    "stimuli",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventSplit:
    """Labelled events by step: what :class:`prunus_model.data.split.Split` is for images.

    Parameters
    ----------
    name : str
        For messages and provenance.
    events : PackedEvents
        All presentations.
    labels : ndarray of uint8, shape (n,), or None
        Class of each; None if they are not known.
    params : EventsParams
        By which they were binned.
    fallback : bool
        Whether this is the other split, since the wanted one is not there.
    hints : tuple of str
        What is odd about them, one line each.
    class_names : tuple of str
        As :attr:`prunus_model.data.events.sources.Source.class_names`.
    """

    name: str
    events: PackedEvents
    labels: npt.NDArray[np.uint8]
    params: EventsParams
    fallback: bool = False
    hints: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()

    @property
    def kept(self) -> TrainedOn:
        """What a network keeps that is trained on these."""
        return TrainedOn(class_names=self.class_names)

    def __len__(self) -> int:
        return len(self.events)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Rows and columns of pixels, scaled down."""
        return self.params.rows, self.params.columns

    @property
    def sha256(self) -> str:
        """Identity of the content, in hexadecimal digits: what is shown, not where it came from.

        SHA-256 over ``n``, steps and inputs, the number of events of each step, all of these as
        little-endian 64-bit integers, the inputs as little-endian 32-bit integers, and the labels.
        """
        counts = self.events.counts.astype("<i8")
        shape = np.array([*counts.shape, self.events.inputs], dtype="<i8")
        digest = hashlib.sha256(b"events" + shape.tobytes())
        digest.update(counts.tobytes())
        first = self.events.first
        for start, end in zip(first[:, 0].tolist(), first[:, -1].tolist(), strict=True):
            digest.update(self.events.pres[start:end].astype("<u4").tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()

    @property
    def identity(self) -> str:
        """What results call it, wherever it may be."""
        return f"events {self.sha256[:12]}"

    def take(self, first: int, count: int) -> EventSplit:
        """Return the presentations ``first`` to ``first + count - 1``.

        Raises
        ------
        DataError
            If there are not that many.
        """
        if not (0 <= first < len(self) and 1 <= count <= len(self) - first):
            raise DataError(
                f"Presentations taken from {self.name} must be some of 0..{len(self) - 1}, "
                f"not {count} from {first} on"
            )
        if count == len(self):
            return self
        return replace(
            self,
            name=f"{self.name}[{first}:{first + count}]",
            events=self.events[first : first + count],
            labels=self.labels[first : first + count],
        )

    def head(self, count: int) -> EventSplit:
        """Return the first presentations: ``take(0, count)``."""
        return self.take(0, count)


#: What a network is trained and tested with.
Labelled: TypeAlias = Split | EventSplit


def load_for(
    encoder: EncoderParams,
    spec: str,
    split: SplitName,
    *,
    progress: bool = False,
    trained_on: TrainedOn | None = None,
) -> Labelled:
    """Load events if an encoder has ``events``, else images.

    Raises
    ------
    DataError
        As :func:`load_events`, or :func:`prunus_model.data.datasets.load`; or if the network takes
        images and the data are events, or the other way round.
    """
    if encoder.events is not None:
        return load_events(spec, split, encoder, trained_on=trained_on)
    if is_events(spec):
        raise DataError(
            f"Data {spec} must be images for this network, not events (encoder.events is not set)"
        )
    return load(spec, split, progress=progress, trained_on=trained_on)


def load_events(
    spec: str, split: SplitName, encoder: EncoderParams, *, trained_on: TrainedOn | None = None
) -> EventSplit:
    """Load and bin a split of events; one recording is in memory at a time.

    Parameters
    ----------
    spec : str
        As of :func:`prunus_model.data.events.sources.find`; or ``mnist-events``, simulated
        saccades over digits of MNIST.
    split : {"train", "test"}
        Which split.
    encoder : EncoderParams
        With ``events``.
    trained_on : TrainedOn, optional
        What a network keeps of its training recordings, by which classes are numbered.

    Raises
    ------
    DataError
        If they are missing or damaged, have no labels or a class that is none of the network's, or
        do not fit the frame.
    """
    if spec == SIMULATED:
        images = load(spec, split, trained_on=trained_on)
        shown = images.images.reshape(-1, *images.image_shape)
        simulated = saccades.simulate(shown, images.labels, name=images.name)
        found = bin_recordings(images.name, simulated, encoder)
        notes = (*images.notes, *found.hints)
        return replace(found, hints=notes, class_names=images.class_names)
    source = find(spec, split)
    if trained_on is not None:
        source = source.numbered_for(trained_on)
    found = bin_recordings(source.name, source.recordings(), encoder)
    return replace(
        found,
        fallback=source.fallback,
        hints=(*source.notes, *found.hints),
        class_names=source.names,
    )


def bin_recordings(
    name: str, recordings: Iterable[Recording], encoder: EncoderParams
) -> EventSplit:
    """Bin labelled recordings, one after the other.

    Parameters
    ----------
    name : str
        For messages and provenance.
    recordings : iterable of Recording
        At least one; all have labels.
    encoder : EncoderParams
        With ``events``.

    Raises
    ------
    DataError
        If a recording has no label or does not fit the frame, or there is none.
    ConfigError
        If the encoder has no ``events``.
    """
    params = encoder.events
    if params is None:
        raise ConfigError("encoder.events must be set to bin events")
    series = binned_series(map(_labelled, recordings), params, encoder.steps, name=name)
    late = (
        f"{series.late} of {series.total} events of {name} are later than the last step and are "
        f"left out (encoder.events.step_us {params.step_us})"
    )
    return EventSplit(
        name=name,
        events=series.events,
        labels=np.array(series.labels, dtype=np.uint8),
        params=params,
        hints=(late,) if series.late else (),
    )


def from_tonic(
    pairs: Iterable[tuple[npt.NDArray[Any], int]], encoder: EncoderParams, *, name: str
) -> EventSplit:
    """Bin pairs of a structured array and a class, as data sets of the package tonic give them.

    Parameters
    ----------
    pairs : iterable of (structured ndarray, int)
        As of :func:`prunus_model.data.events.arrays.from_structured`, and the class.
    encoder : EncoderParams
        With ``events``.
    name : str
        For messages.

    Raises
    ------
    DataError
        As :func:`load_events`.
    """
    recordings = (
        from_structured(array, f"{name}[{k}]", int(label)) for k, (array, label) in enumerate(pairs)
    )
    return bin_recordings(name, recordings, encoder)


def stimuli(data: Labelled, config: NetworkConfig) -> npt.NDArray[np.uint8] | PackedEvents:
    """Return what a network is shown: levels of images, or events.

    Raises
    ------
    DataError
        If it can't be shown these, or they have other classes.
    """
    if isinstance(data, Split):
        if config.encoder.events is not None:
            raise DataError(f"Data {data.name} must be events for this network, not images")
        check_for(data, config)
        return levels(data.images, config.encoder)
    if config.encoder.events != data.params or config.encoder.steps != data.events.steps:
        raise DataError(
            f"Events of {data.name} must be binned as encoder.events of this configuration says"
        )
    if data.labels.max() >= config.readout.classes:
        raise DataError(
            f"Labels of {data.name} must be in 0..{config.readout.classes - 1} for this "
            f"configuration (readout.classes), not {data.labels.max()}"
        )
    return data.events


def _labelled(recording: Recording) -> Recording:
    """Return a recording that has a label."""
    label_of(recording)
    return recording


def label_of(recording: Recording) -> int:
    """Return the class of a recording.

    Raises
    ------
    DataError
        If it has none, or not one of 0..255.
    """
    if recording.label is None:
        raise DataError(
            f"Recording {recording.name} must have a label: a folder for each class, or labels "
            f"in the file"
        )
    if not 0 <= recording.label <= 255:
        raise DataError(f"Label of {recording.name} must be in 0..255, not {recording.label}")
    return recording.label
