"""Templates of the files of a package: text with names in ``@``, such as ``@TOP@``.

Verilog, Tcl and Markdown use ``$``, ``{}`` and ``%`` themselves; ``@NAME@`` means nothing in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources

__all__ = ["fill"]

_NAME = re.compile(r"@([A-Z_]+)@")


def fill(template: str, values: Mapping[str, object]) -> str:
    """Return a template of this package with a value for each name.

    Parameters
    ----------
    template : str
        Name of the file.
    values : mapping of str to object
        For each name in the template its value, which is not looked into for further names.

    Raises
    ------
    ValueError
        If a name in the template has no value, or a value has no name there.
    """
    text = resources.files("prunus_rtl.export").joinpath(template).read_text()
    names = set(_NAME.findall(text))
    if names != set(values):
        missing, unused = sorted(names - set(values)), sorted(set(values) - names)
        raise ValueError(
            f"Template {template} must have a value for each name: {', '.join(missing) or 'none'} "
            f"missing, {', '.join(unused) or 'none'} unused"
        )
    return _NAME.sub(lambda found: str(values[found[1]]), text)
