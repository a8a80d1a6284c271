"""The boards, one file each."""

from __future__ import annotations

from prunus_boards.platforms import ecpix5, generic, icebreaker, tang_nano_9k, ulx3s
from prunus_boards.platforms.board import Board, BoardError
from prunus_model.common.text import not_found

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
        raise BoardError(not_found("Board", name, BOARDS, f"one of {', '.join(BOARDS)}"))
    return BOARDS[name]
