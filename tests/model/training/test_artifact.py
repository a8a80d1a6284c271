"""Network files: what is saved is loaded, and whatever is wrong with a file is told."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import PRUNING, digits, same, tiny
from prunus_forger import Forger, message_of
from prunus_model.common.errors import ArtifactError, ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import AdaptivePruning, LiftPruning
from prunus_model.training.artifact import Artifact, Schedule
from prunus_model.training.trainer import Trainer, train


@pytest.mark.parametrize("policy", list(PRUNING))
def test_loads_what_was_saved(policy: str, tmp_path: Path) -> None:
    trainer = Trainer(tiny(policy), digits(1500), epochs=1)
    trainer.advance()
    checkpoint = trainer.checkpoint(command="a")
    trainer.advance()
    for artifact in (checkpoint, trainer.finish(command="b")):
        artifact.save(tmp_path / "network.npz")
        loaded = Artifact.load(tmp_path / "network.npz")
        assert same(loaded, artifact)
        assert loaded.content_hash == artifact.content_hash
        assert loaded.provenance == artifact.provenance
        assert loaded.complete == (artifact is not checkpoint)
        assert loaded.density == artifact.density


def test_content_hash_is_of_all_that_was_computed(trained: Artifact) -> None:
    changed = replace(trained, counters=replace(trained.counters, steps=1))
    hashes = {trained.content_hash, changed.content_hash}
    for name in ("weights", "alive", "frozen", "theta", "v_fire", "last_step"):
        state = trained.state.copy()
        getattr(state, name).flat[3] ^= True
        hashes.add(replace(trained, state=state).content_hash)
    history = replace(trained.history, plastic=trained.history.plastic + 1)
    votes = replace(trained.readout, votes=trained.readout.votes ^ np.uint8(1))
    assignment = replace(trained.readout, assignment=trained.readout.assignment ^ np.int16(1))
    for other in (
        replace(trained, config=tiny(seed=2)),
        replace(trained, schedule=replace(trained.schedule, epochs=2)),
        replace(trained, response=trained.response + 1),
        replace(trained, response_images=trained.response_images + 1),
        replace(trained, history=history),
        replace(trained, readout=votes),
        replace(trained, readout=assignment),
    ):
        hashes.add(other.content_hash)
    assert len(hashes) == 2 + 6 + 7


def test_content_hash_is_not_of_how_it_was_computed(trained: Artifact) -> None:
    assert replace(trained, provenance={"command": "x"}).content_hash == trained.content_hash
    again = train(tiny(), digits(2300))
    assert again.content_hash == trained.content_hash


def put(index: int | tuple[int, int], value: int) -> Callable[[Any], None]:
    def change(array: Any) -> None:
        array[index] = value

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("theta", put(3, -1), "theta[3] must be in 0..16777215, not -1"),
        ("votes", put((0, 0), 16), "votes must be at most 15, not 16"),
        (
            "votes",
            lambda x: x.astype(np.int64),
            "votes must be uint8 of shape (10, 10), not int64 of shape (10, 10)",
        ),
        ("assignment", put(0, 10), "assignment must be at most 9, not 10"),
        ("assignment", put(0, -2), "assignment must be at least -1, not -2"),
        ("response", put((0, 0), -1), "response must be at least 0, not -1"),
        (
            "response_images",
            lambda x: x[:-1],
            "response_images must be int64 of shape (10,), not int64 of shape (9,)",
        ),
        (
            "history_w_prune",
            lambda x: x[:, 1:],
            "history of w_prune must be int64 of shape (3, 7), not int64 of shape (3, 6)",
        ),
        (
            "history_presentations",
            put(2, 301),
            "history of presentations must add up to 2300, not 2301",
        ),
        ("theta", put(0, 1), "content_hash is not that of the content"),
    ],
)
def test_inconsistent_arrays_are_refused(
    forger: Forger, name: str, change: Callable[[Any], Any], message: str
) -> None:
    forger.array(name, change)
    assert message_of(forger.path) == f"be consistent: {message}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda h: h["config"].update(neurons=11),
            "weights must have shape (49, 11), not (49, 10)",
        ),
        (lambda h: h["config"].update(novelty=1), "config: Key 'novelty' is unknown"),
        (
            lambda h: h["schedule"].update(images=0),
            "Images must be in 1..4294967295, not 0",
        ),
        (
            lambda h: h["schedule"].update(epochs=2**31),
            "Epochs must be in 1..1867377 for 2300 images, not 2147483648",
        ),
        (lambda h: h["schedule"].update(epochs=1.0), "schedule.epochs must be int, not 1.0"),
        (lambda h: h["schedule"].update(data=None), "schedule.data must be str, not None"),
        (lambda h: h["schedule"].update(epochs=2), "complete does not follow from presentation"),
        (
            lambda h: h.update(presentation=1000),
            "presentation must be that of the counters, 2300, not 1000",
        ),
        (lambda h: h.update(presentation=True), "presentation must be an integer of 0 or more"),
        (lambda h: h["counters"].update(steps=-1), "steps must be an integer of 0 or more, not -1"),
        (lambda h: h["counters"].pop("steps"), "counters must be presentations, steps, "),
        (lambda h: h.update(counters=[]), "counters must be presentations, steps, "),
        (
            lambda h: h["counters"].update(output_spikes=1),
            "history of output_spikes must add up to 1, not ",
        ),
        (lambda h: h.update(provenance=[1]), "provenance must be a table, not [1]"),
        *(
            (lambda h, s=s: h["provenance"].update(train_seconds=s), "provenance.train_seconds ")
            for s in ("x", float("nan"), float("inf"), -1.0)
        ),
        (lambda h: h.update(content_hash="0" * 64), "content_hash is not that of the content"),
        (lambda h: h["counters"].update(steps=1), "content_hash is not that of the content"),
    ],
)
def test_inconsistent_headers_are_refused(
    forger: Forger, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    forger.header(change)
    assert message_of(forger.path).startswith(f"be consistent: {message}")


@pytest.mark.parametrize(
    ("images", "epochs", "message"),
    [
        (10, 0, "Epochs must be in 1..429496729 for 10 images, not 0"),
        (10, 429496730, "Epochs must be in 1..429496729 for 10 images, not 429496730"),
        (0, 1, "Images must be in 1..4294967295, not 0"),
    ],
)
def test_schedule_is_what_can_be_counted(images: int, epochs: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Schedule(data="x", data_sha256="", images=images, epochs=epochs)
    assert str(caught.value) == message


def test_files_of_the_first_version_are_read_or_refused_in_one_line(
    trained: Artifact, tmp_path: Path
) -> None:
    """They have one state variable more, and a network that used it can not be read any more."""
    path = tmp_path / "new.npz"
    trained.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert "coactivity.npy" not in members
    zeros = io.BytesIO()
    np.save(zeros, np.zeros(trained.config.inputs, np.int32))

    def older(redundancy: Any) -> Path:
        header = json.loads(members["header.json"])
        header["config"]["redundancy"] = redundancy
        with zipfile.ZipFile(tmp_path / "old.npz", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content if name != "header.json" else json.dumps(header))
            archive.writestr("coactivity.npy", zeros.getvalue())
        return tmp_path / "old.npz"

    assert Artifact.load(older(None)).content_hash == trained.content_hash
    path = older({"shift": 12, "image_width": 28, "start": 0})
    with pytest.raises(ArtifactError) as caught:
        Artifact.load(path)
    assert str(caught.value) == (
        f"Network file {path} must be consistent: config: redundancy must be left out: pruning of "
        f"redundant inputs is no longer there; train the network again without it, or use Prunus "
        f"0.1.0"
    )


def test_rates_of_inputs_are_kept_and_the_length_of_the_training(tmp_path: Path) -> None:
    config = replace(NetworkConfig.named("tiny"), pruning=LiftPruning())
    artifact = train(config, digits(40), epochs=2)
    assert artifact.config.pruning == LiftPruning(length=80)
    artifact.save(tmp_path / "by.npz")
    with np.load(tmp_path / "by.npz") as archive:
        assert np.array_equal(archive["input_rate"], artifact.state.input_rate)
    assert artifact.state.input_rate.any()
    again = Artifact.load(tmp_path / "by.npz")
    assert again.config == artifact.config
    assert again.state.differences(artifact.state) == []
    assert again.content_hash == artifact.content_hash
    moved = artifact.state.copy()
    moved.input_rate[0] ^= 1
    assert replace(artifact, state=moved).content_hash != artifact.content_hash
    other = train(replace(config, pruning=AdaptivePruning()), digits(40), epochs=2)
    other.save(tmp_path / "other.npz")
    with np.load(tmp_path / "other.npz") as archive:
        assert "input_rate" not in archive
