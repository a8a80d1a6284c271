"""A trained network, and the package that is made of it."""

# amaranth: UnusedElaboratable=no

from pathlib import Path

import pytest

from prunus_cli import Cli, digits, tiny, windows, write_digits
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


@pytest.fixture
def cli_with_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cli:
    """The command in a folder with groups and their images."""
    write_digits(tmp_path / "digits.npz", train=60, test=50)
    windows().save(tmp_path / "windows.npz")
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path, monkeypatch, capsys)
