"""The command line, in a folder of its own."""

from pathlib import Path

import pytest

from prunus_cli import Cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path, monkeypatch, capsys)
