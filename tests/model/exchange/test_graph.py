"""What a graph says, and that it says it in a file."""

from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest

from prunus_cli import TINY, digits, windows
from prunus_model.common.errors import ExchangeError
from prunus_model.data.datasets import load
from prunus_model.data.events.split import stimuli
from prunus_model.exchange.files import read_graph, write_graph
from prunus_model.exchange.graph import METADATA, READERS, Reader, float_layer, to_graph
from prunus_model.exchange.simulate import simulate
from prunus_model.exchange.spikes import input_spikes
from prunus_model.pretrained import __file__ as _pretrained
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.units import MembraneParams
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer, train

DEMO = Path(_pretrained).parent / "demo.npz"


@pytest.fixture(scope="module")
def demo() -> Artifact:
    return Artifact.load(DEMO)


def test_nodes_say_what_the_network_is(trained: Artifact) -> None:
    graph = to_graph(trained)
    state = trained.state
    assert list(graph.nodes) == ["input", "affine", "lif", "inhibition", "output"]
    assert graph.edges == [
        ("input", "affine"),
        ("affine", "lif"),
        ("lif", "inhibition"),
        ("inhibition", "lif"),
        ("lif", "output"),
    ]
    affine, lif = graph.nodes["affine"], graph.nodes["lif"]
    assert (type(affine), type(lif)) == (nir.Affine, nir.LIF)
    assert np.array_equal(affine.weight, state.weights.T)
    assert not affine.bias.any()
    assert (affine.weight[~state.alive.T] == 0).all()
    assert not state.alive.all()
    assert np.array_equal(lif.v_threshold, state.v_fire - 0.5)
    shift = trained.config.membrane.leak_shift
    assert np.allclose(lif.tau, 1e-4 * 2**shift)
    assert (lif.r == 2**shift).all()
    assert not lif.v_leak.any()
    assert not lif.v_reset.any()
    for node in (affine.weight, affine.bias, lif.tau, lif.r, lif.v_threshold, lif.v_reset):
        assert node.dtype == np.float32
    assert graph.nodes["input"].input_type["input"].tolist() == [49]
    assert graph.nodes["output"].output_type["output"].tolist() == [10]


@pytest.mark.parametrize("inhibition", [0.5, 1.0, 2.0])
def test_every_other_neuron_is_inhibited_by_the_median_threshold(
    trained: Artifact, inhibition: float
) -> None:
    matrix = to_graph(trained, inhibition=inhibition).nodes["inhibition"].weight
    median = np.median(trained.state.v_fire)
    assert (np.diag(matrix) == 0).all()
    off = matrix[~np.eye(10, dtype=bool)]
    assert np.array_equal(off, np.full(90, -inhibition * median, np.float32))


def test_neurons_that_never_fire_have_no_part_in_the_median(trained: Artifact) -> None:
    state = trained.state.copy()
    state.weights[:, :6] = 0
    state.strength[:6] = 0
    state.v_fire[:6] = 2**23 - 1
    graph = to_graph(replace(trained, state=state))
    median = np.median(state.v_fire[6:])
    assert graph.nodes["inhibition"].weight.min() == np.float32(-median)
    assert graph.nodes["lif"].v_threshold[0] == 2**23 - 1.5
    state.strength[:] = 0
    state.weights[:] = 0
    state.v_fire[:] = 2**23 - 1
    dead = to_graph(replace(trained, state=state), reader="spikingjelly")
    assert np.isfinite(dead.nodes["inhibition"].weight).all()


def test_all_thresholds_are_exact_in_single_precision() -> None:
    for v_fire in (1, 2**22 - 1, 2**22 + 1, 2**23 - 2, 2**23 - 1):
        assert float(np.float32(v_fire - 0.5)) == v_fire - 0.5


@pytest.mark.parametrize("dt", [1e-4, 1e-3, 1.0])
def test_a_step_is_ours_whatever_it_lasts(trained: Artifact, dt: float) -> None:
    one, usual = (float_layer(to_graph(trained, dt=t), dt=t) for t in (dt, 1e-4))
    assert np.allclose(one.leak, 2.0**-trained.config.membrane.leak_shift, rtol=1e-6)
    assert np.allclose(one.gain, 1, rtol=1e-6)
    assert np.array_equal(one.weight, usual.weight)


def test_network_without_leak_has_if_neurons(trained: Artifact) -> None:
    config = replace(trained.config, membrane=MembraneParams(leak_shift=0))
    graph = to_graph(replace(trained, config=config))
    assert type(graph.nodes["lif"]) is nir.IF
    assert np.allclose(graph.nodes["lif"].r, 1e4)
    assert np.array_equal(graph.nodes["lif"].v_threshold, trained.state.v_fire - 0.5)
    layer = float_layer(graph, dt=1e-4)
    assert not layer.leak.any()
    assert np.allclose(layer.gain, 1, rtol=1e-6)


@pytest.mark.parametrize("reader", ["spikingjelly", "snntorch"])
def test_other_readers_are_told_one_threshold_and_the_same_dynamics(
    demo: Artifact, reader: Reader
) -> None:
    graph = to_graph(demo, reader=reader)
    assert np.unique(graph.nodes["lif"].v_threshold).size == 1
    assert graph.nodes["lif"].v_threshold[0] == np.median(demo.state.v_fire) - 0.5
    shown = input_spikes(demo.config, stimuli(load("sample", "test").head(40), demo.config))
    own, one = (simulate(float_layer(g, dt=1e-4), shown) for g in (to_graph(demo), graph))
    assert own.any()
    assert np.array_equal(own, one)


def test_inhibition_goes_through_a_relay_for_snntorch(trained: Artifact) -> None:
    graph = to_graph(trained, reader="snntorch")
    assert ("lif", "inhibition") in graph.edges
    assert ("inhibition", "relay") in graph.edges
    assert ("relay", "lif") in graph.edges
    assert ("inhibition", "lif") not in graph.edges
    assert np.array_equal(graph.nodes["relay"].weight, np.eye(10))


@pytest.mark.parametrize("reader", READERS)
def test_graph_comes_back_from_its_file(trained: Artifact, reader: Reader, tmp_path: Path) -> None:
    graph = to_graph(trained, reader=reader)
    path = tmp_path / "net.nir"
    write_graph(path, graph)
    # Strictly, too, as others read it.
    for back in (read_graph(path), nir.read(path)):
        assert set(back.nodes) == set(graph.nodes)
        assert sorted(back.edges) == sorted(graph.edges)
        assert np.array_equal(back.nodes["affine"].weight, graph.nodes["affine"].weight)
        assert np.array_equal(back.nodes["lif"].v_threshold, graph.nodes["lif"].v_threshold)
        told = back.metadata[METADATA]
        assert told["weights"].dtype == np.uint8
        assert np.array_equal(told["weights"], trained.state.weights)
        assert np.array_equal(told["alive"], trained.state.alive)
        assert np.array_equal(told["v_fire"], trained.state.v_fire)
        assert np.array_equal(told["votes"], trained.readout.votes)
        assert np.array_equal(told["classes"], trained.readout.assignment)
        assert NetworkConfig.from_toml(told["config"]) == trained.config
        assert told["content_hash"] == trained.content_hash
        assert (told["dt"], told["inhibition"], told["reader"]) == (1e-4, 1.0, reader)
        assert "winner-take-all" in told["not_said"]


def test_artifact_has_the_graph(trained: Artifact) -> None:
    graph = trained.to_nir(dt=1e-3, inhibition=2.0, reader="spikingjelly")
    told = graph.metadata[METADATA]
    assert (told["dt"], told["inhibition"], told["reader"]) == (1e-3, 2.0, "spikingjelly")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0.0}, "dt must be in 1e-12..1000, not 0"),
        ({"dt": -1.0}, "dt must be in 1e-12..1000, not -1"),
        ({"dt": float("nan")}, "dt must be in 1e-12..1000, not nan"),
        ({"dt": float("inf")}, "dt must be in 1e-12..1000, not inf"),
        ({"inhibition": 0.0}, "inhibition must be in 1e-06..1e+06, not 0"),
        ({"inhibition": float("nan")}, "inhibition must be in 1e-06..1e+06, not nan"),
        (
            {"dt": 1e-3, "reader": "snntorch"},
            "dt must be 0.0001 for snnTorch, which knows no other, not 0.001",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(
    trained: Artifact, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ExchangeError) as caught:
        to_graph(trained, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_extremes_of_the_step_are_numbers_in_single_precision(trained: Artifact) -> None:
    leaky, none = (
        replace(trained, config=replace(trained.config, membrane=MembraneParams(leak_shift=n)))
        for n in (trained.config.membrane.leak_shift, 0)
    )
    for artifact in (leaky, none):
        for dt in (1e-12, 1e3):
            neuron = to_graph(artifact, dt=dt).nodes["lif"]
            for values in (getattr(neuron, "tau", neuron.r), neuron.r):
                assert np.isfinite(values).all()
                assert (values > 0).all()


def test_what_cannot_be_told_is_refused(trained: Artifact) -> None:
    with pytest.raises(ExchangeError, match="without groups for NIR"):
        to_graph(windows())
    trainer = Trainer(TINY, digits(60), epochs=1)
    with pytest.raises(
        ExchangeError, match="must be trained completely, but is at presentation 0 of 60"
    ):
        to_graph(trainer.checkpoint(command="prunus train"))
    config = replace(trained.config, membrane=MembraneParams(leak_shift=0))
    with pytest.raises(ExchangeError, match="must have a leak for snnTorch"):
        to_graph(replace(trained, config=config), reader="snntorch")


def test_unpruned_synapses_of_weight_zero_are_apart_in_the_mask() -> None:
    artifact = train(TINY, digits(400))
    told = to_graph(artifact).metadata[METADATA]
    assert np.array_equal(told["alive"] == 1, artifact.state.alive)
