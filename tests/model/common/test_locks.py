"""One process at a time writes an output; what killed ones left is removed, and nothing else."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prunus_cli import listing
from prunus_model.common import locks
from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import PrunusError
from prunus_model.common.leftovers import clean
from prunus_model.common.locks import claimed, lock

HOLDER = """
import pathlib, sys, time
from prunus_model.common.locks import claimed
with claimed(pathlib.Path(sys.argv[1])):
    print("claimed", flush=True)
    time.sleep(600)
"""
WRITER = """
import os, pathlib, sys, time
from prunus_model.common.atomic import write_atomically
def wait(_handle):
    print("written", flush=True)
    time.sleep(600)
os.fsync = wait
write_atomically(pathlib.Path(sys.argv[1]), b"content")
"""


def started(script: str, path: Path) -> subprocess.Popen[str]:
    """Start a process, and wait until it has said so."""
    running = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() != ""
    return running


def kill(running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGKILL)
    running.communicate()


def test_output_is_claimed_by_one_process_and_by_the_next_when_that_is_killed(
    tmp_path: Path,
) -> None:
    path, link = tmp_path / "n.npz", tmp_path / "link.npz"
    link.symlink_to(path)
    running = started(HOLDER, path)
    try:
        for name in (path, link):
            with pytest.raises(PrunusError) as caught, claimed(name):
                pass
            assert str(caught.value) == (
                f"Output {name} is being written by process {running.pid} on {os.uname().nodename}"
            )
        # Neither other outputs nor those who clean up are in the way.
        with claimed(tmp_path / "other.npz"):
            pass
        assert clean(tmp_path) == ""
        with pytest.raises(PrunusError), claimed(path):
            pass
    finally:
        kill(running)
    with claimed(path):
        assert len(list(tmp_path.glob(".prunus-*.lock"))) == 1
    assert set(listing(tmp_path)) == {"link.npz"}


def test_who_has_an_output_is_told_without_a_killed_one_before(tmp_path: Path) -> None:
    output = tmp_path / "a"
    with claimed(output):
        (lock_file,) = tmp_path.iterdir()
    lock_file.write_text("process 1 on a machine with a long name" * 3)
    with claimed(output), pytest.raises(PrunusError) as caught, claimed(output):
        pass
    told = f"Output {output} is being written by process {os.getpid()} on {os.uname().nodename}"
    assert str(caught.value) == told


def test_claim_is_given_back_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), claimed(tmp_path / "a"):
            raise ZeroDivisionError
    assert listing(tmp_path) == {}


def test_claim_holds_where_the_disk_is_full_and_where_there_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", fail)
    with claimed(tmp_path / "a"), pytest.raises(PrunusError, match=r"by another$"):  # noqa: SIM117
        with claimed(tmp_path / "a"):
            pass
    monkeypatch.setattr(fcntl, "flock", fail)
    with claimed(tmp_path / "a"):
        (tmp_path / ".prunus-x.tmp").touch()
        # Whether anybody needs it is not known.
        assert clean(tmp_path) == ""
    assert set(listing(tmp_path)) == {".prunus-x.tmp"}


def test_lock_that_its_owner_removed_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[int] = []

    def removed(handle: int) -> bool | None:
        if not locked:
            next(tmp_path.glob(".prunus-*.lock")).unlink()
        locked.append(handle)
        return lock(handle)

    monkeypatch.setattr(locks, "lock", removed)
    with claimed(tmp_path / "a"):
        assert len(list(tmp_path.glob(".prunus-*.lock"))) == 1
        assert len(locked) == 2


def test_leftovers_of_killed_processes_are_removed_and_no_other_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    running = started(WRITER, path)
    (own := tmp_path / "mine.tmp").touch()
    (other := tmp_path / ".prunus-notes").touch()
    (link := tmp_path / ".prunus-link.tmp").symlink_to(own)
    (folder := tmp_path / ".prunus-folder.tmp").mkdir()
    kept = {own, other, link, folder}
    (scratch,) = {*tmp_path.iterdir()} - kept
    assert clean(tmp_path) == ""
    assert scratch.exists()
    kill(running)
    assert clean(tmp_path) == f"Removed from {tmp_path} what a killed run had left: {scratch.name}"
    assert {*tmp_path.iterdir()} == kept


def test_scratch_file_found_by_who_cleans_up_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its making and its lock."""
    seen: list[str] = []

    def slow(handle: int) -> bool | None:
        seen.append(clean(tmp_path) if not seen else "")
        return lock(handle)

    monkeypatch.setattr("prunus_model.common.atomic.lock", slow)
    write_atomically(tmp_path / "a", b"x")
    assert seen[0].startswith(f"Removed from {tmp_path}") and seen[1:] == [""]
    assert list(listing(tmp_path)) == ["a"]


def test_a_moment_of_cleaning_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [False, False, None]
    slept: list[float] = []
    monkeypatch.setattr(locks, "lock", lambda _handle: answers.pop(0))
    monkeypatch.setattr(time, "sleep", slept.append)
    with claimed(tmp_path / "a"):
        assert (answers, len(slept)) == ([], 2)
