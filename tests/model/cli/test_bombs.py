"""No small file costs much memory: each command must refuse it within 1.5 GB of address space."""

import gzip
import hashlib
import io
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import message, process, write_digits
from prunus_data import message_of
from prunus_model.cli.common import bundled
from prunus_model.common.reading import unpacked_limit
from prunus_model.data import idx, registry
from prunus_model.training.artifact import Artifact

#: Of zeros: more than may be used at all.
BOMB = 2 << 30
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))"


def refuse(folder: Path, *args: str) -> str:
    """Run a command with little memory; return why it refuses."""
    with process(*args, before=LIMIT, cwd=folder) as running:
        out, err = running.communicate(timeout=300)
    assert (running.returncode, out) == (2, "")
    return message(err)


@pytest.fixture(scope="module")
def zeros() -> bytes:
    """A file of gzip of 2 GB of zeros: as many of 64 MB."""
    return gzip.compress(bytes(1 << 26)) * (BOMB >> 26)


def pack(path: Path, name: str, header: bytes) -> Path:
    """Write an archive with a member of 2 GB of zeros behind a header."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        member.write(header)
        for _ in range(BOMB >> 24):
            member.write(bytes(1 << 24))
    return path


def header(*shape: int) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def test_the_limit_is_enough_for_what_is_right(tmp_path: Path) -> None:
    with process("evaluate", "demo", "--json", before=LIMIT, cwd=tmp_path) as running:
        _, err = running.communicate(timeout=300)
    assert (running.returncode, err) == (0, "")


def test_gz_that_declares_less_than_it_has(tmp_path: Path, zeros: bytes) -> None:
    head = gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 1, 28, 28))
    (tmp_path / "images.gz").write_bytes(head + zeros)
    assert (tmp_path / "images.gz").stat().st_size < 5_000_000
    assert refuse(tmp_path, "evaluate", "demo", "-d", "images.gz,images.gz") == (
        "Image file images.gz must hold 16 + 1 x 28 x 28 = 800 bytes, not more"
    )


def test_gz_that_declares_what_it_has(tmp_path: Path, zeros: bytes) -> None:
    count = BOMB // 784
    head = gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28))
    path = tmp_path / "images.gz"
    path.write_bytes(head + zeros)
    assert refuse(tmp_path, "evaluate", "demo", "-d", "images.gz,images.gz") == (
        f"File images.gz must unpack to at most {unpacked_limit(path.stat().st_size)} bytes, "
        f"not {16 + 784 * count}"
    )


def test_gz_that_is_no_idx_file(tmp_path: Path, zeros: bytes) -> None:
    (tmp_path / "images.gz").write_bytes(gzip.compress(b"hello") + zeros)
    assert refuse(tmp_path, "evaluate", "demo", "-d", "images.gz,images.gz") == (
        "Image file images.gz must start with magic 0x00000803, not 0x68656c6c"
    )


def test_plain_file_that_declares_more_than_it_has(tmp_path: Path) -> None:
    head = struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3)
    (tmp_path / "images").write_bytes(head + b"x")
    assert refuse(tmp_path, "evaluate", "demo", "-d", "images,images").endswith(" bytes, not 17")


def test_named_set_is_read_to_its_size(tmp_path: Path, zeros: bytes) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(zeros)
    assert message_of(lambda: idx.read_content(path, 1000)) == (
        f"File {path} must have 1000 bytes when unpacked, not more"
    )


def test_archive_of_data(tmp_path: Path) -> None:
    path = pack(tmp_path / "d.npz", "images.npy", header(BOMB // 784, 784))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.npy", header(1) + b"\0")
    assert refuse(tmp_path, "evaluate", "demo", "-d", "d.npz").startswith(
        "File d.npz must be a readable .npz archive, not: arrays must unpack to at most "
    )


@pytest.mark.parametrize("member", ["header.json", "weights.npy", "v_fire.npy"])
def test_network_and_checkpoint(tmp_path: Path, trained: Artifact, member: str) -> None:
    """With a valid digest, which anyone can make."""
    source, path = tmp_path / "whole.npz", tmp_path / "n.checkpoint.npz"
    trained.save(source)
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert member in members
    pack(path, member, b"" if member == "header.json" else header(BOMB))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name in members.keys() - {member}:
            archive.writestr(name, members[name])
        archive.comment = bytes(71)
    body = path.read_bytes()[:-71]
    path.write_bytes(body + b"sha256:" + hashlib.sha256(body).hexdigest().encode())
    assert path.stat().st_size < 5_000_000
    most = (
        "header.json must have at most 4194304 bytes"
        if member == "header.json"
        else f"arrays must unpack to at most {unpacked_limit(path.stat().st_size)} bytes, not "
    )
    start = f"Network file n.checkpoint.npz must be readable: {most}"
    command: tuple[str, ...] = ("inspect", "n.checkpoint.npz")
    if member == "v_fire.npy":
        write_digits(tmp_path / "digits.npz")
        command = ("train", "-c", "tiny", "-d", "digits.npz", "-o", "n.npz", "--resume")
    assert refuse(tmp_path, *command).startswith(start)


def test_network_without_end_but_of_holes(tmp_path: Path) -> None:
    """A file of 16 GB that takes no space on the disk."""
    path = tmp_path / "n.npz"
    with path.open("wb") as file:
        file.write(b"PK")
        file.truncate(1 << 34)
    assert refuse(tmp_path, "inspect", "n.npz").startswith(
        "Network file n.npz must be readable: File is not a zip file"
    )


def test_download_stops_at_the_known_size() -> None:
    """The mirrors are asked by https alone, and no more is taken than there can be."""
    for named in registry.NAMED.values():
        assert named.mirrors
        assert all(mirror.startswith("https://") for mirror in named.mirrors)
        assert named.sizes.keys() == named.sha256.keys()
        assert list(named.sizes.values()) == [
            *(16 + 60_000 * 28 * 28, 8 + 60_000),
            *(16 + 10_000 * 28 * 28, 8 + 10_000),
        ]
    kept = io.BytesIO()
    part = registry._Limited(kept, 10)
    part.write(bytes(6))
    part.write(bytes(4))
    assert message_of(lambda: part.write(b"x")) == "Download must have at most 10 bytes"
    assert kept.getvalue() == bytes(10)


def test_member_that_claims_more_than_its_archive(tmp_path: Path) -> None:
    """Of a network, and of images; the claim is in the directory at the end of the archive."""
    claimed = (1 << 32) - 2
    write_digits(tmp_path / "digits.npz")
    shutil.copy(bundled("demo"), tmp_path / "net.npz")
    for name in ("digits.npz", "net.npz"):
        content = bytearray((tmp_path / name).read_bytes())
        struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 20, claimed)
        (tmp_path / name).write_bytes(content)
    for args in (("inspect", "net.npz"), ("train", "-d", "digits.npz", "-o", "own.npz")):
        said = refuse(tmp_path, *args)
        assert said.endswith(f" bytes of the archive, not {claimed}")
        assert " must be " in said
