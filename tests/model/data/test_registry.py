"""Named data sets: where they are looked for, how they are downloaded, and every message."""

import gzip
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prunus_data import (
    DIGITS,
    FASHION,
    NOBODY,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    Mirror,
    message_of,
    set_mirrors,
    sha256,
    to_idx,
    write,
)
from prunus_model.data import idx
from prunus_model.data import registry as mirrors
from prunus_model.data.datasets import fetch, load
from prunus_model.data.registry import NAMED

pytestmark = pytest.mark.usefixtures("cache")


# --- Search --------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["mnist", "."], ids=["folder of its own", "folder itself"])
def test_prunus_data_is_searched_in_both_layouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    write(tmp_path / "data" / below, DIGITS)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path / "data"))
    split = load("mnist", "train")
    assert (split.name, split.labels.tolist()) == ("mnist train", [1, 2, 3])
    assert fetch("mnist") == tmp_path / "data" / below


def test_folder_of_its_own_comes_before_the_folder_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, FASHION)
    write(tmp_path / "mnist", DIGITS)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path))
    assert fetch("mnist") == tmp_path / "mnist"
    assert fetch("fashion-mnist") == tmp_path


def test_prunus_data_comes_before_the_cache_and_the_cache_before_the_system(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "system"
    monkeypatch.setitem(NAMED, "mnist", replace(NAMED["mnist"], system_folder=system))
    write(system, DIGITS)
    assert fetch("mnist") == system
    write(cache / "mnist", DIGITS)
    assert fetch("mnist") == cache / "mnist"
    write(tmp_path / "data", DIGITS)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path / "data"))
    assert fetch("mnist") == tmp_path / "data"


def test_prunus_data_without_the_data_set_is_passed_over(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(cache / "mnist", DIGITS)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path))
    assert fetch("mnist") == cache / "mnist"


def test_prunus_data_with_another_data_set_is_passed_over(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(cache / "mnist", DIGITS)
    write(tmp_path / "data", FASHION)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path / "data"))
    assert fetch("mnist") == cache / "mnist"


def test_another_data_set_under_the_name_of_this_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "mnist", FASHION)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path))
    assert message_of(lambda: load("mnist", "train")) == (
        f"File {tmp_path}/mnist/{TRAIN_IMAGES}.gz must have the SHA-256 "
        f"{sha256(DIGITS[TRAIN_IMAGES])} of mnist, not {sha256(FASHION[TRAIN_IMAGES])}"
    )


def test_prunus_data_with_wrong_content_is_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = to_idx(np.array([4, 6], np.uint8))
    write(tmp_path / "data", DIGITS | {TEST_LABELS: wrong}, packed=False)
    write(cache / "mnist", DIGITS)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path / "data"))
    assert load("mnist", "train").labels.tolist() == [1, 2, 3]
    assert message_of(lambda: load("mnist", "test")) == (
        f"File {tmp_path}/data/{TEST_LABELS} must have the SHA-256 "
        f"{sha256(DIGITS[TEST_LABELS])} of mnist, not {sha256(wrong)}"
    )


def test_no_more_is_unpacked_than_there_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, DIGITS | {TEST_LABELS: DIGITS[TEST_LABELS] + bytes(1000)})
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path))
    assert message_of(lambda: load("mnist", "test")) == (
        f"File {tmp_path}/{TEST_LABELS}.gz must have {len(DIGITS[TEST_LABELS])} bytes when "
        "unpacked, not more"
    )


def test_prunus_data_that_does_not_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path / "gone"))
    assert message_of(lambda: load("mnist", "test")) == (
        f"PRUNUS_DATA must name a folder that exists, not '{tmp_path}/gone'"
    )


def test_empty_prunus_data_counts_as_not_set(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(cache / "mnist", DIGITS)
    monkeypatch.setenv("PRUNUS_DATA", "")
    assert fetch("mnist") == cache / "mnist"


# --- Download ------------------------------------------------------------------------------------


def test_download_is_kept_and_used_without_a_network(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_mirrors(monkeypatch, mirror.put("good", DIGITS))
    assert fetch("mnist") == cache / "mnist"
    assert sorted(path.name for path in (cache / "mnist").iterdir()) == sorted(
        f"{name}.gz" for name in DIGITS
    )
    assert len(mirror.requests) == 4
    set_mirrors(monkeypatch, NOBODY)
    assert load("mnist", "train").labels.tolist() == [1, 2, 3]
    assert load("mnist", "test").labels.tolist() == [4, 5]


def test_only_what_is_missing_is_downloaded(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_mirrors(monkeypatch, mirror.put("good", DIGITS))
    write(cache / "mnist", {TEST_IMAGES: DIGITS[TEST_IMAGES]})
    assert load("mnist", "test").labels.tolist() == [4, 5]
    assert mirror.requests == [f"/good/{TEST_LABELS}.gz"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="not there"),
        pytest.param(gzip.compress(FASHION[TEST_LABELS] + b"x"), id="wrong content"),
        pytest.param(gzip.compress(DIGITS[TEST_LABELS])[:-5], id="truncated"),
        pytest.param(b"<html>Please log in</html>", id="web page"),
    ],
)
def test_bad_mirror_is_skipped_for_the_next(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        mirror.files[f"/bad/{TEST_LABELS}.gz"] = content
    good = mirror.put("good", {name: DIGITS[name] for name in idx.FILES["test"]})
    set_mirrors(monkeypatch, f"{mirror.url}/bad/", good)
    assert load("mnist", "test").labels.tolist() == [4, 5]
    assert f"/bad/{TEST_LABELS}.gz" in mirror.requests
    assert sorted(path.name for path in (cache / "mnist").iterdir()) == [
        f"{TEST_IMAGES}.gz",
        f"{TEST_LABELS}.gz",
    ]


def test_failure_of_every_mirror_names_them_and_the_ways_out(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = mirror.put("wrong", FASHION)
    set_mirrors(monkeypatch, f"{mirror.url}/gone/", wrong, NOBODY)
    assert message_of(lambda: load("mnist", "test")) == (
        f"Data set mnist must be on this machine or be downloaded, but got no {TEST_IMAGES} from "
        f"{mirror.url}/gone/ (HTTP 404), {wrong} (wrong content), {NOBODY} (ConnectionError): "
        "set PRUNUS_DATA to a folder that has it, or use --data sample"
    )
    assert list((cache / "mnist").iterdir()) == []


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_damaged_cache_is_mended_by_a_download(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    write(cache / "mnist", DIGITS | {TEST_LABELS: b"damaged"}, packed=packed)
    set_mirrors(monkeypatch, mirror.put("good", DIGITS))
    for _ in range(2):
        assert load("mnist", "test").labels.tolist() == [4, 5]
        assert mirror.requests == [f"/good/{TEST_LABELS}.gz"]


def test_damaged_cache_is_not_used_without_a_network(cache: Path) -> None:
    write(cache / "mnist", DIGITS | {TEST_LABELS: FASHION[TEST_LABELS] + b"x"})
    assert message_of(lambda: load("mnist", "test")) == (
        f"Data set mnist must be on this machine or be downloaded, but got no {TEST_LABELS} from "
        f"{NOBODY} (ConnectionError): set PRUNUS_DATA to a folder that has it, or use --data sample"
    )


def test_cache_that_cannot_be_written_is_refused(cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("in the way")
    assert message_of(lambda: load("mnist", "test")) == (
        f"Cache folder {cache}/mnist must be writable, not: Not a directory"
    )


def test_killed_download_leaves_no_file_under_the_final_name(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = mirror.put("slow", DIGITS)
    script = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from prunus_model.data import registry as m\n"
        "m.cache_folder = lambda: Path(sys.argv[1])\n"
        "m.NAMED['mnist'] = replace(m.NAMED['mnist'], mirrors=(sys.argv[2],))\n"
        "m.provide('mnist', list(m.NAMED['mnist'].sha256), progress=False)\n"
    )
    root = str(Path(mirrors.__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", script, str(cache), slow], env=os.environ | {"PYTHONPATH": root}
    ) as child:
        assert mirror.half_sent.wait(600)
        child.send_signal(signal.SIGKILL)
    mirror.go_on.set()
    assert idx.find_files(cache / "mnist") == {}
    # What the killed process left behind is not in the way of the next one.
    set_mirrors(monkeypatch, mirror.put("good", DIGITS))
    assert load("mnist", "train").labels.tolist() == [1, 2, 3]


def test_leftovers_of_killed_downloads_are_removed_after_a_day(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = cache / "fashion-mnist" / ".download-old", cache / "mnist" / ".download-new"
    for scratch, hours in ((old, 25), (new, 23)):
        write(scratch, DIGITS)
        os.utime(scratch, (time.time() - hours * 3600,) * 2)
    set_mirrors(monkeypatch, mirror.put("good", DIGITS))
    fetch("mnist")
    assert (old.exists(), new.exists()) == (False, True)


def test_connection_cut_in_the_middle_counts_as_a_failed_mirror(
    cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.go_on.set()
    set_mirrors(monkeypatch, mirror.put("slow", DIGITS), mirror.put("good", DIGITS))
    assert load("mnist", "train").labels.tolist() == [1, 2, 3]
    assert mirror.half_sent.is_set()
    assert fetch("mnist") == cache / "mnist"


@pytest.mark.parametrize("progress", [False, True])
def test_download_prints_nothing_to_what_is_no_terminal(
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    progress: bool,
) -> None:
    set_mirrors(monkeypatch, f"{mirror.url}/gone/", mirror.put("good", DIGITS))
    fetch("mnist", progress=progress)
    assert capfd.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    set_mirrors(monkeypatch, mirror.put("good", DIGITS))
    load("mnist", "test", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert TEST_IMAGES in err
