"""A store of results that somebody or something has altered: told in one line, never believed."""

import hashlib
import json
import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from prunus_model.common.errors import ResultsError
from prunus_model.study.export import collect
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.rule import Rule
from prunus_model.study.work import Result
from prunus_training import training

MODEL = "0123456789abcdef"


def pretend(wanted: Training) -> Result:
    """A result that costs nothing."""
    return Result(
        digest=wanted.digest,
        name=wanted.name,
        row={"density": 0.5 * wanted.config.seed, "w_prune_early": 30},
        tests={r: {**r.columns, "vote": 0.1 * r.early_exit} for r in wanted.rules},
        detail={"history": {"plastic": [1]}, "neurons": {}},
        seconds=2,
        versions={"python": "3"},
    )


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    made = ResultStore(tmp_path / "store.sqlite", MODEL)
    for seed in range(1, 9):
        made.add(pretend(training(seed, exits=(0, 2))))
    return made


def everything(path: Path) -> Any:
    """All that a store says, by every way of reading it."""
    store = ResultStore(path, MODEL)
    wanted = [training(seed, exits=(0, 2)) for seed in range(1, 9)]
    details = [store.detail(one.digest) for one in wanted]
    collected = collect(wanted, store)
    return collected.rows, collected.versions, collected.missing, details


def change(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement, values)
        database.commit()


ALTERED = "a row of table {} is not as it was written"
CHANGES = {
    "figure": ("trainings", "row = replace(row, '30', '2147483648')", ALTERED),
    "detail": ("trainings", "detail = replace(detail, '1', '2')", ALTERED),
    "seconds": ("trainings", "seconds = seconds + 1", ALTERED),
    "name": ("trainings", "name = ''", ALTERED),
    "versions": ("trainings", "versions = '{}'", ALTERED),
    "no JSON": ("trainings", "row = '{'", ALTERED),
    "bytes": ("trainings", "row = CAST(row AS BLOB)", ALTERED),
    "test": ("tests", "row = replace(row, 'vote', 'vot')", ALTERED),
    "exit": ("tests", "early_exit = early_exit + 1", ALTERED),
    "margin": ("tests", "margin = 1", ALTERED),
    "votes": ("tests", "votes = 'logarithms'", ALTERED),
    "bytes of a test": ("tests", "row = CAST(row AS BLOB)", ALTERED),
    "SHA-256": ("tests", "sha256 = 'x'", ALTERED),
}


@pytest.mark.parametrize(("table", "values", "reason"), CHANGES.values(), ids=CHANGES)
def test_altered_row_is_told(store: ResultStore, table: str, values: str, reason: str) -> None:
    change(store.path, f"UPDATE {table} SET {values} WHERE digest = ?", training(3).digest)
    said = (
        f"Store {store.path} must be whole: {reason.format(table)}: name another one with --store"
    )
    with pytest.raises(ResultsError, match=f"^{re.escape(said)}$"):
        everything(store.path)
    with pytest.raises(ResultsError, match=f"^{re.escape(said)}$"):
        store.add(pretend(training(3, exits=(0, 2))))


@pytest.mark.parametrize("text", ["{", "[" * 9999, "[]", '"x"', "NULL", '{"a": '])
def test_text_that_is_no_table_of_json_is_told(store: ResultStore, text: str) -> None:
    digest = training(3).digest
    row = json.dumps([digest, "shares", 4, 2, 0, text], separators=(",", ":"))
    sha256 = hashlib.sha256(row.encode()).hexdigest()
    where = "digest = ? AND early_exit = 2"
    change(store.path, f"UPDATE tests SET row = ?, sha256 = ? WHERE {where}", text, sha256, digest)
    with pytest.raises(ResultsError, match=r"^Store .* must be whole: texts must be .*JSON: name"):
        store.get(digest)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM model", "be whole: table model must have one row"),
        ("INSERT INTO model VALUES ('x')", "be whole: table model must have one row"),
        ("DROP TABLE model", "be usable: no such table: model"),
        ("DROP TABLE tests", "be usable: no such table: tests"),
        ("ALTER TABLE trainings DROP COLUMN detail", "be whole: " + ALTERED.format("trainings")),
    ],
)
def test_altered_tables_are_told(store: ResultStore, statement: str, reason: str) -> None:
    change(store.path, statement)
    with pytest.raises(ResultsError, match=f"^{re.escape(f'Store {store.path} must {reason}')}"):
        everything(store.path)


def test_row_without_a_key_is_told(store: ResultStore) -> None:
    wanted = training(20)
    result = pretend(wanted)
    store.add(
        Result(**{**{n: getattr(result, n) for n in result.__slots__}, "tests": {Rule(): {}}})
    )
    with pytest.raises(ResultsError, match=r"must have complete rows \('votes'\): name"):
        collect([wanted], store)


def test_row_that_the_index_has_lost_is_told(store: ResultStore) -> None:
    with closing(sqlite3.connect(store.path)) as database:
        (page,) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_trainings_1'"
        ).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    content = bytearray(store.path.read_bytes())
    place = content.index(training(3).digest.encode(), (page - 1) * size)
    content[place : place + 1] = b"!"
    store.path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"^Store .* must be whole: .*index"):
        ResultStore(store.path, MODEL)


def test_damaged_bytes_never_give_other_figures(store: ResultStore) -> None:
    whole, content = everything(store.path), store.path.read_bytes()
    draw, told = random.Random(14), 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 3))):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        store.path.write_bytes(damaged[: draw.choice((len(damaged), draw.randrange(1, 99999)))])
        try:
            # In free space nothing is lost.
            assert everything(store.path) == whole
        except ResultsError as e:
            told += 1
            assert len(str(e).splitlines()) == 1
    assert told > 50
