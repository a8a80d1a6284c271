"""Configurations of other versions: a key that is no longer there, and keys that came later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["identity", "without_former"]

#: Parameters that the first files of the present format do not have, by table.
_LATER = {
    "encoder": ("spikes", "refractory_steps", "contrast", "events"),
    "readout": ("votes", "margin"),
}
#: Tables that they do not have.
_LATER_TABLES = ("groups", "feedforward")
#: A table of version 0.1.0.
_FORMER = "redundancy"


def without_former(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values of a configuration without the key that only version 0.1.0 had.

    Raises
    ------
    ValueError
        If it was used there.
    """
    # A damaged file may hold no table.
    if not isinstance(values, dict) or _FORMER not in values:
        return values
    values = dict(values)
    if values.pop(_FORMER) is not None:
        raise ValueError(
            f"{_FORMER} must be left out: pruning of redundant inputs is no longer there; train "
            "the network again without it, or use Prunus 0.1.0"
        )
    return values


def identity(values: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """Return what hashes cover of a configuration: later parameters only if they are used.

    Parameters
    ----------
    values, default : mapping
        Nested tables of the configuration, and of the default one; complete.
    """
    covered = dict(values)
    for table, names in _LATER.items():
        covered[table] = {
            name: value
            for name, value in values[table].items()
            if name not in names or value != default[table][name]
        }
    for table in _LATER_TABLES:
        if covered[table] is None:
            del covered[table]
    # Published hashes cover that it was not used.
    return covered | {_FORMER: None}
