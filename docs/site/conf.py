"""Settings of the documentation site; pages of the reference are written before each build."""

import tomllib
from pathlib import Path

from prunus_docs.reference import write_reference

ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

project = "Prunus"
author = "The Prunus maintainers"
release = _PROJECT["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
html_theme = "furo"
html_title = f"Prunus {release}"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_typehints = "none"
napoleon_google_docstring = False
# Included READMEs link to files of the checkout, which are no pages of the site; `console` blocks
# in them hold output that no lexer knows.
suppress_warnings = ["myst.xref_missing", "myst.header", "misc.highlighting_failure"]
exclude_patterns = ["generated/*.txt"]

write_reference(Path(__file__).parent / "generated")
