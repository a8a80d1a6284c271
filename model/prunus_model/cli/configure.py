"""Configurations as the options of `prunus train` change them, and what of them was said."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from prunus_model.cli.common import load_config
from prunus_model.common.errors import ConfigError
from prunus_model.common.toml import merge, parse_toml, read_text
from prunus_model.spec.changes import change
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EventsParams
from prunus_model.spec.presets import PRESETS

__all__ = ["configure", "parsed"]


def configure(
    name: str,
    *,
    seed: int | None,
    policy: str | None,
    settings: tuple[str, ...],
) -> tuple[NetworkConfig, dict[str, Any]]:
    """Return a configuration, and what its file or a setting says: values by keys with dots.

    A preset says nothing: it is made for many data. Events that do not fit the inputs are left out
    of the configuration: :func:`prunus_model.data.events.fitting.fitted` completes what is said of
    them.

    Raises
    ------
    ConfigError
        If anything is wrong.
    """
    changes: dict[str, Any] = {}
    if seed is not None:
        changes["seed"] = seed
    if policy is not None:
        changes["pruning"] = {"policy": policy}
    for setting in settings:
        merge(changes, _parse(setting))
    said: dict[str, Any] = {}
    if name not in PRESETS:
        # If it can't be read, load_config tells why.
        with suppress(ValueError):
            said = parse_toml(read_text(Path(name)))
    values = _built(said, lambda: load_config(name), name).to_mapping()
    change(values, changes)
    merge(said, changes)
    source = "Configuration"
    built = _built(values, lambda: NetworkConfig.from_mapping(values, source=source), source)
    return built, _flat(said)


def parsed(settings: tuple[str, ...]) -> dict[str, Any]:
    """Return what settings say, as nested tables.

    Raises
    ------
    ConfigError
        If one is not KEY=VALUE.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        merge(values, _parse(setting))
    return values


def _built(
    values: dict[str, Any], build: Callable[[], NetworkConfig], source: str
) -> NetworkConfig:
    """Build a configuration of values; without its events if these, though valid, do not fit."""
    try:
        return build()
    except ConfigError as wrong:
        try:
            EventsParams(**values["encoder"]["events"])
        except (KeyError, TypeError, ValueError):
            raise wrong from None
        rest = {**values, "encoder": {**values["encoder"], "events": None}}
        return NetworkConfig.from_mapping(rest, source=source)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return all values by keys with dots; an empty table is a value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def _parse(setting: str) -> dict[str, Any]:
    key, equals, value = setting.partition("=")
    if not equals:
        raise ConfigError(f"Setting must be KEY=VALUE, not {setting!r}")
    for text in (value, f'"{value}"'):
        try:
            return parse_toml(f"{key} = {text}")
        except TOMLDecodeError:
            continue
        except ValueError as e:
            raise ConfigError(f"Setting {key[:40]!r}: {e}") from e
    raise ConfigError(f"Setting must be KEY=VALUE as in TOML, not {setting!r}")
