"""Readers of files of events: what they read, and what they refuse in one line."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_events import STRUCTURED, structured
from prunus_model.common.errors import DataError
from prunus_model.data.events import nmnist
from prunus_model.data.events.arrays import from_structured, read_npz
from prunus_model.data.events.packages import read_aedat4, read_hdf5, read_prophesee
from prunus_model.data.events.recording import Recording
from prunus_model.data.events.sources import find

#: Real files, if they are on this machine.
REAL = Path(os.environ.get("PRUNUS_DATA", ""), "events")
real = pytest.mark.skipif(
    not (os.environ.get("PRUNUS_DATA") and REAL.is_dir()), reason="needs real files of events"
)


def values(recorded: Recording) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(recorded, name).tolist() for name in "txyp"), strict=True))


def read(path: Path) -> list[Recording]:
    return list(find(str(path), "train").recordings())


@given(
    events=st.lists(
        st.tuples(
            st.integers(0, 2**23 - 1), st.integers(0, 33), st.integers(0, 33), st.integers(0, 1)
        ),
        min_size=1,
    )
)
def test_what_is_written_as_nmnist_is_read_again(events: list[tuple[int, ...]]) -> None:
    events = sorted(events)
    content = nmnist.pack(*np.array(events, dtype=np.int64).T)
    assert len(content) == 5 * len(events)
    recorded = nmnist.parse(content, "a.bin", label=3)
    assert values(recorded) == events
    assert (recorded.label, recorded.frame, recorded.polar) == (3, (34, 34), True)


def test_bytes_of_nmnist() -> None:
    # x 5, y 6, on, 0x012345; an overflow of 2^13; x 7, y 8, off, 0x000002.
    content = bytes([5, 6, 0x81, 0x23, 0x45, 0, 240, 0, 0, 0, 7, 8, 0x01, 0x23, 0x46])
    assert values(nmnist.parse(content, "a")) == [
        (0x12345, 5, 6, 1),
        (0x12346 + 8192, 7, 8, 0),
    ]


def test_frame_of_ncaltech() -> None:
    wide = nmnist.pack(*(np.array([value]) for value in (1, 239, 179, 1)))
    assert nmnist.parse(wide, "a").frame == (240, 180)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0" * 7, "File a must have 5 bytes for each event, not 7 bytes"),
        (b"", "Recording a must have at least one event"),
        (bytes([0, 240, 0, 0, 0]), "Recording a must have at least one event"),
        (bytes([250, 1, 0, 0, 0]), r"34 x 34 or 240 x 180 pixels .* x goes to 250 and y to 1"),
        (
            bytes([0, 0, 0, 0, 9, 0, 0, 0, 0, 8]),
            "Event 1 of a must not be earlier than the one before it, but has time 8 after 9",
        ),
    ],
)
def test_damaged_nmnist_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        nmnist.parse(content, "a")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ((2**23, 0, 0, 0), "t must be in 0..8388607, not 8388608..8388608"),
        ((0, 256, 0, 0), "x must be in 0..255"),
        ((0, 0, 240, 0), "y must be in 0..239"),
        ((0, 0, 0, 2), "p must be in 0..1"),
        ((-1, 0, 0, 0), "t must be in 0..8388607, not -1..-1"),
    ],
)
def test_what_nmnist_can_not_hold_is_not_written(wrong: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nmnist.pack(*(np.array([value]) for value in wrong))


def test_archives_of_one_and_of_many_recordings(tmp_path: Path) -> None:
    events: dict[str, Any] = {
        "t": [1, 2, 0],
        "x": [3, 4, 5],
        "y": [0, 1, 2],
        "p": [True, False, True],
    }
    np.savez(tmp_path / "many.npz", offsets=[0, 2, 3], labels=[7, 8], width=9, height=8, **events)
    first, second = read(tmp_path / "many.npz")
    assert values(first) == [(1, 3, 0, 1), (2, 4, 1, 0)]
    assert values(second) == [(0, 5, 2, 1)]
    assert [(r.label, r.frame) for r in (first, second)] == [(7, (9, 8)), (8, (9, 8))]
    np.savez(tmp_path / "one.npz", t=[1, 2], x=np.array([3, 4], dtype=np.uint8))
    (one,) = read(tmp_path / "one.npz")
    assert values(one) == [(1, 3, 0, 1), (2, 4, 0, 1)]
    assert (one.label, one.frame, one.polar) == (None, None, False)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"t": [2.0, 3.0, 4.0]}, "Array t of .* must be integers, not float64"),
        ({"t": np.array([1, 2, 2**63], dtype=np.uint64)}, "Array t of .* must be below 2\\^63"),
        ({"t": [3, 2, 2]}, "Event 1 of .* has time 2 after 3: out of order, or an overflow"),
        ({"p": [0, 2, 1]}, "Polarity of event 1 of .* must be 0 or 1, not 2"),
        ({"p": [0, -1, 1]}, "Polarity of event 1 of .* must be 0 or 1, not -1"),
        ({"x": [1, 2]}, r"Array x of .* must have shape \(3,\), not \(2,\)"),
        ({"offsets": [0, 2]}, "Array offsets of .* must go from 0 to 3 events, in order"),
        ({"offsets": [0, 3, 2, 3]}, "Array offsets of .* must go from 0 to 3 events, in order"),
        ({"offsets": [0, 0, 3]}, r"Recording .*\[0\] must have at least one event"),
        ({"labels": [1, 2]}, "Array labels of .* must have 1 labels, not 2"),
        ({"width": [3, 4], "height": 5}, "Arrays width and height of .* must be one number each"),
        ({"t": np.array([None] * 3)}, "must be a readable .npz archive, not: Object arrays"),
    ],
)
def test_wrong_archives_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    arrays: dict[str, Any] = {"t": [1, 2, 3], "x": [1, 2, 3], **changed}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        list(read_npz(tmp_path / "a.npz"))


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, t=[1], x=[1])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(
        DataError, match=r"must be a readable \.npz archive, not: File is not a zip"
    ):
        list(read_npz(path))


def test_structured_arrays_as_of_tonic(tmp_path: Path) -> None:
    array = structured([1, 2], [3, 4], [5, 6], [1, 0])
    expected = [(1, 3, 5, 1), (2, 4, 6, 0)]
    assert values(from_structured(array, "a", 2)) == expected
    np.save(tmp_path / "a.npy", array)
    assert values(read(tmp_path / "a.npy")[0]) == expected
    with pytest.raises(DataError, match=r"Events a must have a field t, besides \['x', 'y'\]"):
        from_structured(array[["x", "y"]], "a")
    line = np.zeros(2, dtype=[("t", np.int64), ("x", np.int64), ("p", np.int64)])
    assert values(from_structured(line, "a")) == [(0, 0, 0, 0)] * 2
    with pytest.raises(DataError, match="Recording a must have at least one event"):
        from_structured(np.zeros(0, dtype=STRUCTURED), "a")


def write_hdf5(path: Path, times: list[Any], units: list[Any], labels: list[int]) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        spikes = file.create_group("spikes")
        for name, rows, kind in (("times", times, np.float32), ("units", units, np.uint16)):
            data = spikes.create_dataset(name, (len(rows),), dtype=h5py.vlen_dtype(kind))
            for k, row in enumerate(rows):
                data[k] = np.array(row, dtype=kind)
        file["labels"] = np.array(labels, dtype=np.uint8)
    return path


def test_files_of_shd(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "shd.h5", [[0.25, 0.5], [0.0]], [[699, 3], [4]], [19, 2])
    first, second = read(path)
    assert values(first) == [(250_000, 699, 0, 1), (500_000, 3, 0, 1)]
    assert (first.label, second.label) == (19, 2)
    assert (first.frame, first.polar) == ((700, 1), False)
    # A millionth is not exact in 32 bits: the nearest is taken.
    (one,) = read(write_hdf5(tmp_path / "b.h5", [[1e-6]], [[0]], [0]))
    assert one.t.tolist() == [1]


def test_damaged_files_of_shd_are_refused(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", [[0.5]], [[3]], [1, 2])
    with pytest.raises(DataError, match="must be equally many, not 1, 1 and 2"):
        list(read_hdf5(path))
    for times in ([[-0.5]], [[np.nan]], [[2.0**33]]):
        with pytest.raises(DataError, match=r"Times of .*\[0\] must be seconds"):
            list(read_hdf5(write_hdf5(tmp_path / "t.h5", times, [[3]], [1])))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="must be a readable HDF5 file, not: "):
        list(read_hdf5(path))
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["labels"] = [1]
    with pytest.raises(DataError, match="must have spikes/times, as those of SHD and SSC"):
        list(read_hdf5(tmp_path / "other.h5"))


@pytest.mark.parametrize(
    ("encoding", "ending"), [("dat", ".dat"), ("evt2", ".raw"), ("evt3", ".raw")]
)
def test_files_of_prophesee(tmp_path: Path, encoding: str, ending: str) -> None:
    expelliarmus = pytest.importorskip("expelliarmus")
    wizard = expelliarmus.Wizard(encoding=encoding)
    dtype = np.dtype({"names": list("txyp"), "formats": ["<i8", "<i2", "<i2", "u1"]}, align=True)
    array = np.zeros(300, dtype=dtype)
    array["t"], array["x"] = np.arange(300) * 7 + 20_000, np.arange(300) % 100
    array["y"], array["p"] = np.arange(300) % 50, np.arange(300) % 2
    path = tmp_path / f"a{ending}"
    wizard.save(fpath=path, arr=array)
    (recorded,) = read(path)
    assert values(recorded) == [tuple(row) for row in array.tolist()]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"it is cut off, or no {encoding.upper()}"):
        read_prophesee(path)


def test_other_files_are_no_files_of_prophesee(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(b"% Date 2020\n" + bytes(8))
    with pytest.raises(DataError, match="must say in its header that it is EVT2 or EVT3"):
        read_prophesee(path)
    path = tmp_path / "a.dat"
    path.write_bytes(bytes(80))
    with pytest.raises(DataError, match="must be a header and whole words of 8 bytes"):
        read_prophesee(path)


def test_other_versions_of_aedat_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.aedat"
    path.write_bytes(b"#!AER-DAT2.0\r\n# This is\r\n")
    with pytest.raises(DataError, match=r"must be AEDAT4, not AER-DAT2\.0: convert it first"):
        read_aedat4(path)
    pytest.importorskip("aedat")
    for content in (b"#!AER-DAT4.0\r\n" + bytes(50), b"", b"nothing"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="must be a readable AEDAT4 file, not: "):
            read_aedat4(path)


@pytest.mark.parametrize(
    ("package", "extra", "name", "content"),
    [
        ("h5py", "events", "a.h5", b"x"),
        ("aedat", "events", "a.aedat4", b"#!AER-DAT4.0\r\n"),
        ("expelliarmus", "prophesee", "a.dat", b"% Version 2\n\0\0" + bytes(8)),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    extra: str,
    name: str,
    content: bytes,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(tmp_path / name)
    assert str(caught.value) == (
        f"File {tmp_path / name} needs pip install 'prunus[{extra}]' to be read"
    )


@real
def test_a_real_file_of_nmnist() -> None:
    (recorded,) = read(REAL / "sample_nmnist.bin")
    assert (len(recorded), recorded.frame) == (4325, (34, 34))
    assert values(recorded)[0][0] == 654
    assert int(recorded.t[-1]) == 311_175


@real
def test_a_real_file_of_prophesee() -> None:
    pytest.importorskip("expelliarmus")
    (recorded,) = read(REAL / "sample_ncars.dat")
    assert len(recorded) == 2009
    assert values(recorded)[:2] == [(0, 25, 8, 0), (35, 67, 35, 0)]


@real
def test_a_real_file_of_inivation(tmp_path: Path) -> None:
    pytest.importorskip("aedat")
    (recorded,) = read(REAL / "sample.aedat4")
    assert (len(recorded), recorded.frame) == (111_954, (320, 240))
    assert values(recorded)[0] == (1_605_537_493_718_345, 154, 204, 0)
    content = (REAL / "sample.aedat4").read_bytes()
    (tmp_path / "a.aedat4").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="must be a readable AEDAT4 file, not: "):
        read(tmp_path / "a.aedat4")
