"""Processes that end with the one that has started them, however that ends, with all of theirs.

This file is a program, too: it stands between the two and leads a group of processes. Nobody writes
to its standard input, which ends when the owner does; then it ends the group.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["owned", "run"]

#: Seconds from asking a process to end to ending it.
_PATIENCE = 10.0


@contextmanager
def owned(
    command: Sequence[str], *, scratch: Path | None = None, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Start a process that ends with this one, and with the context; so does all that it starts.

    It is in a session of its own: Ctrl-C is for its owner alone. A tool that can't be started has
    the exit status 127; one that was ended by a signal, 128 + its number.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    scratch : Path, optional
        Folder that is removed once the process was ended.
    options : object
        Of :class:`subprocess.Popen`, but for ``stdin``.
    """
    # Without the packages of an environment, which it does not need.
    guard = [
        getattr(sys, "_base_executable", sys.executable),
        "-I",
        "-S",
        __file__,
        str(scratch or ""),
        *command,
    ]
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as owner:
        with os.fdopen(reading, "rb") as pipe:
            process = subprocess.Popen(guard, stdin=pipe, start_new_session=True, **options)
        with process:
            try:
                yield process
            finally:
                owner.close()


def run(
    command: Sequence[str], *, seconds: float | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end, as :func:`owned` does; return its exit status and what it prints.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes more than so many seconds; then it has been ended.
    """
    pipe = subprocess.PIPE
    with owned(command, text=True, stdout=pipe, stderr=pipe, **options) as process:
        out, err = process.communicate(timeout=seconds)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _guard(scratch: str, *command: str) -> int:
    """Run a command; if standard input ends before, end it and all that it has started."""
    # Told to the group, of which this is one. A handler, as children would ignore it, too.
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as e:
        print(f"{command[0]}: {e.strerror}", file=sys.stderr)
        return 127
    gone = threading.Event()

    def watch() -> None:
        # Not through `sys.stdin`, whose lock a thread must not hold when Python ends.
        while os.read(0, 1):
            pass
        gone.set()
        os.killpg(os.getpid(), signal.SIGTERM)
        time.sleep(_PATIENCE)
        child.kill()

    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    if gone.is_set():
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
        os.killpg(os.getpid(), signal.SIGKILL)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(_guard(*sys.argv[1:]))
