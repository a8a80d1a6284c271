"""Text of others, such as names of files and what is in them, on its way to a terminal."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

__all__ = ["not_found", "printable", "reason_of"]


def printable(text: str) -> str:
    r"""Return a text as one line that a terminal only shows.

    Control characters, line breaks, characters that change the direction of writing or have no
    width, and halves of characters are escaped as in Python.

    Examples
    --------
    >>> print(printable("µ \x1b[2J\r\n\u202e"))
    µ \x1b[2J\r\n\u202e
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def not_found(what: str, name: str, names: Collection[str], allowed: str) -> str:
    """Return the message for what is neither a known name nor a file.

    Parameters
    ----------
    what : str
        What the user was to name: ``"Network"``.
    name : str
        What was given.
    names : collection of str
        Known names.
    allowed : str
        What it may be.

    Examples
    --------
    >>> not_found("Network", "Dmeo", ("demo", "400"), "a file or one of demo, 400")
    "Network must be a file or one of demo, 400, not 'Dmeo': did you mean 'demo'?"
    >>> not_found("Network", "dmeo.npz", ("demo", "400"), "a file or one of demo, 400")
    'Network dmeo.npz must exist'
    """
    path = Path(name)
    if path.suffix or len(path.parts) > 1:
        return f"{what} {name} must exist"
    close = get_close_matches(name.lower(), names, n=1)
    return f"{what} must be {allowed}, not {name!r}" + (
        f": did you mean {close[0]!r}?" if close else ""
    )


def reason_of(error: BaseException) -> str:
    r"""Return the first line of what an error says, or its kind if it says nothing.

    Examples
    --------
    >>> reason_of(ValueError("cut off\nat 7")), reason_of(EOFError())
    ('cut off', 'EOFError')
    """
    return str(error).splitlines()[0] if str(error) else type(error).__name__
