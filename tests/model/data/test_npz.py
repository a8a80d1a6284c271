"""NumPy archives: what is read, and every message about what is not."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from prunus_data import grey, message_of, small_split, to_npz
from prunus_model.common.errors import DataError
from prunus_model.data.npz import load_archive
from prunus_model.data.split import SPLITS

ONE = np.array([1], np.uint8)


@pytest.mark.parametrize(
    ("names", "used"),
    [
        (("images", "labels"), ""),
        (("train_images", "train_labels"), " train"),
        (("test_images", "test_labels"), " test"),
        (("x_train", "y_train"), " train"),
        (("x_test", "y_test"), " test"),
    ],
    ids=["images", "train_images", "test_images", "x_train", "x_test"],
)
def test_archive_with_one_split_serves_for_both(
    tmp_path: Path, names: tuple[str, str], used: str
) -> None:
    path = to_npz(tmp_path, **{names[0]: grey(3), names[1]: np.array([1, 2, 3])})
    for wanted in SPLITS:
        split = load_archive(path, wanted)
        assert split.name == path + used
        assert split.fallback == (used not in ("", f" {wanted}"))
        assert split.sha256 == small_split().sha256
        assert split.image_shape == (2, 3)


@pytest.mark.parametrize("form", ["{}_images {}_labels", "x_{} y_{}"], ids=["plain", "keras"])
def test_archive_with_two_splits_gives_each(tmp_path: Path, form: str) -> None:
    names = form.format("train", "train").split() + form.format("test", "test").split()
    arrays = (grey(3), np.array([1, 2, 3]), grey(1), np.array([7]))
    path = to_npz(tmp_path, **dict(zip(names, arrays, strict=True)))
    assert load_archive(path, "train").labels.tolist() == [1, 2, 3]
    assert load_archive(path, "test").labels.tolist() == [7]


@pytest.mark.parametrize(
    ("images", "pixels", "shape"),
    [
        pytest.param(np.array([[1, 2, 3, 4]], np.uint8), [1, 2, 3, 4], (2, 2), id="square"),
        pytest.param(np.array([[1, 2, 3]], np.uint8), [1, 2, 3], (1, 3), id="row"),
        pytest.param(np.array([[[0, 255]]], ">i4"), [0, 255], (1, 2), id="big-endian integers"),
        pytest.param(np.array([[False, True]]), [0, 255], (1, 2), id="bits"),
        pytest.param(np.array([[0.0, 0.001, 0.5, 1.0]]), [0, 0, 128, 255], (2, 2), id="floats"),
        pytest.param(
            np.asfortranarray(np.array([[[1, 2], [3, 4]]], np.int64)),
            [1, 2, 3, 4],
            (2, 2),
            id="column by column",
        ),
    ],
)
def test_archive_images_become_bytes(
    tmp_path: Path, images: np.ndarray, pixels: list[int], shape: tuple[int, int]
) -> None:
    split = load_archive(to_npz(tmp_path, images=images, labels=ONE), "train")
    assert split.images.tolist() == [pixels]
    assert split.image_shape == shape


def test_flat_images_stored_column_by_column_are_loaded_row_by_row(tmp_path: Path) -> None:
    images = np.asfortranarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    split = load_archive(to_npz(tmp_path, images=images, labels=np.array([7, 8])), "train")
    assert split.images.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_grey_level_survives_the_scaling_to_floats(tmp_path: Path, dtype: type) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 256)
    images = levels.astype(dtype) / dtype(255)
    split = load_archive(to_npz(tmp_path, images=images, labels=ONE), "train")
    assert split.images.tolist() == levels.tolist()


def test_words_that_are_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    labels = np.array(["10", "2", "9", "2"])
    split = load_archive(to_npz(tmp_path, images=grey(4), labels=labels), "train")
    assert split.class_names == ("2", "9", "10")
    assert split.labels.tolist() == [2, 0, 1, 0]


def test_half_a_grey_level_is_rounded_up(tmp_path: Path) -> None:
    images = np.array([[0.5 / 255, 2.5 / 255, 0.4999 / 255, 254.5 / 255]])
    split = load_archive(to_npz(tmp_path, images=images, labels=ONE), "train")
    assert split.images.tolist() == [[1, 3, 0, 255]]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        pytest.param(np.array([[0.0, np.nan]]), "finite values, not nan in image 0", id="nan"),
        pytest.param(np.array([[0.0, np.inf]]), "finite values, not inf in image 0", id="infinite"),
        pytest.param(np.array([[1j]]), "integers or floats, not complex128", id="complex"),
        pytest.param(np.array([["a"]]), "integers or floats, not <U1", id="text"),
        pytest.param(np.array([[1]], "m8[s]"), "integers or floats, not timedelta64[s]", id="time"),
        pytest.param(np.array([[7.5, 7.5]]), "more than one value, not 7.5 only", id="constant"),
    ],
)
def test_archive_with_other_images_is_refused(
    tmp_path: Path, images: np.ndarray, message: str
) -> None:
    path = to_npz(tmp_path, images=images, labels=ONE)
    expected = f"Array images of {path} must have {message}"
    assert message_of(lambda: load_archive(path, "train")) == expected


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param(np.array([1.0]), "integers in 0..255, not float64", id="floats"),
        pytest.param(np.array([b"cat"]), "integers in 0..255, not text, b'cat'", id="text"),
        pytest.param(
            np.array([["a", "b"]]),
            "shape (n,) or (n, 1) if they are words, not (1, 2)",
            id="columns of words",
        ),
        pytest.param(np.array([256]), "integers in 0..255, not 256..256", id="above a byte"),
        pytest.param(np.array([-1]), "integers in 0..255, not -1..-1", id="negative"),
        pytest.param(
            np.array([[1, 2]]), "shape (n,) or (n, 1), or be one-hot, not (1, 2)", id="columns"
        ),
        pytest.param(
            np.array([[1, 0, 1]]),
            "shape (n,) or (n, 1), or be one-hot, not (1, 3)",
            id="two of one row",
        ),
    ],
)
def test_archive_with_other_labels_is_refused(
    tmp_path: Path, labels: np.ndarray, message: str
) -> None:
    path = to_npz(tmp_path, images=grey(1), labels=labels)
    expected = f"Array labels of {path} must have {message}"
    assert message_of(lambda: load_archive(path, "train")) == expected


def test_empty_archive_images_are_refused(tmp_path: Path) -> None:
    path = to_npz(tmp_path, images=np.zeros((0, 2, 2), np.uint8), labels=np.zeros(0, np.uint8))
    assert message_of(lambda: load_archive(path, "train")) == (
        f"Data {path} must hold at least one image of at least one pixel, not 0 x 4"
    )


def test_archive_of_objects_is_refused(tmp_path: Path) -> None:
    path = to_npz(tmp_path, images=np.array([[object]], dtype=object), labels=ONE)
    assert message_of(lambda: load_archive(path, "train")) == (
        f"File {path} must be a readable .npz archive, "
        "not: Object arrays cannot be loaded when allow_pickle=False"
    )


def test_archive_without_known_names_is_refused(tmp_path: Path) -> None:
    path = to_npz(tmp_path, pictures=grey(1), labels=ONE)
    assert message_of(lambda: load_archive(path, "train")) == (
        f"File {path} must hold images and labels, but has labels only"
    )
    path = to_npz(tmp_path, pictures=grey(1))
    assert message_of(lambda: load_archive(path, "test")) == (
        f"File {path} must hold test_images and test_labels, or train_images and train_labels, "
        "or x_test and y_test, or x_train and y_train, or images and labels"
    )


def test_single_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with path.open("wb") as file:
        np.save(file, grey(1))
    assert message_of(lambda: load_archive(str(path), "train")) == (
        f"File {path} must be an .npz archive, not a single array"
    )


def test_missing_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gone.npz"
    assert message_of(lambda: load_archive(str(path), "train")) == f"File {path} must exist"


def test_every_damage_to_an_archive_is_a_data_error_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, images=grey(2), labels=np.array([1, 2]))
    whole = path.read_bytes()
    intact = load_archive(str(path), "train").sha256
    damaged = [whole[:length] for length in range(0, len(whole), 7)]
    damaged += [
        whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole))
    ]
    for content in damaged:
        path.write_bytes(content)
        try:
            # Some bytes, such as times, carry nothing: then the content must be what it was.
            assert load_archive(str(path), "train").sha256 == intact
        except DataError as error:
            assert "\n" not in str(error)
            assert str(path) in str(error)


@pytest.mark.parametrize(
    "shape",
    ["(1, 2", "(1 2)", f"({10**30}, 2)", f"({10**15}, 2)"],
    ids=["open bracket", "no comma", "beyond an integer", "beyond the memory"],
)
def test_damaged_header_of_a_member_is_refused(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "data.npz"
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header)
        archive.writestr("labels.npy", b"")
    message = message_of(lambda: load_archive(str(path), "train"))
    assert message.startswith(f"File {path} must be a readable .npz archive, not: ")
    assert "\n" not in message


def test_member_that_is_no_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images", b"text")
        archive.writestr("labels", b"text")
    assert message_of(lambda: load_archive(str(path), "train")) == (
        f"File {path} must be a readable .npz archive, not: images must be in NumPy's format"
    )


@pytest.mark.parametrize("word", ["", "  "])
def test_an_empty_word_is_no_label(tmp_path: Path, word: str) -> None:
    images = np.arange(6, dtype=np.uint8).reshape(3, 2)
    path = to_npz(tmp_path, images=images, labels=np.array(["cat", word, "dog"]))
    assert message_of(lambda: load_archive(path, "train")) == (
        f"Array labels of {path} must have no empty words"
    )


def test_a_word_of_an_array_has_at_most_200_characters(tmp_path: Path) -> None:
    # Python reads no integer of more than 4300 digits.
    labels = np.array(["1", 5000 * "2", "3"])
    path = to_npz(tmp_path, images=grey(3), labels=labels)
    assert message_of(lambda: load_archive(path, "train")) == (
        f"Array labels of {path} must have words of at most 200 characters, not 5000"
    )
