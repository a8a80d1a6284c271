"""A trained network, the commands that build, and tools that only pretend."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from prunus_cli import Cli, digits, tiny
from prunus_model.cli.group import _COMMANDS
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_tools import FakeTools


@pytest.fixture(scope="module")
def network() -> Artifact:
    return train(tiny(), digits(600))


@pytest.fixture
def cli(
    network: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    folder = tmp_path / "work"
    folder.mkdir()
    network.save(folder / "net.npz")
    monkeypatch.chdir(folder)
    # Builds are registered below the user's data folder.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("bitstream", "flash"):
        point = EntryPoint(name, f"prunus_boards.cli.bitstream:{name}", "prunus.commands")
        monkeypatch.setitem(_COMMANDS, name, point)
    return Cli(folder, monkeypatch, capsys)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    return FakeTools(tmp_path / "tools", monkeypatch)
