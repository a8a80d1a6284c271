"""The store of results: one SQLite file, to which every finished training is added at once.

Each method opens the file, does one transaction and closes it, so a process can be killed at any
moment, and several can use one store: SQLite locks the file for the milliseconds of a transaction.
What two of them both trained is compared and kept once. SQLite has no checksums, so every row has
a SHA-256 of its own, which is compared whenever the row is read.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunus_model.common.errors import ResultsError
from prunus_model.study.plan import Training
from prunus_model.study.rule import Rule
from prunus_model.study.work import Result

__all__ = ["FORMAT_VERSION", "Kept", "ResultStore"]

#: Changes when tables or rows do.
FORMAT_VERSION = 4
#: "PRUN": marks the file as ours.
_APPLICATION = 0x5052554E
#: Seconds to wait for another process to end its transaction.
_PATIENCE = 60.0
_TABLES = (
    "CREATE TABLE model (fingerprint TEXT NOT NULL)",
    """CREATE TABLE trainings (digest TEXT PRIMARY KEY, name TEXT NOT NULL, row TEXT NOT NULL,
    detail TEXT NOT NULL, seconds REAL NOT NULL, versions TEXT NOT NULL,
    sha256 TEXT NOT NULL)""",
    """CREATE TABLE tests (digest TEXT NOT NULL REFERENCES trainings, votes TEXT NOT NULL,
    vote_bits INTEGER NOT NULL, early_exit INTEGER NOT NULL, margin INTEGER NOT NULL,
    row TEXT NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (digest, votes, vote_bits, early_exit, margin))""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the store has of a training; attributes as of :class:`Result`."""

    row: dict[str, Any]
    tests: dict[Rule, dict[str, Any]]
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
            # It may give several lines; and rows that an index has lost are found by this alone.
            (state,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            if state != "ok":
                raise self._damaged(state.splitlines()[-1])
            found = database.execute("SELECT fingerprint FROM model").fetchall()
            if len(found) != 1:
                raise self._damaged("table model must have one row")
            if found != [(fingerprint,)]:
                raise ResultsError(
                    f"Store {path} must be of this model ({fingerprint}), not of one that "
                    f"computes something else ({found[0][0]}): name another one with --store"
                )

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def lacks(self, training: Training) -> tuple[Rule, ...]:
        """Return the rules of a training by which the store does not have a test."""
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT {', '.join(Rule._fields)} FROM tests WHERE digest = ?", (training.digest,)
            ).fetchall()
        return tuple(rule for rule in training.rules if rule not in rows)

    def add(self, result: Result) -> None:
        """Keep a result; it is on the disk when this returns.

        Raises
        ------
        ResultsError
            If the store has it already and it differs in anything but time and versions: then
            something does not compute the same each time.
        """
        with self._transaction() as database:
            before = self._rows(database, "trainings", result.digest)
            texts = _text(result.row), _text(result.detail)
            if not before:
                columns = (result.name, *texts, float(result.seconds), _text(result.versions))
                _insert(database, "trainings", result.digest, *columns)
            elif before[0][2:4] != texts:
                self._differs(result, "training")
            tests = {row[1:-1]: row[-1] for row in self._rows(database, "tests", result.digest)}
            for rule, row in result.tests.items():
                if rule not in tests:
                    _insert(database, "tests", result.digest, *rule, _text(row))
                elif tests[rule] != _text(row):
                    self._differs(
                        result,
                        f"test with {', '.join(f'{k} {v}' for k, v in rule.columns.items())}",
                    )

    def get(self, digest: str) -> Kept | None:
        """Return what there is of a training, without its detail.

        Raises
        ------
        ResultsError
            If a row of it is not as it was written.
        """
        with self._transaction() as database:
            found = self._rows(database, "trainings", digest)
            tests = self._rows(database, "tests", digest)
        if not found:
            return None
        _, _, row, _, seconds, versions = found[0]
        return Kept(
            row=self._value(row),
            tests={Rule(*rule): self._value(test) for _, *rule, test in sorted(tests)},
            seconds=seconds,
            versions=self._value(versions),
        )

    def detail(self, digest: str) -> dict[str, Any]:
        """Return history and figures of the neurons of a training.

        Raises
        ------
        KeyError
            If it is not there.
        ResultsError
            As :meth:`get`.
        """
        with self._transaction() as database:
            found = self._rows(database, "trainings", digest)
        if not found:
            raise KeyError(digest)
        return self._value(found[0][3])

    def __len__(self) -> int:
        with self._transaction() as database:
            (count,) = database.execute("SELECT count(*) FROM trainings").fetchone()
        return int(count)

    def _rows(self, database: sqlite3.Connection, table: str, digest: str) -> list[tuple[Any, ...]]:
        """Return the rows of a training, without their SHA-256, which are compared."""
        rows = database.execute(f"SELECT * FROM {table} WHERE digest = ?", (digest,)).fetchall()
        for row in rows:
            # Bytes in place of text have no SHA-256 here.
            if bytes in map(type, row) or row[-1] != _sha256(row[:-1]):
                raise self._damaged(f"a row of table {table} is not as it was written")
        return [row[:-1] for row in rows]

    def _value(self, text: str) -> dict[str, Any]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise self._damaged("texts must be JSON") from e
        if not isinstance(value, dict):
            raise self._damaged("texts must be tables of JSON")
        return value

    def _damaged(self, reason: str) -> ResultsError:
        return ResultsError(
            f"Store {self._path} must be whole: {reason}: name another one with --store"
        )

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
        # SQLite's own messages may hold bytes of a damaged file.
        except (sqlite3.Error, UnicodeDecodeError) as e:
            raise ResultsError(f"Store {self._path} must be usable: {e}") from e


def _insert(database: sqlite3.Connection, table: str, *columns: Any) -> None:
    row = (*columns, _sha256(columns))
    database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _sha256(columns: tuple[Any, ...]) -> str:
    return hashlib.sha256(_text(columns).encode()).hexdigest()


def _text(value: dict[str, Any] | tuple[Any, ...]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
