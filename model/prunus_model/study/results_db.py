"""The store of results: one SQLite file, to which every finished training is added at once.

Each method opens the file, does one transaction and closes it, so a process can be killed at any
moment, and several can use one store: SQLite locks the file for the milliseconds of a transaction.
What two of them both trained is compared and kept once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunus_model.common.errors import ResultsError
from prunus_model.study.plan import Training
from prunus_model.study.work import Result

__all__ = ["FORMAT_VERSION", "Kept", "ResultStore"]

#: Changes when tables or rows do.
FORMAT_VERSION = 2
#: "PRUN": marks the file as ours.
_APPLICATION = 0x5052554E
#: Seconds to wait for another process to end its transaction.
_PATIENCE = 60.0
_TABLES = (
    "CREATE TABLE model (fingerprint TEXT NOT NULL)",
    """CREATE TABLE trainings (digest TEXT PRIMARY KEY, name TEXT NOT NULL, row TEXT NOT NULL,
    detail TEXT NOT NULL, seconds REAL NOT NULL, versions TEXT NOT NULL)""",
    """CREATE TABLE tests (digest TEXT NOT NULL REFERENCES trainings, early_exit INTEGER NOT NULL,
    row TEXT NOT NULL, PRIMARY KEY (digest, early_exit))""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the store has of a training; attributes as of :class:`Result`."""

    row: dict[str, Any]
    tests: dict[int, dict[str, Any]]
    seconds: float
    versions: dict[str, str]


class ResultStore:
    """Results of trainings, by digest.

    Parameters
    ----------
    path : Path
        The file; made, with the folders above, if it is not there.
    fingerprint : str
        What this version of the model computes.

    Raises
    ------
    ResultsError
        If the file is not such a store, is damaged, of another format or of another model.
    OSError
        If a folder cannot be made.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as database:
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            empty = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if empty and not application:
                for table in _TABLES:
                    database.execute(table)
                database.execute("INSERT INTO model VALUES (?)", (fingerprint,))
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
                return
            if application != _APPLICATION:
                raise ResultsError(f"Store {path} must be one that prunus reproduce has made")
            if version != FORMAT_VERSION:
                raise ResultsError(
                    f"Store {path} must be of format {FORMAT_VERSION}, not {version}: "
                    f"name another one with --store"
                )
            (found,) = database.execute("SELECT fingerprint FROM model").fetchone()
            if found != fingerprint:
                raise ResultsError(
                    f"Store {path} must be of this model ({fingerprint}), not of one that "
                    f"computes something else ({found}): name another one with --store"
                )

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def lacks(self, training: Training) -> tuple[int, ...]:
        """Return the early exits of a training that the store does not have."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT early_exit FROM tests WHERE digest = ?", (training.digest,)
            ).fetchall()
        there = {early_exit for (early_exit,) in rows}
        return tuple(n for n in training.early_exits if n not in there)

    def add(self, result: Result) -> None:
        """Keep a result; it is on the disk when this returns.

        Raises
        ------
        ResultsError
            If the store has it already and it differs in anything but time and versions: then
            something does not compute the same each time.
        """
        with self._transaction() as database:
            before = database.execute(
                "SELECT row, detail FROM trainings WHERE digest = ?", (result.digest,)
            ).fetchone()
            texts = _text(result.row), _text(result.detail)
            if before is None:
                database.execute(
                    "INSERT INTO trainings VALUES (?, ?, ?, ?, ?, ?)",
                    (result.digest, result.name, *texts, result.seconds, _text(result.versions)),
                )
            elif before != texts:
                self._differs(result, "training")
            for early_exit, row in result.tests.items():
                known = database.execute(
                    "SELECT row FROM tests WHERE digest = ? AND early_exit = ?",
                    (result.digest, early_exit),
                ).fetchone()
                if known is None:
                    database.execute(
                        "INSERT INTO tests VALUES (?, ?, ?)",
                        (result.digest, early_exit, _text(row)),
                    )
                elif known[0] != _text(row):
                    self._differs(result, f"test with early exit {early_exit}")

    def get(self, digest: str) -> Kept | None:
        """Return what there is of a training, without its detail."""
        with self._transaction() as database:
            found = database.execute(
                "SELECT row, seconds, versions FROM trainings WHERE digest = ?", (digest,)
            ).fetchone()
            tests = database.execute(
                "SELECT early_exit, row FROM tests WHERE digest = ? ORDER BY early_exit", (digest,)
            ).fetchall()
        if found is None:
            return None
        row, seconds, versions = found
        return Kept(
            row=json.loads(row),
            tests={early_exit: json.loads(test) for early_exit, test in tests},
            seconds=seconds,
            versions=json.loads(versions),
        )

    def detail(self, digest: str) -> dict[str, Any]:
        """Return history and figures of the neurons of a training.

        Raises
        ------
        KeyError
            If it is not there.
        """
        with self._transaction() as database:
            found = database.execute(
                "SELECT detail FROM trainings WHERE digest = ?", (digest,)
            ).fetchone()
        if found is None:
            raise KeyError(digest)
        detail: dict[str, Any] = json.loads(found[0])
        return detail

    def __len__(self) -> int:
        with self._transaction() as database:
            (count,) = database.execute("SELECT count(*) FROM trainings").fetchone()
        return int(count)

    def _differs(self, result: Result, what: str) -> None:
        raise ResultsError(
            f"Store {self._path} must have the same result of every {what} of {result.name}, "
            f"but has another: this machine or an earlier one does not compute what it should"
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, all of which happens or nothing."""
        try:
            with closing(
                sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
            ) as database:
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    database.rollback()
                    raise
                database.commit()
        except sqlite3.Error as e:
            raise ResultsError(f"Store {self._path} must be usable: {e}") from e


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
