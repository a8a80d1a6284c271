"""Run a compiler, but compile Verilator's runtime only once: put before it as ``OBJCACHE``.

``python object_cache.py FOLDER COMPILER ARGUMENT...`` does what ``COMPILER ARGUMENT...`` does. The
object files of sources that come with Verilator (``verilated*.cpp``) are kept in the folder: they
are the same for every design, and take longer than most designs. Everything else is compiled as
ever. The name of a kept file is made of the command, so the folder must belong to one version of
the compiler and of Verilator (:func:`prunus_rtl.export.verilator.environment` sees to it).

Imports nothing but the standard library: it starts once for every file that is compiled.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

__all__ = ["kept_object", "main"]


def kept_object(folder: Path, command: list[str]) -> tuple[Path, Path] | None:
    """Return where a command puts its object file, and where that is kept.

    Parameters
    ----------
    folder : Path
        Where object files are kept.
    command : list of str
        Compiler and arguments.

    Returns
    -------
    tuple of Path, or None
        None if the command does not compile a source of the runtime.
    """
    sources = [Path(word) for word in command if word.endswith(".cpp")]
    if "-c" not in command or "-o" not in command[:-1] or len(sources) != 1:
        return None
    (source,) = sources
    if not source.is_absolute() or not source.name.startswith("verilated"):
        return None
    at = command.index("-o") + 1
    words = command[:at] + command[at + 1 :]
    digest = hashlib.sha256("\0".join(words).encode() + b"\0" + source.read_bytes()).hexdigest()
    return Path(command[at]), folder / f"{source.stem}-{digest[:20]}.o"


def _keep(made: Path, kept: Path) -> None:
    """Copy under a name of its own, then rename: whoever reads sees all of it or nothing."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(prefix=".prunus-", suffix=".tmp", dir=kept.parent)
        os.close(handle)
        try:
            shutil.copyfile(made, scratch)
            Path(scratch).replace(kept)
        except OSError:
            Path(scratch).unlink()
    except OSError:
        # A full or read-only disk costs time, not the result.
        pass


def main(arguments: list[str]) -> int:
    """Run a compiler, or copy what it has made before.

    Parameters
    ----------
    arguments : list of str
        Folder, compiler, arguments of the compiler.

    Returns
    -------
    int
        Exit status of the compiler.
    """
    folder, *command = arguments
    found = kept_object(Path(folder), command)
    if found is None:
        os.execvp(command[0], command)
    made, kept = found
    try:
        shutil.copyfile(kept, made)
    except OSError:
        status = os.spawnvp(os.P_WAIT, command[0], command)
        if status == 0:
            _keep(made, kept)
        return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
