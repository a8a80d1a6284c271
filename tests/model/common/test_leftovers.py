"""Killed at any line while a folder is replaced: nothing is lost, and the next start cleans up."""

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from prunus_cli import listing
from prunus_model.common import atomic, leftovers
from prunus_model.common.atomic import staged
from prunus_model.common.leftovers import clean

#: For each number on stdin, a process of its own replaces a folder, and kills itself before the
#: line of `atomic` that is the nth to be run; also below folders that are not there yet.
REPLACER = f"""
import importlib.util, os, pathlib, resource, signal, sys
spec = importlib.util.spec_from_file_location("atomic", {atomic.__file__!r})
atomic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(atomic)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
for number in sys.stdin:
    if (child := os.fork()) == 0:
        left = [int(number)]
        def trace(frame, event, _):
            if frame.f_code.co_filename != atomic.__file__:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace
        sys.settrace(trace)
        with atomic.staged(pathlib.Path(sys.argv[1])) as folder:
            (folder / "file").write_text("new")
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever is left be old enough."""
    monkeypatch.setattr(leftovers, "_YOUNG", 0.0)


@pytest.mark.usefixtures("old")
def test_killed_at_any_line_leaves_one_whole_folder_and_nothing_after_the_next_start(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "folder"
    whole = {
        text: {"folder": "folder", "folder/file": _digest(tmp_path, text)}
        for text in ("old", "new")
    }
    restored = found = 0
    with subprocess.Popen(
        [sys.executable, "-c", REPLACER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None and running.stdout is not None
        for line in count(1):
            folder.mkdir(exist_ok=True)
            (folder / "file").write_text("old")
            print(line, file=running.stdin, flush=True)
            if (status := int(running.stdout.readline())) == 0:
                break
            assert status == -signal.SIGKILL
            left = [path.name for path in tmp_path.glob(".*.tmp")]
            told = clean(tmp_path)
            assert bool(told) == bool(left)
            assert all(name in told for name in left)
            restored += "put back: folder" in told
            found += bool(left)
            assert listing(tmp_path) in whole.values()
    assert found > 10
    # Between the two renames.
    assert restored > 0
    assert listing(tmp_path) == whole["new"]


def _digest(folder: Path, text: str) -> str:
    (folder / "file").write_text(text)
    found = listing(folder)["file"]
    (folder / "file").unlink()
    return found


@pytest.mark.usefixtures("old")
def test_what_a_living_process_writes_stays(tmp_path: Path) -> None:
    with staged(tmp_path / "folder") as folder:
        (folder / "file").write_text("x")
        assert clean(tmp_path) == ""
        assert (folder / "file").exists()
    assert list(listing(tmp_path)) == ["folder", "folder/file"]


def test_what_is_young_stays(tmp_path: Path) -> None:
    """Another process may have made a folder, and not have taken it yet."""
    left = tmp_path / ".prunus-abc.tmp"
    left.mkdir()
    assert clean(tmp_path) == ""
    os.utime(left, (0, 0))
    assert clean(tmp_path) == f"Removed from {tmp_path} what a killed run had left: {left.name}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("old")
def test_other_files_and_links_stay(tmp_path: Path) -> None:
    for name in (".prunus-abc", "prunus-abc.tmp", ".other.tmp"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".prunus-link.tmp").symlink_to(tmp_path / "prunus-abc.tmp")
    before = listing(tmp_path)
    assert clean(tmp_path) == ""
    assert listing(tmp_path) == before
    assert clean(tmp_path / "none") == ""


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize("name", ["..", "../other", "there"])
def test_older_folder_takes_no_name_but_its_own_and_none_that_is_taken(
    tmp_path: Path, name: str
) -> None:
    inner = tmp_path / "inner"
    (inner / "there").mkdir(parents=True)
    (left := inner / ".prunus-abc.tmp").mkdir()
    (left / "old").mkdir()
    (left / "name").write_text(name)
    assert "put back" not in clean(inner)
    assert list(listing(tmp_path)) == ["inner", "inner/there"]


def test_failure_leaves_no_folder_above(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "a" / "b" / "c" / "d"):
        raise KeyboardInterrupt
    assert list(listing(tmp_path)) == ["a"]
    with staged(tmp_path / "a" / "b" / "c" / "d") as folder:
        (folder / "file").write_text("x")
    assert set(listing(tmp_path)) == {"a", "a/b", "a/b/c", "a/b/c/d", "a/b/c/d/file"}
