import errno
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from prunus_cli import listing
from prunus_model.cli.common import BUNDLED, bundled
from prunus_model.common import atomic
from prunus_model.common.atomic import staged, write_atomically, write_json
from prunus_model.common.errors import PrunusError
from prunus_model.training.artifact import Artifact

#: For each line on stdin, a process of its own writes, and kills itself: before a line of `atomic`
#: that is the nth to be run, or as soon as a file gets longer than n bytes.
WRITER = """
import os, resource, signal, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def kill_at_line(n):
    left = [n]
    def trace(frame, event, _):
        if frame.f_code.co_filename != atomic.__file__:
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
def kill_at_byte(n):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
for line in sys.stdin:
    what, n = line.split()
    child = os.fork()
    if child == 0:
        {"line": kill_at_line, "byte": kill_at_byte}[what](int(n))
        write()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

#: Without the package around it, which takes long to import.
BYTES = f"""
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("atomic", {atomic.__file__!r})
atomic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(atomic)
write = lambda: atomic.write_atomically(pathlib.Path(sys.argv[1]), b"b" * 3_000_000)
"""

NETWORK = """
import pathlib, sys
from prunus_model.common import atomic
from prunus_model.training.artifact import Artifact
artifact = Artifact.load(pathlib.Path(sys.argv[2]))
write = lambda: artifact.save(pathlib.Path(sys.argv[1]))
"""


@contextmanager
def writer(script: str, path: Path, *args: str) -> Iterator[Callable[[str, int], int]]:
    """Give a function that writes, is killed at a line or byte, and returns its exit status."""
    with subprocess.Popen(
        [sys.executable, "-c", script + WRITER, str(path), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        stdin, stdout = running.stdin, running.stdout
        assert stdin is not None
        assert stdout is not None

        def write(what: str, number: int) -> int:
            print(what, number, file=stdin, flush=True)
            return int(stdout.readline())

        yield write


def test_killed_while_writing_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old, new = b"a" * 3_000_000, b"b" * 3_000_000
    path.write_bytes(old)
    with writer(BYTES, path) as write:
        sizes = [0, 1, 1_500_000, len(new) - 1]
        for size in sizes:
            assert write("byte", size) == -signal.SIGXFSZ
            assert path.read_bytes() == old
        # What they had written is beside it.
        left = [p for p in tmp_path.iterdir() if p != path]
        assert sorted(p.stat().st_size for p in left) == sizes
        assert all(p.name.startswith(".prunus-") and p.suffix == ".tmp" for p in left)
        found = []
        for line in count(1):
            if (status := write("line", line)) == 0:
                break
            assert status == -signal.SIGKILL
            found.append(path.read_bytes())
    # At first the older one, and the new one from a line on.
    changes = found.count(old)
    assert 5 < changes <= len(found)
    assert found == [old] * changes + [new] * (len(found) - changes)
    assert path.read_bytes() == new


def test_killed_while_saving_leaves_a_whole_network(trained: Artifact, tmp_path: Path) -> None:
    path, source = tmp_path / "network.npz", bundled(BUNDLED[0])
    trained.save(path)
    old, new = trained.content_hash, Artifact.load(source).content_hash
    assert old != new
    with writer(NETWORK, path, str(source)) as write:
        for size in (0, 1000, source.stat().st_size // 2):
            assert write("byte", size) == -signal.SIGXFSZ
            assert Artifact.load(path).content_hash == old
        for line in count(1):
            if (status := write("line", line)) == 0:
                break
            assert status == -signal.SIGKILL
            assert Artifact.load(path).content_hash in (old, new)
    assert line > 5
    assert Artifact.load(path).content_hash == new


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


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_of_a_number_that_is_not_finite_leaves_the_older_file(
    value: float, tmp_path: Path
) -> None:
    write_json(tmp_path / "results.json", {"watts": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "results.json", {"watts": value})
    assert json.loads((tmp_path / "results.json").read_text()) == {"watts": 1.0}
    assert [*listing(tmp_path)] == ["results.json"]


def test_folder_appears_complete_and_replaces_the_older_one(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "folder"
    for content in ("old", "new"):
        with staged(folder) as work:
            (work / content).write_text(content)
            assert work.parent.parent == folder.parent
            assert (folder / content).exists() is False
        assert [path.name for path in folder.iterdir()] == [content]
    assert list(listing(tmp_path)) == ["above", "above/folder", "above/folder/new"]


def test_folder_is_filled_by_one_at_a_time(tmp_path: Path) -> None:
    with staged(tmp_path / "a" / "folder") as work:
        (work / "x").touch()
        told = pytest.raises(PrunusError, match=r"folder is being written by process \d")
        with told, staged(tmp_path / "a" / "folder"):
            raise AssertionError
        with staged(tmp_path / "a" / "other"):
            pass
    assert set(listing(tmp_path)) == {"a", "a/folder", "a/folder/x", "a/other"}


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
