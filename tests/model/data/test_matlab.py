"""Files of Matlab: names and axes as they are there, and every fault in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_array

from prunus_data import grey, message_of
from prunus_model.common.errors import DataError
from prunus_model.data.datasets import load


def mat(folder: Path, **arrays: Any) -> str:
    path = folder / "d.mat"
    savemat(path, arrays)
    return str(path)


def test_matlab_has_floats_for_everything_and_images_last(tmp_path: Path) -> None:
    images = np.moveaxis(grey(5), 0, 2).astype(float)
    split = load(mat(tmp_path, X=images, y=np.array([[1.0, 2, 3, 1, 2]])), "train")
    assert split.images.tolist() == grey(5).reshape(5, 6).tolist()
    assert (split.labels.tolist(), split.image_shape) == ([1, 2, 3, 1, 2], (2, 3))
    assert split.notes == (f"The last axis of {tmp_path}/d.mat is taken for that of the images",)


def test_splits_are_known_by_names(tmp_path: Path) -> None:
    path = mat(
        tmp_path,
        train_images=grey(3),
        train_labels=[[1, 2, 3]],
        test_images=grey(2, start=50),
        test_labels=[[4], [5]],
    )
    assert load(path, "train").notes == ()
    test = load(path, "test")
    assert (test.name, test.labels.tolist(), test.fallback) == (f"{path} test", [4, 5], False)
    assert test.images.tolist() == grey(2, start=50).reshape(2, 6).tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_all_that_matlab_has_for_numbers_is_read(tmp_path: Path, packed: bool) -> None:
    """SciPy writes; whole floats are stored as they are, small ones within their tag."""
    for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "?"):
        images = np.random.default_rng(1).integers(0, 2 if dtype == "?" else 100, (3, 2, 2))
        path = tmp_path / "d.mat"
        savemat(
            path, {"images": images.astype(dtype), "labels": [[1, 2, 3]]}, do_compression=packed
        )
        expected = images * (255 if dtype == "?" else 1)
        assert load(str(path), "train").images.tolist() == expected.reshape(3, 4).tolist()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([["a"], ["b"]], object), "variables must be real numbers, not cells"),
        (["cat", "dog"], "variables must be real numbers, not text"),
        ({"a": 1}, "variables must be real numbers, not structures"),
        (np.array([1j, 2]), "variables must be real numbers, not complex ones"),
        (csc_array([[1, 2]]), "variables must be real numbers, not a sparse matrix"),
    ],
)
def test_variables_that_are_no_numbers_are_refused(
    tmp_path: Path, labels: Any, message: str
) -> None:
    path = mat(tmp_path, X=grey(2), y=labels)
    assert message_of(lambda: load(path, "train")) == (
        f"File {path} must be a .mat file that can be read, not: {message}"
    )


def test_labels_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    path = mat(tmp_path, X=grey(2), y=[[0.5, 1]])
    assert message_of(lambda: load(path, "train")) == (
        f"Variable y of {path} must have integers in 0..255, not float64"
    )


@pytest.mark.parametrize("packed", [False, True])
def test_every_damage_is_a_data_error_of_one_line(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "d.mat"
    savemat(path, {"X": grey(2), "y": [[1, 2]]}, do_compression=packed)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole), 3)]
    damaged += [
        whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole))
    ]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            # A number that is another one can't be told where nothing is packed.
            load(str(path), "train")
        except DataError as error:
            refused += 1
            assert "\n" not in str(error)
            assert str(path) in str(error)
    assert refused > len(damaged) / 3
    path.write_bytes(whole[:-1])
    assert message_of(lambda: load(str(path), "train")).endswith(" bytes, which are not there")


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mat(tmp_path, a=grey(2))
    assert message_of(lambda: load(path, "train")).startswith(f"File {path} must hold train_images")
    savemat(path, {"X": np.zeros((2, 1000)), "y": [[1, 2]]}, do_compression=True)
    monkeypatch.setattr("prunus_model.data.matlab.unpacked_limit", lambda size: 8 * size)
    assert "it must unpack to at most" in message_of(lambda: load(path, "train"))
    monkeypatch.undo()
    monkeypatch.setattr("prunus_model.common.reading._memory", lambda: 8000)
    assert "a variable must take at most 0.0 GB" in message_of(lambda: load(path, "train"))
    # The header of version 7.3, which is HDF5.
    Path(path).write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    assert message_of(lambda: load(path, "train")) == (
        f"File {path} must be of version 7.2 or less: save(..., '-v7')"
    )
