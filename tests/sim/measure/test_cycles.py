"""What the measurement of cycles does to networks, counts, and says about budgets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from prunus_model.cli.common import load_network
from prunus_model.reference.network import Network
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.memory_image.lanes import lane_cycles
from prunus_sim.cosim.scenario import at_rest
from prunus_sim.cosim.scenarios.building import images
from prunus_sim.measure import cycles
from prunus_sim.measure.cycles import Case, budgets, cases, main, pruned_to


@pytest.mark.parametrize("density", [1.0, 0.3, 0.1, 0.0])
def test_weakest_synapses_are_dropped(density: float) -> None:
    artifact = load_network("demo")
    dense = replace(artifact, state=artifact.state.copy())
    dense.state.alive[:] = True
    state = pruned_to(dense, density).state
    assert np.count_nonzero(state.alive) == round(density * state.alive.size)
    kept, dropped = dense.state.weights[state.alive], dense.state.weights[~state.alive]
    assert kept.min(initial=255) >= dropped.max(initial=0)
    assert np.array_equal(state.weights, np.where(state.alive, dense.state.weights, 0))
    assert np.array_equal(state.strength, state.weights.sum(axis=0))
    # The network itself is left alone.
    assert dense.state.alive.all()


def test_each_case_is_measured_once_and_has_a_name_of_its_own() -> None:
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)
    assert Case(network="paper", stop_after=1) in cases()


def _row(**values: Any) -> dict[str, Any]:
    return {
        "network": "unpruned",
        "lanes": 16,
        "store": "csr",
        "density": 1.0,
        "early_exit": 0,
        "cycles_per_inference": 100.0,
        "forward_sops_per_inference": 1000.0,
        "lane_use": 0.9,
        "swept": True,
    } | values


def test_fall_of_cycles_is_compared_within_a_store() -> None:
    half = {"density": 0.5, "forward_sops_per_inference": 500.0}
    rows = [
        _row(network="paper", swept=False, cycles_per_inference=90_001.0),
        _row(network="paper", swept=False, early_exit=1, cycles_per_inference=16_000.0),
        _row(),
        _row(**half, cycles_per_inference=52.0),
        _row(store="learning", cycles_per_inference=200.0),
        _row(store="learning", **half, cycles_per_inference=119.0),
        # Other lanes do not count.
        _row(lanes=4, density=0.2, cycles_per_inference=99.0),
    ]
    found = budgets(rows)
    assert [budget.value for budget in found] == [90_001.0, 16_000.0, 0.9, 0.96, 0.81]
    assert [budget.verdict for budget in found] == [
        "missed",
        "reached",
        "kept",
        "reached",
        "kept",
    ]


@pytest.mark.sim
def test_lane_use_is_of_the_cycles_that_integrate(tmp_path: Path) -> None:
    artifact = load_network("demo")
    plan = make_plan(artifact, ExportOptions(lanes=8, store="csr", balanced=False))
    levels = images(plan.network, 3, split="test")
    row = cycles._measured(Case(network="demo", lanes=8, store="csr"), plan, levels, tmp_path)
    assert row["differences"] == 0
    busiest, sops, spikes, steps = 0, 0, 0, 0
    network = Network(plan.network, at_rest(plan.state, plan.network))
    for image in levels:
        trains = np.stack([step.spikes for step in network.steps(image, learn=False)])
        found = lane_cycles(trains, plan.state.alive, lanes=8)
        busiest += int(found.cycles.sum())
        sops += int(trains.astype(int).sum(axis=0) @ plan.state.alive.sum(axis=1))
        spikes += int(trains.sum())
        steps += len(trains)
    integrating = row["integrating_cycles_per_inference"] * len(levels)
    assert row["forward_sops_per_inference"] == round(sops / len(levels), 1)
    assert row["lane_use"] == round(sops / (8 * integrating), 4)
    # Not less than the busiest lane of each step takes, nor more than the core's docstring allows.
    assert busiest <= integrating <= busiest + 2 * spikes + 11 * steps + 40 * len(levels)


def test_wrong_option_or_data_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cycles, "check_tools", lambda _: None)
    output = tmp_path / "cycles.json"
    result = CliRunner().invoke(main, ["--images", "0"])
    assert result.exit_code == 2
    assert result.stderr.endswith("It must be a whole number of at least 1, not '0'\n")
    result = CliRunner().invoke(main, ["--data", "nowhere", "--output", str(output)])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not output.exists()


def test_rows_are_in_the_order_of_the_cases(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def measured(case: Case, *_: Any) -> dict[str, Any]:
        density = case.density or 0.2
        return _row(
            network=case.network,
            neurons=100,
            lanes=case.lanes,
            store="learning" if case.store == "learning" else "csr",
            early_exit=case.stop_after,
            density=density,
            swept=case.density is not None,
            cycles_per_inference=1000 * density + case.stop_after,
            forward_sops_per_inference=10_000 * density,
        )

    monkeypatch.setattr(cycles, "check_tools", lambda _: None)
    monkeypatch.setattr(cycles, "trained", lambda *_: load_network("demo"))
    monkeypatch.setattr(cycles, "train", lambda *_, **__: load_network("demo"))
    monkeypatch.setattr(cycles, "_plan", lambda *_: make_plan(load_network("demo"), _UNBALANCED))
    monkeypatch.setattr(cycles, "_measured", measured)
    monkeypatch.setattr(
        cycles,
        "run_all",
        lambda tasks, *_: [(n, f(*a)) for n, f, a in reversed(tasks)],
    )
    output = tmp_path / "cycles.json"
    arguments = ["--data", "sample", "--images", "2", "--output", str(output)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    content = json.loads(output.read_text())
    assert content.keys() == {"provenance", "images", "budgets", "rows"}
    assert [row["network"] for row in content["rows"]] == [case.network for case in cases()]
    assert [row["verdict"] for row in content["budgets"]] == [
        "reached",
        "reached",
        "kept",
        "reached",
        "reached",
    ]


_UNBALANCED = ExportOptions(balanced=False)
