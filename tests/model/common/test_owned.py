"""Tools end with the process that has started them, however that ends, and so do theirs."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from prunus_model.common.owned import owned, run

#: Runs a tool in the thread that there is, or in another, and is killed meanwhile.
OWNER = """
import sys, threading
from prunus_model.common.owned import run
work = lambda: run(["sh", "-c", sys.argv[2]])
if sys.argv[1] == "thread":
    other = threading.Thread(target=work)
    other.start()
    other.join()
else:
    work()
"""
#: A tool with a child; both have the pipe open.
TOOL = "exec > pipe; sleep 3600 & echo; wait"


@pytest.fixture
def pipe(tmp_path: Path) -> int:
    """A pipe that tools write to: its end comes when none of them is left."""
    os.mkfifo(tmp_path / "pipe")
    return os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)


def read(pipe: int) -> bytes:
    assert select.select([pipe], [], [], 600)[0]
    return os.read(pipe, 9)


@pytest.mark.parametrize("tool", [TOOL, f"trap '' TERM; {TOOL}"], ids=["ending", "deaf"])
@pytest.mark.parametrize("thread", ["main", "thread"])
def test_killed_owner_leaves_no_process(tmp_path: Path, pipe: int, thread: str, tool: str) -> None:
    command = [sys.executable, "-c", OWNER, thread, tool]
    with subprocess.Popen(command, cwd=tmp_path) as owner:
        assert read(pipe) == b"\n"
        owner.send_signal(signal.SIGKILL)
    assert read(pipe) == b""


@pytest.mark.parametrize("status", [None, 0])
def test_only_a_process_that_is_ended_loses_its_folder(
    tmp_path: Path, pipe: int, status: int | None
) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    tool = TOOL if status is None else "exec > pipe; echo"
    with owned(["sh", "-c", tool], scratch=scratch, cwd=tmp_path) as process:
        assert read(pipe) == b"\n"
        if status is not None:
            assert process.wait() == status
    assert read(pipe) == b""
    assert scratch.exists() == (status is not None)


def test_tool_is_run_as_without_a_process_between(tmp_path: Path) -> None:
    """Exit status, output, folder, environment, signals, and nothing to read."""
    tool = "pwd; echo $A; cat; trap; echo said >&2; exit 3"
    done = run(["sh", "-c", tool], cwd=tmp_path, env={"A": "b", "PATH": os.environ["PATH"]})
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}\nb\n", "said\n")
    assert run(["sh", "-c", "kill -9 $$"]).returncode == 128 + 9
    assert run(["sh", "-c", "kill $$"]).returncode == 128 + 15


def test_tool_that_takes_too_long_is_ended_with_all_that_it_has_started(
    tmp_path: Path, pipe: int
) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sh", "-c", TOOL], seconds=3, cwd=tmp_path)
    assert read(pipe) == b"\n"
    assert read(pipe) == b""


def test_tool_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    done = run([missing])
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == f"{missing}: No such file or directory\n"
