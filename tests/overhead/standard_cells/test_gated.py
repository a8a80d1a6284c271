"""The command that compares cores without and with clock gates: what it writes, and says."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from prunus_docs.boards import BOARDS_BLOCKS
from prunus_docs.schemas import SCHEMAS
from prunus_liberty import CLOCK_GATE, GATED_LIBERTY, LIBERTY, write_liberty
from prunus_overhead.standard_cells import gated as command
from prunus_overhead.standard_cells.gated import GATINGS, netlist_row
from prunus_overhead.standard_cells.graph import Graph
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.power import PARTS
from prunus_overhead.standard_cells.sta import OpenStaError
from prunus_overhead.standard_cells.workloads import Case, Networks

INSTALL = "apt install qflow-tech-osu018, or name a file with --liberty"


def run(folder: Path, *arguments: str) -> Result:
    output = ("--output", str(folder / "gating.json"), "--keep", str(folder / "keep"))
    return CliRunner().invoke(command.main, [*arguments, *output])


def measured(case: Case, exits: int, share: float) -> dict[str, Any]:
    parts = dict.fromkeys(PARTS, 1.0) | {"clock_gates": share}
    counts = ("sops_per_presentation", "forward_sops", "update_sops", "dense_sops")
    return {
        "class": "c",
        "technology": "tiny 2 V",
        "voltage_v": 2.0,
        "mode": case.mode,
        "policy": case.policy,
        "same_decisions": case.idle,
        "neurons": case.neurons,
        "lanes": case.lanes,
        "store": "dense",
        "early_exit": exits,
        "density": 0.5,
        "workload": "2 images of sample test[0:2]",
        "nj_per_presentation": 200.0,
        "pj_per_sop": 10.0,
        "clock_nj": 100.0 * share,
        "leakage_nj": 0.5,
        **dict.fromkeys(counts, 5.0),
        "cycles_per_presentation": 1000.0,
        "cycles_simulated": 2000,
        "words_compared": 7,
        "parts": parts,
        "units": {"core": 200.0},
        "netlist_sha256": "a" * 64,
        "artifact_sha256": "b" * 64,
    }


def test_all_kinds_of_gates_are_compared_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def energy(
        _: Any, case: Case, __: Liberty, data: Any, *___: Any, **options: Any
    ) -> list[dict[str, Any]]:
        seen.append((case.name, options["gating"], len(data.labels)))
        told: dict[str, Any] = {
            "cells_um2": 1000.0,
            "gates_um2": 50.0,
            "gates": 3,
            "flip_flops": 40,
        }
        told |= {"ungated": 4, "period_ns": 4.5 if case.mode == "learning" else None}
        return [measured(case, n, 0.5) | told for n in case.exits]

    monkeypatch.setattr("prunus_overhead.standard_cells.command.check_tools", lambda _: None)
    monkeypatch.setattr(command, "energy_rows", energy)
    monkeypatch.setattr(Networks, "plan", lambda *_: None)
    path = write_liberty(tmp_path, GATED_LIBERTY)
    # Cores that prune nothing are left out.
    only = "50 neurons 2 lanes (none|adaptive, prunes)"
    done = run(tmp_path, "--liberty", str(path), "--only", only)
    assert done.exit_code == 0, done.output
    modes = ("learning", "inference")
    assert seen == [
        (f"{mode} 50 neurons 2 lanes none", gating, 2)
        for mode in modes
        for gating in GATINGS.values()
    ]
    content = json.loads((tmp_path / "gating.json").read_text())
    SCHEMAS["gating"].model_validate(content)
    assert content["gates"] == {"latch": ["INV", "LATCH", "AND2"], "or": ["INV", "OR2"]}
    assert content["provenance"]["kind"] == "gating"
    assert content["provenance"]["command"] == (
        "python -m prunus_overhead.standard_cells.gated --data sample --epochs 5 --images 2 "
        f"--liberty {path.name} --only '{only}'"
    )
    # Inference has two early exits.
    assert [row["gating"] for row in content["rows"]] == [
        "none",
        "latch",
        "or",
        *("none", "none", "latch", "latch", "or", "or"),
    ]
    text = BOARDS_BLOCKS["gating"][1]([content])
    row = "| learning | none | 50 | 2 | never | latch | 3 | 4 of 40 | 200 | 25 % | 0 % | 1,000 |"
    assert f"{row} 4.50 |" in text
    assert text.count("| 1,000 | -- |") == 6
    assert "Gates of *latch*: INV, LATCH, AND2. Gates of *or*: INV, OR2;" in text


def test_a_library_with_a_clock_gate_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prunus_overhead.standard_cells.command.check_tools", lambda _: None)
    monkeypatch.setattr(
        command, "energy_rows", lambda _, case, *__, **___: [measured(case, 0, 0.1)]
    )
    monkeypatch.setattr(Networks, "plan", lambda *_: None)
    monkeypatch.setattr(command, "_show", lambda _: None)
    text = GATED_LIBERTY.rstrip().removesuffix("}") + CLOCK_GATE + "}\n"
    path = write_liberty(tmp_path, text)
    done = run(tmp_path, "--liberty", str(path), "--only", "learning 50 neurons 2 lanes none")
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "gating.json").read_text())
    assert content["gates"] == {"latch": ["GATE"], "or": ["INV", "OR2"]}


def test_what_is_missing_ends_it_before_anything_is_measured(tmp_path: Path) -> None:
    path = write_liberty(tmp_path, LIBERTY)
    for arguments, message in (
        (("--liberty", str(path)), f"Liberty file {path} must have a clock gate or a latch"),
        (
            ("--only", "*"),
            "only must be a regular expression, not '*': nothing to repeat at position 0",
        ),
        (
            ("--liberty", "none.lib"),
            f"Liberty file none.lib must exist: {INSTALL}",
        ),
    ):
        done = run(tmp_path, *arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"Error: {message}\n")
        assert not (tmp_path / "gating.json").exists()


def test_a_netlist_is_told_by_its_gates_and_its_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liberty = Liberty.read(write_liberty(tmp_path, GATED_LIBERTY))

    def cell(kind: str, **pins: int) -> dict[str, Any]:
        return {"type": kind, "parameters": {}, "connections": {p: [b] for p, b in pins.items()}}

    ports = {name: {"direction": "input", "bits": [k]} for k, name in ((2, "a"), (4, "clk"))}
    cells = {
        "g0": cell("INV", A=4, Y=10),
        "g1": cell("LATCH", G=10, D=2, Q=11),
        "g2": cell("AND2", A=4, B=11, Y=12),
        **{f"f{k}": cell("DFF", CK=4 if k == 0 else 12, D=2, Q=20 + k) for k in range(3)},
    }
    graph = Graph({"prunus_core": {"ports": ports, "cells": cells}}, liberty)
    wanted = {
        "cells_um2": 10 + 35 + 24 + 3 * 60,
        "gates_um2": 69,
        "gates": 1,
        "flip_flops": 3,
        "ungated": 1,
    }
    monkeypatch.setattr(command, "shortest_period", lambda *_: 4.25)
    assert netlist_row(None, graph, liberty) == wanted | {"period_ns": 4.25}  # type: ignore[arg-type]

    def failing(text: str) -> None:
        def fail(*_: Any) -> float:
            raise OpenStaError(text)

        monkeypatch.setattr(command, "shortest_period", fail)

    failing("OpenSTA (sta) must be installed: apt install opensta")
    assert netlist_row(None, graph, liberty) == wanted | {"period_ns": None}  # type: ignore[arg-type]
    failing("OpenSTA must find a period")
    with pytest.raises(OpenStaError, match=r"^OpenSTA must find a period$"):
        netlist_row(None, graph, liberty)  # type: ignore[arg-type]
