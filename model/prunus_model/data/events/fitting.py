"""A configuration takes from events what nobody has said: frame, polarities, inputs, classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from prunus_model.common.errors import DataError
from prunus_model.data.benchmarks import SIMULATED
from prunus_model.data.events import saccades
from prunus_model.data.events.sources import find, is_events
from prunus_model.data.events.split import label_of
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EventsParams
from prunus_model.spec.formats import INPUTS_MAX

__all__ = ["described", "fitted", "takes_events"]

_EVENTS = "encoder.events"


def takes_events(spec: str, said: Iterable[str]) -> bool:
    """Return whether a network is to take events: if data are events, or a key of them is said."""
    return is_events(spec) or any(f"{key}.".startswith(f"{_EVENTS}.") for key in said)


def described(spec: str) -> tuple[EventsParams, int]:
    """Return parameters that fit data, and how many classes they have.

    The frame is that of the files if they tell it, else the smallest in which all events are, of
    both splits; polarities are separate if there are any.

    Raises
    ------
    DataError
        As :func:`prunus_model.data.events.split.load_events`.
    """
    if spec == SIMULATED:
        width, height = saccades.FRAME
        return EventsParams(width=width, height=height), 10
    width = height = classes = 1
    polar = False
    train, test = find(spec, "train"), find(spec, "test")
    for source in (train,) if train.files == test.files else (train, test):
        for recording in source.recordings():
            own = recording.frame or (int(recording.x.max()) + 1, int(recording.y.max()) + 1)
            width, height = max(width, own[0]), max(height, own[1])
            polar |= recording.polar
            classes = max(classes, label_of(recording) + 1)
    try:
        params = EventsParams(
            width=width, height=height, polarity="separate" if polar else "merged"
        )
    except ValueError as e:
        raise DataError(f"Frame of {spec} must have sides of at most 65536 pixels") from e
    return params, classes


def fitted(
    config: NetworkConfig, spec: str, *, said: Mapping[str, Any]
) -> tuple[NetworkConfig, str]:
    """Return a configuration for events, and a line that says what they are.

    Frame, polarities and classes are those of the data (:func:`described`), inputs those of the
    frame, or those of a group. What is ``said`` stays; a frame and classes may be more than the
    data have.

    Parameters
    ----------
    config : NetworkConfig
        As configured.
    spec : str
        Data, as :func:`prunus_model.data.events.split.load_events` takes them.
    said : mapping
        Values that are not to be changed, by keys with dots, ``"encoder.events.scale"``. Those of
        ``encoder.events`` are taken from here alone.

    Raises
    ------
    DataError
        As :func:`described`; or if what is said contradicts the data: the message tells the key
        and its value.
    ConfigError
        If the configuration does not allow events, or not these.
    """
    found, classes = described(spec)
    for key, has, value in (
        (f"{_EVENTS}.width", "a width of {} pixels", found.width),
        (f"{_EVENTS}.height", "a height of {} pixels", found.height),
        ("readout.classes", "{} classes", classes),
    ):
        if said.get(key, value) < value:  # More may come.
            raise DataError(
                f"Events of {spec} have {has.format(value)}, not {said[key]}: set {key} to {value}"
            )
    classes = said.get("readout.classes", classes)
    dots = f"{_EVENTS}."
    own = {key.removeprefix(dots): value for key, value in said.items() if key.startswith(dots)}
    params = EventsParams(**(asdict(found) | own))
    if params.inputs > INPUTS_MAX:
        raise DataError(
            f"Events of {spec} must have at most {INPUTS_MAX} inputs, not {params.inputs}: "
            f"set {_EVENTS}.scale to more than {params.scale}"
        )
    inputs = config.groups.inputs(params.channels) if config.groups else params.inputs
    if said.get("inputs", inputs) != inputs:
        raise DataError(
            f"Events of {spec} have {inputs} inputs, not {said['inputs']}: set inputs to {inputs}"
        )
    values = config.to_mapping()
    values["encoder"]["events"] = asdict(params)
    values["readout"]["classes"], values["inputs"] = classes, inputs
    channels = "on and off" if params.channels == 2 else "one channel"
    told = (
        f"Events of {params.width} x {params.height} pixels, {channels}: {params.inputs} inputs, "
        f"{classes} classes"
    )
    return NetworkConfig.from_mapping(values, source="Configuration"), told
