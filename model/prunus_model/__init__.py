"""Golden model of Prunus: a spiking network in exact integers that learns and prunes itself."""

from prunus_model.data.datasets import load as load_data
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
    "evaluate",
    "levels",
    "load_data",
    "train",
]
