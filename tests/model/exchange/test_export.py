"""The rate of equal predictions, and what is written of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import digits, listing
from prunus_events import event_network, write_event_digits
from prunus_model.data.datasets import load
from prunus_model.data.events.split import Labelled, load_for, stimuli
from prunus_model.exchange.agreement import Agreement, compare, golden_spikes, measure
from prunus_model.exchange.export import export_graph, measured_graph
from prunus_model.exchange.files import read_graph
from prunus_model.exchange.graph import METADATA, float_layer, to_graph
from prunus_model.exchange.simulate import simulate
from prunus_model.exchange.spikes import input_spikes
from prunus_model.pretrained import __file__ as _pretrained
from prunus_model.reference.readout import predict_vote
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate


def test_equal_spikes_agree(trained: Artifact) -> None:
    data = digits(50, seed=3)
    golden = golden_spikes(trained, data)
    found = compare(trained, data, golden)
    accuracy = evaluate(trained, data).vote_accuracy
    assert found == Agreement(
        data=data.identity,
        data_sha256=data.sha256,
        images=50,
        equal_predictions=1.0,
        equal_counts=1.0,
        golden_accuracy=accuracy,
        graph_accuracy=accuracy,
        golden_spikes=float(golden.sum() / 50),
        graph_spikes=float(golden.sum() / 50),
    )


def test_each_difference_counts(trained: Artifact) -> None:
    data = digits(50, seed=3)
    counts = golden_spikes(trained, data).astype(np.int64)
    silent = counts.copy()
    silent[:10] = 0
    found = compare(trained, data, silent)
    before = predict_vote(counts.astype(np.uint8), trained.readout)
    assert (before >= 0).all()
    assert found.equal_predictions == found.equal_counts == 0.8
    assert found.graph_accuracy == np.mean((before == data.labels)[10:]) * 0.8
    assert found.graph_spikes < found.golden_spikes
    one_more = counts.copy()
    one_more[0, counts[0].argmax()] += 1
    assert compare(trained, data, one_more).equal_counts == 0.98


def test_graph_is_measured_on_the_spikes_of_the_golden_encoder(trained: Artifact) -> None:
    # More than are simulated at a time.
    data = digits(130, seed=4)
    layer = float_layer(to_graph(trained), dt=1e-4)
    spikes = input_spikes(trained.config, stimuli(data, trained.config))
    counts = simulate(layer, spikes).sum(axis=1)
    assert measure(trained, data, layer) == compare(trained, data, counts)


def test_golden_model_ends_as_configured(trained: Artifact) -> None:
    data = digits(30, seed=5)
    early = replace(trained, config=trained.config.with_readout(stop_after=1))
    assert golden_spikes(early, data, exits=True).sum(axis=1).max() == 1
    margin = replace(trained, config=trained.config.with_readout(margin=1))
    whole = golden_spikes(trained, data)
    assert golden_spikes(margin, data, exits=True).sum() < whole.sum()
    assert whole.sum(axis=1).max() > 1


@pytest.mark.parametrize("exits", [{"stop_after": 1}, {"margin": 1}])
def test_like_is_compared_with_like(trained: Artifact, exits: dict[str, int]) -> None:
    """A graph shows every image to its end, and so does the golden model beside it."""
    data = digits(40, seed=5)
    early = replace(trained, config=trained.config.with_readout(**exits))
    layer = float_layer(to_graph(early), dt=1e-4)
    assert measure(early, data, layer) == measure(trained, data, layer)
    assert compare(early, data, golden_spikes(trained, data)).equal_counts == 1


def test_inhibition_is_what_makes_them_agree() -> None:
    """Without winner-take-all, half of the predictions are lost: never is LIF written alone."""
    demo = Artifact.load(Path(_pretrained).parent / "demo.npz")
    data = load("sample", "test").head(100)
    layer = float_layer(to_graph(demo), dt=1e-4)
    found = measure(demo, data, layer)
    alone = measure(demo, data, replace(layer, recurrent=None))
    assert found.equal_predictions >= 0.9
    assert alone.equal_predictions < 0.8
    assert alone.graph_spikes > 10 * found.graph_spikes


@pytest.mark.parametrize("events", [False, True])
def test_rate_is_in_the_file(trained: Artifact, events: bool, tmp_path: Path) -> None:
    artifact: Artifact = trained
    data: Labelled = digits(20, seed=6)
    if events:
        artifact = event_network()
        write_event_digits(tmp_path / "events", 10, 20)
        data = load_for(artifact.config.encoder, str(tmp_path / "events"), "test")
    path = tmp_path / "net.nir"
    found = export_graph(artifact, path, data, inhibition=2.0)
    graph = read_graph(path)
    told = graph.metadata[METADATA]["agreement"]
    assert {name: getattr(told[name], "item", lambda n=name: told[n])() for name in told} == (
        found.to_mapping()
    )
    assert found == measured_graph(artifact, data, inhibition=2.0)[1]
    assert found == measure(artifact, data, float_layer(graph, dt=1e-4))


def test_file_that_is_there_is_kept_if_it_must_be_new(trained: Artifact, tmp_path: Path) -> None:
    path = tmp_path / "net.nir"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        export_graph(trained, path, digits(2), new=True)
    assert path.read_text() == "mine"
    assert list(listing(tmp_path)) == ["net.nir"]
