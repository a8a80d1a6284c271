"""The boards, one file each."""

from __future__ import annotations

from prunus_boards.platforms import ecpix5, generic, icebreaker, tang_nano_9k, ulx3s
from prunus_boards.platforms.board import Board, BoardError

__all__ = ["BOARDS", "find_board"]

#: Boards by name.
BOARDS = {
    board.name: board
    for board in (
        ulx3s.BOARD,
        icebreaker.BOARD,
        tang_nano_9k.BOARD,
        ecpix5.BOARD,
        generic.ECP5,
        generic.ICE40,
    )
}


def find_board(name: str) -> Board:
    """Return a board by its name.

    Raises
    ------
    BoardError
        If there is none; lists those that there are.
    """
    if name not in BOARDS:
        raise BoardError(f"Board must be one of {', '.join(BOARDS)}, not {name!r}")
    return BOARDS[name]
