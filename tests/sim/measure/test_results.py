"""Files of results say what was run, and nothing about where it was written."""

import json
import sys
from pathlib import Path

import pytest

from prunus_sim.measure import results
from prunus_sim.measure.results import write_results


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "python -m prunus_sim.x"),
        (["--jobs", "1", "--output", "/tmp/a.json"], "python -m prunus_sim.x --jobs 1"),
        (["--output=/tmp/a.json", "--scale", "0.5"], "python -m prunus_sim.x --scale 0.5"),
    ],
)
def test_command_is_noted_without_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", *arguments])
    monkeypatch.setattr(results, "name_of", lambda name: f"Some {name} 1.2")
    output = tmp_path / "new" / "x.json"
    write_results(output, module="prunus_sim.x", simulators=["icarus"], content={"rows": [1]})
    content = json.loads(output.read_text())
    assert list(content) == ["command", "versions", "rows"]
    assert content["command"] == message
    assert content["versions"]["icarus"] == "1.2"
    assert "verilator" not in content["versions"]
