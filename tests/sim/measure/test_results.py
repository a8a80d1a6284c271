"""Files of results say what was run, and nothing about where it was written."""

import json
import sys
from pathlib import Path

import pytest

from prunus_model.study.fingerprint import fingerprint, options_fingerprint
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
    monkeypatch.setattr(results, "gateware_digest", lambda: "0123456789abcdef")
    output = tmp_path / "new" / "x.json"
    write_results(
        output, kind="cycles", module="prunus_sim.x", simulators=["icarus"], content={"rows": [1]}
    )
    content = json.loads(output.read_text())
    assert list(content) == ["provenance", "rows"]
    provenance = content["provenance"]
    assert provenance["kind"] == "cycles"
    assert provenance["command"] == message
    assert provenance["tools"]["icarus"] == "1.2"
    assert "verilator" not in provenance["tools"]
    assert provenance["inputs"] == {
        "model": fingerprint(),
        "options": options_fingerprint(),
        "gateware": "0123456789abcdef",
    }
