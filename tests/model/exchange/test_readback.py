"""Our graphs in other simulators. With these only where an environment has them: `make nir`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from prunus_cli import digits, listing
from prunus_model.data.events.split import stimuli
from prunus_model.exchange import readback
from prunus_model.exchange.readback import FRAMEWORKS, SCRIPT, main, read_back
from prunus_model.exchange.spikes import input_spikes
from prunus_model.training.artifact import Artifact

ROOT = Path(__file__).parents[3]
#: Python of an environment of `model/bench/requirements-nir.txt`.
PYTHON = Path(os.environ.get("NIR_PYTHON", ROOT / ".venv-nir/bin/python"))

#: Stands for the simulators: reads no graph, and answers what it is told.
SHAM = """
import argparse, json, sys
import numpy as np
parser = argparse.ArgumentParser()
for name in ("framework", "graph", "spikes", "output"):
    parser.add_argument(f"--{name}")
args = parser.parse_args()
spikes = np.load(args.spikes)
answer = ANSWER
print("noise", file=sys.stderr)
if answer is not None:
    np.savez(args.output, counts=answer)
status = "refused" if answer is None else "run"
why = f"no {args.graph}\\n" if answer is None else ""
print(json.dumps({"status": status, "why": why, "versions": {args.framework: "1", "torch": "2"}}))
"""


@pytest.fixture
def sham(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a script in place of the simulators; `answer` is an expression for the counts."""

    def put(answer: str) -> None:
        path = tmp_path / "sham.py"
        path.write_text(SHAM.replace("ANSWER", answer))
        monkeypatch.setattr(readback, "SCRIPT", path)

    return put


@pytest.mark.skipif(not PYTHON.exists(), reason="no simulators: make nir, or NIR_PYTHON=...")
def test_simulators_read_and_run_what_is_written_for_them(
    trained: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    rows, versions = read_back("tiny", trained, digits(40, seed=3), python=str(PYTHON))
    assert versions.keys() >= {"torch", "nir", "nirtorch", *FRAMEWORKS}
    own = {"snnTorch": "Linear, Linear (one", "SpikingJelly": "Linear (one"}
    for framework, nodes in own.items():
        (row,) = (r for r in rows if r.framework == framework and f"LIF, {nodes}" in r.node)
        assert (row.status, row.why, row.images) == ("equal", "", 40)
        assert row.equal_predictions is not None
        assert row.equal_predictions > 0.5
    # Today's importers; when one reads more, the documents are to say so.
    for row in rows:
        if "of their own" in row.node:
            assert (row.status, row.equal_predictions) == ("refused", None)
            assert "v_threshold must be" in row.why


def test_what_simulators_refuse_is_told_without_folders(trained: Artifact, sham: Any) -> None:
    sham("None")
    rows, versions = read_back("tiny", trained, digits(5), python=sys.executable)
    assert len(rows) == 5
    assert {row.status for row in rows} == {"refused"}
    assert {row.images for row in rows} == {0}
    assert {row.why for row in rows} == {
        f"no /{reader}.nir\\n" for reader in ("nir", "spikingjelly", "snntorch")
    }
    assert versions == {"snntorch": "1", "spikingjelly": "1", "torch": "2"}


def test_other_counts_are_run_but_not_equal(trained: Artifact, sham: Any) -> None:
    sham("np.zeros((len(spikes['spikes']), 10), dtype=np.int64)")
    rows, _ = read_back("tiny", trained, digits(5), python=sys.executable)
    assert {(row.status, row.equal_predictions, row.images) for row in rows} == {("run", 0.0, 5)}


def test_counts_of_another_shape_are_no_counts(trained: Artifact, sham: Any) -> None:
    sham("np.zeros((3, 10), dtype=np.int64)")
    with pytest.raises(ValueError, match=r"Counts must be of shape \(5, 10\), not \(3, 10\)"):
        read_back("tiny", trained, digits(5), python=sys.executable)


def test_spikes_that_are_handed_over_are_those_of_the_encoder(
    trained: Artifact, sham: Any, tmp_path: Path
) -> None:
    sham(f"np.savez({str(tmp_path / 'kept.npz')!r}, **spikes)")
    rows, _ = read_back("tiny", trained, digits(5), python=sys.executable)
    assert {row.status for row in rows} == {"refused"}
    with np.load(tmp_path / "kept.npz") as kept:
        inputs = int(kept["inputs"])
        spikes = np.unpackbits(kept["spikes"], axis=2)[:, :, :inputs]
    expected = input_spikes(trained.config, stimuli(digits(5), trained.config))
    assert np.array_equal(spikes, expected)


def test_results_are_written(tmp_path: Path, sham: Any) -> None:
    sham("None")
    output = tmp_path / "nir.json"
    args = ["--data", "sample", "--images", "3", "--python", sys.executable]
    done = CliRunner().invoke(main, [*args, "--output", str(output)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("refused, -") == 10
    content = json.loads(output.read_text())
    assert content["provenance"]["kind"] == "nir"
    assert {row["network"] for row in content["rows"]} == {"demo", "400"}
    assert {row["direction"] for row in content["rows"]} == {"export"}


@pytest.mark.parametrize(
    ("python", "why"), [("nope", "No such file or directory"), (sys.executable, "")]
)
def test_simulators_that_are_missing_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str, why: str
) -> None:
    monkeypatch.setattr(readback, "SCRIPT", tmp_path / "none.py")
    args = ["--data", "sample", "--images", "2", "--python", python]
    done = CliRunner().invoke(main, [*args, "--output", str(tmp_path / "out.json")])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: Simulators must run with {python}: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert listing(tmp_path) == {}


def test_script_is_there() -> None:
    assert (ROOT / SCRIPT).is_file()
