"""A network file, and what changes it."""

from pathlib import Path

import pytest

from prunus_forger import Forger
from prunus_model.training.artifact import Artifact


@pytest.fixture
def path(trained: Artifact, tmp_path: Path) -> Path:
    trained.save(tmp_path / "tiny.npz")
    return tmp_path / "tiny.npz"


@pytest.fixture
def forger(path: Path) -> Forger:
    return Forger(path)
