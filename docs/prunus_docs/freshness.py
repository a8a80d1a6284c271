"""Which results are of what there is today: digests are compared, and the age told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import prunus_model.engine
from prunus_docs.forms import Origin
from prunus_docs.kinds import Kind, kinds
from prunus_docs.results import Results, read
from prunus_model.common.provenance import UNKNOWN, source_digest
from prunus_model.data.datasets import data_digest
from prunus_model.study.fingerprint import fingerprint, groups_fingerprint, options_fingerprint
from prunus_rtl.digest.gateware import (
    buses_digest,
    gateware_digest,
    grouped_digest,
    link_digest,
)

__all__ = ["Stale", "age", "changed", "stale", "today"]

#: Sets of data sets that results are of.
_DATA = (
    ("mnist",),
    ("sample",),
    ("fashion-mnist", "mnist"),
    (
        *("digits", "fashion-mnist", "mnist", "mnist-colour", "mnist-events", "mnist-noise"),
        "spectra",
    ),
)
_NAMES = {
    "model": "the model",
    "options": "the options of the model",
    "groups": "the groups of the model",
    "engine": "the engine",
    "gateware": "the gateware",
    "grouped-gateware": "the gateware of groups",
    "buses": "the buses",
    "link": "the host link",
    "data": "the data",
}
_TODAY: Mapping[str, Callable[[], frozenset[str]]] = {
    "model": lambda: frozenset({fingerprint()}),
    "options": lambda: frozenset({options_fingerprint()}),
    "groups": lambda: frozenset({groups_fingerprint()}),
    "engine": lambda: frozenset({source_digest(prunus_model.engine)}),
    "gateware": lambda: frozenset({gateware_digest()}),
    "grouped-gateware": lambda: frozenset({grouped_digest()}),
    "buses": lambda: frozenset({buses_digest()}),
    "link": lambda: frozenset({link_digest()}),
    "data": lambda: frozenset(data_digest(*names) for names in _DATA),
}


@cache
def today(name: str) -> frozenset[str]:
    """Return the digests that an input may have today; several only of data.

    Parameters
    ----------
    name : str
        An input of a kind. The first call for ``gateware`` may take half a minute.
    """
    return _TODAY[name]()


def changed(kind: Kind, origin: Origin) -> list[str]:
    """Return the inputs of a kind whose digest is not the one of today, in the order of the kind.

    An input without a digest counts as changed.
    """
    return [name for name in kind.inputs if origin.inputs.get(name, UNKNOWN) not in today(name)]


def age(results: Sequence[Results]) -> str:
    """Return what must be said of the age of results; nothing if they are of today.

    Parameters
    ----------
    results : sequence of Results
        All that one table or sentence is made of.

    Returns
    -------
    str
        Without a full stop, e.g. ``measured at commit 1234567, the gateware has changed since``.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for content in results:
        kind = kinds()[content.provenance.kind]
        for origin in content.origins():
            if names := changed(kind, origin):
                commits = found.setdefault(tuple(names), [])
                commits += [origin.commit[:7]] if origin.commit[:7] not in commits else []
    return "; ".join(
        f"measured at commit{'s' * (len(commits) > 1)} {_list(commits)}, "
        f"{_list([_NAMES[name] for name in names])} {'have' if len(names) > 1 else 'has'} "
        f"changed since"
        for names, commits in found.items()
    )


def _list(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


@dataclass(frozen=True, slots=True)
class Stale:
    """Results of a kind that are not of today.

    Attributes
    ----------
    kind : Kind
        The kind.
    path : Path
        One of its files.
    age : str
        As of :func:`age`; or that there is no such file.
    """

    kind: Kind
    path: Path
    age: str


def stale(root: Path) -> Iterator[Stale]:
    """Yield all results that are stale or missing, those that take least time first.

    Parameters
    ----------
    root : Path
        The checkout.

    Raises
    ------
    ResultsError
        If a file is not one of its kind.
    """
    for kind in sorted(kinds().values(), key=lambda kind: kind.minutes):
        paths = kind.paths(root)
        if not paths:
            yield Stale(kind, root / kind.files, "not measured yet")
        for path in paths:
            if told := age([read(path, kind)]):
                yield Stale(kind, path, told)
