"""Where recordings are found, in which order, and with which classes."""

from pathlib import Path

import numpy as np
import pytest

from prunus_data import DIGITS
from prunus_events import structured
from prunus_model.common.errors import DataError
from prunus_model.data.doubts import doubts
from prunus_model.data.events import nmnist
from prunus_model.data.events.sources import Source, find, is_events
from prunus_model.data.events.split import load_events, load_for
from prunus_model.data.split import SplitName
from prunus_model.data.trained_on import TrainedOn
from prunus_model.spec.encoder import EncoderParams, EventsParams

ONE = nmnist.pack(*(np.array([value]) for value in (5, 1, 2, 1)))


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ONE)
    return root


def found(root: Path, split: SplitName) -> list[tuple[str, int | None]]:
    return [(path.name, label) for path, label in find(str(root), split).files]


def test_files_come_by_their_names_with_the_numbers_of_their_folders(tmp_path: Path) -> None:
    make(tmp_path, "Train/7/00002.bin", "Train/10/00001.bin", "Train/7/00003.bin", "Test/3/1.bin")
    assert found(tmp_path, "train") == [("00001.bin", 10), ("00002.bin", 7), ("00003.bin", 7)]
    assert found(tmp_path, "test") == [("1.bin", 3)]
    assert find(str(tmp_path), "test").name == f"{tmp_path} test"
    (recorded, *_) = find(str(tmp_path), "train").recordings()
    assert recorded.label == 10


def test_folders_by_name_are_numbered_alike_in_both_splits(tmp_path: Path) -> None:
    make(tmp_path, "train/cat/a.bin", "train/dog/a.bin", "test/bee/a.bin", "test/dog/a.bin")
    assert found(tmp_path, "train") == [("a.bin", 1), ("a.bin", 2)]
    assert found(tmp_path, "test") == [("a.bin", 0), ("a.bin", 2)]


def test_without_splits_both_are_the_same(tmp_path: Path) -> None:
    make(tmp_path, "1/a.bin", "0/b.bin", ".hidden/c.bin", "0/.d.bin", "0/notes.txt")
    assert found(tmp_path, "train") == found(tmp_path, "test") == [("a.bin", 1), ("b.bin", 0)]
    assert not find(str(tmp_path), "test").fallback


def test_the_other_split_serves_and_says_so(tmp_path: Path) -> None:
    make(tmp_path, "Train/0/a.bin")
    source = find(str(tmp_path), "test")
    assert (source.fallback, source.name) == (True, f"{tmp_path} train")
    assert not find(str(tmp_path), "train").fallback


def test_files_with_labels_are_told_apart_by_their_names(tmp_path: Path) -> None:
    for name in ("shd_train.npz", "shd_test.npz"):
        np.savez(tmp_path / name, t=[1], x=[1], labels=[4])
    assert found(tmp_path, "train") == [("shd_train.npz", None)]
    assert found(tmp_path, "test") == [("shd_test.npz", None)]
    (tmp_path / "shd_test.npz").unlink()
    assert find(str(tmp_path), "test").fallback
    (tmp_path / "shd_train.npz").rename(tmp_path / "all.npz")
    assert found(tmp_path, "test") == [("all.npz", None)]
    assert find(str(tmp_path / "all.npz"), "test").files == ((tmp_path / "all.npz", None),)


def test_what_is_events_is_told_by_content_where_the_ending_does_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", images=np.zeros((1, 2, 2)), labels=[0])
    np.save(tmp_path / "plain.npy", np.zeros(3))
    (tmp_path / "no.npz").write_bytes(b"no")
    for name, content in DIGITS.items():
        (tmp_path / name).write_bytes(content)
    assert not is_events(str(tmp_path))
    assert not any(map(is_events, (str(tmp_path / "no.npz"), "sample", "a,b", str(tmp_path / "x"))))
    np.save(tmp_path / "events.npy", structured([1], [1], [1], [1]))
    assert is_events(str(tmp_path / "events.npy"))
    assert is_events(str(tmp_path))
    for name in ("a.bin", "A.BIN", "a.h5", "a.aedat4", "a.raw", "a.dat"):
        assert is_events(str(make(tmp_path, name) / name))


def test_too_many_classes_and_none_are_refused(tmp_path: Path) -> None:
    make(tmp_path / "a", "256/a.bin", "0/a.bin")
    with pytest.raises(DataError, match=r"Classes of .* must be in 0..255, not 256"):
        find(str(tmp_path / "a"), "train")
    make(tmp_path / "b", "test/1/a.bin")
    (tmp_path / "b" / "train").mkdir()
    with pytest.raises(DataError, match=r"Folder .*train must have a folder of event files for"):
        find(str(tmp_path / "b"), "train")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bin").mkdir()
    for path, reason in (
        (tmp_path / "a.bin", "a file, not a folder"),
        (tmp_path / "b.bin", "exist"),
    ):
        source = Source(name="x", files=((path, None),))
        with pytest.raises(DataError, match=f"must (be )?{reason}"):
            next(source.recordings())


def test_images_of_cifar_are_no_events_though_their_files_end_alike(tmp_path: Path) -> None:
    for name in ("data_batch_1.bin", "test.bin"):
        folder = make(tmp_path / name, name, "other.bin")
        assert not is_events(str(folder))
        (folder / name).unlink()
        assert is_events(str(folder))


def test_names_come_before_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make(tmp_path, "sample/1/a.bin", "emnist-letters/1/a.bin", "other/1/a.bin"))
    assert [is_events(name) for name in ("sample", "emnist-letters", "./sample", "other")] == [
        *(False, False, True, True),
    ]


def labels(source: Source) -> list[int | None]:
    return [one.label for one in source.recordings()]


def test_folders_by_name_have_the_numbers_of_a_network(tmp_path: Path) -> None:
    make(tmp_path, "cat/a.bin", "dog/b.bin")
    source = find(str(tmp_path), "test")
    assert (source.class_names, labels(source)) == (("cat", "dog"), [0, 1])
    numbered = source.numbered_for(TrainedOn(class_names=("bee", "cat", "cow", "dog")))
    assert (labels(numbered), numbered.notes) == ([1, 3], ())
    assert numbered.names == ("bee", "cat", "cow", "dog")
    with pytest.raises(DataError, match=f"Class 'dog' of {tmp_path} must be one of the network"):
        source.numbered_for(TrainedOn(class_names=("bee", "cat")))
    assert source.numbered_for(TrainedOn()).notes == (
        "The network keeps no names of classes: 0 is taken for cat, 1 is taken for dog",
    )
    assert labels(source.numbered_for(TrainedOn(class_names=("x",)).unlabelled)) == [0, 1]


def test_folders_by_number_are_the_classes_of_these_numbers(tmp_path: Path) -> None:
    source = find(str(make(tmp_path, "3/a.bin", "11/b.bin")), "test")
    assert (source.class_names, labels(source)) == ((), [3, 11])
    assert labels(source.numbered_for(TrainedOn())) == [3, 11]
    assert labels(source.numbered_for(TrainedOn(class_names=("3", "11")))) == [0, 1]
    with pytest.raises(DataError, match=r"Classes of .* must have different names, not '03' and"):
        find(str(make(tmp_path, "03/a.bin")), "test")


def test_a_folder_tells_the_class_whatever_a_file_says(tmp_path: Path) -> None:
    for name, own in (("cat", 5), ("dog", 0)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / f"{name}.npz", t=[1], x=[1], labels=[own])
    source = find(str(tmp_path), "train")
    assert labels(source) == [0, 1]
    assert labels(source.numbered_for(TrainedOn(class_names=("bee", "cat", "dog")))) == [1, 2]


def test_labels_within_files_are_numbered_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", t=[1], x=[1], labels=[4])
    network = TrainedOn(class_names=("2", "4"))
    assert labels(find(str(tmp_path / "test.npz"), "test").numbered_for(network)) == [1]


def test_a_network_keeps_the_names_of_folders_and_others_get_its_numbers(tmp_path: Path) -> None:
    make(tmp_path, "cat/a.bin", "dog/b.bin")
    encoder = EncoderParams(events=EventsParams(width=34, height=34))
    trained = load_events(str(tmp_path), "train", encoder)
    assert trained.kept == TrainedOn(class_names=("cat", "dog"))
    network = TrainedOn(class_names=("bee", "cat", "cow", "dog"))
    shown = load_for(encoder, str(tmp_path), "test", trained_on=network)
    assert (shown.labels.tolist(), shown.class_names) == ([1, 3], network.class_names)
    shown = load_for(encoder, str(tmp_path), "test", trained_on=TrainedOn())
    assert "The network keeps no names" in " ".join(doubts(shown, encoder))
