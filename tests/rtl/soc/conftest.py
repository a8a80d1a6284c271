"""A trained network."""

import pytest

from prunus_cli import digits, tiny
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train


@pytest.fixture(scope="package")
def network() -> Artifact:
    """Ten neurons, adaptive pruning."""
    return train(tiny(), digits(2300))
