"""How commands, tables and figures name networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prunus_model.spec.config import NetworkConfig

__all__ = ["pruning_label", "size_label"]


def size_label(config: NetworkConfig, neurons: int | None = None) -> str:
    """Return how commands name the size of a network.

    Parameters
    ----------
    config : NetworkConfig
        The network.
    neurons : int, optional
        Neurons of each group, if there were another number of them. Default: as configured.

    Examples
    --------
    >>> size_label(NetworkConfig.named("demo"))
    '100 neurons'
    """
    groups = f"{config.group_count} groups of " if config.groups else ""
    return f"{groups}{config.neurons if neurons is None else neurons} neurons"


def pruning_label(of: NetworkConfig | Mapping[str, Any]) -> str:
    """Return how tables and figures name a rule of pruning.

    Parameters
    ----------
    of : NetworkConfig or mapping
        A configuration, or a row of results with ``policy``.

    Examples
    --------
    >>> pruning_label(NetworkConfig.named("demo")), pruning_label({"policy": "none"})
    ('adaptive', 'none')
    """
    return str(of.pruning.policy if isinstance(of, NetworkConfig) else of["policy"])
