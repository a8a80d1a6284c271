"""Golden model of Prunus: a spiking network in exact integers that learns and prunes itself."""

from prunus_model.artifact import Artifact
from prunus_model.config import NetworkConfig
from prunus_model.datasets import load as load_data
from prunus_model.encoder import levels
from prunus_model.engine import Engine
from prunus_model.evaluation import evaluate
from prunus_model.network import Network
from prunus_model.training import train

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
