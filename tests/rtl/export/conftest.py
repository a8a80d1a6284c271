"""A trained network, and the package that is made of it."""

# amaranth: UnusedElaboratable=no

import pytest

from prunus_cli import digits, tiny
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_package import Made


@pytest.fixture(scope="package")
def network() -> Artifact:
    """Ten neurons, adaptive pruning."""
    return train(tiny(), digits(2300))


@pytest.fixture(scope="package")
def inference(network: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("inference"), network, lanes=4)
