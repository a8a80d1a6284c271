"""Formats that are read by packages of the extra ``events``: SHD and SSC, AEDAT4, Prophesee."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.common.text import reason_of
from prunus_model.data.events.recording import Recording, integers

__all__ = ["CHANNELS", "read_aedat4", "read_hdf5", "read_prophesee"]

#: Channels of the cochlea of SHD and SSC.
CHANNELS = 700
#: Bytes of a word of the encodings of Prophesee.
_WORDS = {"dat": 8, "evt2": 4, "evt3": 2}


def _package(name: str, path: Path, *, extra: str = "events") -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as e:
        raise DataError(f"File {path} needs pip install 'prunus[{extra}]' to be read") from e


def read_hdf5(path: Path) -> Iterator[Recording]:
    """Read a file of SHD or SSC: ``spikes/times`` in seconds, ``spikes/units``, ``labels``.

    A time becomes microseconds, rounded, halves up.

    Raises
    ------
    DataError
        If it is another file, or damaged, or h5py is not installed.
    """
    h5py = _package("h5py", path)
    try:
        with h5py.File(path, "r") as file:
            if missing := [n for n in ("spikes/times", "spikes/units", "labels") if n not in file]:
                raise DataError(f"File {path} must have {missing[0]}, as those of SHD and SSC")
            times, units, labels = file["spikes/times"], file["spikes/units"], file["labels"]
            if not len(times) == len(units) == len(labels):
                raise DataError(
                    f"Times, units and labels of {path} must be equally many, "
                    f"not {len(times)}, {len(units)} and {len(labels)}"
                )
            for k in range(len(times)):
                name = f"{path}[{k}]"
                t = _microseconds(np.asarray(times[k]), name)
                x = integers(np.asarray(units[k]), f"Units of {name}")
                label = integers(np.asarray(labels[k]), f"Label of {name}").item()
                yield Recording(
                    name=name,
                    t=t,
                    x=x,
                    y=np.zeros_like(t),
                    p=np.ones_like(t),
                    label=label,
                    frame=(CHANNELS, 1),
                    polar=False,
                )
    except DataError:
        raise
    except Exception as error:
        raise _unreadable(path, "HDF5 file", error) from error


def _microseconds(seconds: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
    """Return times in seconds as microseconds."""
    if seconds.dtype.kind != "f" or not ((seconds >= 0) & (seconds < 1 << 32)).all():
        raise DataError(f"Times of {name} must be seconds, floats of 0 or more, below 2^32")
    rounded: npt.NDArray[np.int64] = np.floor(seconds.astype(np.float64) * 1e6 + 0.5).astype(
        np.int64
    )
    return rounded


def read_aedat4(path: Path, label: int | None = None) -> Recording:
    """Read a file in the format AEDAT4 of inivation: the first stream of events in it.

    Raises
    ------
    DataError
        If it is another file, or damaged, or the package aedat is not installed.
    """
    with path.open("rb") as file:
        head = file.read(14)
    if head.startswith(b"#!AER-DAT") and not head.startswith(b"#!AER-DAT4"):
        version = head[2:].split(b"\n")[0].decode("ascii", "replace")
        raise DataError(f"File {path} must be AEDAT4, not {version.strip()}: convert it first")
    aedat = _package("aedat", path)
    try:
        with _quiet():
            parts, frame = _decoded(aedat, path)
    except (DataError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # A panic of its Rust is no Exception.
        raise _unreadable(path, "AEDAT4 file", error) from error
    return _joined(parts, str(path), label, frame)


def _decoded(aedat: Any, path: Path) -> tuple[list[npt.NDArray[Any]], tuple[int, int]]:
    """Return the packets of the first stream of events, and its frame."""
    decoder = aedat.Decoder(str(path))
    streams = {
        number: stream
        for number, stream in decoder.id_to_stream().items()
        if stream["type"] == "events"
    }
    if not streams:
        raise DataError(f"File {path} must have a stream of events")
    chosen = min(streams)
    packets = [
        packet["events"]
        for packet in decoder
        if packet["stream_id"] == chosen and "events" in packet
    ]
    return packets, (int(streams[chosen]["width"]), int(streams[chosen]["height"]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what a library writes to the standard error, past Python, from the terminal."""
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def read_prophesee(path: Path, label: int | None = None) -> Recording:
    """Read a file of Prophesee: ``.dat``, or ``.raw`` in the encodings EVT2 and EVT3.

    Raises
    ------
    DataError
        If it is another file, or cut off, or the package expelliarmus is not installed.
    """
    lines, size = _header(path)
    text = "\n".join(lines)
    if path.suffix.lower() == ".dat":
        encoding = "dat"
        # The type and the size of an event come first.
        size += 2
    else:
        found = re.search(r"(?i)\bevt\s*([23])\b", text)
        if found is None:
            raise DataError(f"File {path} must say in its header that it is EVT2 or EVT3")
        encoding = f"evt{found[1]}"
    rest = path.stat().st_size - size
    if not lines or rest < 0 or rest % _WORDS[encoding]:
        raise DataError(
            f"File {path} must be a header and whole words of {_WORDS[encoding]} bytes: "
            f"it is cut off, or no {encoding.upper()}"
        )
    expelliarmus = _package("expelliarmus", path, extra="prophesee")
    try:
        read = expelliarmus.Wizard(encoding=encoding, fpath=path).read() if rest else None
    except Exception as error:
        raise _unreadable(path, f"{encoding.upper()} file", error) from error
    return _joined([] if read is None else [read], str(path), label, _frame(text))


def _header(path: Path) -> tuple[list[str], int]:
    """Return the lines of a header, all of which begin with %, and its bytes."""
    lines, size = [], 0
    with path.open("rb") as file:
        while (line := file.readline(1 << 12)).startswith(b"%"):
            lines.append(line.decode("latin-1").strip())
            size += len(line)
            if lines[-1] == "% end":
                break
    return lines, size


def _frame(header: str) -> tuple[int, int] | None:
    """Return width and height, as headers of different versions have them."""
    if found := re.search(r"(?i)geometry[ :=]+(\d+)\s*x\s*(\d+)", header):
        return int(found[1]), int(found[2])
    sides = [re.search(rf"(?i)\b{side}\s*[ =:]\s*(\d+)", header) for side in ("width", "height")]
    return (int(sides[0][1]), int(sides[1][1])) if sides[0] and sides[1] else None


def _joined(
    parts: list[npt.NDArray[Any]], name: str, label: int | None, frame: tuple[int, int] | None
) -> Recording:
    def all_of(field: str) -> npt.NDArray[np.int64]:
        arrays = [integers(part[field], f"Field {field} of {name}") for part in parts]
        return np.concatenate(arrays) if arrays else np.empty(0, dtype=np.int64)

    t, x, y, p = map(all_of, ("t", "x", "y", "p"))
    recording = Recording(name=name, t=t, x=x, y=y, p=p, label=label, frame=frame)
    if frame is not None:
        recording.check_frame(*frame)
    return recording


def _unreadable(path: Path, what: str, error: BaseException) -> DataError:
    return DataError(f"File {path} must be a readable {what}, not: {reason_of(error)}")
