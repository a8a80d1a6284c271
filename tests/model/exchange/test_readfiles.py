"""Rows of graphs that are there as files."""

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from click.testing import CliRunner

from prunus_cli import listing
from prunus_model.exchange.files import write_graph
from prunus_model.exchange.readfiles import main, rows_of
from prunus_model.exchange.results import Row, write_rows

MNIST = Path(__file__).with_name("mnist-10.nir")
SHARED = Path(__file__).parents[4] / "shared" / "data" / "nir"


def graph(path: Path, leak: float, **edges: Any) -> Path:
    """One neuron that loses such a share of its potential in a step."""
    values = {"tau": 1e-4 / leak, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    nodes = {
        "input": nir.Input(input_type={"input": np.array([1])}),
        "fc": nir.Linear(weight=np.ones((1, 1))),
        "lif": nir.LIF(**{key: np.array([value]) for key, value in values.items()}),
        "output": nir.Output(output_type={"output": np.array([1])}),
    }
    order = list(nodes)
    links = [*pairwise(order), *edges.get("more", ())]
    write_graph(path, nir.NIRGraph(nodes=nodes, edges=links, type_check=False))
    return path


def test_graph_is_read(tmp_path: Path) -> None:
    (row,) = rows_of(graph(tmp_path / "x.nir", 1 / 4))
    assert row == Row(
        framework="NIR", version=f"(NIR {nir.version})", direction="import", node="LIF, Linear",
        status="read", network="x.nir",
    )  # fmt: skip
    (own,) = rows_of(MNIST)
    assert own.status == "read"


def test_leak_alone_is_read_with_the_nearest(tmp_path: Path) -> None:
    refused, read = rows_of(graph(tmp_path / "lif_norse.nir", 0.04))
    assert (refused.framework, refused.status) == ("Norse", "refused")
    assert refused.why == (
        "Leak of a step (dt / tau) must be 2^-1 to 2^-23, or none, not 0.04: nearest is 2^-5, "
        "21.9 % off, that is tau 0.0032 in place of 0.0025; --leak-shift 5 takes it"
    )
    assert (read.network, read.status) == ("lif_norse.nir, --leak-shift 5", "read")


def test_what_a_leak_does_not_cure_is_one_row(tmp_path: Path) -> None:
    (row,) = rows_of(graph(tmp_path / "loop.nir", 0.04, more=[("lif", "lif")]))
    assert (row.status, row.why[:39]) == ("refused", "Node 'lif' has recurrent connections, w")


def test_file_that_is_no_graph_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.nir").write_text("no graph")
    for folder, said in ((tmp_path, "must be readable"), (tmp_path / "none", "does not exist")):
        done = CliRunner().invoke(main, [str(folder), "--output", str(tmp_path / "out.json")])
        assert done.exit_code == 2
        assert said in done.stderr
    (tmp_path / "x.nir").unlink()
    done = CliRunner().invoke(main, [str(tmp_path), "--output", str(tmp_path / "out.json")])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "must have files .nir" in done.stderr
    assert listing(tmp_path) == {}


def test_other_rows_stay_and_so_does_the_head(tmp_path: Path) -> None:
    output = tmp_path / "nir.json"
    shown = Row(
        framework="snnTorch", version="1", direction="import", node="LIF", status="run",
        network="784-10",
    )  # fmt: skip
    write_rows(
        [shown], direction="import", command="python -m trained 1", data="sample",
        tools={"torch": "2"}, path=output,
    )  # fmt: skip
    before = json.loads(output.read_text())
    graphs = tmp_path / "graphs"
    graphs.mkdir()
    shutil.copy(MNIST, graphs)
    for _ in range(2):
        done = CliRunner().invoke(main, [str(graphs), "--output", str(output)])
        assert (done.exit_code, done.stdout) == (0, "mnist-10.nir: read\n")
        after = json.loads(output.read_text())
        assert after["provenance"]["command"] == "python -m trained 1"
        assert after["provenance"]["inputs"] == before["provenance"]["inputs"]
        assert after["provenance"]["tools"].keys() >= {"torch", "nir"}
        read, kept = after["rows"]
        assert kept == before["rows"][0]
        assert read["command"] == "python -m prunus_model.exchange.readfiles FOLDER"
        assert read["inputs"].keys() == {"model"}
    # Those that the other program makes anew replace its own alone.
    write_rows(
        [shown], direction="import", command="python -m trained 2", data="sample", tools={},
        path=output,
    )  # fmt: skip
    assert [row["network"] for row in json.loads(output.read_text())["rows"]] == [
        "mnist-10.nir",
        "784-10",
    ]


@pytest.mark.skipif(not SHARED.is_dir(), reason="graphs of the NIR paper are not here")
def test_every_graph_of_the_paper_is_read_or_refused_in_a_sentence() -> None:
    found = {row.network: row.why for path in SHARED.glob("*.nir") for row in rows_of(path)}
    begin = {
        "braille_noDelay_bias_zero.nir": "Node 'lif1.lif' has recurrent connections, which can't",
        "braille_noDelay_bias_zero_subgraph.nir": "NIR file braille_noDelay_bias_zero_subgraph.nir",
        "braille_noDelay_noBias_subtract.nir": "Node 'lif1.lif' has recurrent connections, which",
        "cnn_sinabs.nir": "Node '0' is of the kind Conv2d, which can't be imported: only Affine, ",
        "lif_norse.nir": "Leak of a step (dt / tau) must be 2^-1 to 2^-23, or none, not 0.04: ",
        "lif_norse.nir, --leak-shift 5": "",
        "lif_rockpool.nir": "Leak of a step (dt / tau) must be 2^-1 to 2^-23, or none, not 0.04",
        "lif_rockpool.nir, --leak-shift 5": "",
        "two_lif_neurons.nir": "Graph must have one layer of neurons, not 2 ('lif1', 'lif2'): ",
    }
    assert found.keys() == begin.keys()
    for network, why in found.items():
        assert why.startswith(begin[network])
        assert "\n" not in why
        assert bool(why) == bool(begin[network])
