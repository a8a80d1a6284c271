"""Graphs of NIR as one layer: what is read, and what is refused in one sentence."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("nir")
import nir

from prunus_model.common.errors import ExchangeError
from prunus_model.exchange.files import read_graph, write_graph
from prunus_model.exchange.reading import leak_of, read_layer

DT = 1e-4


def one(shape: Any) -> Any:
    return np.ones(shape)


def lif(size: Any = 2, **changes: Any) -> nir.LIF:
    values = {"tau": 16 * DT, "r": 16.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    return nir.LIF(**{k: np.full(size, v) for k, v in (values | changes).items()})


def cuba(tau_syn: float, **changes: Any) -> nir.CubaLIF:
    values = {"tau_mem": 16 * DT, "r": 8.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    values |= {"tau_syn": tau_syn, "w_in": 2.0} | changes
    return nir.CubaLIF(**{k: np.full(2, v) for k, v in values.items()})


WEIGHT = np.array([[0.5, -1.0, 0.25], [2.0, 0.0, 1.0]])
BIAS = np.array([0.5, -0.25])


def chain(*nodes: nir.NIRNode, names: Any = None, **more: Any) -> nir.NIRGraph:
    """Nodes one after the other, between an input and an output."""
    names = names or [f"n{k}" for k in range(len(nodes))]
    named = dict(zip(names, nodes, strict=True))
    whole = {
        "input": nir.Input(input_type={"input": np.array(more.get("inputs", [3]))}),
        **named,
        "output": nir.Output(output_type={"output": np.array(more.get("outputs", [2]))}),
    }
    keys = list(whole)
    edges = [*pairwise(keys), *more.get("edges", ())]
    return nir.NIRGraph(nodes=whole, edges=edges, type_check=False)


def test_affine_and_lif_are_read_with_forward_euler() -> None:
    found = read_layer(chain(nir.Affine(weight=WEIGHT, bias=BIAS), lif(r=8.0)), dt=DT)
    assert found.layer.weight.tolist() == WEIGHT.tolist()
    assert found.layer.bias.tolist() == BIAS.tolist()
    assert found.layer.gain.tolist() == pytest.approx([0.5, 0.5])
    assert found.leak.shift == 4
    assert found.leak.exact
    assert found.nodes == "Affine, LIF"
    assert not found.layer.subtract
    assert read_layer(chain(nir.Linear(weight=WEIGHT), lif()), dt=DT, subtract=True).layer.subtract


def test_if_has_no_leak_and_its_currents_last_for_a_step() -> None:
    neuron = nir.IF(r=one(2) * 3, v_threshold=one(2), v_reset=one(2) * 0)
    found = read_layer(chain(nir.Linear(weight=WEIGHT), neuron), dt=0.5)
    assert found.layer.gain.tolist() == [1.5, 1.5]
    assert (found.leak.shift, found.leak.exact, found.nodes) == (0, True, "Linear, IF")
    assert found.layer.bias.tolist() == [0, 0]


def test_currents_that_are_gone_within_a_step_are_spikes() -> None:
    found = read_layer(chain(nir.Linear(weight=WEIGHT), cuba(DT)), dt=DT)
    assert found.layer.gain.tolist() == pytest.approx([1.0, 1.0])
    with pytest.raises(ExchangeError, match=r"tau_syn of node 'n1' must be at most dt \(0.0001\)"):
        read_layer(chain(nir.Linear(weight=WEIGHT), cuba(2 * DT)), dt=DT)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 2), (1, 2)])
def test_scalars_are_for_all_neurons_and_batches_are_dropped(shape: tuple[int, ...]) -> None:
    graph = chain(nir.Linear(weight=WEIGHT[np.newaxis]), lif(shape), inputs=[1, 3], outputs=[7, 2])
    layer = read_layer(graph, dt=DT).layer
    assert layer.weight.shape == (2, 3)
    assert layer.v_threshold.tolist() == [1.0, 1.0]
    assert layer.leak.tolist() == [1 / 16, 1 / 16]
    assert layer.gain.tolist() == pytest.approx([1.0, 1.0])


def test_inputs_outputs_and_graphs_in_between_are_passed() -> None:
    inner = chain(nir.Linear(weight=WEIGHT), names=["fc"])
    flat = nir.Flatten(start_dim=0, end_dim=-1, input_type={"input": np.array([1, 3])})
    graph = chain(flat, inner, lif(), names=["flat", "sub", "lif"])
    assert read_layer(graph, dt=DT).layer.weight.tolist() == WEIGHT.tolist()


@pytest.mark.parametrize(
    ("tau", "shift", "exact"),
    [
        (2.0, 1, True),
        (64.0, 6, True),
        (64.00001, 6, True),
        (16.01, 4, False),
        (10.0, 3, False),
        (25.0, 5, False),
    ],
)
def test_leak_is_a_power_of_two_or_the_nearest(tau: float, shift: int, exact: bool) -> None:
    assert (leak_of(1 / tau).shift, leak_of(1 / tau).exact) == (shift, exact)


def test_a_potential_that_forgets_all_has_no_leak_here() -> None:
    assert not leak_of(1.0).exact
    assert leak_of(0.0).exact


LINEAR = nir.Linear(weight=WEIGHT)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        pytest.param(
            chain(LINEAR, lif(), nir.Linear(weight=one((4, 2))), lif(4)),
            "Graph must have one layer of neurons, not 2 ('n1', 'n3'): a core has one layer",
            id="layers",
        ),
        pytest.param(
            chain(LINEAR, names=["fc"]), "Graph must have one layer of neurons, not 0:", id="none"
        ),
        pytest.param(
            chain(nir.Scale(scale=one(3)), LINEAR, lif(), names=["half", "fc", "lif"]),
            "Node 'half' is of the kind Scale, which can't be imported: only Affine, Linear, IF, ",
            id="kind",
        ),
        pytest.param(
            chain(LINEAR, lif(), nir.Linear(weight=one((2, 2))), edges=[("n2", "n1")]),
            "Node 'n1' has recurrent connections, which can't be imported: the network is feed-",
            id="loop",
        ),
        pytest.param(
            chain(LINEAR, lif(), nir.Linear(weight=one((2, 2)))),
            "Node 'n2' is behind the neurons (Linear), which can't be imported: votes are the",
            id="behind",
        ),
        pytest.param(
            chain(LINEAR, nir.Linear(weight=one((2, 2))), lif()),
            "Node 'n2' must have one Affine or Linear before it, not 2 ('n0', 'n1')",
            id="two before",
        ),
        pytest.param(
            chain(lif()), "Node 'n0' must have one Affine or Linear before it, not 0", id="bare"
        ),
        pytest.param(
            chain(LINEAR, lif(), edges=[("input", "n1")]),
            "Node 'input' must have one node after it, not 2 ('n0', 'n1')",
            id="branch",
        ),
        pytest.param(
            chain(LINEAR, lif(v_reset=0.5)), "v_reset of node 'n1' must be 0, not 0.5", id="reset"
        ),
        pytest.param(
            chain(LINEAR, lif(v_threshold=-1.0)),
            "v_threshold of node 'n1' must be 0 or more, not -1",
            id="threshold",
        ),
        pytest.param(chain(LINEAR, lif(tau=0.0)), "tau of node 'n1' must be more than 0", id="tau"),
        pytest.param(
            chain(LINEAR, lif(tau=DT / 2)),
            "tau of node 'n1' must be dt (0.0001) or more, not 5e-05",
            id="short tau",
        ),
        pytest.param(
            chain(LINEAR, lif(tau=np.array([2 * DT, 4 * DT]))),
            "tau of node 'n1' must be equal for all neurons, which leak together, not 0.0002 to ",
            id="taus",
        ),
        pytest.param(
            chain(LINEAR, lif(3)),
            "v_threshold of node 'n1' must be one number, or one for each of 2 neurons, not of",
            id="neurons",
        ),
        pytest.param(
            chain(nir.Linear(weight=WEIGHT * np.nan), lif()),
            "weight of node 'n0' must be numbers, all of them finite",
            id="nan",
        ),
        pytest.param(
            chain(LINEAR, lif(r=1e200)),
            "r of node 'n1' must be numbers, all of them finite, and 0 or in 1e-30..1e+30",
            id="huge",
        ),
        pytest.param(
            chain(nir.Linear(weight=np.zeros((2, 3), dtype="S3")), lif()),
            "weight of node 'n0' must be numbers",
            id="texts",
        ),
        pytest.param(
            chain(nir.Linear(weight=one((4, 2, 3))), lif()),
            "weight of node 'n0' must be a matrix of neurons x inputs, not of shape (4, 2, 3)",
            id="matrix",
        ),
        pytest.param(
            chain(LINEAR, lif(), inputs=[4]),
            "shape of node 'input' must be of 3, as node 'n0' has 3 inputs and 2 outputs, not (4,)",
            id="input",
        ),
        pytest.param(
            chain(LINEAR, lif(), outputs=[2, 3]),
            "shape of node 'output' must be of 2, as node 'n0' has 3 inputs and 2 outputs, not (2,",
            id="output",
        ),
    ],
)
def test_what_is_no_layer_is_refused_in_one_sentence(graph: nir.NIRGraph, message: str) -> None:
    with pytest.raises(ExchangeError) as info:
        read_layer(graph, dt=DT)
    assert str(info.value).startswith(message)
    assert "\n" not in str(info.value)


def test_a_node_without_a_graph_is_refused() -> None:
    with pytest.raises(ExchangeError, match=r"^NIR file must hold a graph, not one node \(LIF\)$"):
        read_layer(lif(), dt=DT)


def test_a_file_is_read_as_the_graph_that_was_written(tmp_path: Path) -> None:
    graph = chain(nir.Affine(weight=WEIGHT, bias=BIAS), lif())
    write_graph(tmp_path / "x.nir", graph)
    again, before = read_layer(read_graph(tmp_path / "x.nir"), dt=DT), read_layer(graph, dt=DT)
    for name in ("weight", "bias", "gain", "leak", "v_leak", "v_threshold", "v_reset"):
        assert np.array_equal(getattr(again.layer, name), getattr(before.layer, name)), name


@pytest.mark.parametrize(
    ("tau_mem", "message"),
    [
        (-1.0, "tau_mem of node 'n1' must be more than 0, not -1"),
        (DT / 2, "tau_mem of node 'n1' must be dt (0.0001) or more, not 5e-05"),
        ([DT, 2 * DT], "tau_mem of node 'n1' must be equal for all neurons"),
    ],
)
def test_parameters_have_the_names_of_nir(tau_mem: Any, message: str) -> None:
    neuron = cuba(DT)
    neuron.tau_mem = np.resize(tau_mem, 2)
    with pytest.raises(ExchangeError) as caught:
        read_layer(chain(nir.Linear(weight=WEIGHT), neuron), dt=DT)
    assert str(caught.value).startswith(message)
