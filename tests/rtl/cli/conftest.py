"""Networks, images, and the command that makes packages of them."""

# amaranth: UnusedElaboratable=no

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from prunus_cli import Cli, digits, tiny, write_digits
from prunus_model.cli.group import _COMMANDS
from prunus_model.training.trainer import Trainer, train

_POINT = EntryPoint("generate", "prunus_rtl.cli.generate:generate", "prunus.commands")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks and images."""
    folder = tmp_path_factory.mktemp("files")
    write_digits(folder / "digits.npz", train=600, test=50)
    train(tiny(), digits(600)).save(folder / "net.npz")
    train(tiny("soft"), digits(100)).save(folder / "soft.npz")
    trainer = Trainer(tiny(), digits(100), epochs=50)
    trainer.advance()
    trainer.checkpoint().save(folder / "part.npz")
    return folder


@pytest.fixture
def cli(
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    for path in files.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    # Also where the package is not installed.
    monkeypatch.setitem(_COMMANDS, "generate", _POINT)
    return Cli(tmp_path, monkeypatch, capsys)
