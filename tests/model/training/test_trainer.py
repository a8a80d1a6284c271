import re
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import PRUNING, digits, same, tiny
from prunus_model.common.errors import ArtifactError, ConfigError, DataError
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.reference.readout import Readout
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_model.training.history import HISTORY_FIELDS, percentiles
from prunus_model.training.trainer import Progress, Trainer, train

DATA = digits(2300)


def checkpoint(policy: str = "adaptive", intervals: int = 1) -> Artifact:
    trainer = Trainer(tiny(policy), DATA, epochs=2)
    for _ in range(intervals):
        trainer.advance()
    return trainer.checkpoint()


@pytest.mark.parametrize("policy", list(PRUNING))
def test_stopping_at_every_interval_changes_nothing(policy: str, tmp_path: Path) -> None:
    config = tiny(policy)
    expected = train(config, DATA, epochs=2)
    trainer = Trainer(config, DATA, epochs=2)
    stops = 0
    while not trainer.done:
        trainer.checkpoint().save(tmp_path / "checkpoint.npz")
        loaded = Artifact.load(tmp_path / "checkpoint.npz")
        trainer = Trainer(config, DATA, epochs=2, checkpoint=loaded)
        trainer.advance()
        stops += 1
    artifact = trainer.finish()
    assert stops == 5
    assert same(artifact, expected)
    assert artifact.content_hash == expected.content_hash
    assert (expected.counters.pruned > 0) == (policy != "none")


def test_continuing_does_not_change_the_checkpoint() -> None:
    first = checkpoint()
    before = first.content_hash
    trainer = Trainer(tiny(), DATA, epochs=2, checkpoint=first)
    while not trainer.done:
        trainer.advance()
    trainer.finish()
    assert first.content_hash == before


@pytest.mark.parametrize("policy", list(PRUNING))
def test_network_is_the_one_of_the_reference(policy: str) -> None:
    config, data = tiny(policy), digits(150)
    artifact = train(config, data, epochs=2)
    network = Network(config)
    shown = levels(data.images, config.encoder)
    for n in range(300):
        network.present(shown[n % 150], learn=True)
    network.finish()
    assert artifact.state.differences(network.state) == []


@pytest.mark.parametrize("policy", ["adaptive", "post"])
def test_labels_are_those_of_the_finished_network(policy: str) -> None:
    config, data = tiny(policy), digits(1200)
    artifact = train(config, data)
    engine = Engine(config, artifact.state)
    _, spikes = engine.infer(levels(data.images, config.encoder))
    sums = np.zeros((10, 10), dtype=np.int64)
    np.add.at(sums.T, data.labels, spikes)
    images = np.bincount(data.labels, minlength=10)
    readout = Readout.learn(sums, images, config.readout)
    assert artifact.response.tolist() == sums.tolist()
    assert artifact.response_images.tolist() == images.tolist()
    assert artifact.readout.votes.tolist() == readout.votes.tolist()
    assert artifact.readout.assignment.tolist() == readout.assignment.tolist()


def test_every_image_is_labelled_by_its_own_presentation() -> None:
    """More images than are shown at a time: those of later parts keep their numbers."""
    config = replace(tiny("none"), encoder=replace(tiny().encoder, steps=4))
    data = digits(10_400)
    artifact = train(config, data)
    sums = np.zeros((10, 10), dtype=np.int64)
    network = Engine(config, artifact.state)
    shown = levels(data.images, config.encoder)
    _, spikes = network.infer(shown)
    np.add.at(sums.T, data.labels, spikes)
    assert artifact.response.tolist() == sums.tolist()
    # The numbers matter: the last images answer otherwise as the first presentations.
    _, others = network.infer(shown[10_000:])
    assert not np.array_equal(others, spikes[10_000:])


def test_labels_do_not_depend_on_threads() -> None:
    hashes = set()
    for threads in (1, 3, None):
        trainer = Trainer(tiny(), DATA, epochs=1)
        while not trainer.done:
            trainer.advance()
        hashes.add(trainer.finish(threads=threads).content_hash)
    assert len(hashes) == 1


def test_progress_tells_what_the_history_keeps() -> None:
    seen: list[Progress] = []
    artifact = train(tiny(), DATA, epochs=2, progress=seen.append)
    history = artifact.history
    assert [now.presentation for now in seen] == [1000, 2000, 3000, 4000, 4600]
    assert [now.presentations for now in seen] == [4600] * 5
    assert seen[0].accuracy is None
    assert [now.accuracy for now in seen[1:]] == (
        history.correct[1:] / history.presentations[1:]
    ).tolist()
    assert [now.density for now in seen] == (history.plastic / 490).tolist()
    assert seen[-1].counters == artifact.counters
    assert seen[0].counters.output_spikes == history.output_spikes[0]


def test_history_adds_up_to_the_counters() -> None:
    artifact = train(tiny(), DATA, epochs=2)
    history, counters = artifact.history, asdict(artifact.counters)
    assert history.presentations.tolist() == [1000, 1000, 1000, 1000, 600]
    assert history.correct[0] == -1
    assert history.correct[1:].min() > 500
    assert history.plastic[-1] == np.count_nonzero(artifact.state.alive)
    summed = [name for name in HISTORY_FIELDS if name in COUNTERS]
    assert len(summed) == 6
    for name in summed:
        assert getattr(history, name).sum() == counters[name], name
    assert counters["presentations"] == artifact.state.presentation == 4600
    assert counters["pruned"] == np.count_nonzero(~artifact.state.alive)
    assert np.all(np.diff(history.w_prune, axis=1) >= 0)


def test_running_accuracy_is_of_votes_from_before() -> None:
    config = tiny()
    trainer, engine = Trainer(config, DATA, epochs=1), Engine(config)
    shown = levels(DATA.images, config.encoder)
    sums = np.zeros((10, 10), dtype=np.int64)
    images = np.zeros(10, dtype=np.int64)
    for start in (0, 1000, 2000):
        part = slice(start, start + 1000)
        _, spikes = engine.train(shown[part])
        labels = DATA.labels[part]
        readout = Readout.learn(sums, images, config.readout)
        right = sum(
            bool(row.any()) and int(np.argmax(row.astype(int) @ readout.votes)) == label
            for row, label in zip(spikes, labels.tolist(), strict=True)
        )
        now = trainer.advance()
        assert now.accuracy == (right / len(labels) if start else None)
        # A quarter of what was known is forgotten.
        sums -= sums // 4
        np.add.at(sums.T, labels, spikes)
        images += -(images // 4) + np.bincount(labels, minlength=10)
        if not trainer.done:
            kept = trainer.checkpoint()
            assert kept.response.tolist() == sums.tolist()
            assert kept.response_images.tolist() == images.tolist()
    assert trainer.engine.state.differences(engine.state) == []


def test_thresholds_in_the_history_are_those_of_the_policy() -> None:
    constant = train(tiny("constant"), DATA)
    # Before presentation 700 nothing is pruned; the first record is after 1,000.
    assert constant.history.w_prune.tolist() == [[70] * 7] * 3
    assert train(tiny("none"), DATA).history.w_prune.max() == 0
    one = checkpoint()
    p, state = one.config.pruning, one.state
    w_prune = np.minimum(
        np.minimum(state.post_count >> 2, state.strength.astype(np.int64) * 1200 >> 16), 255
    )
    assert p == PRUNING["adaptive"]
    assert one.history.w_prune.tolist() == [percentiles(w_prune)]


def test_density_counts_neither_pruned_nor_frozen() -> None:
    soft = train(tiny("soft"), DATA)
    assert soft.state.alive.all()
    assert soft.density == 1 - np.count_nonzero(soft.state.frozen) / 490
    assert soft.history.plastic[-1] == 490 * soft.density
    adaptive = train(tiny(), DATA)
    assert adaptive.density == np.count_nonzero(adaptive.state.alive) / 490


def test_post_pruning_is_counted_at_the_end() -> None:
    artifact = train(tiny("post"), DATA)
    assert artifact.counters.pruned == np.count_nonzero(~artifact.state.alive) > 0
    assert artifact.history.plastic[-1] == 490


def test_provenance_tells_how() -> None:
    trainer = Trainer(tiny(), DATA, epochs=1)
    while not trainer.done:
        trainer.advance()
    provenance = trainer.finish(command="prunus train").provenance
    assert provenance["command"] == "prunus train"
    assert provenance["versions"]["numpy"] == np.__version__
    assert provenance["versions"]["prunus"] == version("prunus")
    assert provenance["train_seconds"] > 0
    assert set(provenance) == {"command", "versions", "train_seconds"}


def test_seconds_go_on_after_a_checkpoint() -> None:
    first = checkpoint()
    first.provenance["train_seconds"] = 1000
    trainer = Trainer(tiny(), DATA, epochs=2, checkpoint=first)
    trainer.advance()
    assert 1000 < trainer.checkpoint().provenance["train_seconds"] < 1100


@pytest.mark.parametrize(
    ("config", "epochs", "message"),
    [
        (tiny(seed=2), 2, "seed (1, not 2)"),
        (tiny("none"), 2, "pruning.policy ('adaptive', not 'none')"),
        (
            replace(tiny(), encoder=replace(tiny().encoder, steps=8), weight_bits=7),
            3,
            "weight_bits (8, not 7), encoder.steps (16, not 8), epochs (2, not 3)",
        ),
    ],
)
def test_checkpoint_of_another_training_is_refused(
    config: NetworkConfig, epochs: int, message: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        Trainer(config, DATA, epochs=epochs, checkpoint=checkpoint())
    assert str(caught.value) == (f"Checkpoint must be of this training, but differs in {message}")


def test_checkpoint_of_other_data_is_refused() -> None:
    other = digits(2299, seed=3, name="others")
    with pytest.raises(ArtifactError) as caught:
        Trainer(tiny(), other, epochs=2, checkpoint=checkpoint())
    assert str(caught.value) == (
        "Checkpoint must be of this training, but differs in "
        f"data_sha256 ('{DATA.sha256}', not '{other.sha256}'), images (2300, not 2299)"
    )


def test_complete_network_is_no_checkpoint(trained: Artifact) -> None:
    with pytest.raises(ArtifactError) as caught:
        Trainer(tiny(), DATA, epochs=1, checkpoint=trained)
    assert str(caught.value) == "Checkpoint must be of a training that is not complete"


def test_checkpoint_and_end_have_their_time() -> None:
    trainer = Trainer(tiny(), digits(10), epochs=1)
    with pytest.raises(ValueError, match=r"^Training must be done before it is finished$"):
        trainer.finish()
    trainer.advance()
    with pytest.raises(ValueError, match=r"^Checkpoint must be made before training is done$"):
        trainer.checkpoint()


@pytest.mark.parametrize("epochs", [0, -1, 2**32])
def test_number_of_epochs_is_checked(epochs: int) -> None:
    with pytest.raises(ConfigError) as caught:
        train(tiny(), DATA, epochs=epochs)
    assert str(caught.value) == f"Epochs must be in 1..1867377 for 2300 images, not {epochs}"


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        train(NetworkConfig.named("demo"), DATA)
    assert str(caught.value) == (
        "Images of digits must have 784 pixels for this configuration, not 49"
    )


def test_labels_that_do_not_fit_are_refused() -> None:
    config = replace(tiny(), readout=replace(tiny().readout, classes=9))
    with pytest.raises(DataError, match=re.escape("Labels of digits must be in 0..8 for this")):
        train(config, DATA)


def test_one_image_and_one_neuron_are_enough() -> None:
    artifact = train(replace(tiny(), neurons=1), digits(1))
    assert artifact.complete
    assert artifact.history.presentations.tolist() == [1]
