"""Data sets: folders and pairs of idx files, what is here, and the sample."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import write_digits
from prunus_data import (
    DIGITS,
    FASHION,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    Mirror,
    grey,
    message_of,
    set_mirrors,
    small_split,
    to_npz,
    write,
)
from prunus_model.data import datasets, idx, make_sample
from prunus_model.data.datasets import check_for, data_digest, fetch, list_sources, load
from prunus_model.data.registry import NAMED
from prunus_model.data.split import SPLITS
from prunus_model.spec.config import NetworkConfig

#: From before the fixture hides them.
MNIST, WHERE = NAMED["mnist"], os.environ.get("PRUNUS_DATA", "")

pytestmark = pytest.mark.usefixtures("cache")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_folder_is_loaded(tmp_path: Path, packed: bool) -> None:
    write(tmp_path, DIGITS, packed=packed)
    train, test = load(str(tmp_path), "train"), load(str(tmp_path), "test")
    assert (train.name, test.name) == (f"{tmp_path} train", f"{tmp_path} test")
    assert train.images.tolist() == grey(3).reshape(3, 6).tolist()
    assert test.images.tolist() == grey(2, start=100).reshape(2, 6).tolist()
    assert (train.labels.tolist(), test.labels.tolist()) == ([1, 2, 3], [4, 5])
    assert train.image_shape == (2, 3)


def test_folder_with_one_split_serves_for_both_and_the_name_tells(tmp_path: Path) -> None:
    write(tmp_path, {name: DIGITS[name] for name in idx.FILES["test"]})
    split = load(str(tmp_path), "train")
    assert (split.name, split.fallback) == (f"{tmp_path} test", True)
    assert not load(str(tmp_path), "test").fallback


@pytest.mark.parametrize("name", ["A.NPZ", "a,b.npz"])
def test_archive_is_known_by_its_ending(tmp_path: Path, name: str) -> None:
    path = write_digits(tmp_path / "a.npz", 3, 2).rename(tmp_path / name)
    assert load(str(path), "test").name == f"{path} test"


def test_named_set_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, DIGITS)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path))
    assert (load("mnist", "test").identity, load(str(tmp_path), "test").identity[:5]) == (
        "mnist test",
        "data ",
    )


def test_folder_without_data_is_refused(tmp_path: Path) -> None:
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Folder {tmp_path} must hold idx files, arrays, tables or archives with train or test in "
        "their names, or a folder of pictures for each class"
    )


def test_folder_with_half_a_pair_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {name: DIGITS[name] for name in DIGITS if name != TEST_LABELS})
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Folder {tmp_path} must hold {TEST_IMAGES} and {TEST_LABELS}, but has {TEST_IMAGES} only"
    )


def test_unreadable_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> dict[str, Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(idx, "find_files", refuse)
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Data {tmp_path} must be readable, not: Permission denied"
    )
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path))
    assert message_of(lambda: load("mnist", "test")) == (
        f"Folder {tmp_path}/mnist must be readable, not: Permission denied"
    )


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_pair_of_files_is_loaded_for_both_splits(tmp_path: Path, packed: bool) -> None:
    write(
        tmp_path, {"pixels": DIGITS[TRAIN_IMAGES], "classes": DIGITS[TRAIN_LABELS]}, packed=packed
    )
    end = ".gz" if packed else ""
    for name in SPLITS:
        split = load(f"{tmp_path}/pixels{end},{tmp_path}/classes{end}", name)
        assert (split.name, split.labels.tolist()) == (f"{tmp_path}/pixels{end}", [1, 2, 3])


def test_pair_of_different_lengths_is_refused(tmp_path: Path) -> None:
    write(tmp_path, DIGITS, packed=False)
    images, labels = tmp_path / TRAIN_IMAGES, tmp_path / TEST_LABELS
    assert message_of(lambda: load(f"{images},{labels}", "train")) == (
        f"Images and labels of {images} must be equally many, but got 3 images, 2 labels"
    )


def test_one_file_twice_is_refused_as_labels(tmp_path: Path) -> None:
    write(tmp_path, DIGITS, packed=False)
    images = tmp_path / TRAIN_IMAGES
    assert message_of(lambda: load(f"{images},{images}", "train")) == (
        f"Label file {images} must start with magic 0x00000801, not 0x00000803: it is an image file"
    )


@pytest.mark.parametrize("spec", ["", "nowhere", "a,b,c", "a,", ","])
def test_unknown_data_are_refused(spec: str) -> None:
    assert message_of(lambda: load(spec, "train")) == (
        "Data must be sample, mnist, fashion-mnist, a folder that exists, a file "
        f".npz, .mat, .csv, .tsv or .txt, or IMAGES,LABELS, not {spec!r}"
    )


def test_mistyped_name_is_told_and_a_missing_file_is_another_matter(tmp_path: Path) -> None:
    mistyped = "not 'MNITS': did you mean 'mnist'?"
    assert message_of(lambda: load("MNITS", "train")).endswith(f"IMAGES,LABELS, {mistyped}")
    assert message_of(lambda: fetch("MNITS")) == (
        f"Data set must be sample or mnist or fashion-mnist, {mistyped}"
    )
    gone, there = tmp_path / "gone", tmp_path / "there"
    assert message_of(lambda: load(str(gone), "train")) == f"Data {gone} must exist"
    there.touch()
    assert message_of(lambda: load(str(there), "train")) == (
        f"Data {there} must be a folder that exists, a file .npz, .mat, .csv, .tsv or .txt, or "
        "IMAGES,LABELS, not one file of another kind"
    )


def test_unknown_split_is_refused() -> None:
    split: Any = "validation"
    assert message_of(lambda: load("mnist", split)) == (
        "Split must be 'train' or 'test', not 'validation'"
    )


def test_too_long_name_is_refused() -> None:
    spec = "x" * 5000
    assert message_of(lambda: load(spec, "train")) == (
        f"Data {spec} must be readable, not: File name too long"
    )


def test_fetch_of_an_unknown_name_is_refused() -> None:
    assert message_of(lambda: fetch("cifar")) == (
        "Data set must be sample or mnist or fashion-mnist, not 'cifar'"
    )


def test_sources_tell_what_is_here_without_downloading(
    tmp_path: Path, cache: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_mirrors(monkeypatch, mirror.put("good", DIGITS))
    write(tmp_path / "data" / "fashion-mnist", FASHION)
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path / "data"))
    sample, digits, fashion = list_sources()
    assert (sample.name, sample.verified, sample.problem) == ("sample", True, "")
    assert (sample.train_images, sample.test_images) == (2000, 1000)
    assert digits == datasets.Source(name="mnist", folder=cache / "mnist", verified=False)
    assert fashion == datasets.Source(
        name="fashion-mnist",
        folder=tmp_path / "data" / "fashion-mnist",
        verified=True,
        train_images=3,
        test_images=2,
    )
    assert mirror.requests == []


def test_sources_tell_the_problem_of_each(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path / "gone"))
    assert list_sources()[1] == datasets.Source(
        name="mnist",
        folder=cache / "mnist",
        verified=False,
        problem=f"PRUNUS_DATA must name a folder that exists, not '{tmp_path}/gone'",
    )


def test_sample_is_the_start_of_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    if not WHERE:
        pytest.skip("PRUNUS_DATA is not set")
    monkeypatch.setenv("PRUNUS_DATA", WHERE)
    monkeypatch.setitem(NAMED, "mnist", replace(MNIST, mirrors=()))
    for split, count in zip(SPLITS, (2000, 1000), strict=True):
        assert load("mnist", split).head(count).sha256 == load("sample", split).sha256


def test_sample_has_the_digits_that_mnist_starts_with_and_all_classes() -> None:
    train, test = load("sample", "train"), load("sample", "test")
    assert (train.name, test.name) == ("sample train", "sample test")
    assert (train.identity, test.identity) == ("sample train", "sample test")
    assert (train.images.shape, test.images.shape) == ((2000, 784), (1000, 784))
    assert train.image_shape == test.image_shape == (28, 28)
    # The first digits of MNIST are well known.
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(train.labels, minlength=10).min() > 150
    check_for(train, NetworkConfig())
    assert fetch("sample") == datasets.SAMPLE_PATH.parent


def test_changed_sample_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = to_npz(tmp_path, images=grey(3), labels=np.array([1, 2, 3]))
    monkeypatch.setattr(datasets, "SAMPLE_PATH", Path(path))
    message = (
        f"File {path} must have the train images with SHA-256 {datasets.SAMPLE_SHA256['train']}, "
        f"not {small_split().sha256}"
    )
    assert message_of(lambda: load("sample", "train")) == message
    assert list_sources()[0].problem == message


def test_remaking_the_sample_gives_the_same_bytes_every_time(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(cache / "mnist", DIGITS)
    monkeypatch.setattr(make_sample, "COUNTS", {"train": 2, "test": 1})
    digests = make_sample.make(tmp_path / "one.npz")
    make_sample.make(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    for split in SPLITS:
        assert load(str(tmp_path / "one.npz"), split).sha256 == digests[split]
    with zipfile.ZipFile(tmp_path / "one.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_digest_of_data_follows_its_content_and_not_its_order(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("a.npz", "b.npz", "c.npz"))
    write_digits(first, 3, 2)
    write_digits(second, 4, 2)
    write_digits(third, 4, 1)
    of = [
        data_digest(*specs)
        for specs in (
            ("mnist",),
            ("fashion-mnist",),
            ("sample",),
            ("mnist", "fashion-mnist"),
            (str(first),),
            (str(second),),
            (str(third),),
        )
    ]
    assert len(set(of)) == len(of)
    assert data_digest("fashion-mnist", "mnist", "mnist") == of[3]
