"""Results that the report is made of, and what to run for those that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Results", "Source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A results file.

    Attributes
    ----------
    name : str
        Its kind.
    path : str
        Where it is in the checkout.
    target : str
        Command that makes it.
    what : str
        What is in it.
    needs : str
        What must be installed for that, beside the Python packages; may be empty.
    """

    name: str
    path: str
    target: str
    what: str
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All results that are there.

    Attributes
    ----------
    content : mapping of str to dict
        Content of each file that is there, by the name of its source.
    sources : sequence of Source
        All that there may be.
    """

    content: Mapping[str, dict[str, Any]]
    sources: Sequence[Source] = field(default=())

    @property
    def missing(self) -> list[Source]:
        """Sources that are not there."""
        return [source for source in self.sources if source.name not in self.content]

    def rows(self, source: str, name: str) -> list[dict[str, Any]]:
        """Return a list of rows, empty if there is none.

        Each has the ``commit`` and the ``inputs`` that it is of: its own, or those of the file.
        """
        if not (content := self.content.get(source)):
            return []
        origin = {key: content["provenance"][key] for key in ("commit", "inputs")}
        return [origin | row for row in content.get(name, [])]
