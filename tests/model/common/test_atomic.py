import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prunus_cli import listing
from prunus_model.cli.common import BUNDLED, bundled
from prunus_model.common import atomic
from prunus_model.common.atomic import staged, write_atomically, write_json
from prunus_model.training.artifact import Artifact

KILLS = 20

#: Waits for a line, then writes in a process of its own until that is killed.
WRITER = """
import os, sys
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        for write in writes:
            write()
        print(os.getpid(), flush=True)
        while True:
            for write in writes:
                write()
    os.waitpid(child, 0)
    print("dead", flush=True)
"""

#: Without the package around it, which takes long to import.
BYTES = f"""
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("atomic", {atomic.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
path = pathlib.Path(sys.argv[1])
contents = [letter * 3_000_000 for letter in (b"a", b"b")]
writes = [lambda content=content: module.write_atomically(path, content) for content in contents]
"""

NETWORKS = """
import pathlib, sys
from prunus_model.training.artifact import Artifact
path = pathlib.Path(sys.argv[1])
artifacts = [Artifact.load(pathlib.Path(name)) for name in sys.argv[2:]]
writes = [lambda artifact=artifact: artifact.save(path) for artifact in artifacts]
"""


def killed(script: str, path: Path, *args: str, longest: float) -> Iterator[None]:
    """Write over and over; go on after each time that the writing process was killed."""
    rng = random.Random(0)
    with subprocess.Popen(
        [sys.executable, "-c", script + WRITER, str(path), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for _ in range(KILLS):
            print(file=writer.stdin, flush=True)
            child = int(writer.stdout.readline())
            time.sleep(rng.random() * longest)
            os.kill(child, signal.SIGKILL)
            assert writer.stdout.readline() == "dead\n"
            yield


def test_killed_while_writing_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    whole = [letter * 3_000_000 for letter in (b"a", b"b")]
    path.write_bytes(whole[0])
    for _ in killed(BYTES, path, longest=0.05):
        assert path.read_bytes() in whole
    # Most kills were in the middle of a file; what it had written is beside it.
    left = [p for p in tmp_path.iterdir() if p != path]
    assert len(left) >= KILLS // 4
    assert all(p.name.startswith(".prunus-") and p.suffix == ".tmp" for p in left)


def test_killed_while_saving_leaves_a_whole_network(trained: Artifact, tmp_path: Path) -> None:
    sources = [tmp_path / "a.npz", tmp_path / "b.npz"]
    trained.save(sources[0])
    sources[1].write_bytes(bundled(BUNDLED[0]).read_bytes())
    hashes = {Artifact.load(source).content_hash for source in sources}
    assert len(hashes) == 2
    path = tmp_path / "network.npz"
    trained.save(path)
    for _ in killed(NETWORKS, path, *map(str, sources), longest=0.1):
        assert Artifact.load(path).content_hash in hashes


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(listing(tmp_path)) == ["file"]


def test_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"x")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_longest_name_is_possible(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


def test_content_is_on_the_disk_before_it_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    seen = []

    def fsync(handle: int) -> None:
        seen.append((path.exists(), os.fstat(handle).st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(path, b"12345")
    assert seen == [(False, 5)]


@pytest.mark.parametrize("function", ["fsync", "chmod", "replace"])
def test_failure_leaves_the_older_file_and_nothing_else(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, function, fail)
        with pytest.raises(OSError, match="No space") as caught:
            write_atomically(path, b"new")
    assert str(caught.value) == f"[Errno 28] No space left on device: '{path}'"
    assert path.read_bytes() == b"old"
    assert list(listing(tmp_path)) == ["file"]


def test_interrupt_leaves_the_older_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupt(_handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(listing(tmp_path)) == ["file"]


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("none/file", "[Errno 2] No such file or directory"),
        ("below/file", "[Errno 20] Not a directory"),
        ("folder", "[Errno 21] Is a directory"),
    ],
)
def test_place_that_cannot_be_written_is_named(where: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "below").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    before = listing(tmp_path)
    with pytest.raises(OSError, match="Errno") as caught:
        write_atomically(tmp_path / where, b"x")
    assert str(caught.value) == f"{reason}: '{tmp_path / where}'"
    assert listing(tmp_path) == before


def test_json_is_written_into_a_new_folder_and_ends_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.json"
    for content in ({"x": [1, 2]}, {"y": "µ"}):
        write_json(path, content)
        text = path.read_text()
        assert json.loads(text) == content
        assert text.startswith('{\n "')
        assert text.endswith("\n}\n")
    assert list(listing(tmp_path)) == ["a", "a/b", "a/b/file.json"]


def test_folder_appears_complete_and_replaces_the_older_one(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "folder"
    for content in ("old", "new"):
        with staged(folder) as work:
            (work / content).write_text(content)
            assert work.parent.parent == folder.parent
            assert (folder / content).exists() is False
        assert [path.name for path in folder.iterdir()] == [content]
    assert list(listing(tmp_path)) == ["above", "above/folder", "above/folder/new"]


def test_folder_is_as_readable_as_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with staged(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_folder_that_is_not_completed_changes_nothing(
    failure: type[BaseException], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("old")
    before = listing(tmp_path)
    with pytest.raises(failure), staged(folder) as work:
        (work / "file").write_text("new")
        raise failure
    assert listing(tmp_path) == before


@pytest.mark.parametrize("older", [True, False])
@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()]
)
def test_folder_that_cannot_get_its_name_leaves_the_older_one(
    failure: BaseException, older: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    if older:
        folder.mkdir()
        (folder / "file").write_text("old")
    before = listing(tmp_path)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise failure
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(type(failure)) as caught, staged(folder) as work:
        (work / "file").write_text("new")
    if isinstance(failure, OSError):
        assert str(caught.value) == f"[Errno 28] No space left on device: '{folder}'"
    assert listing(tmp_path) == before


def test_older_folder_that_cannot_be_put_back_is_kept_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("old")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self == folder:
            return rename(self, target)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output error"), staged(folder):
        pass
    assert [path.read_text() for path in tmp_path.rglob("file")] == ["old"]


def test_error_without_a_name_is_told_of_the_folder_and_others_are_kept(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    full = errno.ENOSPC
    with pytest.raises(OSError, match="No space") as caught, staged(folder):
        raise OSError(full, os.strerror(full))
    assert str(caught.value) == f"[Errno 28] No space left on device: '{folder}'"
    with pytest.raises(OSError, match="No space") as caught, staged(folder):
        raise OSError(full, os.strerror(full), str(other))
    assert str(caught.value) == f"[Errno 28] No space left on device: '{other}'"
    with pytest.raises(OSError, match=r"^only text$"), staged(folder):
        raise OSError("only text")
    assert list(tmp_path.iterdir()) == []


def test_place_where_no_folder_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "below").write_bytes(b"")
    folder = tmp_path / "below" / "folder"
    before = listing(tmp_path)
    with pytest.raises(OSError, match="Errno") as caught, staged(folder):
        raise AssertionError("There is nothing to fill")
    assert str(caught.value) == f"[Errno 17] File exists: '{folder}'"
    assert listing(tmp_path) == before
