"""Small data sets for tests, a web server that delivers them, and what is refused."""

import gzip
import hashlib
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_model.common.errors import DataError
from prunus_model.data import idx
from prunus_model.data.registry import NAMED
from prunus_model.data.split import Split

TRAIN_IMAGES, TRAIN_LABELS = idx.FILES["train"]
TEST_IMAGES, TEST_LABELS = idx.FILES["test"]
#: Nothing listens on the discard port of this machine, so the download fails at once.
NOBODY = "http://127.0.0.1:9/"


def to_idx(array: np.ndarray) -> bytes:
    """Write the format as its specification has it, independently of the reader."""
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def grey(count: int, *, start: int = 0) -> np.ndarray:
    """Return images of 2 x 3 pixels."""
    return (np.arange(count * 6) + start).astype(np.uint8).reshape(count, 2, 3)


def contents(start: int) -> dict[str, bytes]:
    """Return the four files of a small data set: 3 training images, 2 test images."""
    return {
        TRAIN_IMAGES: to_idx(grey(3, start=start)),
        TRAIN_LABELS: to_idx(np.array([1, 2, 3], np.uint8)),
        TEST_IMAGES: to_idx(grey(2, start=start + 100)),
        TEST_LABELS: to_idx(np.array([4, 5], np.uint8)),
    }


DIGITS, FASHION = contents(0), contents(50)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write(folder: Path, files: dict[str, bytes], *, packed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)


def message_of(call: Callable[[], object]) -> str:
    with pytest.raises(DataError) as caught:
        call()
    return str(caught.value)


def small_split(**changes: Any) -> Split:
    values: dict[str, Any] = {
        "name": "set",
        "images": grey(3).reshape(3, 6),
        "labels": np.array([1, 2, 3], np.uint8),
        "image_shape": (2, 3),
    }
    return Split(**(values | changes))


def to_npz(folder: Path, **arrays: Any) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def set_mirrors(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    monkeypatch.setitem(NAMED, "mnist", replace(NAMED["mnist"], mirrors=mirrors))


class Mirror:
    """A web server on this machine: what it delivers by path, and what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.half_sent = threading.Event()
        self.go_on = threading.Event()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append(self.path)
                content = mirror.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if not self.path.startswith("/slow/"):
                    self.wfile.write(content)
                    return
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                mirror.half_sent.set()
                mirror.go_on.wait(600)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def put(self, folder: str, files: dict[str, bytes]) -> str:
        """Deliver files, packed, below a folder; return its address."""
        self.files |= {f"/{folder}/{name}.gz": gzip.compress(files[name]) for name in files}
        return f"{self.url}/{folder}/"
