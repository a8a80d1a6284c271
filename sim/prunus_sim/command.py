"""What the command lines of this package share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from prunus_model.cli.common import terminable
from prunus_model.errors import PrunusError

__all__ = ["WrongError", "user_errors"]

#: Exit status after Ctrl-C: 128 + SIGINT.
_INTERRUPTED = 130


class WrongError(click.ClickException):
    """Something that the user gave is wrong: one line, and exit status 2.

    What the program found out, a difference or a survivor, is a plain :class:`click.ClickException`
    with exit status 1.
    """

    exit_code = 2


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn errors of the user into one line and exit status 2; SIGTERM and Ctrl-C into status 130.

    Raises
    ------
    WrongError
        For every :class:`prunus_model.errors.PrunusError` and :class:`OSError`.
    """
    try:
        with terminable():
            yield
    except PrunusError as e:
        raise WrongError(" ".join(str(e).split())) from e
    except OSError as e:
        raise WrongError(f"{e.filename}: {e.strerror}" if e.filename else str(e)) from e
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(_INTERRUPTED)
