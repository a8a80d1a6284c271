"""Results as one JSON file, for tables, claims and people: sorted, and small enough to be kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import ResultsError
from prunus_model.common.reading import refusal
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.rule import Rule
from prunus_model.study.statistics import completed

__all__ = ["Collected", "Earlier", "collect", "read_earlier", "read_results", "write_results"]


#: Between the versions of rows that differ in them.
_AND = " and "


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What a file has of trainings that were done before, maybe elsewhere.

    Attributes
    ----------
    rows : dict of (str, Rule) to dict
        Rows by the digest of the training and by how it was tested.
    versions : dict of str to str
        By which they were computed.
    """

    rows: dict[tuple[str, Rule], dict[str, Any]]
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What the store has of a list.

    Attributes
    ----------
    rows : list of dict
        One for each test of each training, with the parts that ask for it; fractions are 0..1.
    versions : dict of str to str
        By which everything was computed; several, if they differ between rows.
    earlier : int
        Rows that the store does not have, but an earlier file.
    missing : int
        Trainings of the list of which a test is missing.
    """

    rows: list[dict[str, Any]]
    versions: dict[str, str]
    earlier: int
    missing: int


def collect(
    trainings: Sequence[Training],
    store: ResultStore,
    *,
    earlier: Earlier | None = None,
) -> Collected:
    """Return the rows of a list, in an order that does not depend on when they were made.

    Parameters
    ----------
    trainings : sequence of Training
        The list.
    store : ResultStore
        Has some of them, or all.
    earlier : Earlier, optional
        Its rows stand for what the store does not have. The digest of a training is one of model,
        configuration and data, so rows of any other are left out.

    Raises
    ------
    ResultsError
        If the store is damaged, or its rows lack what a row of results has.
    """
    rows: list[dict[str, Any]] = []
    versions: dict[str, set[str]] = {}
    found = missing = 0
    for training in trainings:
        kept = store.get(training.digest)
        measured: dict[Rule, dict[str, Any]] = {}
        if kept is not None:
            _add(versions, kept.versions)
            alike = {**kept.row, "train_seconds": kept.seconds}
            measured = {rule: test | alike for rule, test in kept.tests.items()}
        for rule in training.rules.keys() - measured.keys():
            if earlier is not None and (row := earlier.rows.get((training.digest, rule))):
                measured[rule] = row
                found += 1
        missing += not measured.keys() >= training.rules.keys()
        for rule, parts in training.rules.items():
            if rule in measured:
                own = {
                    "digest": training.digest,
                    "parts": {part: training.parts[part] for part in parts},
                    **training.columns,
                }
                rows.append(own | {k: v for k, v in measured[rule].items() if k not in own})
    if earlier is not None and found:
        _add(versions, earlier.versions)
    try:
        rows.sort(key=_order)
    except (KeyError, TypeError, AttributeError) as e:
        raise ResultsError(
            f"Store {store.path} must have complete rows ({e}): name another one with --store"
        ) from e
    joined = {name: _AND.join(sorted(values)) for name, values in versions.items()}
    return Collected(rows=rows, versions=joined, earlier=found, missing=missing)


def _add(versions: dict[str, set[str]], more: dict[str, str]) -> None:
    for name, value in more.items():
        versions.setdefault(name, set()).update(value.split(_AND))


def read_results(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read a file that :func:`write_results` has written.

    Returns
    -------
    head : dict
        What comes before the rows.
    rows : list of dict

    Raises
    ------
    ResultsError
        If there is no such file, or if it is something else.
    """
    if wrong := refusal(path):
        raise ResultsError(f"Results {path} {wrong}")
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        rows = head.pop("runs")
        if not all(isinstance(row, dict) for row in rows):
            raise TypeError
    except OSError as e:
        raise ResultsError(f"Results {path} must be readable: {e.strerror}") from e
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise _foreign(path) from e
    return head, rows


def read_earlier(path: Path) -> Earlier:
    """Read what :func:`write_results` has written, for :func:`collect`.

    Raises
    ------
    ResultsError
        As :func:`read_results`.
    """
    head, rows = read_results(path)
    try:
        by = {
            (row["digest"], Rule(*(row[name] for name in Rule._fields))): row
            for row in completed(rows)
        }
        versions = {str(k): str(v) for k, v in head["provenance"]["tools"].items()}
    except (KeyError, TypeError, AttributeError) as e:
        raise _foreign(path) from e
    return Earlier(rows=by, versions=versions)


def _foreign(path: Path) -> ResultsError:
    return ResultsError(f"Results {path} must be a file that prunus reproduce has made")


def write_results(
    path: Path, head: dict[str, Any], rows: Sequence[dict[str, Any]], *, name: str = "runs"
) -> None:
    """Write a file of JSON with one line for each row, so that a change shows which row changed.

    Parameters
    ----------
    path : Path
        The file. Folders above are made.
    head : dict
        What comes before the rows.
    rows : sequence of dict
        The rows.
    name : str
        What they are written as.
    """
    lines = ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in rows)
    before = json.dumps(head, indent=1).removesuffix("\n}")
    listed = f"[\n{lines}\n ]" if rows else "[]"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, f'{before},\n "{name}": {listed}\n}}\n'.encode())


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    keys = ("data", "neurons", "epochs", "policy", "weight_bits")
    setting = sorted(row["policy_setting"].items())
    settings = json.dumps(row["settings"], sort_keys=True)
    last = ("split", "seed", *Rule._fields)
    return (*(row[key] for key in keys), setting, settings, *(row[key] for key in last))
