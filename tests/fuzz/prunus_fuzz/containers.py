"""Mutations of archives, pictures and databases that make their checksums anew."""

from __future__ import annotations

import gzip
import io
import random
import sqlite3
import struct
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from prunus_fuzz.mutations import in_json, of_bytes

__all__ = ["of_database", "of_gzip", "of_idx", "of_png", "of_zip"]

_MIB = bytes(1 << 20)
_SIGNATURE = 8


def of_zip(rng: random.Random, content: bytes) -> bytes:
    """Change the members of an archive: contents, names, how often, sizes, methods."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at = rng.randrange(len(members))
    name, member = members[at]
    method, bomb = zipfile.ZIP_DEFLATED, 0
    match rng.randrange(10):
        case 0:
            del members[at]
        case 1:
            members.append((name, of_bytes(rng, member)))
        case 2:
            members[at] = rng.choice(("../x.npy", "/x", f"{name}\0x", "", "é.npy")), member
        case 3:
            other = rng.choice(members)[1]
            members[at] = name, other
        case 4 | 5 if name.endswith(".npy"):
            members[at] = name, _array(rng, member)
        case 6:
            method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
        case 7:
            bomb = rng.choice((0, 1, 1, 16, 16, 16, 32, 300))
        case _:
            changed = in_json(rng, member) if name.endswith(".json") else of_bytes(rng, member)
            members[at] = name, changed
    buffer = io.BytesIO()
    with (
        # A member may be there twice.
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(buffer, "w", compresslevel=1) as archive,
    ):
        for name, member in members:
            with archive.open(_info(name, method), "w") as f:
                f.write(member)
                for _ in range(bomb):
                    f.write(_MIB)
    return _sizes(rng, buffer.getvalue()) if rng.randrange(5) == 0 else buffer.getvalue()


def of_gzip(rng: random.Random, content: bytes) -> bytes:
    """Change what is packed, how it is packed, or how long it says it is."""
    plain = of_idx(rng, gzip.decompress(content))
    packed = gzip.compress(plain, compresslevel=rng.choice((0, 1, 9)))
    return rng.choice(
        (
            packed,
            packed,
            packed + packed,
            packed + bytes(100),
            packed[:-4] + struct.pack("<I", rng.choice((0, 1, 2**32 - 1))),
            gzip.compress(packed),
            plain,
        )
    )


def of_idx(rng: random.Random, content: bytes) -> bytes:
    """Change the header of an idx file, or as :func:`of_bytes`."""
    if rng.randrange(3) == 0:
        return of_bytes(rng, content)
    words = list(struct.unpack(">4I", content[:16]))
    words[rng.randrange(4)] = rng.choice((0, 1, 2, 28, 2051, 2049, 0x803, 2**31, 2**32 - 1))
    return struct.pack(">4I", *words) + content[16:] + bytes(rng.choice((0, 0, 1, 1000)))


def of_png(rng: random.Random, content: bytes) -> bytes:
    """Change the chunks of a picture, and their checksums accordingly."""
    chunks, at = [], _SIGNATURE
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += length + 12
    n = rng.randrange(len(chunks))
    kind, data = chunks[n]
    match rng.randrange(7):
        case 0:
            width, height, rest = struct.unpack(">II5s", chunks[0][1])
            sizes = [(20_000, 20_000), (0, height), (width, 0), (height * 2, width // 2)]
            sizes += [(2**31 - 1, 2**31 - 1), (12_000, 12_000), (width + 1, height)]
            chunks[0] = b"IHDR", struct.pack(">II5s", *rng.choice(sizes), rest)
        case 1:
            header = bytearray(chunks[0][1])
            header[rng.randrange(8, 13)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
            chunks[0] = b"IHDR", bytes(header)
        case 2:
            chunks.insert(n, (kind, data))
        case 3:
            del chunks[n]
        case 4:
            extra = rng.choice((b"tRNS", b"PLTE", b"acTL", b"zTXt", b"iCCP", b"eXIf", b"gAMA"))
            text = b"x\0\0" + zlib.compress(_MIB * rng.choice((0, 1, 80)))
            chunks.insert(rng.randrange(len(chunks)), (extra, rng.choice((b"", bytes(8), text))))
        case 5:
            pixels = of_bytes(rng, zlib.decompress(b"".join(d for k, d in chunks if k == b"IDAT")))
            chunks = [(k, zlib.compress(pixels) if k == b"IDAT" else d) for k, d in chunks]
        case _:
            chunks[n] = kind, of_bytes(rng, data)
    body = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )
    return content[:_SIGNATURE] + body


def of_database(rng: random.Random, content: bytes) -> bytes:
    """Change the tables of an SQLite file by its own language."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        path.write_bytes(content)
        database = sqlite3.connect(path, isolation_level=None)
        try:
            tables = [
                name
                for (name,) in database.execute("SELECT name FROM sqlite_master WHERE sql != ''")
            ]
            table = rng.choice(tables)
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            column = rng.choice(columns)
            row, old = rng.choice(
                database.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
            )
            match rng.randrange(6):
                case 0:
                    database.execute(f"DELETE FROM {table}")
                case 1:
                    database.execute(f"DROP TABLE {table}")
                case 2:
                    database.execute(f"ALTER TABLE {table} DROP COLUMN {columns[-1]}")
                case 3:
                    database.execute(f"PRAGMA user_version = {rng.randrange(5)}")
                case _:
                    # Of one row: a key must be that of one alone.
                    new = _value(rng, old), row
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", new)
        except sqlite3.Error:
            # SQLite has not allowed it; the file is as it was.
            pass
        finally:
            database.close()
        return path.read_bytes()


def _value(rng: random.Random, old: object) -> object:
    if isinstance(old, str) and old.startswith("{") and rng.randrange(4):
        return in_json(rng, old.encode()).decode()
    return rng.choice((None, 0, -1, 1.5, 2**62, "", "x", b"\xff", "[" * 5000, "null", "[]", old))


def _info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type, info._compresslevel = method, 1  # type: ignore[attr-defined]
    return info


def _array(rng: random.Random, member: bytes) -> bytes:
    """Write an array anew with another type, shape or header."""
    array = np.load(io.BytesIO(member))
    buffer = io.BytesIO()
    kind = rng.choice(("f8", "i8", "u1", "?", "c16", "U3", "S1", "i2", ">i4", "f2", "M8[s]"))
    match rng.randrange(5):
        case 0:
            np.save(buffer, np.zeros(array.shape, kind))
        case 1:
            np.save(
                buffer, array[..., None] if rng.randrange(2) else array.ravel()[: array.size // 2]
            )
        case 2:
            np.save(buffer, np.full(array.shape, np.nan))
        case 3:
            np.save(buffer, np.array([{"a": array.size}], dtype=object), allow_pickle=True)
        case _:
            shape = rng.choice(
                ("10000000000,", "-1,", "", "2**9,", "0, 0", "99999999999999999999,")
            )
            header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}\n".encode()
            buffer.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
            buffer.write(member[-100:])
    return buffer.getvalue()


def _sizes(rng: random.Random, content: bytes) -> bytes:
    """Change the size, packed or not, that the directory of an archive declares for a member."""
    data, places, at = bytearray(content), [], content.find(b"PK\1\2")
    while at >= 0:
        places.append(at)
        at = content.find(b"PK\1\2", at + 1)
    at = rng.choice(places) + rng.choice((20, 24))
    size = rng.choice((0, 1, 1 << 20, 1 << 28, 2**31, 2**32 - 2))
    data[at : at + 4] = struct.pack("<I", size)
    return bytes(data)
