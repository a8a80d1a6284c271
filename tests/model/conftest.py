"""Fixtures of the tests about data sets."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from prunus_data import DIGITS, FASHION, NOBODY, Mirror, sha256
from prunus_model import mirrors
from prunus_model.mirrors import NamedSet


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small data sets in place of the real ones, an empty cache, and no way to the network."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(mirrors, "user_cache_path", lambda name: folder / name)
    monkeypatch.delenv("PRUNUS_DATA", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, files in (("mnist", DIGITS), ("fashion-mnist", FASHION)):
        small = NamedSet(
            sha256={file: sha256(content) for file, content in files.items()}, mirrors=(NOBODY,)
        )
        monkeypatch.setitem(mirrors.NAMED, name, small)
    return folder / "prunus"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    served = Mirror()
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.go_on.set()
    served.server.shutdown()
    thread.join()
    served.server.server_close()
