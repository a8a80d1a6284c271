"""What is searched: a configuration, and the ranges of some of its values, declared in TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from functools import reduce
from pathlib import Path
from typing import Annotated, Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    IntDistribution,
)
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from prunus_model.cli.common import load_config
from prunus_model.common.errors import ConfigError
from prunus_model.common.toml import merge, text_of, values_of
from prunus_model.common.validation import STRICT, validation_messages
from prunus_model.spec.changes import change
from prunus_model.spec.config import NetworkConfig

__all__ = ["Range", "Space", "parse_space", "read_space"]

#: What cannot be searched, and why.
_FIXED = {
    "seed": "seeds are listed by `seeds`, and their mean is what counts",
    "pruning.policy": "the parameters of one policy are not those of another: search each alone",
    "inputs": "the data say it",
    "readout.classes": "the data say it",
}
_LARGEST = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Range:
    """Integers from ``low`` to ``high``, both included.

    Parameters
    ----------
    low, high : int
        Ends of the range.
    step : int
        Distance of the values that are tried.
    log : bool
        Whether each doubling gets as many trials; not with a step.
    """

    low: Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
    high: Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
    step: Annotated[int, Field(ge=1)] = 1
    log: bool = False

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"low must be less than high, {self.high}, not {self.low}")
        if self.log and self.low < 1:
            raise ValueError(f"low must be at least 1 with log, not {self.low}")
        if self.log and self.step != 1:
            raise ValueError(f"step must be 1 with log, not {self.step}")


_Choice = bool | int | str
_Choices = Annotated[tuple[_Choice, ...], Field(min_length=2)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class _File:
    ranges: Annotated[dict[str, Any], Field(min_length=1)]
    config: str = "demo"
    data: str = "mnist"
    epochs: Annotated[int, Field(ge=1)] = 1
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (1,)
    lanes: int | None = None
    set: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Space:
    """What is searched.

    Attributes
    ----------
    ranges : dict
        By dotted name of a value of the configuration: a range, or a list of choices.
    config : str
        Configuration that the other values are of: a preset or a TOML file.
    data : str
        Data set. Training images only: the last sixth of them judges.
    epochs : int
        How often each training image is shown.
    seeds : tuple of int
        A trial is trained with each, and judged by the mean.
    lanes : int or None
        Lanes of the core whose memory is counted.
    set : dict
        Other values of the configuration, as nested tables.
    """

    ranges: dict[str, Range | tuple[_Choice, ...]]
    config: str
    data: str
    epochs: int
    seeds: tuple[int, ...]
    lanes: int | None
    set: dict[str, Any]

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The ranges, for the sampler."""
        return {
            name: IntDistribution(found.low, found.high, log=found.log, step=found.step)
            if isinstance(found, Range)
            else CategoricalDistribution(found)
            for name, found in self.ranges.items()
        }

    @property
    def identity(self) -> dict[str, Any]:
        """What two processes that share trials must agree in; data and model are told apart."""
        return {
            "config": load_config(self.config).to_identity(),
            "epochs": self.epochs,
            "seeds": list(self.seeds),
            "lanes": self.lanes,
            "set": self.set,
            "ranges": {
                name: str(distribution) for name, distribution in self.distributions.items()
            },
        }

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fixed values and those of a trial, as nested tables."""
        found: dict[str, Any] = json.loads(json.dumps(self.set))
        for name, value in values.items():
            merge(found, reduce(lambda inner, key: {key: inner}, reversed(name.split(".")), value))
        return found

    def configured(self, values: Mapping[str, Any], *, seed: int) -> NetworkConfig:
        """Return the configuration of a trial.

        Parameters
        ----------
        values : mapping
            By dotted name, as in ``ranges``.
        seed : int
            One of ``seeds``.

        Raises
        ------
        ConfigError
            If the values contradict each other.
        """
        mapping = load_config(self.config).to_mapping()
        change(mapping, self.settings(values) | {"seed": seed})
        return NetworkConfig.from_mapping(mapping, source="Search")

    def ends(self) -> list[tuple[str, dict[str, Any]]]:
        """Return, by name, each end of a range and each choice; the others have their first."""
        first = {n: r.low if isinstance(r, Range) else r[0] for n, r in self.ranges.items()}
        return [
            (name, {**first, name: value})
            for name, found in self.ranges.items()
            for value in ((found.low, found.high) if isinstance(found, Range) else found)
        ]


_ADAPTER = TypeAdapter(_File)
_RANGE = TypeAdapter(Range)
_CHOICES = TypeAdapter(_Choices, config=STRICT)


def read_space(path: Path) -> Space:
    """Read what is to be searched from a TOML file.

    Raises
    ------
    ConfigError
        As :func:`parse_space`; also if the file cannot be read.
    """
    text = text_of(path, "Search", ConfigError)
    return parse_space(text, source=str(path))


def parse_space(text: str, *, source: str = "search") -> Space:
    """Parse what is to be searched.

    Parameters
    ----------
    text : str
        TOML.
    source : str
        What to name in an error, for example the file.

    Raises
    ------
    ConfigError
        If it is not TOML, has unknown keys, or a range with an end that no configuration can have.

    Examples
    --------
    >>> space = parse_space('''
    ... config = "tiny"
    ... ranges.pruning.ramp_shift = { low = 1, high = 4 }
    ... ranges.weight_bits = [4, 8]
    ... ''')
    >>> list(space.ranges), space.configured({"weight_bits": 4}, seed=2).weight_bits
    (['pruning.ramp_shift', 'weight_bits'], 4)
    """
    values = values_of(text, "Search", ConfigError, source=source)
    try:
        file = _ADAPTER.validate_json(json.dumps(values, default=str))
    except ValidationError as e:
        raise ConfigError(f"{source}: " + "; ".join(validation_messages(e))) from e
    if len({*file.seeds}) < len(file.seeds):
        raise ConfigError(f"{source}: seeds must not have one twice")
    space = Space(
        ranges=_ranges(file.ranges, source),
        config=file.config,
        data=file.data,
        epochs=file.epochs,
        seeds=file.seeds,
        lanes=file.lanes,
        set=file.set,
    )
    if "seed" in file.set:
        raise ConfigError(f"{source}: set must not have seed, which is given by seeds")
    space.configured({}, seed=file.seeds[0])
    for name, ends in space.ends():
        try:
            space.configured({name: ends[name]}, seed=file.seeds[0])
        except ConfigError as e:
            # Another value may have to go with it; then all are as near to their beginning.
            try:
                space.configured(ends, seed=file.seeds[0])
            except ConfigError:
                raise ConfigError(f"{source}: ranges.{name}: {e}") from e
    return space


def _ranges(tables: Mapping[str, Any], source: str, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tables.items():
        name = prefix + key
        if isinstance(value, dict) and not {"low", "high"} & value.keys():
            if not value:
                raise ConfigError(f"{source}: ranges.{name} must have low and high")
            found |= _ranges(value, source, f"{name}.")
            continue
        if name in _FIXED:
            raise ConfigError(f"{source}: ranges must not have {name}: {_FIXED[name]}")
        text = json.dumps(value, default=str)
        try:
            if isinstance(value, dict):
                found[name] = _RANGE.validate_json(text)
            elif isinstance(value, list):
                found[name] = _CHOICES.validate_json(text)
            else:
                raise ConfigError(
                    f"{source}: ranges.{name} must be a table with low and high, or a list of "
                    f"choices, not {value!r}"
                )
        except ValidationError as e:
            if isinstance(value, list):
                raise ConfigError(
                    f"{source}: ranges.{name} must be a list of at least two whole numbers, texts "
                    f"or truth values, not {value!r}"
                ) from e
            messages = "; ".join(validation_messages(e))
            raise ConfigError(f"{source}: ranges.{name}: {messages}") from e
        if isinstance(value, list) and any(one in value[:n] for n, one in enumerate(value)):
            raise ConfigError(f"{source}: ranges.{name} must not have a choice twice")
    return found
