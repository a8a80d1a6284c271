"""Files of Matlab: names and axes as they are there, and every fault in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from prunus_data import grey, message_of
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


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": grey(2), "y": np.array([["a"], ["b"]], object)}, "integers in 0..255, not object"),
        ({"X": grey(2), "y": [[0.5, 1]]}, "integers in 0..255, not float64"),
        ({"X": grey(2), "y": [["cat", "dog"]]}, "integers in 0..255, not text, cat"),
    ],
)
def test_labels_that_are_none_are_refused(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    path = mat(tmp_path, **arrays)
    assert message_of(lambda: load(path, "train")) == f"Variable y of {path} must have {message}"


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mat(tmp_path, a=grey(2))
    assert message_of(lambda: load(path, "train")).startswith(f"File {path} must hold train_images")
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    assert message_of(lambda: load(path, "train")) == (
        f"File {path} must be a .mat file that can be read"
    )
    # The header of version 7.3, which is HDF5.
    Path(path).write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + whole)
    assert message_of(lambda: load(path, "train")) == (
        f"File {path} must be of version 7.2 or less: save(..., '-v7')"
    )
    path = mat(tmp_path, X=grey(2), y=[[1, 2]])
    monkeypatch.setattr("prunus_model.common.reading._memory", lambda: 10)
    assert "half of the memory" in message_of(lambda: load(path, "train"))
