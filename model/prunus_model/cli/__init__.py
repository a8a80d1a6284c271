"""Command line: the command `prunus`, to which every part adds its own commands."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import suppress

__all__ = ["INTERRUPTED", "WRONG", "main", "stop_status"]

#: Exit status for anything the user gave that is wrong, and if Prunus itself is. 1 is kept for a
#: difference that was found.
WRONG = 2
#: Exit status after Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130


def main() -> None:
    """Run the command line; an error is one line on stderr and exit status 2.

    An error that nobody has thought of is one line too; it names a file with the traceback.
    """
    try:
        # Here, since Ctrl-C may come while all this is imported.
        from prunus_model.cli.group import run

        status = run()
    except KeyboardInterrupt as e:
        _tell("interrupted")
        status = stop_status(e)
    except Exception as e:
        status = _unforeseen(e)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            # Python would try again, and end with status 120.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            status = status or WRONG
    # What is done is not to end with a traceback.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


def stop_status(stop: BaseException | None) -> int:
    """Return the exit status after an interrupt: 128 + the signal, which is SIGINT unless told."""
    return int(getattr(stop, "status", INTERRUPTED))


def _tell(message: str) -> None:
    # The terminal may be gone.
    with suppress(OSError):
        print(f"prunus: {message}", file=sys.stderr, flush=True)


def _unforeseen(error: Exception) -> int:
    import tempfile
    import traceback

    from prunus_model.common.text import printable

    what, where = printable(f"{type(error).__name__}: {error}")[:200], ""
    with (
        suppress(OSError),
        tempfile.NamedTemporaryFile(
            "w", prefix="prunus-", suffix=".txt", delete=False, errors="backslashreplace"
        ) as file,
    ):
        traceback.print_exception(error, file=file)
        where = f"; please report it with the traceback, which is in {file.name}"
    _tell(f"this is a fault of Prunus: {what}{where}")
    return WRONG
