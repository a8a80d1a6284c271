"""The testbench of a core, core_tb.sv: free of lint; its checks find streams that break rules."""

import json
from pathlib import Path

import pytest

from prunus_sim.cosim.build import make_core
from prunus_sim.cosim.interface import REPORT_FILE
from prunus_sim.cosim.rules_bench import MODES_VARIABLE
from prunus_sim.cosim.scenarios.registry import SCENARIOS
from prunus_sim.cosim.testbench import write_config, write_testbench
from prunus_sim.simulator.lint import lint
from prunus_sim.simulator.netlist import Design
from prunus_sim.simulator.runner import build
from prunus_sim.simulator.verilog import write_verilog

_BAD_CORE = Path(__file__).with_name("bad_core.sv")


_STREAMS = ("feed__payload", "feed__valid", "feed__ready")
#: The streams of that core, of 8 bits but for two.
_MACROS = {
    **{f"{name}_BITS": 8 for name in ("FEED", "SPIKE", "RESULT", "ANSWER")},
    "CONTROL_BITS": 4,
    "REQUEST_BITS": 16,
    "FEED_DEPTH": 1,
    "POKE_DEPTH": 1,
    "FEED_PORTS": ", ".join(f".{name.replace('feed', 'levels')}({name})" for name in _STREAMS),
    "REQUEST(write, space, address, data)": "(address)",
    "BACKDOOR_DUMP": "",
}


@pytest.mark.sim
def test_streams_that_break_a_rule_are_found(tmp_path: Path) -> None:
    built = build(
        [_BAD_CORE], tmp_path / "build", testbench=lambda _, folder: write_config(folder, _MACROS)
    )
    built.run("prunus_sim.cosim.rules_bench", env={MODES_VARIABLE: "7"}, name="rules")
    # None; then withdrawn and changed offers of spikes, result and answers.
    found = json.loads((built.folder / REPORT_FILE).read_text())
    assert found == [0b000, 0b001, 0b001, 0b010, 0b010, 0b100, 0b100]


@pytest.mark.sim
@pytest.mark.parametrize(
    "name", ["tiny-learning", "events-inference", "spram", "groups", "64-lanes"]
)
def test_testbench_is_free_of_lint(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name](0)
    core = make_core(scenario)
    source = write_verilog(core, tmp_path)
    tb = write_testbench(core, Design(source), tmp_path, feed_depth=9, poke_depth=9, accesses=True)
    assert lint(tb, source) == ""
