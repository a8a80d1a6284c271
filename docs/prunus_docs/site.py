"""What Sphinx is given for the site: links of included documents, equations as MathML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from prunus_docs.links import Place, Places

__all__ = ["RepositoryLinks", "setup"]

_LOGGER = logging.getLogger(__name__)


class RepositoryLinks(SphinxTransform):
    """Lead each link of a part that a page includes to where it leads in the checkout."""

    # Before MyST resolves what is in the page.
    default_priority = 5

    def apply(self, **_: Any) -> None:
        """Replace the nodes of links of this page, and those of words in types of docstrings."""
        for node in list(self.document.findall(addnodes.pending_xref)):
            target = str(node["reftarget"])
            if node.get("refdomain") == "py" and target.islower() and "." not in target:
                # `shape (inputs,)` is no name of an object.
                node.replace_self(node.children)
        page = Path(self.env.doc2path(self.env.docname)).resolve()
        for kind in (addnodes.pending_xref, addnodes.download_reference, nodes.reference):
            for node in list(self.document.findall(kind)):
                source = Path(node.source or page).resolve()
                link = self._link(node, page)
                if link is not None:
                    self._lead(node, page, self._places().find(source, link), link)

    def _places(self) -> Places:
        places: Places = self.app.prunus_places  # type: ignore[attr-defined]
        return places

    def _link(self, node: nodes.Element, page: Path) -> str | None:
        """Return a link as it is written; None if it is not one of MyST within the checkout."""
        if isinstance(node, nodes.reference):
            return str(node["refuri"]) if node.get("id_link") else None
        if node.get("reftype") != "myst":
            return None
        if node.get("refdomain") != "doc":
            return str(node["reftarget"])
        # MyST took the link for that of a page beside this one: undo that.
        name = node["reftarget"]
        known = name in self.env.found_docs
        path = Path(self.env.doc2path(name) if known else f"{self.env.srcdir / name}.md")
        file = os.path.relpath(path, page.parent)
        return f"{file}#{node['reftargetid']}" if node.get("reftargetid") else file

    def _lead(self, node: nodes.Element, page: Path, place: Place | None, link: str) -> None:
        if place is None:
            _LOGGER.warning("Link %s leads nowhere", link, location=node)
            return
        new: nodes.Element
        if place.page:
            new = addnodes.pending_xref(
                refdomain="doc",
                reftype="myst",
                reftarget=place.page,
                reftargetid=place.anchor or None,
                refdoc=self.env.docname,
                refexplicit=True,
            )
        else:
            target = os.path.relpath(place.file, page.parent)
            new = addnodes.download_reference(reftarget=target, refdoc=self.env.docname)
        new.source, new.line = node.source, node.line
        words = node.children or [nodes.Text(link)]
        # MyST shows what is within the first child, which in its own nodes is an `inline`.
        bare = isinstance(words[0], nodes.Text)
        new += [nodes.inline("", "", *words)] if bare else words
        node.replace_self(new)


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Add this to Sphinx."""
    app.prunus_places = Places(Path(app.srcdir))  # type: ignore[attr-defined]
    app.add_transform(RepositoryLinks)
    # Browsers show MathML by themselves: no script of another site is needed.
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
