"""Configurations as the options of `prunus train` change them, and what of them was said."""

from __future__ import annotations

from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from prunus_model.cli.common import load_config
from prunus_model.common.errors import ConfigError
from prunus_model.common.toml import parse_toml, read_text
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presets import PRESETS

__all__ = ["configure"]


def configure(
    name: str,
    *,
    seed: int | None,
    policy: str | None,
    settings: tuple[str, ...],
) -> tuple[NetworkConfig, frozenset[str]]:
    """Return a configuration, and the keys that its file or a setting has.

    A preset says nothing: it is made for many data.

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
        _merge(changes, _parse(setting))
    values = load_config(name).to_mapping()
    said = {*_keys(changes)}
    if name not in PRESETS:
        said |= {*_keys(parse_toml(read_text(Path(name))))}
    pruning, old = changes.get("pruning"), values["pruning"]["policy"]
    if isinstance(pruning, dict) and pruning.get("policy", old) != old:
        # The parameters of one policy are not those of another.
        values["pruning"] = {}
    _merge(values, changes)
    return NetworkConfig.from_mapping(values, source="Configuration"), frozenset(said)


def _keys(values: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the keys of all values, with dots."""
    found = []
    for key, value in values.items():
        found += _keys(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
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


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            _merge(values[key], change)
        else:
            values[key] = change
