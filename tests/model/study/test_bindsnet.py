"""Accuracy beside BindsNET's: the readout of both, and what is said if it cannot be run."""

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from prunus_cli import digits
from prunus_model.spec.readout import ReadoutParams
from prunus_model.study.bindsnet import main, scores


def test_spikes_of_either_simulator_are_read_the_same_way() -> None:
    label, test = digits(40), digits(50, seed=3)
    # Neuron c spikes for class c; in the test those of class 9 are taken for class 0.
    spikes = np.eye(10, dtype=np.uint8)[label.labels]
    tested = np.eye(10, dtype=np.uint8)[np.where(test.labels == 9, 0, test.labels)]
    share = float(np.mean(test.labels != 9))
    assert 0 < share < 1
    found = scores((spikes, label), (tested, test), ReadoutParams())
    assert found == {"hard": share, "vote": share}


@pytest.mark.parametrize(
    ("python", "why"), [("nope", "No such file or directory"), (sys.executable, "bindsnet")]
)
def test_bindsnet_that_is_missing_is_one_line(tmp_path: Path, python: str, why: str) -> None:
    output = tmp_path / "out.json"
    args = ["--data", "sample", "--bindsnet-python", python, "--output", str(output)]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: BindsNET must run with {python}: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert not output.exists()
