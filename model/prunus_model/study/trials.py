"""Sweep lists: what is to be trained and tested, declared in TOML.

Settings are chosen on a validation split: with ``validate = true`` a network is trained on the
training images but for the last sixth of them (of MNIST, the last 10,000), and tested on that
sixth. ``choosing_seeds``, beside the entries, are seeds on whose *test* images settings were chosen
all the same: what is claimed is judged by other seeds.

A list has entries, ``[[sweeps]]``. Each belongs to a part, which `--only` can choose, and stands
for every combination of what it lists: data sets, configurations, policies with their parameters,
widths of weights, seeds. See ``paper.toml`` beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from prunus_model.common.errors import ConfigError
from prunus_model.common.toml import text_of, values_of
from prunus_model.common.validation import STRICT, validation_messages
from prunus_model.spec.changes import change
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import STEP_BITS, VOTE_BITS_MAX, WEIGHT_BITS_MAX, max_of
from prunus_model.spec.presets import PRESETS
from prunus_model.spec.pruning import POLICIES
from prunus_model.spec.readout import Votes
from prunus_model.study.rule import Rule

__all__ = ["Sweep", "Trial", "dotted", "parse_trials", "read_trials"]

#: What an entry says by keys of its own, so that it cannot be in ``set`` too.
_OWN_KEYS = ("pruning", "seed", "weight_bits")
#: Keys whose values are tested on one trained network.
_READOUT = ("stop_after", "margin", "votes", "vote_bits")
#: By which key of a sweep list, where it is another.
_GIVEN_BY = {"pruning": "policies", "seed": "seeds"}


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Sweep:
    """An entry of a sweep list: every combination of its lists.

    Parameters
    ----------
    part : str
        Name of the part of the list that it belongs to; lower-case letters, digits, hyphens.
    policies : tuple of dict
        Each a table with ``policy``, its parameters (a list stands for each of its values) and
        perhaps a ``label``, by which tables and figures name it. What is not given is as in the
        configuration if that has the same policy, and the default otherwise.
    seeds : tuple of int
        Seeds; trials that differ in the policy alone are paired by them.
    epochs : int
        How often each training image is shown.
    config : tuple of str
        Named configurations.
    data : tuple of str
        Data sets, as :func:`prunus_model.data.datasets.load` takes them.
    weight_bits : tuple of int
        Widths of weights; default: as configured.
    stop_after, margin : tuple of int
        Early exits and margins of the sequential test; 0 means none. Each is combined with each,
        and tested on the same trained network.
    votes : tuple of str
        ``shares`` or ``logarithms``, tested on the same network too; default: as configured.
    vote_bits : tuple of int
        Widths of votes; default: as configured.
    validate : bool
        Whether the last sixth of the training images takes the place of the test images, and is
        not trained with.
    set : dict
        Other values of the configuration, as nested tables.
    """

    part: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    policies: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    epochs: Annotated[int, Field(ge=1)]
    config: Annotated[tuple[str, ...], Field(min_length=1)] = ("paper",)
    data: Annotated[tuple[str, ...], Field(min_length=1)] = ("mnist",)
    weight_bits: tuple[Annotated[int, Field(ge=1, le=WEIGHT_BITS_MAX)], ...] = ()
    stop_after: Annotated[
        tuple[Annotated[int, Field(ge=0, le=max_of(STEP_BITS))], ...], Field(min_length=1)
    ] = (0,)
    margin: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    votes: tuple[Votes, ...] = ()
    vote_bits: tuple[Annotated[int, Field(ge=1, le=VOTE_BITS_MAX)], ...] = ()
    validate: bool = False
    set: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("seeds", "config", "data", "weight_bits", *_READOUT):
            values = getattr(self, name)
            for n, value in enumerate(values):
                if value in values[:n]:
                    raise ValueError(f"{name} must not have {value!r} twice")
        for name in self.config:
            if name not in PRESETS:
                raise ValueError(f"config must be of {', '.join(PRESETS)}, not {name!r}")
        for name in _OWN_KEYS:
            if name in self.set:
                own = _GIVEN_BY.get(name, name)
                raise ValueError(f"set must not have {name}, which is given by {own}")


@plain_dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One training and its tests.

    Attributes
    ----------
    part, label : str
        Part of the list, and by which name tables and figures show it; may be empty.
    data : str
        Data set.
    config_name : str
        Named configuration that it began with.
    config : NetworkConfig
        All parameters.
    epochs : int
        How often each training image is shown.
    rules : tuple of Rule
        How the network is to be tested.
    settings : dict
        What else was set.
    validate : bool
        Whether it is tested on the last sixth of the training images.
    chose : bool
        Whether settings were chosen by its result: as validation, or by a seed that did.
    """

    part: str
    label: str
    data: str
    config_name: str
    config: NetworkConfig
    epochs: int
    rules: tuple[Rule, ...]
    settings: Mapping[str, Any]
    validate: bool = False
    chose: bool = False


_SEEDS = TypeAdapter(tuple[Annotated[int, Field(ge=0)], ...], config=STRICT)
_ENTRY = TypeAdapter(Sweep)


def read_trials(path: Path) -> list[Trial]:
    """Read a sweep list from a TOML file.

    Raises
    ------
    ConfigError
        As :func:`parse_trials`; also if the file cannot be read.
    """
    text = text_of(path, "Sweep list", ConfigError)
    return parse_trials(text, source=str(path))


def parse_trials(text: str, *, source: str = "sweep list") -> list[Trial]:
    """Parse a sweep list and write out every trial in it, in the order of the list.

    Parameters
    ----------
    text : str
        TOML.
    source : str
        What to name in an error, for example the file.

    Returns
    -------
    list of Trial
        The same training may be in it more than once, in several parts.

    Raises
    ------
    ConfigError
        If it is not TOML, has unknown keys, no trials, or values that are wrong or contradictory.

    Examples
    --------
    >>> trials = parse_trials('''
    ... [[sweeps]]
    ... part = "pareto"
    ... epochs = 2
    ... seeds = [1, 2]
    ... policies = [{ policy = "none" }, { policy = "soft", percent = [50, 70] }]
    ... ''')
    >>> [(trial.config.pruning.policy, trial.config.seed) for trial in trials]
    [('none', 1), ('none', 2), ('soft', 1), ('soft', 2), ('soft', 1), ('soft', 2)]
    """
    values = values_of(text, "Sweep list", ConfigError, source=source)
    if unknown := [key for key in values if key not in ("sweeps", "choosing_seeds")]:
        raise ConfigError(f"{source}: Key {unknown[0]!r} is unknown")
    entries = values.get("sweeps", [])
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{source}: Sweep list must have at least one [[sweeps]]")
    try:
        choosing = _SEEDS.validate_json(json.dumps(values.get("choosing_seeds", []), default=str))
    except ValidationError as e:
        raise ConfigError(f"{source}: choosing_seeds must be a list of seeds") from e
    trials: list[Trial] = []
    for number, entry in enumerate(entries, start=1):
        where = f"{source}: sweeps {number}"
        trials += _expand(_entry(entry, where), choosing, where)
    return trials


def _entry(entry: Any, where: str) -> Sweep:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: Entry must be a table, not {entry!r}")
    try:
        # Strict mode takes lists for tuples only from JSON; dates, which TOML has, become text.
        return _ENTRY.validate_json(json.dumps(entry, default=str))
    except ValidationError as e:
        raise ConfigError(f"{where}: " + "; ".join(validation_messages(e))) from e


def _expand(entry: Sweep, choosing: Collection[int], where: str) -> Iterator[Trial]:
    grid = [
        point
        for number, table in enumerate(entry.policies, start=1)
        for point in _points(table, f"{where}: policies {number}")
    ]
    widths = entry.weight_bits or (None,)
    for data, name, bits, (label, policy), seed in product(
        entry.data, entry.config, widths, grid, entry.seeds
    ):
        config = _configured(name, entry.set, policy, seed, bits, where)
        yield Trial(
            part=entry.part,
            label=label,
            data=data,
            config_name=name,
            config=config,
            epochs=entry.epochs,
            rules=_rules(entry, config, where),
            settings=entry.set,
            validate=entry.validate,
            chose=entry.validate or seed in choosing,
        )


def _rules(entry: Sweep, config: NetworkConfig, where: str) -> tuple[Rule, ...]:
    """Return the tests of an entry, each possible with a configuration."""
    of = config.readout
    rules = tuple(
        Rule(*values)
        for values in product(
            entry.votes or (of.votes,),
            entry.vote_bits or (of.vote_bits,),
            entry.stop_after,
            entry.margin,
        )
    )
    for rule in rules:
        config.with_readout(**rule.readout, source=where)
    return rules


def _points(table: dict[str, Any], where: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every combination of the values of the parameters of a policy, with the label."""
    values = dict(table)
    label = values.pop("label", "")
    if not isinstance(label, str):
        raise ConfigError(f"{where}: label must be a text, not {label!r}")
    policy = values.get("policy")
    if not isinstance(policy, str) or policy not in POLICIES:
        raise ConfigError(f"{where}: policy must be one of {', '.join(POLICIES)}, not {policy!r}")
    choices = []
    for name, value in values.items():
        listed = value if isinstance(value, list) else [value]
        if not listed:
            raise ConfigError(f"{where}: {name} must have at least one value")
        for n, one in enumerate(listed):
            if one in listed[:n]:
                raise ConfigError(f"{where}: {name} must not have {one!r} twice")
        choices.append([(name, one) for one in listed])
    return [(label, dict(point)) for point in product(*choices)]


def _configured(
    name: str,
    settings: Mapping[str, Any],
    policy: dict[str, Any],
    seed: int,
    bits: int | None,
    where: str,
) -> NetworkConfig:
    values = NetworkConfig.named(name).to_mapping()
    width = {} if bits is None else {"weight_bits": bits}
    change(values, {"pruning": policy, "seed": seed, **width, **settings})
    return NetworkConfig.from_mapping(values, source=where)


def dotted(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of nested tables, each by its dotted name.

    Examples
    --------
    >>> dotted({"seed": 3, "stdp": {"trace_window": 9}})
    {'seed': 3, 'stdp.trace_window': 9}
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        found |= {prefix + name: value} if inner is None else inner
    return found
