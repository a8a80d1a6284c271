"""Golden model of Prunus: a spiking network in exact integers that learns and prunes itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prunus_model.data.datasets import load as load_data
    from prunus_model.data.describe import describe
    from prunus_model.data.fitting import fitted
    from prunus_model.engine.engine import Engine
    from prunus_model.reference.network import Network
    from prunus_model.spec.config import NetworkConfig
    from prunus_model.spec.levels import levels
    from prunus_model.training.artifact import Artifact
    from prunus_model.training.evaluation import evaluate
    from prunus_model.training.trainer import train

__all__ = [
    "Artifact",
    "Engine",
    "Network",
    "NetworkConfig",
    "describe",
    "evaluate",
    "fitted",
    "levels",
    "load_data",
    "train",
]

#: Where each is. It is imported when it is used: the command line, which is below this package, has
#: to be there before the compiler is.
_HOMES = {
    "Artifact": ("training.artifact", "Artifact"),
    "Engine": ("engine.engine", "Engine"),
    "Network": ("reference.network", "Network"),
    "NetworkConfig": ("spec.config", "NetworkConfig"),
    "describe": ("data.describe", "describe"),
    "evaluate": ("training.evaluation", "evaluate"),
    "fitted": ("data.fitting", "fitted"),
    "levels": ("spec.levels", "levels"),
    "load_data": ("data.datasets", "load"),
    "train": ("training.trainer", "train"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
