"""Changes of a configuration, as options, sweep lists and searches ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prunus_model.common.toml import merge

__all__ = ["change"]


def change(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Change values of a configuration.

    Parameters
    ----------
    values : dict
        Nested tables of a whole configuration; they are changed.
    changes : mapping
        Nested tables of other values. With another policy those of the old one go: the parameters
        of one policy are not those of another.

    Examples
    --------
    >>> values = {"seed": 1, "pruning": {"policy": "constant", "w_prune": 30}}
    >>> change(values, {"pruning": {"policy": "none"}})
    >>> values
    {'seed': 1, 'pruning': {'policy': 'none'}}
    """
    pruning, old = changes.get("pruning"), values["pruning"]["policy"]
    if isinstance(pruning, dict) and pruning.get("policy", old) != old:
        values["pruning"] = {}
    merge(values, changes)
