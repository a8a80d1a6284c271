"""Settings of the documentation site; pages of the reference are written before each build."""

import tomllib
from pathlib import Path

from prunus_docs.figures import write_figures
from prunus_docs.reference import write_reference

ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

project = "Prunus"
author = "The Prunus maintainers"
release = _PROJECT["version"]
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "prunus_docs.site",
]
html_theme = "furo"
html_title = f"Prunus {release}"
myst_enable_extensions = ["colon_fence", "dollarmath"]
html_show_copyright = False
html_math_renderer = "mathml"
myst_heading_anchors = 4
autodoc_typehints = "none"
napoleon_google_docstring = False
# Attributes of a docstring are a list: some are fields, too, which have an entry of their own.
napoleon_use_ivar = True
# A part of a README begins below the level of its page; `console` blocks hold output that no lexer
# knows.
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
exclude_patterns = ["generated/*.txt"]

GENERATED = Path(__file__).parent / "generated"
write_reference(GENERATED)
write_figures(GENERATED / "figures")
