"""What is shown to a device: images, or recordings of events, from whatever the user has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from prunus_model.cli.common import note
from prunus_model.common.errors import DataError
from prunus_model.data.events.binning import binned_series
from prunus_model.data.events.recording import Recording
from prunus_model.data.events.sources import find
from prunus_model.data.images import read_images
from prunus_model.data.trained_on import TrainedOn
from prunus_model.spec.levels import levels
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.training.artifact import Artifact

__all__ = ["Shown", "read_inputs"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """Images or recordings, as a core takes them.

    Attributes
    ----------
    what : str
        "image" or "recording".
    names : tuple of str
        What each is called.
    stimuli : ndarray of uint8, shape (n, image_levels), or PackedEvents
        Levels, or events.
    labels : ndarray of uint8, shape (n,), or None
        Classes, if they are known.
    """

    what: str
    names: tuple[str, ...]
    stimuli: npt.NDArray[np.uint8] | PackedEvents
    labels: npt.NDArray[np.uint8] | None

    def __len__(self) -> int:
        return len(self.names)


def read_inputs(
    artifact: Artifact,
    sources: Sequence[str],
    *,
    count: int | None,
    invert: bool,
    labels: bool = True,
) -> Shown:
    """Read what a network is shown; tell on stderr what is odd about it.

    Parameters
    ----------
    artifact : Artifact
        The network.
    sources : sequence of str
        As of :func:`prunus_model.data.images.read_images`; for a network of events
        (``encoder.events``) as of :func:`prunus_model.data.events.sources.find`, of which the test
        recordings are taken. These need no labels.
    count : int, optional
        Only the first so many.
    invert : bool
        Exchange light and dark. Not of events.
    labels : bool
        Whether labels matter. If not, classes may be others than those of the network.

    Raises
    ------
    DataError
        If something can't be read or does not suit the network, or there are not that many.
    """
    trained_on = artifact.trained_on if labels else artifact.trained_on.unlabelled
    if artifact.config.encoder.events is not None:
        return _recordings(artifact, sources, count, invert, trained_on)
    images = read_images(
        sources,
        size=artifact.config.pixels,
        invert=invert,
        trained_on=trained_on,
        encoder=artifact.config.encoder,
    ).head(count)
    for hint in images.hints:
        note(hint)
    shown = levels(images.pixels, artifact.config.encoder)
    return Shown(what="image", names=images.names, stimuli=shown, labels=images.labels)


def _recordings(
    artifact: Artifact,
    sources: Sequence[str],
    count: int | None,
    invert: bool,
    trained_on: TrainedOn,
) -> Shown:
    encoder = artifact.config.encoder
    params = encoder.events
    if params is None or invert:
        raise DataError("Events must be shown as they are: they have no light and dark to exchange")
    series = binned_series(
        islice(_read(sources, trained_on), count),
        params,
        encoder.steps,
        name=" ".join(sources),
    )
    names = series.names
    if count is not None and count > len(names):
        raise DataError(f"Number of recordings must be in 1..{len(names)}, not {count}")
    if series.late:
        note(
            f"{series.late} events are later than the last step and are left out "
            f"(encoder.events.step_us {params.step_us})"
        )
    known = [label for label in series.labels if label is not None]
    return Shown(
        what="recording",
        names=names,
        stimuli=series.events,
        labels=np.array(known, dtype=np.uint8) if len(known) == len(names) else None,
    )


def _read(sources: Sequence[str], trained_on: TrainedOn) -> Iterator[Recording]:
    for spec in sources:
        source = find(spec, "test").numbered_for(trained_on)
        for line in source.notes:
            note(line)
        yield from source.recordings()
