"""The attacks, bounded; and that they find faults that are put into a reader."""

import json
import os
import shutil
import sys
import time
import warnings
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_fuzz.__main__ import BAD, fuzz
from prunus_fuzz.kills import COMMANDS, Starter, kill_once, prepare
from prunus_fuzz.pool import Limits, WrongValueError, attempt, attempts
from prunus_fuzz.readers import READERS, Reader
from prunus_fuzz.results import write
from prunus_model.common.errors import DataError

#: Enough for a few inputs of every mutation.
INPUTS = 30
QUICK = Limits(seconds=60)


def bad_of(reader: Reader, numbers: range, folder: Path, limits: Limits = QUICK) -> list[Any]:
    outcomes = fuzz(reader, numbers, jobs=1, limits=limits, failed=folder)
    assert sorted(outcome.number for outcome in outcomes) == list(numbers)
    return [(o.number, o.verdict, o.said) for o in outcomes if o.verdict in BAD]


@pytest.mark.parametrize("name", list(READERS))
def test_mutated_files_are_taken_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    assert bad_of(READERS[name], range(INPUTS), tmp_path) == []


@pytest.mark.parametrize("name", list(READERS))
def test_an_input_is_determined_by_its_number(name: str) -> None:
    reader = READERS[name]
    again = [replace(reader).mutated(number)[0] for number in range(5)]
    assert [reader.mutated(number)[0] for number in range(5)] == again
    assert len(set(again)) > 1


def spoilt(number: int) -> None:
    """A reader with a fault of each kind."""
    match number:
        case 1:
            raise KeyError("weights")
        case 2:
            time.sleep(3600)
        case 3:
            bytes(1 << 30)
        case 4:
            raise WrongValueError("other pixels")
        case 5:
            os._exit(3)
        case 6:
            try:
                np.ones(1 << 30)
            except MemoryError as e:
                raise DataError("File must be readable") from e
        case 7:
            raise DataError("File must be whole")
        case 8:
            raise DataError("")


def test_every_kind_of_fault_is_found() -> None:
    limits = Limits(memory_mb=512, seconds=3, again=9)
    outcomes = list(attempts(spoilt, range(10), limits=limits, jobs=2))
    assert {outcome.number: outcome.verdict for outcome in outcomes} == {
        0: "accepted",
        1: "traceback",
        2: "hang",
        3: "memory",
        4: "wrong",
        5: "traceback",
        6: "memory",
        7: "refused",
        8: "traceback",
        9: "accepted",
    }
    said = {outcome.number: outcome.said for outcome in outcomes}
    assert "KeyError: 'weights'" in said[1]
    assert said[4] == "other pixels"
    assert said[5] == "process died: 3"
    assert said[7] == "File must be whole"


def test_foreign_warnings_are_faults_and_our_notes_are_none() -> None:
    def read(number: int) -> None:
        print("note", file=sys.stderr)
        if number:
            warnings.warn("odd", (UserWarning, RuntimeWarning)[number - 1], stacklevel=1)

    # As outside of pytest, whose filters make errors of them.
    with warnings.catch_warnings(action="default"):
        verdicts = {o.number: o.verdict for o in attempts(read, range(3), limits=QUICK)}
    assert verdicts == {0: "accepted", 1: "traceback", 2: "traceback"}


def test_late_input_is_tried_once_more_and_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    def read(_number: int) -> None:
        assert list(Path.cwd().iterdir()) == []
        Path("mine").touch()
        if not (tmp_path / "late").exists():
            (tmp_path / "late").touch()
            time.sleep(3600)

    outcomes = list(attempts(read, range(3), limits=Limits(seconds=2)))
    assert [(o.number, o.verdict) for o in outcomes] == [(n, "accepted") for n in range(3)]


def test_memory_is_measured() -> None:
    def read(number: int) -> None:
        if number:
            assert np.ones(300 << 17).sum() == 300 << 17

    small, large = attempts(read, range(2), limits=QUICK)
    assert large.peak_mb - small.peak_mb >= 290


def test_a_failing_input_is_kept_with_its_command(tmp_path: Path) -> None:
    def check(_path: Path, seed: bytes, _new: bool) -> None:
        if Path("images-idx3-ubyte").read_bytes() != seed:
            raise KeyError("planted")

    reader = replace(READERS["idx"], check=check)
    failed = bad_of(reader, range(3), tmp_path / "failed")
    assert [verdict for _, verdict, _ in failed] == ["traceback"] * 3
    for number in range(3):
        kept = tmp_path / "failed" / f"idx-{number}"
        assert kept.read_bytes() == reader.mutated(number)[0]
        text = kept.with_name(f"idx-{number}.txt").read_text()
        assert text.startswith(f"make fuzz ONLY='idx' NUMBER={number}\n")
        assert "planted" in text


def test_a_reader_that_refuses_its_seed_is_no_target(tmp_path: Path) -> None:
    def check(_path: Path, _seed: bytes, _new: bool) -> None:
        raise DataError("File must be another")

    with pytest.raises(DataError, match="another"):
        fuzz(replace(READERS["idx"], check=check), range(1), jobs=1, limits=QUICK, failed=tmp_path)


def test_input_that_is_changed_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def check(path: Path, _seed: bytes, _new: bool) -> None:
        path.write_bytes(b"")

    reader = replace(READERS["idx"], check=check)
    assert attempt(lambda: reader.read(1)) == ("wrong", "the input was changed")


@pytest.mark.parametrize("name", ["artefact", "checkpoint", "data", "idx, packed", "picture"])
def test_content_that_is_not_the_seeds_is_wrong(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that takes another sound file for the one of which the checksums are."""
    monkeypatch.chdir(tmp_path)
    reader = READERS[name]
    verdicts = Counter[str]()
    for number in range(200):
        content, seed, new = reader.mutated(number)
        if not new or content == seed:
            continue
        Path(reader.file).write_bytes(content)
        verdicts[attempt(partial(reader.check, Path(reader.file), seed, False))[0]] += 1
        if verdicts["wrong"]:
            return
    raise AssertionError(verdicts)


def test_parts_of_the_results_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "attack.json"
    kills = {"kills": 2, "identical": 2, "left_over": 0}
    write(path, {"kills": kills})
    write(path, {"readers": [], "devices": {"kinds": 1, "told": 1, "longest_s": 0.5}})
    content = json.loads(path.read_text())
    assert content["kills"] == kills
    assert list(content) == ["provenance", "readers", "kills", "devices"]
    assert content["provenance"]["kind"] == "attack"


def test_a_killed_command_is_looked_at(tmp_path: Path) -> None:
    """What is left, and another result, are found."""
    command = COMMANDS["run"]
    folder = prepare(tmp_path / "folder")
    again = replace(command, again=lambda _: (*command.start[:4], "50", *command.start[5:]))
    with Starter() as start:
        other = kill_once(start, again, folder, "another", after=0, number=9)
        assert (other.identical, other.left) == (False, [])
        want = command.content(folder / command.output)
        (folder / command.output).unlink()

        def spill(_folder: Path) -> tuple[str, ...]:
            for name in ("spilt", "tmp/more", "data/.prunus-x"):
                (folder / name).touch()
            return again.again(folder)

        same = kill_once(start, replace(command, again=spill), folder, want, after=0, number=9)
        assert (same.identical, same.left) == (True, ["spilt", "tmp/more", "data/.prunus-x"])


def test_an_older_build_is_replaced_after_a_kill(tmp_path: Path) -> None:
    command = COMMANDS["bitstream"]
    folder = prepare(tmp_path / "folder")
    older = command.content(folder / command.output)
    whole = shutil.copytree(folder, tmp_path / "whole")
    with Starter() as start:
        assert start(command.start, whole) == (0, "")
        want = command.content(whole / command.output)
        assert want != older
        assert start(command.start, folder, after=0, number=9)[0] == -9
        assert command.content(folder / command.output) == older
        again = kill_once(start, command, folder, want, after=0, number=9)
    assert (again.identical, again.left) == (True, [])
