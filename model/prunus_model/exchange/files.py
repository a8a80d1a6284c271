"""Files of NIR, written whole or not at all, and read with what is wrong in one line."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nir

from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import ExchangeError
from prunus_model.common.reading import memory_refusal, refusal, unpacked_limit

__all__ = ["read_data", "read_graph", "read_hashed", "write_data", "write_graph"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: Begin and version of a global heap, which has the strings of a file; and header of an object in
#: it: index, references, nothing, size.
_HEAP, _HEAP_HEADER, _OBJECT = b"GCOL\x01", 16, struct.Struct("<HHIQ")


def write_graph(path: Path, graph: nir.NIRGraph, *, new: bool = False) -> None:
    """Write a graph as :func:`prunus_model.common.atomic.write_atomically` does.

    ``nir.write`` leaves a broken file where it fails; here it writes into memory.
    """
    buffer = io.BytesIO()
    nir.write(buffer, graph)
    write_atomically(path, buffer.getvalue(), new=new)


def write_data(
    path: Path, data: nir.NIRGraphData, about: dict[str, Any], *, new: bool = False
) -> None:
    """Write traces, in the same way, with attributes of the file that readers of NIR pass over."""
    buffer = io.BytesIO()
    nir.write_data(buffer, data)
    with h5py.File(buffer, "r+") as file:
        file.attrs.update(about)
    write_atomically(path, buffer.getvalue(), new=new)


def read_graph(path: Path) -> nir.NIRGraph:
    """Read a graph of any version of NIR, without its check of types, which refuses old ones.

    Raises
    ------
    ExchangeError
        If it is no file, no HDF5, cut off, of something else, too large, or has a node that is not
        known to the installed version of NIR, or an edge leads nowhere.
    """
    return read_hashed(path)[0]


def read_hashed(path: Path) -> tuple[nir.NIRGraph, str]:
    """Read a graph as :func:`read_graph`; return it, and the SHA-256 of the bytes it is from."""

    def read(content: io.BytesIO) -> nir.NIRGraph:
        graph = nir.read(content, type_check=False)
        for name in (end for edge in getattr(graph, "edges", ()) for end in edge):
            if name not in graph.nodes:
                raise ValueError(f"edge to {name!r} must lead to a node")
        return graph

    found, content = _read(path, "node", read)
    return found, hashlib.sha256(content).hexdigest()


def read_data(path: Path) -> nir.NIRGraphData:
    """Read traces.

    Raises
    ------
    ExchangeError
        As :func:`read_graph`.
    """
    return _read(path, "nodes", nir.read_data)[0]


def _read(path: Path, member: str, read: Callable[[io.BytesIO], Any]) -> tuple[Any, bytes]:
    """Return what is in a file, and its bytes, which are read once."""
    if wrong := refusal(path):
        raise ExchangeError(f"NIR file {path} {wrong}")
    try:
        with path.open("rb") as file:
            packed = file.read(len(_SIGNATURE))
            if packed != _SIGNATURE:
                raise ExchangeError(f"NIR file {path} must be HDF5")
            if wrong := memory_refusal(path.stat().st_size):
                raise ExchangeError(f"NIR file {path} {wrong}")
            packed += file.read()
        _check_heaps(packed)
        with h5py.File(io.BytesIO(packed), "r") as content:
            if not isinstance(content.get(member), h5py.Group):
                raise ExchangeError(
                    f"NIR file {path} must have a {member!r}; it is HDF5 of something else"
                )
            _check_size(content, len(packed))
            if member == "node":
                _check_node("", content[member])
        return read(io.BytesIO(packed)), packed
    except (ExchangeError, MemoryError):
        raise
    except Exception as e:
        # h5py and nir have a dozen kinds of errors for what is damaged or not known.
        raise ExchangeError(f"NIR file {path} must be readable: {_reason(e)}") from e


def _check_size(content: h5py.File, packed: int) -> None:
    """Check what all arrays unpack to, by what they declare."""
    total = 0

    def add(_: str, found: Any) -> None:
        nonlocal total
        if isinstance(found, h5py.Dataset):
            total += found.nbytes

    content.visititems(add)
    if total > (most := unpacked_limit(packed)):
        raise ValueError(f"arrays must unpack to at most {most} bytes, not {total}")
    if wrong := memory_refusal(total):
        raise ValueError(f"arrays {wrong}")


def _check_heaps(packed: bytes) -> None:
    """Check that every object in a global heap has a size: HDF5 2.0 never ends at one of none."""
    heap = -1
    while (heap := packed.find(_HEAP, heap + 1)) >= 0:
        header = packed[heap : heap + _HEAP_HEADER].ljust(_HEAP_HEADER)
        end = min(len(packed), heap + int.from_bytes(header[8:], "little"))
        at = heap + _HEAP_HEADER
        while at + _OBJECT.size <= end:
            index, _, _, size = _OBJECT.unpack_from(packed, at)
            # Index 0 is free space, of a size with its header; others are padded, in 64 bits.
            step = (_OBJECT.size + (size + 7 & ~7)) & (1 << 64) - 1 if index else size
            if not step:
                raise ValueError(f"global heap at byte {heap} has an object of no size")
            at += step


def _check_node(name: str, node: Any) -> None:
    """Check that a node, and each of a graph, says of which kind it is, and that this is known."""
    found = node["type"][()] if isinstance(node, h5py.Group) and "type" in node else b""
    kind = found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
    what = f"node {name!r}" if name else "what it holds"
    if not kind:
        raise ValueError(f"{what} must have a 'type'")
    known = getattr(nir, kind, None)
    is_node = isinstance(known, type) and issubclass(known, nir.NIRNode)
    if not is_node:
        raise ValueError(f"{what} must be of a kind that NIR {nir.version} knows, not {kind!r}")
    if known is nir.NIRGraph:
        nodes = node.get("nodes")
        for inner in nodes if isinstance(nodes, h5py.Group) else ():
            _check_node(f"{name}.{inner}" if name else inner, nodes[inner])


def _reason(error: Exception) -> str:
    """Return what was wrong, as the end of a sentence."""
    text = str(error)
    if isinstance(error, KeyError):
        return f"it lacks {text}"
    if isinstance(error, AssertionError | IndexError) or not text:
        return f"{type(error).__name__} {text}".strip()
    return text
