"""Folders of pictures, one for each class."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prunus_data import message_of
from prunus_model.data.datasets import load


def picture(path: Path, level: int = 0, *, size: tuple[int, int] = (3, 2), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.arange(size[0] * size[1], dtype=np.uint8).reshape(size[1], size[0]) + level
    Image.fromarray(pixels.astype(np.uint8)).convert(mode).save(path)


def test_classes_have_the_names_of_their_folders(tmp_path: Path) -> None:
    for number, name in enumerate(("b/1.png", "a/2.png", "a/1.bmp")):
        picture(tmp_path / name, 10 * number)
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    picture(tmp_path / "a" / ".hidden.png")
    for wanted in ("train", "test"):
        split = load(str(tmp_path), wanted)
        assert (split.class_names, split.labels.tolist()) == (("a", "b"), [0, 1, 0])
        assert split.images[:, 0].tolist() == [20, 0, 10]
        assert (split.image_shape, split.channels, split.fallback) == ((2, 3), 1, False)


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "2"):
        picture(tmp_path / name / "x.png", int(name))
    split = load(str(tmp_path), "train")
    assert (split.class_names, split.images[:, 0].tolist()) == (("2", "9", "10"), [2, 9, 10])


def test_classes_are_spread_evenly(tmp_path: Path) -> None:
    for name, count in (("a", 6), ("b", 2), ("c", 1)):
        for number in range(count):
            picture(tmp_path / name / f"{number}.png", number)
    for wanted in ("train", "test"):
        split = load(str(tmp_path), wanted)
        assert split.labels.tolist() == [0, 0, 1, 0, 2, 0, 0, 1, 0]
        assert split.images[:, 0].tolist() == [0, 1, 0, 2, 0, 3, 4, 1, 5]


def test_splits_are_folders_of_their_own(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "cat" / "1.png")
    picture(tmp_path / "train" / "dog" / "1.png")
    assert load(str(tmp_path), "test").fallback
    picture(tmp_path / "test" / "dog" / "1.png", 7)
    test = load(str(tmp_path), "test")
    assert (test.labels.tolist(), test.images[0, 0], test.fallback) == ([1], 7, False)
    assert test.class_names == ("cat", "dog")
    picture(tmp_path / "test" / "cow" / "1.png")
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Folder {tmp_path}/test/cow must be one of a class, as in {tmp_path}/train"
    )


def test_grey_pictures_are_grey_in_whatever_mode(tmp_path: Path) -> None:
    for name, mode in (("1.png", "RGB"), ("2.png", "P"), ("3.png", "LA"), ("4.jpg", "L")):
        picture(tmp_path / "a" / name, 90, mode=mode)
    deep = np.arange(6, dtype=np.uint16).reshape(2, 3) * 257 + 90 * 257
    Image.fromarray(deep).save(tmp_path / "a" / "5.png")
    split = load(str(tmp_path), "train")
    assert split.channels == 1
    assert abs(split.images.astype(int) - np.arange(90, 96)).max() <= 2  # JPEG is not exact
    assert (split.images[[0, 1, 2, 4]] == np.arange(90, 96)).all()


def test_colours_are_three_channels(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/a"):
        picture(tmp_path / name / "1.png", 50)
    colours = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    Image.fromarray(colours).save(tmp_path / "train" / "b" / "0.png")
    train, test = load(str(tmp_path), "train"), load(str(tmp_path), "test")
    assert train.channels == test.channels == 3
    assert train.labels.tolist() == [1, 0, 1]
    assert train.images[0].tolist() == np.moveaxis(colours, 2, 0).ravel().tolist()
    assert test.images[0].tolist() == [50, 51, 52, 53, 54, 55] * 3


def test_colours_after_a_grey_start_are_told(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    Image.fromarray(np.full((2, 3, 3), (255, 0, 0), np.uint8)).save(tmp_path / "a" / "2.png")
    split = load(str(tmp_path), "train")
    assert split.notes == (f"1 pictures of {tmp_path} have colours, which are left out",)
    assert split.images[1].tolist() == [76] * 6


def test_transparent_pictures_are_laid_on_what_shows_them(tmp_path: Path) -> None:
    for name, drawn in (("1.png", 0), ("2.png", 255)):
        pixels = np.full((1, 2, 4), drawn, np.uint8)
        pixels[0, :, 3] = (255, 0)
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "a" / name)
    assert load(str(tmp_path), "train").images.tolist() == [[0, 255], [255, 0]]


def test_sizes_must_be_one(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "b" / "1.png", size=(2, 3))
    assert message_of(lambda: load(str(tmp_path), "train")) == (
        f"Pictures of {tmp_path} must all have one size, but {tmp_path}/b/1.png has 2 x 3 and "
        f"{tmp_path}/a/1.png 3 x 2"
    )


def test_class_without_a_picture_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "b").mkdir()
    assert message_of(lambda: load(str(tmp_path), "train")) == (
        f"Folder {tmp_path}/b must hold at least one picture, as it is that of a class"
    )


@pytest.mark.parametrize("damage", ["text", "cut", "checksum"])
def test_damaged_picture_is_refused(tmp_path: Path, damage: str) -> None:
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "a" / "2.png", size=(40, 40))
    path = tmp_path / "a" / "1.png"
    content = (tmp_path / "a" / "2.png").read_bytes()
    wrong = {
        "text": b"text",
        "cut": content[:60],
        "checksum": content[:50] + content[50:].swapcase(),
    }
    path.write_bytes(wrong[damage])
    assert message_of(lambda: load(str(tmp_path), "train")) == (
        f"File {path} must be a picture that can be read"
    )


def test_too_many_pictures_for_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "a" / "1.png")
    monkeypatch.setattr("prunus_model.common.reading._memory", lambda: 10)
    assert message_of(lambda: load(str(tmp_path), "train")).startswith(
        f"Pictures of {tmp_path} must take at most 0.0 GB"
    )
