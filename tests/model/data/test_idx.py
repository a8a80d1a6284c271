"""The idx format: what is read, and every message about what is not."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_data import message_of, to_idx
from prunus_model.common.errors import DataError
from prunus_model.data import idx

PATH = Path("some-file")
IMAGES = to_idx(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
LABELS = to_idx(np.array([7, 255], np.uint8))


@settings(database=None)
@given(st.tuples(*[st.integers(1, 5)] * 3), st.booleans(), st.integers(0, 2**32))
def test_images_survive_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int, int], packed: bool, seed: int
) -> None:
    images = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    path = tmp_path_factory.mktemp("idx") / "images"
    path.write_bytes(gzip.compress(to_idx(images)) if packed else to_idx(images))
    read = idx.parse_images(idx.read_content(path), path)
    assert read.dtype == np.uint8
    assert read.tolist() == images.tolist()


@settings(database=None)
@given(st.binary(min_size=1, max_size=300))
def test_labels_survive_writing_and_reading(values: bytes) -> None:
    labels = np.frombuffer(values, np.uint8)
    assert idx.parse_labels(to_idx(labels), PATH).tolist() == list(values)


@settings(database=None)
@given(st.binary(max_size=64))
def test_any_other_content_is_refused_with_one_line(content: bytes) -> None:
    try:
        images = idx.parse_images(content, PATH)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert to_idx(images) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "start with magic 0x00000803, not end after 0 bytes", id="empty"),
        pytest.param(b"\0\0\x08", "start with magic 0x00000803, not end after 3 bytes", id="short"),
        pytest.param(
            b"\x89PNG\r\n",
            "start with magic 0x00000803, not 0x89504e47: it is a PNG picture, which `prunus run` "
            "reads",
            id="png",
        ),
        pytest.param(
            b"\xff\xd8\xff\xe0",
            "start with magic 0x00000803, not 0xffd8ffe0: it is a JPEG picture; pictures must be "
            "PNG",
            id="jpeg",
        ),
        pytest.param(
            b"BM\0\0",
            "start with magic 0x00000803, not 0x424d0000: it is a BMP picture; pictures must be "
            "PNG",
            id="bmp",
        ),
        pytest.param(b"\0\x01\x08\x03", "start with magic 0x00000803, not 0x00010803", id="byte 1"),
        pytest.param(
            LABELS,
            "start with magic 0x00000803, not 0x00000801: it is a label file",
            id="labels",
        ),
        pytest.param(
            to_idx(np.zeros((1, 1, 1, 1), np.uint8)),
            "start with magic 0x00000803, not 0x00000804: it is a file with 4 dimensions",
            id="four dimensions",
        ),
        pytest.param(
            b"\0\0\x0d\x03" + IMAGES[4:],
            "hold unsigned bytes (0x08), not 32-bit floats (0x0d)",
            id="floats",
        ),
        pytest.param(
            b"\0\0\x0a\x03" + IMAGES[4:],
            "hold unsigned bytes (0x08), not an unknown type (0x0a)",
            id="unknown type",
        ),
        pytest.param(IMAGES[:15], "have a header of 16 bytes, not 15", id="half a header"),
        pytest.param(
            to_idx(np.zeros((0, 2, 2), np.uint8)),
            "hold at least one element, not 0 x 2 x 2",
            id="no image",
        ),
        pytest.param(
            to_idx(np.zeros((2, 2, 0), np.uint8)),
            "hold at least one element, not 2 x 2 x 0",
            id="no pixel",
        ),
        pytest.param(IMAGES[:-1], "hold 16 + 2 x 2 x 3 = 28 bytes, not 27", id="truncated"),
        pytest.param(
            IMAGES + b"\0", "hold 16 + 2 x 2 x 3 = 28 bytes, not more", id="trailing byte"
        ),
    ],
)
def test_bad_image_file_is_refused(content: bytes, message: str) -> None:
    expected = f"Image file some-file must {message}"
    assert message_of(lambda: idx.parse_images(content, PATH)) == expected


def test_image_file_in_place_of_labels_is_refused() -> None:
    assert message_of(lambda: idx.parse_labels(IMAGES, PATH)) == (
        "Label file some-file must start with magic 0x00000801, not 0x00000803: it is an image file"
    )


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert message_of(lambda: idx.read_content(tmp_path / "gone")) == (
        f"File {tmp_path}/gone must exist"
    )


def test_folder_is_refused(tmp_path: Path) -> None:
    assert message_of(lambda: idx.read_content(tmp_path)) == (
        f"File {tmp_path} must be a file, not a folder"
    )


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path, _mode: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, who may read everything.
    (tmp_path / "secret").touch()
    monkeypatch.setattr(Path, "open", refuse)
    assert message_of(lambda: idx.read_content(tmp_path / "secret")) == (
        f"File {tmp_path}/secret must be readable, not: Permission denied"
    )


@pytest.mark.parametrize("length", [3, 12, 20, -9, -1])
def test_truncated_gz_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(
        gzip.compress(to_idx(np.arange(252, dtype=np.uint8).reshape(7, 6, 6)))[:length]
    )
    assert message_of(lambda: idx.read_content(path)) == (
        f"File {path} must be a whole gzip file, not a truncated one"
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x1f\x8b\x07" + gzip.compress(IMAGES)[3:], id="method"),
        pytest.param(gzip.compress(IMAGES)[:10] + b"\xff" * 40, id="deflate"),
        pytest.param(gzip.compress(IMAGES)[:-8] + b"\0" * 8, id="checksum"),
        pytest.param(gzip.compress(IMAGES) + b"garbage", id="trailing bytes"),
    ],
)
def test_damaged_gz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    assert message_of(lambda: idx.read_content(path)) == (
        f"File {path} must be a whole gzip file, not a damaged one"
    )


def test_content_decides_what_is_packed(tmp_path: Path) -> None:
    (tmp_path / "plain.gz").write_bytes(IMAGES)
    (tmp_path / "packed").write_bytes(gzip.compress(IMAGES))
    assert idx.read_content(tmp_path / "plain.gz") == IMAGES
    assert idx.read_content(tmp_path / "packed") == IMAGES


def test_files_are_found_under_every_spelling_and_plain_ones_first(tmp_path: Path) -> None:
    assert idx.find_files(tmp_path / "gone") == {}
    images, labels = idx.FILES["train"]
    for spelling in ("train-images.idx3-ubyte.gz", f"{images}.gz", "train-images.idx3-ubyte"):
        (tmp_path / spelling).touch()
        assert idx.find_files(tmp_path) == {images: tmp_path / spelling}
    (tmp_path / images).touch()
    (tmp_path / labels).mkdir()
    assert idx.find_files(tmp_path) == {images: tmp_path / images}
