"""`prunus import nir`: from a file of NIR to a network that everything else takes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("nir")
import nir

from prunus_cli import Cli, write_digits
from prunus_model.cli.common import load_network
from prunus_model.data.datasets import load
from prunus_model.engine.engine import Engine
from prunus_model.exchange.files import write_graph
from prunus_model.exchange.importing import import_graph, with_agreement
from prunus_model.reference.network import Network
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact

#: Trained with snnTorch on MNIST by `model/bench/nir_snntorch.py`; beside it, what that has told.
MNIST = Path(__file__).with_name("mnist-10.nir")
EVEN: dict[str, Any] = {"encoder": {"spikes": "low-discrepancy", "steps": 32}}
SHARED = Path(__file__).parents[4] / "shared" / "data" / "nir"


def write(path: Path, *, neurons: int = 10, inputs: int = 49, seed: int = 1, **more: Any) -> None:
    """Write a graph that fires for digits of 7 x 7 pixels."""
    rng = np.random.default_rng(seed)
    full = {"tau": 8e-4, "r": 8.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0} | more
    lif = nir.LIF(**{key: np.full(neurons, value) for key, value in full.items()})
    weight = rng.normal(0.1, 0.3, (neurons, inputs))
    nodes = {
        "in": nir.Input(input_type={"input": np.array([inputs])}),
        "fc": nir.Affine(weight=weight, bias=np.full(neurons, 0.01)),
        "lif": lif,
        "out": nir.Output(output_type={"output": np.array([neurons])}),
    }
    edges = [("in", "fc"), ("fc", "lif"), ("lif", "out")]
    write_graph(path, nir.NIRGraph(nodes=nodes, edges=edges))


@pytest.fixture
def graph_cli(cli: Cli) -> Cli:
    """The command line beside `digits.npz` and `net.nir`, which was not trained on anything."""
    write_digits(cli.folder / "digits.npz")
    write(cli.folder / "net.nir")
    return cli


#: Digits that are much brighter than those of MNIST.
DATA = ("-d", "digits.npz", "--set", "encoder.gain=38")
IMPORT = ("import", "nir", "net.nir", "-o", "net.npz")


def test_trained_graph_keeps_its_predictions() -> None:
    made = json.loads(MNIST.with_suffix(".json").read_text())
    imported = with_agreement(import_graph(MNIST, EVEN, dt=1e-4), load("sample", "test"))
    config = imported.artifact.config
    assert (config.inputs, config.neurons, config.readout.classes) == (784, 10, 10)
    assert config.membrane.leak_shift == made["leak_shift"]
    assert imported.loss.weight_error <= 0.5 / imported.loss.scale
    found = imported.agreement
    assert found is not None
    assert found.equal_predictions > 0.97
    # On the 10,000 test images of MNIST it is 0.0014.
    assert abs(found.golden_accuracy - found.graph_accuracy) <= 0.01
    assert abs(found.golden_accuracy - made["accuracy"]) < 0.05


def test_reference_and_engine_agree_on_a_trained_graph() -> None:
    artifact = import_graph(MNIST, EVEN, dt=1e-4).artifact
    shown = levels(load("sample", "test").images[:20], artifact.config.encoder)
    given = (artifact.config, artifact.state, artifact.readout.votes)
    network, engine = Network(*given), Engine(*given)
    for image in shown:
        expected, got = network.present(image, learn=False), engine.present(image, learn=False)
        assert got.counters == expected.counters
        assert (got.prediction, got.lead) == (expected.prediction, expected.lead)
        assert engine.state.differences(network.state) == []


def test_a_graph_becomes_a_network_that_all_commands_take(graph_cli: Cli) -> None:
    out = graph_cli.succeed(*IMPORT, *DATA, "--steps", "16", "--weight-bits", "6")
    assert (
        "Saved net.npz: Affine, LIF, 49 inputs, 10 neurons, 16 steps of 0.0001 s, leak 2^-3" in out
    )
    assert "6-bit weights" in out
    assert "% equal predictions on 200 images" in out
    artifact = Artifact.load(Path("net.npz"))
    assert (artifact.config.weight_bits, artifact.config.encoder.gain) == (6, 38)
    assert artifact.complete
    assert artifact.readout.votes.tolist() == np.eye(10).tolist()
    told = artifact.provenance
    assert told["imported"]["file"] == "net.nir"
    assert told["agreement"]["images"] == 200
    assert "200 images" in graph_cli.succeed("evaluate", "net.npz", "-d", "digits.npz")
    shown = graph_cli.succeed("inspect", "net.npz")
    assert "Imported from a file of NIR, and trained elsewhere" in shown
    assert "bias" in shown
    assert "theta" not in shown.split("percentiles")[1]
    facts = json.loads(graph_cli.succeed("inspect", "net.npz", "--json"))
    assert facts["schedule"]["images"] == 0
    graph_cli.succeed("relabel", "net.npz", "-o", "wide.npz", "--vote-bits", "6")
    wide = load_network("wide.npz")
    assert wide.readout.votes.max() == 63
    assert np.array_equal(wide.state.weights, artifact.state.weights)
    drawn = graph_cli.succeed("plot", "net.npz", "-d", "digits.npz")
    assert "training.png" not in drawn
    assert {path.name for path in Path("plots/net").iterdir()} == {
        "receptive_fields.png",
        "distributions.png",
        "sops_accuracy.png",
    }


def test_what_needs_learning_or_winner_take_all_refuses_in_one_line(graph_cli: Cli) -> None:
    graph_cli.succeed(*IMPORT, "--set", "encoder.gain=38")
    toml = Path("net.toml")
    toml.write_text(Artifact.load(Path("net.npz")).config.to_toml())
    for args in (
        ("train", "-c", "net.toml", "-d", "digits.npz", "-e", "1", "-o", "again.npz"),
        ("export", "nir", "net.npz", "-d", "digits.npz", "-o", "again.nir"),
        ("estimate", "net.npz", "-d", "digits.npz", "--mode", "learning"),
    ):
        line = graph_cli.refuse(*args)
        assert "feed" in line, line
    assert not Path("again.npz").exists()
    assert not Path("again.nir").exists()


def test_votes_by_response_are_those_of_training_images(graph_cli: Cli) -> None:
    write(graph_cli.folder / "net.nir", neurons=15)
    line = graph_cli.refuse(*IMPORT, "--set", "readout.classes=10")
    assert "Votes of 15 neurons for 10 classes must come from labelled training data" in line
    graph_cli.succeed(*IMPORT, *DATA, "--set", "readout.votes=logarithms")
    artifact = Artifact.load(Path("net.npz"))
    assert artifact.readout.votes.shape == (15, 10)
    assert artifact.config.readout.vote_bits == 4
    split = load("digits.npz", "train")
    given = (artifact.config, artifact.state)
    _, spikes = Engine(*given).infer(levels(split.images, artifact.config.encoder))
    for label in range(10):
        sums = spikes[split.labels == label].sum(axis=0, dtype=np.int64)
        assert artifact.response[:, label].tolist() == sums.tolist()
    line = graph_cli.refuse(*IMPORT, "--force", *DATA, "--votes-by", "number")
    assert "Neurons must be at most as many as classes, 10, or a multiple" in line


def test_several_neurons_of_a_class_stand_one_after_the_other(graph_cli: Cli) -> None:
    write(graph_cli.folder / "net.nir", neurons=20)
    graph_cli.succeed(*IMPORT, *DATA, "--votes-by", "number")
    votes = Artifact.load(Path("net.npz")).readout.votes
    assert votes.tolist() == np.repeat(np.eye(10), 2, axis=0).tolist()


def test_other_leaks_are_refused_and_taken_if_told(graph_cli: Cli) -> None:
    write(graph_cli.folder / "net.nir", tau=1e-3)
    line = graph_cli.refuse(*IMPORT)
    assert (
        "Leak of a step (dt / tau) must be 2^-1 to 2^-23, or none, not 0.1: nearest is 2^-3, "
        "25.0 % off, that is tau 0.0008 in place of 0.001; --leak-shift 3 takes it" in line
    )
    assert not Path("net.npz").exists()
    out = graph_cli.succeed(*IMPORT, "--leak-shift", "3", "--reset", "subtract")
    assert "leak 2^-3 in place of 0.1, reset by subtraction, votes by number" in out
    config = Artifact.load(Path("net.npz")).config
    assert config.membrane.leak_shift == 3
    assert config.feedforward is not None
    assert config.feedforward.reset == "subtract"


def test_a_dead_network_is_told(graph_cli: Cli) -> None:
    write(graph_cli.folder / "net.nir", v_threshold=1e4)
    outcome = graph_cli.run(*IMPORT, *DATA)
    assert outcome.status == 0
    never, none = outcome.err.splitlines()
    assert never == (
        "No neuron can ever fire in 64 steps, whatever is shown: is dt the one that was trained "
        "with (--dt; 1 for tools that integrate currents as they are)?"
    )
    assert none == "No neuron has fired for any image"
    told = Artifact.load(Path("net.npz")).provenance
    assert told["quantisation"]["never_fire"] == 10
    assert told["agreement"]["golden_spikes"] == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--weight-bits", "1"), "--weight-bits"),
        (("--dt", "0"), "dt must be in"),
        (("--set", "neurons=9"), "neurons must be that of the graph, 10, not 9"),
        (("--set", "feedforward.reset=subtract"), "must be zero, as in the graph and the options"),
        (("--set", "membrane.leak_shift=2"), "set it by --leak-shift"),
        (("--set", "membrane.inhibition_steps=1"), "membrane.inhibition_steps must be 0"),
        (("--set", "encoder=3"), "encoder"),
        (("--set", "readout.classes=0"), "readout.classes"),
        (("--set", "readout=3"), "readout"),
        (("-d", "nowhere.npz"), "nowhere.npz"),
        (("-o", "net.nir"), ".npz"),
    ],
)
def test_wrong_arguments_are_one_line(graph_cli: Cli, args: tuple[str, ...], message: str) -> None:
    assert message in graph_cli.refuse(*IMPORT, *args)
    assert not Path("net.npz").exists()


@pytest.mark.parametrize("kept", [0, 3, 100, 2000, -100, -1])
def test_files_that_are_cut_off_are_one_line(graph_cli: Cli, kept: int) -> None:
    path = graph_cli.folder / "net.nir"
    path.write_bytes(path.read_bytes()[:kept])
    graph_cli.refuse(*IMPORT)
    assert not Path("net.npz").exists()


def test_files_of_something_else_are_one_line(graph_cli: Cli) -> None:
    assert "must be HDF5" in graph_cli.refuse("import", "nir", "digits.npz", "-o", "net.npz")
    graph_cli.refuse("import", "nir", "missing.nir", "-o", "net.npz")
    assert not Path("net.npz").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="graphs of the NIR paper are not here")
@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("braille_noDelay_bias_zero", (), "Node 'lif1.lif' has recurrent connections"),
        ("braille_noDelay_noBias_subtract", (), "Node 'lif1.lif' has recurrent connections"),
        ("braille_noDelay_bias_zero_subgraph", (), "must be readable"),
        ("cnn_sinabs", (), "Node '0' is of the kind Conv2d"),
        ("two_lif_neurons", (), "Graph must have one layer of neurons, not 2 ('lif1', 'lif2')"),
        ("lif_norse", (), "nearest is 2^-5, 21.9 % off"),
        ("lif_rockpool", (), "nearest is 2^-5, 21.9 % off"),
        ("lif_norse", ("--leak-shift", "5"), ""),
        ("lif_rockpool", ("--leak-shift", "5"), ""),
        ("lif_norse", ("--dt", "7.8125e-5"), ""),
    ],
)
def test_graphs_of_the_nir_paper(cli: Cli, name: str, args: tuple[str, ...], message: str) -> None:
    whole = ("import", "nir", str(SHARED / f"{name}.nir"), "-o", "net.npz", *args)
    if message:
        assert message in cli.refuse(*whole)
        assert not Path("net.npz").exists()
    else:
        cli.succeed(*whole)
        Artifact.load(Path("net.npz"))


def test_events_are_shown_to_a_network_that_is_told_so(graph_cli: Cli) -> None:
    write(graph_cli.folder / "net.nir", inputs=8)
    events = "encoder.events={width = 2, height = 2}"
    graph_cli.succeed(*IMPORT, "--set", events)
    expected = EncoderParams(gain=256, events=EventsParams(width=2, height=2))
    assert Artifact.load(Path("net.npz")).config.encoder == expected
