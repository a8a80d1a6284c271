"""The command line of the simulations."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from prunus_sim.full import main


@pytest.mark.sim
def test_results_are_written_as_json(tmp_path: Path) -> None:
    output = tmp_path / "lockstep.json"
    result = CliRunner().invoke(
        main, ["--bounded", "--only", "odd-size", "--jobs", "1", "--output", str(output)]
    )
    assert result.exit_code == 0, result.output
    content = json.loads(output.read_text())
    assert content.keys() == {"command", "versions", "rows"}
    (row,) = content["rows"]
    assert row["differences"] == 0
    assert row["equal"] is True
    assert row["presentations"] == 20


@pytest.mark.sim
def test_fault_ends_with_a_status_and_names_the_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "pruning: < => <=")
    output = tmp_path / "lockstep.json"
    result = CliRunner().invoke(
        main, ["--bounded", "--only", "tiny-learning", "--jobs", "1", "--output", str(output)]
    )
    assert result.exit_code == 1
    assert "unit pruning: alive[" in result.output.replace("\n", "")
    assert not output.exists()


def test_artifact_that_does_not_load_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [], env={"ARTIFACT": str(tmp_path / "none.npz")})
    assert result.exit_code == 1
    assert result.output == (
        f"Error: Network file {tmp_path}/none.npz must be readable: No such file or directory\n"
    )
