"""Links of the documents: where each leads, and what of the site has that place.

A page of the site may include a part of a README. A link in that part is relative to the README,
so it is resolved from there: to the page that has the place, else to the file of the checkout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt

__all__ = ["Place", "Places", "headings", "slug", "wrong_links"]

#: An included part of a document: its path, and the options of the directive.
_INCLUDE = re.compile(r"^:::\{include\} (\S+)\n((?::[a-z-]+:.*\n)*):::", re.MULTILINE)
_OPTION = re.compile(r'^:([a-z-]+): "?(.*?)"?$', re.MULTILINE)
_SCHEME = re.compile(r"[a-z]+:", re.IGNORECASE)


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _titles(text: str) -> list[str]:
    tokens = MarkdownIt().enable("table").parse(text)
    inline = [b for a, b in pairwise(tokens) if a.type == "heading_open"]
    return [
        "".join(child.content for child in token.children or [] if child.type != "image")
        for token in inline
    ]


def headings(text: str) -> list[str]:
    """Return the anchors of all headings of a Markdown text, in order."""
    found: list[str] = []
    for title in _titles(text):
        name, same = slug(title), 0
        while (anchor := f"{name}-{same}" if same else name) in found:
            same += 1
        found.append(anchor)
    return found


@dataclass(frozen=True)
class Place:
    """Where a link leads: a page of the site, or a file, and an anchor in it ("" for its top)."""

    page: str
    file: Path
    anchor: str


class Places:
    """What is where: files of the checkout, and the parts of them that pages of the site include.

    Parameters
    ----------
    site : Path
        The folder of the pages.
    """

    def __init__(self, site: Path) -> None:
        self._site = site.resolve()
        self._parts: dict[tuple[Path, str], tuple[str, str]] = {}
        for page in sorted(self._site.rglob("*.md")):
            for target, options in _INCLUDE.findall(page.read_text("utf-8")):
                source = (page.parent / target).resolve()
                if source.suffix == ".md":
                    self._note(self.page_of(page), source, dict(_OPTION.findall(options)))

    def _note(self, page: str, source: Path, options: dict[str, str]) -> None:
        text = source.read_text("utf-8")
        before, after = options.get("start-after"), options.get("end-before")
        begin = text.index(before) + len(before) if before else 0
        end = text.index(after, begin) if after else len(text)
        if before and before.startswith("#"):
            # The heading itself is left out: the page has one of its own.
            self._parts[source, slug(before.lstrip("#"))] = page, ""
        if not before:
            self._parts[source, ""] = page, ""
        for anchor in headings(text[begin:end]):
            self._parts.setdefault((source, anchor), (page, anchor))

    def page_of(self, file: Path) -> str:
        """Return the name of the page that a file of the site is; "" if it is none."""
        if not file.is_relative_to(self._site) or file.suffix not in (".md", ".rst"):
            return ""
        return file.relative_to(self._site).with_suffix("").as_posix()

    def find(self, source: Path, link: str) -> Place | None:
        """Return where a link of a document leads; None if there is no such place.

        Parameters
        ----------
        source : Path
            The document, which the link is relative to.
        link : str
            Path and anchor, or either.
        """
        path, _, anchor = unquote(link).partition("#")
        file = (source.parent / path).resolve() if path else source.resolve()
        if file.is_dir():
            file /= "README.md"
        if not file.is_file():
            return None
        if page := self.page_of(file):
            known = file.suffix != ".md" or not anchor or anchor in self._anchors(file)
            return Place(page, file, anchor) if known else None
        if (file, anchor) in self._parts:
            page, anchor = self._parts[file, anchor]
            return Place(page, file, anchor)
        if anchor and file.suffix == ".md" and anchor not in headings(file.read_text("utf-8")):
            return None
        return Place("", file, anchor)

    def _anchors(self, page: Path) -> set[str]:
        name = self.page_of(page)
        included = {anchor for (_, anchor), (on, _) in self._parts.items() if on == name}
        return included | set(headings(page.read_text("utf-8")))


def _links(text: str) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(text):
        for child in token.children or []:
            if child.type in ("link_open", "image"):
                yield str(child.attrs.get("href") or child.attrs.get("src"))


def wrong_links(document: Path, places: Places) -> list[str]:
    """Return the links of a document, other than those to other sites, that lead nowhere."""
    # Text that an option of a directive names is not a link of this document.
    text = _OPTION.sub("", document.read_text("utf-8"))
    inside = [link for link in _links(text) if not _SCHEME.match(link)]
    return [link for link in inside if places.find(document, link) is None]
