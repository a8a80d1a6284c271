"""Rows of imported graphs, and single neurons held to the traces of other simulators."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("nir")

from prunus_model.exchange.files import read_graph
from prunus_model.exchange.readin import read_in
from prunus_model.exchange.reading import read_layer
from prunus_model.exchange.simulate import simulate

MNIST = Path(__file__).with_name("mnist-10.nir")
SHARED = Path(__file__).parents[4] / "shared" / "data" / "nir"


def test_row_is_of_a_graph_from_snntorch() -> None:
    made = json.loads(MNIST.with_suffix(".json").read_text())
    row = read_in(MNIST, made, "sample", 100, "number", 8)
    assert (row.framework, row.version, row.direction) == ("snnTorch", "1.0.0", "import")
    assert (row.node, row.status, row.images) == ("Affine, LIF", "run", 100)
    assert row.equal_predictions is not None
    assert row.equal_predictions > 0.95
    assert row.network.startswith("784-10, 8 bits: ")


@pytest.mark.skipif(not SHARED.is_dir(), reason="graphs of the NIR paper are not here")
@pytest.mark.parametrize("name", ["norse", "snntorch"])
def test_floats_of_a_graph_spike_when_other_simulators_do(name: str) -> None:
    with (SHARED / f"lif_{name}.csv").open() as file:
        rows = np.array([[float(cell) for cell in row] for row in csv.reader(file)])
    layer = read_layer(read_graph(SHARED / "lif_norse.nir"), dt=1e-4).layer
    found = simulate(layer, (rows[:, 0] > 0)[np.newaxis, :, np.newaxis])
    assert np.flatnonzero(found).tolist() == np.flatnonzero(rows[:, 2]).tolist()
    assert found.sum() == 4
