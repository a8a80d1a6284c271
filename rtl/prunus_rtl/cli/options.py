"""Options of the commands that build a core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_type_hints

import click

from prunus_rtl.export.plan import STORES, ExportOptions

__all__ = ["choice_option", "lanes_option"]

_F = TypeVar("_F", bound=Callable[..., Any])


def choice_option(name: str, description: str, *, default: bool = True) -> Callable[[_F], _F]:
    """Return the option for a field of :class:`ExportOptions` with a few values.

    Parameters
    ----------
    name : str
        Name of the field.
    description : str
        Help.
    default : bool
        Whether the option has the default of the field; otherwise it is None if it is not given.
    """
    (own,) = (field.default for field in fields(ExportOptions) if field.name == name)
    # The store is the one field that is no literal.
    values = get_args(get_type_hints(ExportOptions)[name]) or STORES
    # Click has choices among strings only; what is chosen is a value of the field.
    by_text = {str(value): value for value in values}
    return click.option(
        f"--{name.replace('_', '-')}",
        type=click.Choice(list(by_text)),
        default=str(own) if default else None,
        show_default=default,
        callback=lambda _context, _parameter, chosen: by_text.get(chosen),
        help=description,
    )


def lanes_option(default: str = "16, or fewer") -> Callable[[_F], _F]:
    """Return the option for the lanes, None if it is not given; help says what they are then."""
    return click.option("--lanes", type=int, help=f"1, 2, 4 ... 64. Default: {default}.")
