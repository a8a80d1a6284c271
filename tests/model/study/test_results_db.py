"""The store of results, and the trainings that fill it."""

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import digits, tiny, write_digits
from prunus_model.common.errors import ResultsError
from prunus_model.study.export import collect
from prunus_model.study.plan import Training, plan
from prunus_model.study.results_db import FORMAT_VERSION, ResultStore
from prunus_model.study.rule import Rule
from prunus_model.study.runner import reproduce
from prunus_model.study.trials import Trial
from prunus_model.study.work import Result
from prunus_model.training.trainer import train
from prunus_training import training

MODEL = "0123456789abcdef"


def pretend(wanted: Training) -> Result:
    """A result that costs nothing."""
    return Result(
        digest=wanted.digest,
        name=wanted.name,
        row={"density": 0.5 * wanted.config.seed},
        tests={r: {**r.columns, "vote": 0.1 * r.early_exit} for r in wanted.rules},
        detail={"history": {}, "neurons": {}},
        seconds=1.5,
        versions={"python": "3"},
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResultStore:
    monkeypatch.chdir(tmp_path)
    return ResultStore(tmp_path / "folder" / "store.sqlite", MODEL)


def test_store_gives_back_what_it_got(store: ResultStore) -> None:
    wanted = training(exits=(0, 2))
    assert store.lacks(wanted) == (Rule(), Rule(early_exit=2))
    assert store.get(wanted.digest) is None
    store.add(pretend(wanted))
    again = ResultStore(store.path, MODEL)
    kept = again.get(wanted.digest)
    assert kept is not None
    result = pretend(wanted)
    assert (kept.row, kept.tests, kept.seconds, kept.versions) == (
        result.row,
        result.tests,
        result.seconds,
        result.versions,
    )
    assert again.detail(wanted.digest) == result.detail
    assert again.lacks(wanted) == ()
    more = (Rule(early_exit=2), Rule(early_exit=2, margin=9), Rule(votes="logarithms"), Rule())
    assert again.lacks(replace(wanted, rules=dict.fromkeys(more, ()))) == more[1:3]
    assert len(again) == 1
    with pytest.raises(KeyError):
        again.detail("nope")


def test_later_tests_join_the_training(store: ResultStore) -> None:
    store.add(pretend(training(exits=(0, 2))))
    store.add(pretend(training(exits=(1, 2))))
    kept = store.get(training().digest)
    assert kept is not None
    assert list(kept.tests) == [Rule(early_exit=n) for n in (0, 1, 2)]
    assert len(store) == 1


def test_time_and_versions_may_differ_the_second_time(store: ResultStore) -> None:
    result = pretend(training())
    store.add(result)
    store.add(replace(result, seconds=9.0, versions={"python": "4"}))
    kept = store.get(result.digest)
    assert kept is not None
    assert (kept.seconds, kept.versions) == (1.5, {"python": "3"})


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"row": {"density": 0.4}}, "training"),
        ({"detail": {"history": {"plastic": [1]}, "neurons": {}}}, "training"),
        (
            {"tests": {Rule(): {"early_exit": 0, "vote": 0.9}}},
            "test with votes shares, vote_bits 4, early_exit 0, margin 0",
        ),
    ],
)
def test_another_result_is_refused(store: ResultStore, changes: dict[str, Any], what: str) -> None:
    result = pretend(training())
    store.add(result)
    with pytest.raises(ResultsError) as caught:
        store.add(replace(result, **{"tests": {**result.tests, Rule(margin=7): {}}, **changes}))
    assert str(caught.value) == (
        f"Store {store.path} must have the same result of every {what} of {result.name}, "
        f"but has another: this machine or an earlier one does not compute what it should"
    )
    # All of the transaction is taken back.
    kept = store.get(result.digest)
    assert kept is not None
    assert (kept.row, kept.tests) == (result.row, result.tests)


def refused(path: Path, model: str = MODEL) -> str:
    with pytest.raises(ResultsError) as caught:
        ResultStore(path, model)
    return str(caught.value)


def change(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()


def test_store_of_another_format_is_refused(store: ResultStore) -> None:
    change(store.path, "PRAGMA user_version = 7")
    assert refused(store.path) == (
        f"Store {store.path} must be of format {FORMAT_VERSION}, not 7: name another one "
        f"with --store"
    )


def test_store_of_another_model_is_refused(store: ResultStore) -> None:
    assert refused(store.path, "f" * 16) == (
        f"Store {store.path} must be of this model (ffffffffffffffff), not of one that computes "
        f"something else ({MODEL}): name another one with --store"
    )


def test_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("no database " * 100)
    assert refused(path) == f"Store {path} must be usable: file is not a database"
    other = tmp_path / "y"
    change(other, "CREATE TABLE t (a)")
    assert refused(other) == f"Store {other} must be one that prunus reproduce has made"
    assert refused(tmp_path) == f"Store {tmp_path} must be usable: unable to open database file"


def test_damaged_store_is_refused(store: ResultStore) -> None:
    for seed in range(60):
        store.add(pretend(training(seed)))
    content = bytearray(store.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    store.path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"^Store .* must be (usable|whole): "):
        ResultStore(store.path, MODEL)


def test_two_may_write_at_a_time(store: ResultStore) -> None:
    def write(first: int) -> None:
        other = ResultStore(store.path, MODEL)
        for seed in range(first, first + 40):
            other.add(pretend(training(seed)))

    # Their halves overlap: what both have is kept once.
    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 60


def fails_for_two(wanted: Training) -> Result:
    if wanted.config.seed == 2:
        raise ValueError("two is\nwrong")
    if wanted.config.seed == 3:
        raise KeyError("three")
    if wanted.config.seed == 4:
        raise MemoryError
    return pretend(wanted)


def endless_from_three(wanted: Training) -> Result:
    if wanted.config.seed >= 3:
        time.sleep(3600)
    return pretend(wanted)


def killed_for_two(wanted: Training) -> Result:
    if wanted.config.seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return pretend(wanted)


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_that_fails_does_not_stop_the_others(store: ResultStore, jobs: int) -> None:
    ended: list[Training] = []
    wanted = [training(seed) for seed in range(1, 7)]
    failures = reproduce(wanted, store, jobs=jobs, work=fails_for_two, ended=ended.append)
    assert {(f.training.config.seed, f.message) for f in failures} == {
        (2, "two is wrong"),
        (3, "KeyError: 'three'"),
        (4, "memory must suffice for this size of network"),
    }
    assert [n.config.seed for n in wanted if not store.lacks(n)] == [1, 5, 6]
    assert sorted(n.config.seed for n in ended) == [1, 2, 3, 4, 5, 6]


def test_one_whose_process_is_killed_does_not_stop_the_others(store: ResultStore) -> None:
    wanted = [training(seed) for seed in range(1, 7)]
    (failure,) = reproduce(wanted, store, jobs=2, work=killed_for_two)
    assert failure.training.config.seed == 2
    assert failure.message == "its process was killed; too little memory?"
    assert [n.config.seed for n in wanted if store.lacks(n)] == [2]


def test_what_is_there_is_not_done_again(store: ResultStore) -> None:
    store.add(pretend(training(2)))
    done: list[int] = []

    def count(wanted: Training) -> Result:
        done.append(wanted.config.seed)
        # Meanwhile another process does the next one.
        store.add(pretend(training(wanted.config.seed + 1)))
        return pretend(wanted)

    ended: list[Training] = []
    wanted = [training(seed) for seed in range(1, 6)]
    assert reproduce(wanted, store, jobs=1, work=count, ended=ended.append) == []
    assert done == [1, 3, 5]
    assert len(ended) == 5


def test_interrupt_loses_only_what_is_running(store: ResultStore) -> None:
    def interrupted(wanted: Training) -> Result:
        if wanted.config.seed == 3:
            raise KeyboardInterrupt
        return pretend(wanted)

    wanted = [training(seed) for seed in range(1, 6)]
    with pytest.raises(KeyboardInterrupt):
        reproduce(wanted, store, jobs=1, work=interrupted)
    assert [n.config.seed for n in wanted if not store.lacks(n)] == [1, 2]


@pytest.mark.parametrize("interrupt", [False, True])
def test_neither_workers_nor_threads_are_left(store: ResultStore, interrupt: bool) -> None:
    def ended(wanted: Training) -> None:
        seen.append(wanted.config.seed)
        if len(seen) == 2 and interrupt:
            raise KeyboardInterrupt

    seen: list[int] = []
    before = set(threading.enumerate())
    wanted = [training(seed) for seed in range(1, 6)]
    with pytest.raises(KeyboardInterrupt) if interrupt else nullcontext():
        reproduce(
            wanted,
            store,
            jobs=2,
            work=endless_from_three if interrupt else pretend,
            ended=ended,
        )
    assert set(threading.enumerate()) <= before
    assert multiprocessing.active_children() == []
    assert bool(store.lacks(wanted[4])) is interrupt


def test_rows_are_sorted_and_hold_what_was_wanted(store: ResultStore) -> None:
    write_digits(Path("digits.npz"))
    runs = [
        Trial(
            part="b",
            label="x",
            data="digits.npz",
            config_name="tiny",
            config=tiny(policy, seed=seed),
            epochs=1,
            rules=tuple(Rule(early_exit=n) for n in exits),
            settings={},
        )
        for policy, seed, exits in (
            ("none", 3, (0,)),
            ("adaptive", 2, (0, 1)),
            ("adaptive", 1, (1, 0)),
        )
    ]
    trainings = plan(runs)
    assert reproduce(trainings[1:], store, jobs=1) == []
    collected = collect(trainings, store)
    assert collected.missing == 1
    assert [(r["policy"], r["seed"], r["early_exit"]) for r in collected.rows] == [
        ("adaptive", 1, 0),
        ("adaptive", 1, 1),
        ("adaptive", 2, 0),
        ("adaptive", 2, 1),
    ]
    assert {str(r["parts"]) for r in collected.rows} == {"{'b': 'x'}"}
    assert collected.rows[0]["policy_setting"] == {
        "ramp_gain": 1,
        "ramp_shift": 2,
        "strength_gain": 1200,
        "start": 0,
    }
    assert collected.versions.keys() == {"python", "prunus", "numpy", "numba"}
    # Only those early exits that the list wants are in its rows.
    some = [replace(t, rules={Rule(): ("b",)}) for t in trainings]
    assert {r["early_exit"] for r in collect(some, store).rows} == {0}
    store.add(replace(pretend(trainings[0]), versions={"python": "4"}))
    assert collect(trainings, store).versions["python"].endswith(" and 4")


def test_workers_follow_into_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    densities = []
    for name, count in (("a", 2300), ("b", 2000)):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        write_digits(folder / "digits.npz", train=count)
        store = ResultStore(folder / "store", MODEL)
        wanted = [training(seed) for seed in (1, 2, 3)]
        assert reproduce(wanted, store, jobs=2) == []
        kept = store.get(wanted[0].digest)
        assert kept is not None
        densities.append(kept.row["density"])
    assert densities[0] == train(tiny(), digits(2300)).density
    assert densities[1] == train(tiny(), digits(2000)).density != densities[0]
