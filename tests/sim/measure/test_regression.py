"""The command line of the simulations."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from prunus_events import write_event_digits
from prunus_model.data.events.split import load_events
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.training.trainer import train
from prunus_sim.cosim.long_scenarios import long_scenario
from prunus_sim.measure import tasks
from prunus_sim.measure.regression import main


@pytest.mark.sim
def test_results_are_written_as_json(tmp_path: Path) -> None:
    output = tmp_path / "lockstep.json"
    result = CliRunner().invoke(
        main, ["--bounded", "--only", "odd-size", "--jobs", "1", "--output", str(output)]
    )
    assert result.exit_code == 0, result.output
    content = json.loads(output.read_text())
    assert content.keys() == {"provenance", "rows"}
    (row,) = content["rows"]
    assert row["differences"] == 0
    assert row["equal"] is True
    assert row["presentations"] == 20


@pytest.mark.sim
def test_fault_ends_with_a_status_and_names_the_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INJECT_FAULT", "pruning: < => <=")
    message = "unit pruning: alive["
    output = tmp_path / "lockstep.json"
    command = [
        sys.executable,
        "-m",
        "prunus_sim.measure.regression",
        "--bounded",
        "--only",
        "tiny-learning",
    ]
    done = subprocess.run(
        [*command, "--output", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^DIFFERS .*{re.escape(message)}", done.stdout, re.MULTILINE), done.stdout
    assert done.stderr.startswith("Error: 1 of 1 benches differ; the first: ")
    assert message in done.stderr
    assert not output.exists()


@pytest.mark.sim
def test_fault_that_cannot_be_injected_is_an_error_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INJECT_FAULT", "nowhere: < => >")
    output = tmp_path / "lockstep.json"
    arguments = ["--bounded", "--only", "one-slot", "--everything", "--output", str(output)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    message = "INJECT_FAULT must be UNIT: OLD => NEW with OLD in UNIT, not 'nowhere: < => >'"
    assert result.stderr == f"Error: {message}\n"
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "zzz"], "Error: Benches must have a name that holds 'zzz', but none has\n"),
        (["--everything"], "Error: --everything must come with --bounded\n"),
        (["--jobs", "0"], "It must be a whole number of at least 1, not '0'\n"),
        (["--seeds", "0"], "It must be a whole number of at least 1, not '0'\n"),
        (["--seed", "-1"], "It must be a whole number of at least 0, not '-1'\n"),
        (["--scale", "0"], "must be a number above 0 and at most 1000, not '0'\n"),
        (["--scale", "nan"], "must be a number above 0 and at most 1000, not 'nan'\n"),
        (["--output", "."], "File '.' is a directory.\n"),
    ],
)
def test_wrong_option_is_refused(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tasks, "check_tools", lambda _: None)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.endswith(message)
    assert list(tmp_path.iterdir()) == []


def test_simulator_must_be_known() -> None:
    result = CliRunner().invoke(main, [], env={"SIM": "questa"})
    assert result.exit_code == 2
    assert result.stderr == "Error: SIM must be one of verilator, icarus, not 'questa'\n"


def test_data_of_too_few_images_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tasks, "check_tools", lambda _: None)
    output = tmp_path / "lockstep.json"
    arguments = ["--images", "sample", "--only", "learning-400", "--scale", "100"]
    result = CliRunner().invoke(main, [*arguments, "--output", str(output)])
    assert result.exit_code == 2
    assert re.fullmatch(r"Error: sample train must hold 10000 images, not \d+\n", result.stderr)
    assert not output.exists()


def test_artifact_that_does_not_load_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tasks, "check_tools", lambda _: None)
    result = CliRunner().invoke(main, [], env={"ARTIFACT": str(tmp_path / "none.npz")})
    assert result.exit_code == 2
    assert result.stderr == f"Error: Network file {tmp_path}/none.npz must exist\n"


def test_a_network_of_events_learns_on_from_events(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tasks, "check_tools", lambda _: None)
    monkeypatch.chdir(tmp_path)
    write_event_digits(Path("ev"), 200, 20)
    encoder = EncoderParams(
        steps=16, gain=160, events=EventsParams(width=7, height=7, polarity="merged")
    )
    config = replace(NetworkConfig.named("tiny"), neurons=16, encoder=encoder)
    train(config, load_events("ev", "train", encoder)).save(Path("n.npz"))
    scenario = long_scenario("events", "ev", Path("n.npz"), scale=0.01, seed=0)
    assert [sequence.learn for sequence in scenario.sequences] == [True] * 9 + [False]
    assert (scenario.name, scenario.hardware.source) == ("16 neurons, events, learning", "events")
    events = load_events("ev", "test", encoder).events
    assert [sequence.stimuli for sequence in scenario.sequences] == [
        [[pres.tolist() for pres in events.lists(k)]] for k in range(10)
    ]
    # It is run alone; a data set that is too small is told.
    result = CliRunner().invoke(main, ["--images", "ev"], env={"ARTIFACT": "n.npz"})
    assert result.exit_code == 2
    assert "Presentations taken from ev test must be some of 0..19, not 1000" in result.stderr


def test_table_is_whole_in_80_columns() -> None:
    rows = [
        {
            "bench": "400 neurons, inference",
            "mode": "inference",
            "presentations": 10_000,
            "core_cycles": 396_023_188,
            "cycles_per_presentation": 39_602.3,
            "values_compared": 159_303_367,
            "differences": 0,
        },
        {"bench": "learning_store: full size", "mode": "unit", "tests": 3, "differences": 0},
    ]
    console = Console(width=80)
    with console.capture() as capture:
        console.print(tasks._table(rows))
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert max(map(len, lines)) <= 80
    assert any(
        "10,000 396,023,188 39,602 159,303,367 0" in " ".join(line.split()) for line in lines
    )
    assert any(line.startswith("learning_store: full size") for line in lines)
    assert "…" not in capture.get()
