"""Cycles of cores by their options."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from prunus_model.cli.common import load_network
from prunus_model.data.datasets import load
from prunus_model.reference.network import Network
from prunus_model.spec.levels import levels
from prunus_overhead.size import core_options
from prunus_overhead.size.core_options import measure
from prunus_rtl.counts.thresholds import StaleThresholds
from prunus_rtl.export.mean_cycles import mean_cycles
from prunus_rtl.export.measured import planned
from prunus_rtl.step_work import work
from prunus_rtl.timing import init_cycles, presentation


def test_quick_cores_take_fewer_cycles_of_everything_that_their_options_are_about() -> None:
    network = load_network("demo")
    first, quick = (
        measure(network, "demo", "sample", lanes=16, options=options, images=2)
        for options in ("first", "quick")
    )
    counts = [key for key in first if key.startswith("cycles")]
    assert len(counts) == 5
    assert all(quick[key] < first[key] for key in counts)


def test_thresholds_are_counted_once_for_each_presentation_or_if_they_are_stale() -> None:
    # Of an encoder that is never waited for.
    options = {"mode": "learning", "lanes": 4, "encoder_inputs": 16}
    plan = planned(load_network("demo"), "sample", **options)
    shown = levels(load("sample", "test").take(0, 3).images, plan.network.encoder)
    spared = mean_cycles(plan, shown, always_recomputed=True) - mean_cycles(plan, shown)
    longer, shorter = (init_cycles(plan.widths, recomputed=anew) for anew in (True, False))
    assert spared == longer - shorter > 0
    # All presentations that learn compute them, but for number 0.
    taught = mean_cycles(plan, shown, learn=True)
    assert taught == mean_cycles(plan, shown, learn=True, always_recomputed=True)
    begun = replace(plan, state=replace(plan.state.copy(), presentation=0))
    whole = mean_cycles(begun, shown, learn=True, always_recomputed=True)
    assert round(3 * (whole - mean_cycles(begun, shown, learn=True))) == spared


def test_mean_is_that_of_presentations_one_after_the_other() -> None:
    plan = planned(load_network("demo"), "sample", mode="learning", lanes=8, sweep_inputs=4)
    shown = levels(load("sample", "train").take(0, 3).images, plan.network.encoder)
    network, stale = Network(plan.network, plan.state, plan.votes), StaleThresholds(plan.widths)
    stale.show(learn=False, number=0)
    cycles = []
    for image in shown:
        number = network.presentation
        steps = work(plan.widths, network, network.steps(image, learn=True))
        anew = stale.show(learn=True, number=number)
        cycles.append(presentation(plan.widths, steps, learn=True, recomputed=anew).fewest)
    assert len(set(cycles)) > 1
    assert mean_cycles(plan, shown, learn=True) == sum(cycles) / 3
    # The plan is as it was.
    assert mean_cycles(plan, shown, learn=True) == sum(cycles) / 3


def test_results_are_written_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_options, "NETWORKS", ("demo",))
    monkeypatch.setattr(core_options, "LANES", (4, 32))
    output = tmp_path / "options.json"
    arguments = ["--data", "sample", "--images", "1", "--output", str(output)]
    result = CliRunner().invoke(core_options.main, arguments, catch_exceptions=False)
    content = json.loads(output.read_text())
    rows = content["rows"]
    found = [(row["neurons"], row["lanes"], row["options"]) for row in rows]
    assert found == [(100, lanes, of) for lanes in (4, 32) for of in ("first", "quick")]
    assert f"{rows[-1]['cycles_per_first_presentation']:,}" in result.output
    assert set(content["provenance"]["inputs"]) == {"model", "gateware"}


def test_unknown_data_are_one_line(tmp_path: Path) -> None:
    output = tmp_path / "options.json"
    result = CliRunner().invoke(
        core_options.main, ["--data", "nowhere", "--output", str(output)], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 2
    assert not output.exists()
