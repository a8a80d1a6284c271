"""Folders of files by their names, of torchvision and Keras, and CIFAR; pairs of files."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from prunus_data import DIGITS, grey, message_of, to_idx, write
from prunus_model.data.datasets import load

LABELS = np.array([1, 2, 3], np.uint8)


def emnist(folder: Path, kind: str = "letters", start: int = 0) -> None:
    files = {
        f"emnist-{kind}-{split}-{role}-idx{dimensions}-ubyte": to_idx(array)
        for split, count in (("train", 3), ("test", 2))
        for role, dimensions, array in (
            ("images", 3, grey(count, start=start)),
            ("labels", 1, LABELS[:count]),
        )
    }
    write(folder, files)


def test_torchvision_keeps_its_files_in_raw(tmp_path: Path) -> None:
    write(tmp_path / "MNIST" / "raw", DIGITS, packed=False)
    for folder in (tmp_path, tmp_path / "MNIST", tmp_path / "MNIST" / "raw"):
        split = load(str(folder), "test")
        assert split.labels.tolist() == [4, 5]
        assert not split.fallback
    write(tmp_path / "KMNIST" / "raw", DIGITS, packed=False)
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Folder {tmp_path} must hold one data set, not KMNIST, MNIST: name one of them"
    )


def test_images_of_emnist_are_turned_and_told(tmp_path: Path) -> None:
    emnist(tmp_path)
    for spec in (str(tmp_path), f"{tmp_path}/emnist-letters"):
        split = load(spec, "train")
        assert split.images.tolist() == grey(3).swapaxes(1, 2).reshape(3, 6).tolist()
        assert split.image_shape == (3, 2)
        assert split.notes == (
            (
                f"Images of {tmp_path}/emnist-letters train are turned: "
                "those of EMNIST lie column by column"
            ),
        )


def test_one_of_several_sets_is_named(tmp_path: Path) -> None:
    emnist(tmp_path)
    emnist(tmp_path, "digits", start=7)
    assert message_of(lambda: load(str(tmp_path), "train")) == (
        f"Folder {tmp_path} must hold one data set; name one of {tmp_path}/emnist-digits, "
        f"{tmp_path}/emnist-letters"
    )
    assert load(f"{tmp_path}/emnist-digits", "train").images.min() == 7
    assert message_of(lambda: load(f"{tmp_path}/emnist-x", "train")) == (
        f"Data {tmp_path}/emnist-x must exist"
    )


def test_sets_by_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNUS_DATA", str(tmp_path))
    missing = "must be in the folder that PRUNUS_DATA names, as {0} or {1}/raw: they are not "
    for name, folder in (("kmnist", "KMNIST"), ("emnist-letters", "EMNIST")):
        assert message_of(lambda name=name: load(name, "train")) == (  # type: ignore[misc]
            f"Data {name} {missing.format(name, folder)}downloaded, as no SHA-256 of them is known"
        )
    emnist(tmp_path / "EMNIST" / "raw")
    emnist(tmp_path / "EMNIST" / "raw", "digits", start=7)
    assert load("emnist-digits", "train").images.min() == 7
    write(tmp_path / "kmnist", DIGITS)
    split = load("kmnist", "test")
    # Nothing vouches for the content: results name it by its digest.
    assert (split.labels.tolist(), split.identity[:5]) == ([4, 5], "data ")
    monkeypatch.delenv("PRUNUS_DATA")
    assert "must be in the folder that PRUNUS_DATA names" in message_of(
        lambda: load("kmnist", "test")
    )


def test_labels_of_qmnist_have_eight_columns(tmp_path: Path) -> None:
    table = np.arange(24, dtype=">i4").reshape(3, 8)
    header = b"\0\0\x0c\2" + b"".join(n.to_bytes(4, "big") for n in table.shape)
    files = {
        "qmnist-train-images-idx3-ubyte": to_idx(grey(3)),
        "qmnist-train-labels-idx2-int": header + table.tobytes(),
    }
    write(tmp_path, files)
    split = load(str(tmp_path), "train")
    assert (split.labels.tolist(), split.fallback) == ([0, 8, 16], False)
    assert load(str(tmp_path), "test").fallback
    name = "qmnist-train-labels-idx2-int"
    for content, message in (
        (header + table.tobytes()[:-4], "hold 3 x 8 integers, not 23"),
        (header + table.tobytes() + b"\0", "have a header of 12 bytes and whole 32-bit integers"),
        (header + (table * 20).astype(">i4").tobytes(), "have classes in 0..255, not 0..320"),
    ):
        write(tmp_path, {name: content})
        assert message_of(lambda: load(str(tmp_path), "train")) == (
            f"Label file {tmp_path}/{name}.gz must {message}"
        )


def test_arrays_of_one_file_each(tmp_path: Path) -> None:
    """As KMNIST has them, and as people save them."""
    np.savez(tmp_path / "kmnist-train-imgs.npz", grey(3))
    np.savez(tmp_path / "kmnist-train-labels.npz", LABELS)
    np.savez(tmp_path / "kmnist-test-imgs.npz", grey(2, start=9))
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Folder {tmp_path} must hold the labels of kmnist-test-imgs.npz, too"
    )
    np.savez(tmp_path / "kmnist-test-labels.npz", LABELS[:2])
    assert load(str(tmp_path), "test").images.min() == 9
    other = tmp_path / "other"
    other.mkdir()
    np.save(other / "X_train.npy", grey(3))
    np.save(other / "y_train.npy", LABELS)
    assert load(str(other), "train").labels.tolist() == [1, 2, 3]


def test_tables_and_archives_of_one_split_each(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("words")
    (tmp_path / "ECG_TRAIN.tsv").write_text("1\t0.5\t4\n2\t1\t2.5\n")
    (tmp_path / "ECG_TEST.tsv").write_text("2\t0.5\t7.5\n1\t4\t0.5\n")
    test = load(str(tmp_path), "test")
    # The scale is that of the training file.
    assert test.images.tolist() == [[0, 255], [255, 0]]
    assert (test.name, test.fallback) == (f"{tmp_path}/ECG_TEST.tsv", False)


@pytest.mark.parametrize("names", ["i.npy,l.npy", "a,b.npy , l.npy", "i.npy, l s.npy"])
def test_pair_of_arrays_with_any_names(
    tmp_path: Path, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images, labels = names.rsplit(",", 1)
    np.save(images.strip(), grey(3))
    np.save(labels.strip(), LABELS)
    for split in ("train", "test"):
        assert load(names, split).labels.tolist() == [1, 2, 3]


def test_damaged_and_pickled_arrays_are_refused(tmp_path: Path) -> None:
    images, labels = tmp_path / "i.npy", tmp_path / "l.npy"
    np.save(images, grey(3))
    np.save(labels, np.array([1, "a", None], object))
    for message in ("Object arrays cannot be loaded when allow_pickle=False", "it must be in "):
        told = message_of(lambda: load(f"{images},{labels}", "train"))
        assert told.startswith(f"File {labels} must be a readable .npy file, not: {message}")
        labels.write_bytes(b"text")
    labels.unlink()
    assert message_of(lambda: load(f"{images},{labels}", "train")) == f"File {labels} must exist"


def test_too_large_an_array_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "i.npy", np.zeros((3, 2000, 1000), np.uint8))
    np.save(tmp_path / "l.npy", LABELS)
    monkeypatch.setattr("prunus_model.common.reading._memory", lambda: 2_000_000)
    monkeypatch.setattr("numpy.lib.format.read_array", None)
    assert message_of(lambda: load(f"{tmp_path}/i.npy,{tmp_path}/l.npy", "train")) == (
        f"File {tmp_path}/i.npy must be a readable .npy file, not: it must take at most 0.0 GB, "
        "half of the memory, not 0.0 GB"
    )


def test_cifar_is_read_in_its_binary_version(tmp_path: Path) -> None:
    record = np.arange(3073, dtype=np.int64).astype(np.uint8)
    for number, name in enumerate(("data_batch_2.bin", "data_batch_1.bin", "test_batch.bin")):
        record[0] = number
        (tmp_path / name).write_bytes(record.tobytes())
    (tmp_path / "batches.meta.txt").write_text("airplane\nautomobile\nbird\n\n")
    train, test = load(str(tmp_path), "train"), load(str(tmp_path), "test")
    assert (train.labels.tolist(), test.labels.tolist()) == ([1, 0], [2])
    # Its channels lie one after the other already.
    assert train.images[0].tolist() == record[1:].tolist()
    assert (train.image_shape, train.channels) == ((32, 32), 3)
    assert train.class_names == ("airplane", "automobile", "bird")
    (tmp_path / "test_batch.bin").write_bytes(b"short")
    assert message_of(lambda: load(str(tmp_path), "test")) == (
        f"Files test of {tmp_path} must hold 3073 bytes for each image, not 5"
    )


def test_the_finer_of_the_labels_of_cifar_100_is_taken(tmp_path: Path) -> None:
    (tmp_path / "train.bin").write_bytes(bytes([7, 42]) + bytes(3072))
    assert load(str(tmp_path), "train").labels.tolist() == [42]
    assert load(str(tmp_path), "test").fallback


def test_cifar_for_python_is_never_unpickled(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({}))
    assert message_of(lambda: load(str(tmp_path), "train")) == (
        f"Folder {tmp_path} must be the binary version of CIFAR (cifar-10-binary.tar.gz), not the "
        "one for Python, which is pickled and can run any program"
    )
