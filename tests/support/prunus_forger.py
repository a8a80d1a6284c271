"""Files of networks that are not what they say, for tests."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_model.common.errors import ArtifactError
from prunus_model.training.artifact import Artifact


def message_of(path: Path) -> str:
    """Return what loading says, after the name of the file."""
    with pytest.raises(ArtifactError) as caught:
        Artifact.load(path)
    start = f"Network file {path} must "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def unpack(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def array_bytes(array: Any, *, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


class Forger:
    """Changes members of a saved network; the archive is sound."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members = unpack(path)

    def save(self, *more: str) -> None:
        """Write the members, some of them once more."""
        with zipfile.ZipFile(self.path, "w") as archive:
            for name in (*self.members, *more):
                archive.writestr(name, self.members[name])

    def header(self, change: Callable[[dict[str, Any]], object]) -> None:
        header = json.loads(self.members["header.json"])
        change(header)
        self.members["header.json"] = json.dumps(header).encode()
        self.save()

    def array(self, name: str, change: Callable[[Any], Any]) -> None:
        """Replace an array by what `change` returns, or change it in place."""
        old = np.load(io.BytesIO(self.members[f"{name}.npy"]))
        new = change(old)
        self.members[f"{name}.npy"] = array_bytes(old if new is None else new)
        self.save()
