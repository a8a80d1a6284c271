from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prunus_cli import write_digits
from prunus_data import to_idx
from prunus_model.common.errors import DataError
from prunus_model.data.images import read_images


def digit() -> np.ndarray:
    pixels = np.zeros((7, 7), np.uint8)
    pixels[2:5, 3] = [50, 100, 255]
    return pixels


def png(path: Path, pixels: np.ndarray, mode: str = "L") -> str:
    Image.fromarray(pixels).convert(mode).save(path)
    return str(path)


def message(*sources: str) -> str:
    with pytest.raises(DataError) as caught:
        read_images(sources, size=49)
    return str(caught.value)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pictures_are_read_as_grey(tmp_path: Path, mode: str) -> None:
    paths = [png(tmp_path / f"{k}.png", digit() // k, mode) for k in (1, 2)]
    images = read_images(paths, size=49)
    assert images.names == ("1.png", "2.png")
    assert images.pixels.tolist() == [digit().ravel().tolist(), (digit() // 2).ravel().tolist()]
    assert images.labels is None
    assert images.hints == ()


def test_dark_on_light_is_told_and_can_be_inverted(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", 255 - digit())
    images = read_images([path], size=49)
    assert images.hints == (
        f"Image {path} looks dark on light; networks expect light on dark: --invert",
    )
    inverted = read_images([path], size=49, invert=True)
    assert inverted.pixels.tolist() == [digit().ravel().tolist()]
    assert inverted.hints == ()


def test_file_of_images_has_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "some-images"
    path.write_bytes(to_idx(np.stack([digit(), digit() // 2])))
    images = read_images([str(path)], size=49)
    assert images.names == ("some-images[0]", "some-images[1]")
    assert images.pixels[1].tolist() == (digit() // 2).ravel().tolist()
    assert images.labels is None


def test_data_set_has_labels(tmp_path: Path) -> None:
    images = read_images([str(write_digits(tmp_path / "d.npz", 10, 6))], size=49)
    assert len(images) == 6
    assert images.labels is not None and len(images.labels) == 6
    assert images.head(2).pixels.tolist() == images.pixels[:2].tolist()
    some = images.head(2).labels
    assert some is not None and some.tolist() == images.labels[:2].tolist()


def test_labels_of_some_images_are_none_of_all(tmp_path: Path) -> None:
    data = str(write_digits(tmp_path / "d.npz", 10, 6))
    images = read_images([data, png(tmp_path / "a.png", digit())], size=49)
    assert (len(images), images.labels) == (7, None)


def test_more_images_than_there_are_is_refused(tmp_path: Path) -> None:
    images = read_images([png(tmp_path / "a.png", digit())], size=49)
    with pytest.raises(DataError, match=r"^Number of images must be in 1\.\.1, not 2$"):
        images.head(2)


def test_wrong_images_are_refused(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", np.zeros((7, 8), np.uint8))
    assert message(path) == f"Image {path} must have 49 pixels for this network, not 8 x 7"
    assert message("sample") == "Images of sample must have 49 pixels for this network, not 784"
    assert message(str(tmp_path / "b.png")) == f"File {tmp_path / 'b.png'} must exist"
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert message(str(tmp_path / "c.png")) == (
        f"File {tmp_path / 'c.png'} must be a PNG image that can be read"
    )
    assert message() == "Images must be named: a data set, or files"
    (tmp_path / "text").write_text("hello")
    assert message(str(tmp_path / "text")).startswith(f"Image file {tmp_path / 'text'} must start")
