"""Blocks whose Markdown is in templates: `templates/`, one for each block, for Jinja."""

from __future__ import annotations

from statistics import median
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from prunus_docs.tables import origin

__all__ = ["filled", "filled_by"]


def _number(value: float, digits: int | None = None) -> str:
    """Return a number with thousands set apart, with some digits after the point or as it is."""
    return f"{value:,}" if digits is None else f"{value:,.{digits}f}"


_ENVIRONMENT = Environment(
    loader=PackageLoader("prunus_docs"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["number"] = _number
_ENVIRONMENT.filters["short"] = "{:,.10g}".format
_ENVIRONMENT.filters["median"] = median


def filled(name: str, **values: Any) -> str:
    """Return the template of a block with a value for each name.

    Parameters
    ----------
    name : str
        Name of the block.
    **values : object
        Values; one that the template names and that is not there is an error.

    Raises
    ------
    jinja2.UndefinedError
        If a name in the template has no value.
    """
    return _ENVIRONMENT.get_template(f"{name}.md.j2").render(values).rstrip("\n")


def filled_by(name: str, results: dict[str, Any], **more: Any) -> str:
    """Return the template of a block with all that a results file has.

    Beside that it has ``origin``, and ``versions``, which returns those of some tools, or of all.
    """
    tools = results["provenance"]["tools"]

    def versions(*names: str) -> str:
        return ", ".join(f"{name} {tools[name]}" for name in names or tools)

    return filled(name, **results, origin=origin(results), versions=versions, **more)
