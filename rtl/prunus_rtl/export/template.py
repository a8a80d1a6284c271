"""Templates of the files of a package, for Jinja: each beside the module that fills it."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, StrictUndefined, meta

__all__ = ["fill"]


#: The files are Verilog, Tcl and Markdown: nothing is escaped.
_ENVIRONMENT = Environment(
    undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
)


def fill(template: str, **values: object) -> str:
    """Return a template with a value for each name.

    Parameters
    ----------
    template : str
        Name of the file; one of another folder of ``prunus_rtl`` begins with that folder and a
        slash.
    **values : object
        For each name in the template its value, which is not looked into for further names.

    Raises
    ------
    ValueError
        If a name in the template has no value, or a value has no name there.
    """
    folder, _, name = template.rpartition("/")
    package = f"prunus_rtl.{folder or 'export'}"
    source = (resources.files(package) / name).read_text("utf-8")
    names = meta.find_undeclared_variables(_ENVIRONMENT.parse(source))
    if names != values.keys():
        missing, unused = sorted(names - values.keys()), sorted(values.keys() - names)
        raise ValueError(
            f"Template {template} must have a value for each name: {', '.join(missing) or 'none'} "
            f"missing, {', '.join(unused) or 'none'} unused"
        )
    return _ENVIRONMENT.from_string(source).render(values)
