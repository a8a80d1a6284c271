"""Before anything is unpacked its size is compared, and what is no file is not opened."""

import io
import os
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest

from prunus_model.common import reading
from prunus_model.common.reading import check_members, read_arrays, refusal, unpacked_limit


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    return buffer.getvalue()


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([None], object), allow_pickle=True)
    return buffer.getvalue()


def archive(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def read(path: Path, *names: str, packed: int = 0) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as file:
        return read_arrays(file, {name: name for name in names}, packed=packed)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    file, pipe, place = tmp_path / "file", tmp_path / "pipe", tmp_path / "socket"
    file.touch()
    os.mkfifo(pipe)
    assert refusal(file) == ""
    assert refusal(tmp_path) == "must be a file, not a folder"
    assert refusal(tmp_path / "gone") == "must exist"
    assert refusal(file / "x") == "must be readable, not: Not a directory"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        for path in (pipe, place, Path("/dev/zero")):
            assert refusal(path) == "must be a file, not a device, pipe or socket"


def test_limit_grows_with_the_file() -> None:
    assert unpacked_limit(0) == unpacked_limit(2_684_354) == 1 << 28
    assert unpacked_limit(2_684_355) == 268_435_500


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_what_was_written(tmp_path: Path, version: tuple[int, int], order: str) -> None:
    a = np.arange(12, dtype="<i4").reshape(3, 4)
    b = np.array([], np.uint8)
    path = archive(
        tmp_path / "a.zip",
        a=npy(np.asarray(a, order=order), version),  # type: ignore[call-overload]
        b=npy(b, version),
    )
    found = read(path, "a", "b")
    assert (found["a"].tolist(), found["a"].dtype) == (a.tolist(), a.dtype)
    assert (found["b"].tolist(), found["b"].dtype) == ([], b.dtype)


def test_together_they_must_be_within_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = npy(np.zeros(100, np.uint8))
    path = archive(tmp_path / "a.zip", a=array, b=array)
    monkeypatch.setattr(reading, "_ALWAYS", 2 * len(array))
    assert len(read(path, "a", "b")) == 2
    monkeypatch.setattr(reading, "_ALWAYS", 2 * len(array) - 1)
    assert len(read(path, "a")) == 1
    with pytest.raises(ValueError, match=r"^arrays must unpack to at most 455 bytes, not 456$"):
        read(path, "a", "b")
    assert len(read(path, "a", "b", packed=5)) == 2


@pytest.mark.parametrize("size", [99, 101, 10**10])
def test_header_must_be_of_the_size_of_the_member(tmp_path: Path, size: int) -> None:
    lying = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        lying, {"descr": "|u1", "fortran_order": False, "shape": (size,)}
    )
    path = archive(tmp_path / "a.zip", a=lying.getvalue() + bytes(100))
    with pytest.raises(ValueError, match=r"^a must be of the size that its header says"):
        read(path, "a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "^a must be in NumPy's format$"),
        (b"text", "^a must be in NumPy's format$"),
        (b"\x93NUMPY\x03\0", "^a must be in NumPy's format 1.0 or 2.0"),
        (pickled(), "Object arrays cannot be loaded"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(archive(tmp_path / "a.zip", a=content), "a")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_of_packing_that_take_memory_as_they_like_are_refused(
    tmp_path: Path, method: int
) -> None:
    path = archive(tmp_path / "a.zip", method, a=npy(np.zeros(9, np.uint8)))
    with pytest.raises(ValueError, match=r"^members must be packed by deflate, or not at all$"):
        read(path, "a")


def test_member_larger_than_its_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", zipfile.ZIP_STORED, a=b"1234", b=b"")
    size = path.stat().st_size
    with zipfile.ZipFile(path) as file:
        check_members(file, size)
        file.getinfo("a").compress_size = size
        check_members(file, size)
        file.getinfo("a").compress_size = size + 1
        with pytest.raises(ValueError, match=rf"^member 'a' .* {size} bytes .*, not {size + 1}$"):
            check_members(file, size)


def test_missing_member_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="b"):
        read(archive(tmp_path / "a.zip", a=b""), "b")
