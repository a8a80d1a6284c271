"""Rows of imported graphs, and single neurons held to the traces of other simulators."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("nir")

from prunus_model.exchange import readin
from prunus_model.exchange.files import read_graph
from prunus_model.exchange.readin import read_in
from prunus_model.exchange.reading import read_layer
from prunus_model.exchange.results import Row
from prunus_model.exchange.simulate import simulate
from prunus_model.training.artifact import Artifact

MNIST = Path(__file__).with_name("mnist-10.nir")
SHARED = Path(__file__).parents[4] / "shared" / "data" / "nir"


def test_row_is_of_a_graph_from_snntorch(tmp_path: Path) -> None:
    made = json.loads(MNIST.with_suffix(".json").read_text())
    keep = tmp_path / "nir" / "mnist-10.npz"
    row = read_in(MNIST, made, "sample", 100, "number", 8, keep=keep)
    kept = Artifact.load(keep)
    assert (kept.config.inputs, kept.config.neurons, kept.config.weight_bits) == (784, 10, 8)
    assert kept.provenance["agreement"]["equal_predictions"] == row.equal_predictions
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


def test_networks_of_the_widest_weights_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {}

    def one(graph: Path, *_: Any, keep: Path | None) -> Row:
        network = f"{graph.stem} {len(kept)}"
        kept[network] = keep
        return Row(
            framework="snnTorch", version="1", direction="import", node="", status="run",
            network=network,
        )  # fmt: skip

    told = {"versions": {"snntorch": "1"}}
    monkeypatch.setattr(readin, "fetch", lambda *_, **__: tmp_path)
    monkeypatch.setattr(readin, "train", lambda *args: (args[2] / f"{args[3]}.nir", told))
    monkeypatch.setattr(readin, "read_in", one)
    monkeypatch.setattr(readin, "write_rows", lambda *_, **__: None)
    done = CliRunner().invoke(readin.main, ["--networks", str(tmp_path)])
    assert (done.exit_code, done.stderr) == (0, "")
    # Of 10 neurons 8 and 4 bits; of 100 neurons the same by number, then by response.
    assert list(kept.values()) == [
        tmp_path / "mnist-10.npz", None, tmp_path / "mnist-100.npz", None, None, None,
    ]  # fmt: skip
