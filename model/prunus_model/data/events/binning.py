"""Time binned into steps, and places into inputs: the only home of the rule (semantics, 4).

All in integers, from microseconds on. With ``t0`` and ``t1`` the times of the first and of the last
event of a recording:

- the step of an event is ``(t - t0) // step_us``, or ``(t - t0) * steps // (t1 - t0 + 1)`` if
  ``step_us`` is 0; events of step ``steps`` and later are left out;
- its pixel is ``row = y // scale``, ``column = x // scale``;
- its channel is 0 if it is on, or if polarities are merged, and 1 if it is off;
- its input is ``(channel * rows + row) * columns + column``.

Several events of an input in a step count once. Those of a step are in the order of inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.events.recording import Recording
from prunus_model.spec.encoder import EventsParams
from prunus_model.spec.formats import STEP_BITS
from prunus_model.spec.packed_events import PackedEvents

__all__ = ["Binned", "BinnedSeries", "binned", "binned_series"]

#: Microseconds that a recording may last, so that products with steps are exact: 1,141 years.
_LONGEST = 1 << (63 - STEP_BITS)


class Binned(NamedTuple):
    """Events of a recording by step.

    Attributes
    ----------
    counts : ndarray of int64, shape (steps,)
        Events of each step.
    pres : ndarray of int64, one dimension
        Their inputs, step by step, in ascending order in each.
    late : int
        Events that were left out, being later than the last step.
    """

    counts: npt.NDArray[np.int64]
    pres: npt.NDArray[np.int64]
    late: int


def binned(recording: Recording, params: EventsParams, steps: int) -> Binned:
    """Bin a recording into steps.

    Parameters
    ----------
    recording : Recording
        Events.
    params : EventsParams
        Frame, scale, polarity, microseconds of a step.
    steps : int
        Steps of a presentation, 1..255.

    Raises
    ------
    DataError
        If an event is out of the frame, or the recording is too long.

    Examples
    --------
    >>> t, x = np.array([5, 5, 8, 14]), np.array([2, 2, 1, 0])
    >>> line = Recording(name="line", t=t, x=x, y=0 * x, p=np.array([1, 1, 0, 1]))
    >>> params = EventsParams(width=3, height=1)
    >>> [values.tolist() for values in binned(line, params, 5)[:2]]
    [[1, 1, 0, 0, 1], [2, 4, 0]]
    """
    recording.check_frame(params.width, params.height)
    t = recording.t - recording.t[0]
    if not 0 <= t[-1] < _LONGEST:
        raise DataError(f"Recording {recording.name} must last less than {_LONGEST} microseconds")
    step = t // params.step_us if params.step_us else t * steps // (t[-1] + 1)
    channel = 1 - recording.p if params.polarity == "separate" else np.zeros_like(t)
    row, column = recording.y // params.scale, recording.x // params.scale
    pres = (channel * params.rows + row) * params.columns + column
    there = step < steps
    keys = np.unique(step[there] * params.inputs + pres[there])
    return Binned(
        counts=np.bincount(keys // params.inputs, minlength=steps),
        pres=keys % params.inputs,
        late=int(np.count_nonzero(~there)),
    )


class BinnedSeries(NamedTuple):
    """Recordings by step, one after the other.

    Attributes
    ----------
    names : tuple of str
        What each is called.
    labels : tuple of int or None
        Class of each; None if it is not known.
    events : PackedEvents
        All of them.
    late, total : int
        Events that were left out, being later than the last step; events in all.
    """

    names: tuple[str, ...]
    labels: tuple[int | None, ...]
    events: PackedEvents
    late: int
    total: int


def binned_series(
    recordings: Iterable[Recording], params: EventsParams, steps: int, *, name: str
) -> BinnedSeries:
    """Bin recordings, one after the other: one is in memory at a time.

    Parameters
    ----------
    recordings : iterable of Recording
        At least one.
    params, steps
        As of :func:`binned`.
    name : str
        For messages.

    Raises
    ------
    DataError
        As :func:`binned`, or if there is no recording.
    """
    names: list[str] = []
    labels: list[int | None] = []
    parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]] = []
    late = total = 0
    for recording in recordings:
        one = binned(recording, params, steps)
        names.append(recording.name)
        labels.append(recording.label)
        parts.append((one.counts, one.pres.astype(np.uint32)))
        late, total = late + one.late, total + len(recording)
    if not parts:
        raise DataError(f"Data {name} must hold at least one recording")
    packed = PackedEvents.joined(parts, inputs=params.inputs)
    return BinnedSeries(tuple(names), tuple(labels), packed, late, total)
