"""Levels of an image as INFER carries them: runs of 0 take one octet.

An octet below 128 comes before levels as they are, one more than it says. From 128 on it stands for
levels of 0, 127 less than it says. Of the digits of MNIST, 784 levels take 191 octets.
"""

from __future__ import annotations

import re

__all__ = ["LONGEST", "ZEROS", "pack_levels", "unpack_levels"]

#: Most levels of a run.
LONGEST = 128
#: From this octet on, levels are 0.
ZEROS = 128
#: Zeros that are worth a run of their own: two would only cost what they save.
_RUN = re.compile(rb"(\0{3,})")


def pack_levels(levels: bytes, most: int) -> list[tuple[int, bytes]]:
    """Return the code of an image, cut into parts of at most ``most`` octets, 2 or more.

    Returns
    -------
    list of tuple
        Of each part the number of its first level, and its octets.

    Examples
    --------
    >>> [(first, code.hex(" ")) for first, code in pack_levels(bytes([0, 0, 0, 0, 7, 8, 9]), 4)]
    [(0, '83 01 07 08'), (6, '00 09')]
    """
    parts: list[tuple[int, bytes]] = []
    code, first, at = bytearray(), 0, 0
    for k, run in enumerate(_RUN.split(levels)):
        zeros, end = k % 2, at + len(run)
        while at < end:
            room = most - len(code) - 1
            if room < (0 if zeros else 1):
                parts.append((first, bytes(code)))
                code, first = bytearray(), at
                continue
            n = min(end - at, LONGEST, LONGEST if zeros else room)
            code += bytes([ZEROS + n - 1]) if zeros else bytes([n - 1]) + levels[at : at + n]
            at += n
    return [*parts, (first, bytes(code))]


def unpack_levels(code: bytes) -> bytes | None:
    """Return the levels of a code; None if it ends within a run.

    Examples
    --------
    >>> unpack_levels(bytes.fromhex("83 01 07 08")).hex(" ")
    '00 00 00 00 07 08'
    """
    levels, at = bytearray(), 0
    while at < len(code):
        n = code[at] % LONGEST + 1
        at += 1
        if code[at - 1] >= ZEROS:
            levels += bytes(n)
        elif at + n > len(code):
            return None
        else:
            levels += code[at : at + n]
            at += n
    return bytes(levels)
