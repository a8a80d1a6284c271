"""Mutations: each kind of them comes about, and checksums that are to be right are."""

import gzip
import io
import json
import random
import sqlite3
import struct
import tomllib
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from prunus_fuzz import containers, mutations
from prunus_fuzz.mutations import Mutation
from prunus_fuzz.seeds import Seeds
from prunus_model.data.pictures import SIGNATURE

_BYTES = bytes(range(64))
_VALUES = {"a": {"b": [1, 2, "x"]}, "c": True, "d": 5}
_TEXT = "cell (A) { area : 10; }"


@pytest.fixture(autouse=True)
def small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    """KiB instead of MiB."""
    assert len(containers._MIB) == 1 << 20
    monkeypatch.setattr(containers, "_MIB", bytes(1 << 10))


def many(mutation: Mutation, content: bytes, count: int) -> list[bytes]:
    """What is made of a content by so many numbers."""
    made = [mutation(random.Random(number), content) for number in range(count)]
    assert made[:20] == [mutation(random.Random(number), content) for number in range(20)]
    return made


def test_bytes_change_everywhere_in_every_way() -> None:
    made = many(mutations.of_bytes, _BYTES, 1000)
    assert sum(one == _BYTES for one in made) < 50
    assert {(len(one) > 64) - (len(one) < 64) for one in made} == {-1, 0, 1}
    same = [one for one in made if len(one) == 64]
    assert all(any(one[at] != at for one in same) for at in range(64))
    whole = int.from_bytes(_BYTES)
    flipped = [one for one in same if (int.from_bytes(one) ^ whole).bit_count() == 1]
    assert len(flipped) > 20
    assert any(b"\xff\xff\xff\xff" in one for one in made)
    assert any(bytes(4) in one for one in made)
    assert any(one == _BYTES[: len(one)] for one in made if len(one) < 64)
    assert any(_BYTES[8:12] * 3 in one or one.count(_BYTES[8:10]) > 2 for one in made)


def test_text_is_encoded_in_every_way() -> None:
    text = "a = 1\nb = 2\n"
    made = set(many(mutations.of_encoding, text.encode(), 400))
    known = {
        b"",
        text.encode("utf-8-sig"),
        text.encode("utf-16"),
        text.encode("utf-32"),
        text.encode() * 2,
        text.encode() + b"#" * 100_000,
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
    }
    assert known <= made
    rest = made - known
    assert {b"\0" in one for one in rest} == {True, False}
    assert all(b"\0" in one or b"\xff\xfe\xe4" in one for one in rest)


@pytest.mark.parametrize(
    ("mutation", "content", "literals"),
    [
        (mutations.in_json, json.dumps(_VALUES), mutations._JSON),
        (mutations.in_toml, 'c = true\nd = 5\n[a]\nb = [1, 2, "x"]\n', mutations._TOML),
    ],
)
def test_values_change_at_every_place_to_everything(
    mutation: Mutation, content: str, literals: list[str]
) -> None:
    made = [one.decode() for one in many(mutation, content.encode(), 3000)]
    assert not [one for one in made if mutations._MARK in one]
    assert [text for text in literals if not any(text in one for one in made)] == []
    assert any('"__class__"' in one or "__class__ =" in one for one in made)
    found = []
    for text in made:
        try:
            found.append((json.loads if mutation is mutations.in_json else tomllib.loads)(text))
        except (ValueError, RecursionError):
            continue
    # Left out, and another number, at each depth.
    whole = [one for one in found if isinstance(one.get("a"), dict)]
    assert any("c" not in one for one in found) and any("a" not in one for one in found)
    assert any("b" not in one["a"] for one in whole)
    assert {4, 6, 1005} <= {one.get("d") for one in found if isinstance(one.get("d"), int)}
    lists = [one["a"]["b"] for one in whole if isinstance(one["a"].get("b"), list)]
    assert [2, "x"] in lists and [1, 2] in lists and [1, 1, "x"] in lists
    assert sum(one == _VALUES for one in found) < 100


def test_every_token_of_a_text_changes_to_everything() -> None:
    made = [one.decode() for one in many(mutations.in_text, _TEXT.encode(), 800)]
    for token in ("cell", "(", "A", ")", "{", "area", ":", "10", ";", "}"):
        assert any(one == _TEXT.replace(token, "inf", 1) for one in made), token
    for new in ("-inf", "nan", "1e999", "/*", "\\\n", "x(){" * 99, "(" * 99, "!" * 99, "9" * 99):
        assert any(new in one for one in made), new
    assert any("area : cell" in one for one in made)


def members(content: bytes) -> list[tuple[str, int, int]]:
    """Names, methods and sizes of the members of an archive, all of them whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(one.filename, one.compress_type, one.file_size) for one in archive.infolist()]


def test_archives_change_in_every_way() -> None:
    """Members left out, doubled, renamed, exchanged, packed otherwise, far too large."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", '{"a": 1}')
        for name in ("x", "y"):
            member = io.BytesIO()
            np.save(member, np.arange(6).reshape(2, 3) + len(name))
            archive.writestr(f"{name}.npy", member.getvalue())
    whole = members(buffer.getvalue())
    made = many(containers.of_zip, buffer.getvalue(), 300)
    found = [members(one) for one in made]
    names = [[name for name, _, _ in one] for one in found]
    wanted = [name for name, _, _ in whole]
    assert any(len(one) < 3 for one in names)
    assert any(len(one) > len(set(one)) for one in names)
    assert any("../x.npy" in one for one in names) and any("" in one for one in names)
    methods = {method for one in found for _, method, _ in one}
    assert methods == {
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_BZIP2,
        zipfile.ZIP_LZMA,
    }
    assert any(one != whole and name == wanted for one, name in zip(found, names, strict=True))
    broken = 0
    texts = []
    for one in made:
        with zipfile.ZipFile(io.BytesIO(one)) as archive:
            try:
                texts += [archive.read(name) for name in archive.namelist()]
            except (zipfile.BadZipFile, EOFError, zlib.error):
                broken += 1
    # Only what its directory says of sizes is wrong; all else has sound checksums.
    assert 0 < broken < 60
    assert max(map(len, texts)) >= 300 << 10
    for part in (b"|O", b"'shape': (10000000000,)", b"'<f8'", b'{"a": 2}', b"'shape': (2, 3, 1)"):
        assert any(part in text for text in texts), part


def unpacked(content: bytes) -> bytes | None:
    """What is packed by gzip or zlib, if that is whole."""
    try:
        return zlib.decompress(content) if content[:1] == b"\x78" else gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return None


def test_gzip_changes_in_every_way() -> None:
    plain = struct.pack(">4I", 0x803, 1, 2, 2) + b"abcd"
    made = many(containers.of_gzip, gzip.compress(plain, mtime=0), 300)

    found = [unpacked(one) for one in made]
    assert sum(one is None for one in found) > 20
    assert any(one.endswith(b"\xff" * 4) and unpacked(one) is None for one in made)
    assert any(one is not None and one[:2] == b"\x1f\x8b" for one in found)
    assert any(one[:2] != b"\x1f\x8b" for one in made)
    sound = [one for one in found if one]
    assert any(one[: len(one) // 2] * 2 == one for one in sound)
    assert {struct.unpack(">I", one[12:16])[0] for one in sound if len(one) > 16} >= {0, 28, 2**31}


def test_header_of_idx_changes_in_every_word() -> None:
    content = struct.pack(">4I", 0x803, 1, 2, 2) + b"abcd"
    made = [one for one in many(containers.of_idx, content, 300) if len(one) >= 16]
    words = np.array([struct.unpack(">4I", one[:16]) for one in made])
    assert all(2**32 - 1 in words[:, n] for n in range(4))
    assert {20, 21, 1020} <= {len(one) for one in made}
    assert sum(one[:16] == content[:16] for one in made) > 20


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Chunks of a picture, whose checksums are right."""
    found, at = [], len(SIGNATURE)
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        data = content[at + 8 : at + 8 + length]
        assert content[at + 8 + length : at + 12 + length] == struct.pack(
            ">I", zlib.crc32(kind + data)
        )
        found.append((kind, data))
        at += length + 12
    return found


def test_pictures_change_in_every_way_and_have_right_checksums() -> None:
    seed = Seeds.pictures()[0]
    whole = chunks(seed)
    found = [chunks(one) for one in many(containers.of_png, seed, 300)]
    headers = [one[0][1] for one in found if one and one[0][0] == b"IHDR" and len(one[0][1]) == 13]
    sizes = {struct.unpack(">II", header[:8]) for header in headers}
    assert {(20_000, 20_000), (0, 7), (7, 0), (14, 3), (8, 7), (2**31 - 1, 2**31 - 1)} <= sizes
    assert all(any(header[n] != whole[0][1][n] for header in headers) for n in range(13))
    kinds = [[kind for kind, _ in one] for one in found]
    normal = [kind for kind, _ in whole]
    assert any(len(one) < len(normal) for one in kinds)
    assert any(one.count(b"IDAT") > normal.count(b"IDAT") for one in kinds)
    extra = {b"tRNS", b"PLTE", b"acTL", b"zTXt", b"iCCP", b"eXIf", b"gAMA"}
    assert extra <= {kind for one in kinds for kind in one}
    assert any(len(d) > 80 and k in extra for one in found for k, d in one)
    pixels = [d for one in found for k, d in one if k == b"IDAT" and (k, d) not in whole]
    assert len({text for text in map(unpacked, pixels) if text is not None}) > 5
    assert sum(one == whole for one in found) < 30


def test_databases_change_in_every_way(tmp_path: Path) -> None:
    (seed,) = Seeds.stores()
    path = tmp_path / "store.sqlite"

    def look(content: bytes) -> tuple[int, dict[str, list[tuple[object, ...]]]]:
        path.write_bytes(content)
        with closing(sqlite3.connect(path)) as database:
            names = [
                n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE sql != ''")
            ]
            (version,) = database.execute("PRAGMA user_version").fetchone()
            return version, {n: database.execute(f"SELECT * FROM {n}").fetchall() for n in names}

    before, whole = look(seed)
    found = [look(one) for one in many(containers.of_database, seed, 500)]
    tables = [one for _, one in found]
    assert {version for version, _ in found} > {before}
    for name, rows in whole.items():
        assert any(name not in one for one in tables), name
        assert any(one.get(name) == [] for one in tables), name
        # Every column of every row, alone.
        left = [one[name] for one in tables if len(one.get(name, ())) == len(rows)]
        for n, row in enumerate(rows):
            for column in range(len(row)):
                changed = [
                    one[n][column] != row[column]
                    and one[:n] + one[n + 1 :] == rows[:n] + rows[n + 1 :]
                    for one in left
                    if len(one[n]) == len(row)
                ]
                assert any(changed), (name, n, column)
    assert any(len(one["trainings"][0]) < 7 for one in tables if one.get("trainings"))
    assert sum(one == (before, whole) for one in found) < 100
