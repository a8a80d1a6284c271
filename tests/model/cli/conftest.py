"""Fixtures: the command line beside data, and what a training must make."""

import pytest

from prunus_cli import Cli, write_digits
from prunus_model.data.datasets import load
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_train import TINY


@pytest.fixture
def here(cli: Cli) -> Cli:
    """The command line beside `digits.npz`."""
    write_digits(cli.folder / "digits.npz")
    return cli


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """What `TRAIN` must make."""
    path = write_digits(tmp_path_factory.mktemp("data") / "digits.npz")
    return train(TINY, load(str(path), "train"), epochs=2)
