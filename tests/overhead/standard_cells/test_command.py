# amaranth: UnusedElaboratable=no
"""The command: what it writes, and what it says of bad input."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from prunus_docs.boards import BOARDS_BLOCKS
from prunus_liberty import LIBERTY, write_liberty
from prunus_model.spec.counters import Counters
from prunus_overhead.standard_cells import __main__ as command
from prunus_overhead.standard_cells.activity import Workload
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.power import PARTS, Energy
from prunus_overhead.standard_cells.results import ResultsError, energy_row, unit_rows
from prunus_overhead.standard_cells.sta import OpenStaError
from prunus_overhead.standard_cells.workloads import AREAS, CASES, Case, Networks
from prunus_rtl.hardware import HARDWARE_POLICIES


def run(folder: Path, *arguments: str) -> Result:
    output = ("--output", str(folder / "cells.json"), "--keep", str(folder / "keep"))
    return CliRunner().invoke(command.main, [*arguments, *output])


def refused(folder: Path, message: str, *arguments: str) -> None:
    done = run(folder, *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"Error: {message}\n")
    assert not (folder / "cells.json").exists()


def test_a_missing_liberty_file_ends_it(tmp_path: Path) -> None:
    refused(
        tmp_path,
        "Liberty file none.lib must exist: apt install qflow-tech-osu018, or name a file with "
        "--liberty",
        "--liberty",
        "none.lib",
    )


def test_a_liberty_file_without_power_ends_it(tmp_path: Path) -> None:
    path = write_liberty(tmp_path, LIBERTY.replace("internal_power", "timing"))
    refused(
        tmp_path,
        f"Liberty file {path} must have power tables (internal_power) for energies, but has none",
        "--liberty",
        str(path),
    )


def test_what_is_no_liberty_file_ends_it(tmp_path: Path) -> None:
    path = write_liberty(tmp_path, "library {")
    refused(
        tmp_path,
        f"Liberty file {path} must be a Liberty file: line 1: ':' or '(' was expected",
        "--liberty",
        str(path),
    )


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--wire-ff", "-1", "wire_ff must not be negative, but is -1.0"),
        ("--slew-ns", "-0.5", "slew_ns must not be negative, but is -0.5"),
        ("--clock-mhz", "0", "clock_mhz must be more than 0, not 0.0"),
        (
            "--only",
            "*",
            "only must be a regular expression, not '*': nothing to repeat at position 0",
        ),
        ("--bit-cell-um2", "-2", "bit_cell_um2 must not be negative, but is -2.0"),
    ],
)
def test_wrong_numbers_end_it(tmp_path: Path, option: str, value: str, message: str) -> None:
    refused(tmp_path, message, option, value)


@pytest.mark.parametrize("option", ["--wire-ff", "--slew-ns", "--clock-mhz", "--bit-cell-um2"])
def test_what_is_no_number_ends_it(tmp_path: Path, option: str) -> None:
    for text in ("nan", "inf"):
        done = run(tmp_path, option, text)
        assert done.exit_code == 2
        said = f"Invalid value for '{option}': It must be a finite number, not '{text}'\n"
        assert said in done.stderr


def test_results_hold_rows_assumptions_and_the_reason_for_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_liberty(tmp_path)

    def no_opensta(*_: Any, **__: Any) -> None:
        raise OpenStaError("OpenSTA (sta) must be installed: apt install opensta")

    def area(*_: Any, **options: Any) -> dict[str, Any]:
        assert options == {"bit_cell_um2": 3.0}
        return {"cells": 7, "cells_um2": 70.0, "nand2": 3.5, "memory_bits": 11}

    def energy(_: Any, case: Case, *__: Any, **___: Any) -> list[dict[str, Any]]:
        return [
            row(policy=case.policy, idle=case.idle, exits=n, mode=case.mode) for n in case.exits
        ]

    monkeypatch.setattr("prunus_overhead.standard_cells.command.check_tools", lambda _: None)
    monkeypatch.setattr(command, "cell_ratios", no_opensta)
    monkeypatch.setattr(command, "map_component", no_opensta)
    monkeypatch.setattr(command, "area_row", area)
    monkeypatch.setattr(command, "energy_rows", energy)
    monkeypatch.setattr(Networks, "plan", lambda *_: None)
    done = run(
        tmp_path,
        "--liberty",
        str(path),
        "--only",
        "50 neurons",
        "--bit-cell-um2",
        "3",
        "--wire-ff",
        "5",
    )
    assert done.exit_code == 0, done.output
    assert "Left out: OpenSTA (sta) must be installed: apt install opensta" in done.stderr
    content = json.loads((tmp_path / "cells.json").read_text())
    assert content["cross_check"] == {
        "left_out": "OpenSTA (sta) must be installed: apt install opensta"
    }
    assert content["assumptions"]["wire_ff"] == 5.0
    assert content["assumptions"]["nand2_um2"] == 20.0
    assert content["liberty"]["sha256"] == Liberty.read(path).sha256
    assert content["provenance"]["command"] == (
        "python -m prunus_overhead.standard_cells --data sample --epochs 5 --images 5 "
        f"--liberty {path.name} "
        "--wire-ff 5.0 --bit-cell-um2 3.0 --only '50 neurons'"
    )
    assert [r["policy"] for r in content["energy"]] == [
        "none",
        "adaptive",
        "adaptive",
        *("none", "none", "adaptive", "adaptive"),
    ]
    (unit,) = content["pruning_unit"]
    assert (unit["percent"], unit["unit_nj"]) == (1.0, 0.5)


def row(*, policy: str, idle: bool = False, exits: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "technology": "tiny 2 V",
        "mode": "learning",
        "policy": policy,
        "same_decisions": idle,
        "neurons": 50,
        "lanes": 2,
        "early_exit": exits if not idle else 0,
        "nj_per_presentation": 101.0 if idle else 100.0,
        "clock_nj": 10.0,
        "pj_per_sop": None,
        "forward_sops": 5,
        "update_sops": 4,
        "cycles_per_presentation": 30,
        "units": {"pruning": 0.5} if policy != "none" else {},
    } | more


def test_what_pruning_adds_needs_the_same_decisions() -> None:
    rows = [row(policy="none"), row(policy="adaptive", idle=True), row(policy="adaptive")]
    (found,) = unit_rows(rows)
    assert found == {
        "policy": "adaptive",
        "neurons": 50,
        "lanes": 2,
        "class": "c",
        "technology": "tiny 2 V",
        "with_nj": 101.0,
        "without_nj": 100.0,
        "percent": 1.0,
        "unit_nj": 0.5,
    }
    assert unit_rows(rows[1:]) == []
    rows[1]["update_sops"] = 3
    with pytest.raises(ResultsError, match=r"^update_sops must be 4, not 3$"):
        unit_rows(rows)


def test_lift_takes_more_cycles_for_the_same_decisions() -> None:
    rows = [row(policy="none"), row(policy="lift", idle=True, cycles_per_presentation=62)]
    (found,) = unit_rows(rows)
    assert (found["policy"], found["percent"]) == ("lift", 1.0)
    rows[1]["cycles_per_presentation"] = 29
    with pytest.raises(ResultsError, match=r"^cycles_per_presentation must be 30, not 29$"):
        unit_rows(rows)
    rows[1] |= {"cycles_per_presentation": 62, "forward_sops": 6}
    with pytest.raises(ResultsError, match=r"^forward_sops must be 5, not 6$"):
        unit_rows(rows)
    rows[1] |= {"policy": "adaptive", "forward_sops": 5}
    with pytest.raises(ResultsError, match=r"^cycles_per_presentation must be 30, not 62$"):
        unit_rows(rows)


def test_energy_is_per_presentation_and_per_executed_sop() -> None:
    found = Energy(
        parts=dict(zip(PARTS, (1e3, 2e3, 3e3, 4e3, 5e3, 5.5e3, 0.5e3), strict=True)),
        units={"core": 15e3, "store": 6e3},
        leakage=8.0,
        cycles=77,
    )
    counters = Counters(forward_sops=30, update_sops=12, forward_dense=60, update_dense=40)
    shown = Workload(images=2, counters=counters, cycles=70, words=9)
    got = energy_row(found, shown)
    assert got["nj_per_presentation"] == 10.5
    assert got["pj_per_sop"] == 500.0
    assert got["clock_nj"] == 5.5
    assert got["leakage_nj"] == 0.004
    assert got["parts"]["net_wires"] == 2.0
    assert got["units"] == {"core": 7.5, "store": 3.0}
    assert (got["sops_per_presentation"], got["dense_sops"]) == (21.0, 50.0)
    assert (got["cycles_per_presentation"], got["cycles_simulated"]) == (35.0, 77)
    nothing = Workload(images=1, counters=Counters(), cycles=70, words=9)
    assert energy_row(found, nothing)["pj_per_sop"] is None


def test_workloads_differ_in_pruning_alone() -> None:
    for neurons, lanes in ((100, 4), (50, 2)):
        of_size = [c for c in CASES if (c.neurons, c.lanes) == (neurons, lanes)]
        assert [c.policy for c in of_size if c.idle and c.mode == "learning"]
        for case in of_size:
            assert any((c.mode, c.policy, c.idle) == (case.mode, "none", False) for c in of_size), (
                case.name
            )
            assert case.exits == ((0,) if case.mode == "learning" else (0, 1))
    assert len({case.name for case in CASES}) == len(CASES)
    assert {(a.name, a.policy) for a in AREAS if a.mode == "learning"} == {
        (name, policy) for name in ("demo", "400") for policy in HARDWARE_POLICIES
    }


@pytest.mark.parametrize("policy", [name for name in HARDWARE_POLICIES if name != "none"])
def test_a_policy_that_does_not_begin_decides_as_none_does(policy: str) -> None:
    networks = Networks("sample", 1)
    none, idle = (
        networks.artifact(Case(mode="learning", policy=name, neurons=20, lanes=2, idle=True))
        for name in ("none", policy)
    )
    assert idle.config.pruning.policy == policy
    assert idle.counters == none.counters
    assert (idle.state.weights == none.state.weights).all()
    pruned = Case(mode="learning", policy=policy, neurons=20, lanes=2)
    assert networks.artifact(pruned).counters.pruned > 0


def test_messages_are_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "--liberty", "a\nb")
    assert re.fullmatch(r"Error: Liberty file a b must exist: [^\n]+\n", done.stderr)


def test_the_document_shows_area_energy_and_what_the_unit_adds() -> None:
    energy = row(policy="adaptive", idle=True, density=0.25, sops_per_presentation=1234.5)
    energy["workload"] = "2 images of sample"
    area = {"mode": "learning", "policy": "adaptive", "neurons": 100, "lanes": 4, "cells": 7000}
    area |= {"cells_um2": 1000.0, "nand2": 50.0, "sequential_um2": 250.0, "memory_bits": 80}
    area |= {"memory_um2": 400.0, "units_um2": 1250.0, "units": {"pruning": 25.0}}
    content = {
        "provenance": {
            "command": "python -m prunus_overhead.standard_cells",
            "tools": {"python": "3"},
        },
        "assumptions": {"wire_ff": 10.0, "slew_ns": 0.12},
        "ablation": [area],
        "energy": [energy],
        "pruning_unit": unit_rows([row(policy="none"), row(policy="adaptive", idle=True)]),
    }
    text = BOARDS_BLOCKS["standard-cells"][1]([content])
    assert (
        "| learning | adaptive | 100 | 4 | 7,000 | 1,000 | 50 | 2.00 % | 25 % | 80 | 400 |" in text
    )
    cells = "learning | adaptive, prunes nothing | 50 | 2 | never | 0.250 | 1,234 | 30 | 101 | 10 %"
    assert f"| {cells} | -- |" in text
    assert "pruning adds 1.00 % to the energy of learning (50 neurons, 2 lanes)." in text
    assert "Per presentation, 2 images of sample; tiny 2 V, 10 fF of wire per pin" in text
