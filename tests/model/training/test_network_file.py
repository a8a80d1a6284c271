"""The file of a network: what is damaged, of another format, or no network is refused."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import listing, same
from prunus_forger import Forger, array_bytes, message_of, unpack
from prunus_model.common.errors import ArtifactError
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact


def test_saving_twice_makes_identical_files(trained: Artifact, path: Path, tmp_path: Path) -> None:
    trained.save(tmp_path / "again.npz")
    Artifact.load(path).save(tmp_path / "loaded.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()
    assert (tmp_path / "loaded.npz").read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_numpy_opens_the_file(trained: Artifact, path: Path) -> None:
    with np.load(path) as archive:
        names = set(archive.files)
        assert np.array_equal(archive["weights"], trained.state.weights)
        assert np.array_equal(archive["votes"], trained.readout.votes)
        assert np.array_equal(archive["history_live"], trained.history.plastic)
    header = json.loads(unpack(path)["header.json"])
    assert NetworkConfig.from_mapping(header["config"]) == trained.config
    assert len(names) == 10 + 4 + 9 + 1


def test_damage_is_noticed_or_harmless(trained: Artifact, path: Path) -> None:
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    noticed = 0
    for offset in rng.integers(0, len(whole), 300).tolist():
        damaged = bytearray(whole)
        damaged[offset] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        # Only dates and the like may differ, which nothing reads.
        try:
            loaded = Artifact.load(path)
        except ArtifactError as e:
            noticed += 1
            assert str(e).startswith(f"Network file {path} must ")
        else:
            assert same(loaded, trained)
            assert loaded.provenance == trained.provenance
    assert noticed > 200


def test_every_truncation_is_noticed(path: Path) -> None:
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        assert message_of(path) == "be readable: File is not a zip file", f"length {length}"


def test_other_files_are_refused(forger: Forger) -> None:
    path = forger.path
    path.write_bytes(b"hello")
    assert message_of(path) == "be readable: File is not a zip file"
    forger.members = {"a.npy": b""}
    forger.save()
    assert message_of(path) == "be one that prunus has saved"
    for header, message in (
        (b"[1]", "be readable: 'list' object has no attribute 'get'"),
        (b"{", "be readable: Expecting property name"),
        (b"{}", "be 'prunus network' of format 2, not None of format None"),
    ):
        forger.members = {"header.json": header}
        forger.save()
        assert message_of(path).startswith(message)
    assert message_of(path.with_name("none")) == "exist"
    assert message_of(path.parent) == "be a file, not a folder"


@pytest.mark.parametrize("change", [{"format_version": 3, "novelty": 1}, {"format": "x"}])
def test_other_format_is_refused(forger: Forger, change: dict[str, Any]) -> None:
    forger.header(lambda h: h.update(change))
    name, version = change.get("format", "prunus network"), change.get("format_version", 2)
    assert message_of(forger.path) == (
        f"be 'prunus network' of format 2, not {name!r} of format {version}"
    )


def test_unknown_and_missing_header_keys_are_refused(forger: Forger) -> None:
    forger.header(lambda h: (h.update(novelty=1), h.pop("schedule")))
    assert message_of(forger.path) == (
        "have the known header keys, each once, but differs in novelty, schedule"
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_unknown_missing_and_double_members_are_refused(forger: Forger) -> None:
    content = forger.members.pop("theta.npy")
    forger.members |= {"theta": content, "novelty.npy": content}
    forger.save("v.npy")
    assert message_of(forger.path) == (
        "have the known members, each once, but differs in novelty.npy, theta, theta.npy, v.npy"
    )


def test_pickled_objects_are_refused(forger: Forger) -> None:
    forger.members["theta.npy"] = array_bytes(np.array([{}] * 10), allow_pickle=True)
    forger.save()
    assert message_of(forger.path) == (
        "be readable: Object arrays cannot be loaded when allow_pickle=False"
    )


def test_refused_file_is_left_alone(forger: Forger) -> None:
    forger.header(lambda h: h.update(format_version=3))
    before = listing(forger.path.parent)
    message_of(forger.path)
    assert listing(forger.path.parent) == before
