"""Fixtures: data sets without the network, a trained network, the command line."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from prunus_cli import Cli, digits, tiny, write_digits
from prunus_data import DIGITS, FASHION, NOBODY, Mirror, sha256
from prunus_model.data import registry as mirrors
from prunus_model.data.registry import NamedSet
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train

#: An example may take as long as the machine takes.
settings.register_profile("any-speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-speed")


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
            sha256={file: sha256(content) for file, content in files.items()},
            sizes={file: len(content) for file, content in files.items()},
            mirrors=(NOBODY,),
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


@pytest.fixture(scope="session")
def trained() -> Artifact:
    """A complete network of the smallest kind. Not to be changed."""
    return train(tiny(), digits(2300))


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path, monkeypatch, capsys)


@pytest.fixture
def tiny_cli(cli: Cli, trained: Artifact) -> Cli:
    """The command line beside `digits.npz` and `tiny.npz`, a network that was trained on it."""
    write_digits(cli.folder / "digits.npz")
    trained.save(cli.folder / "tiny.npz")
    return cli
