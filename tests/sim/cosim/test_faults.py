"""Fault injection: a fault in any unit of a core is found, and the unit is named."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from prunus_rtl.export.simulators import SimulatorError
from prunus_sim.cosim.build import build_core
from prunus_sim.cosim.fault_bench import FAULTS_VARIABLE
from prunus_sim.cosim.interface import REPORT_FILE, SCENARIO_FILE
from prunus_sim.cosim.scenario import Scenario, Sequence
from prunus_sim.cosim.scenarios.registry import SCENARIOS
from prunus_sim.simulator.faults import Fault, inject_faults

#: Some of the time: the testbench's own random number.
_SOMETIMES = "@ & tb.noise[0]"


def fault(port: str, value: str, unit: str) -> tuple[Fault, str]:
    """Return a fault at a port, and the unit that must be named."""
    instance, _, name = port.rpartition(".")
    return Fault(unit=instance, port=name, value=value), unit


#: Of a core that learns, and prunes by lift.
LEARNING = [
    fault("encoder.seed", "@ ^ 32'h1", "rate"),
    fault("queue.i__valid", _SOMETIMES, "broadcast_fifo"),
    fault("membrane.synapse__valid", _SOMETIMES, "array"),
    fault("learning.homeostasis.v_fire", "@ ^ 1'h1", "threshold"),
    fault("learning.homeostasis.decay", "~@", "threshold"),
    fault("learning.last_step.spike", _SOMETIMES, "trace"),
    fault("learning.random.draw", "@ ^ 32'h1010101", "stdp"),
    fault("learning.sweep.kept", "@ ^ 1'h1", "stdp"),
    fault("learning.lift.prune", "~@", "pruning"),
    fault("learning.lift.recent", "~@", "lift"),
    # Thresholds of all synapses are wrong, and no rate is.
    fault("learning.lift.factor.factor", "@ ^ 14'h2000", "pruning"),
    fault("learning.lift.post_count", "16'h0", "pruning"),
    fault("columns.columns__0__write", "1'h0", "stdp"),
    fault("stream_key.step", "1'h0", "stream_key"),
    fault("sequencer.step_done", "1'h0", "sequencer"),
    fault("readout.prediction", "@ ^ 1'h1", "readout"),
    fault("counters.updated", "1'h0", "counters"),
    fault("memory_port.answers__payload", "@ ^ 1'h1", "memory_port"),
]
#: Of a core with a dense store that does not learn.
DENSE = [
    fault("store0.synapse__valid", _SOMETIMES, "dense"),
    fault("queue.i__valid", _SOMETIMES, "broadcast_fifo"),
    fault("membrane.post", "@ ^ 1'h1", "array"),
    fault("readout.spike__payload", "@ ^ 1'h1", "readout"),
    fault("readout.lead", "@ ^ 1'h1", "readout"),
    fault("counters.integrated_spike", "1'h0", "counters"),
]
#: Of a core with a packed store, in each format.
PACKED = [
    fault("store0.synapse__valid", _SOMETIMES, "packed"),
    fault("store1.pre__valid", _SOMETIMES, "packed"),
    fault("store1.word", "@ ^ 1'h1", "memory_port"),
]
#: Of a core with refractory inputs and low-discrepancy spikes.
REFRACTORY = [
    fault("encoder.random.rewind", "1'h0", "rate"),
    fault("counters.dropped_spike", "1'h0", "refractory"),
    fault("learning.last_step.spike_step", "@ ^ 1'h1", "trace"),
]
#: Of a core with groups, whose views it shows one after the other.
GROUPS = [
    fault("encoder.images.data", "@ ^ 32'h1010101", "rate"),
    fault("encoder.images.next_view", "1'h0", "rate"),
    fault("encoder.images.release", "1'h0", "rate"),
    fault("views.seed", "@ ^ 32'h1", "rate"),
    fault("views.rewind", "1'h0", "views"),
    fault("views.learn", "~@", "views"),
    fault("views.last", "~@", "views"),
    # A view that ends late goes on to send input spikes.
    fault("views.output_spikes", "@ ^ 1'h1", "broadcast_fifo"),
    # What another group has is seen in the unit that has it.
    fault("views.group", "@ ^ 2'h1", "threshold"),
    fault("membrane.group", "@ ^ 2'h1", "threshold"),
    fault("views.first_neuron", "@ ^ 6'h1", "threshold"),
    fault("readout.spike__payload", "@ ^ 1'h1", "readout"),
    fault("views.first_row", "@ ^ 6'h1", "threshold"),
    fault("views.first_word", "@ ^ 8'h1", "stdp"),
]
KINDS = {
    "learning": LEARNING,
    "refractory": REFRACTORY,
    "groups": GROUPS,
    "tiny-inference": DENSE,
    **{name: PACKED for name in SCENARIOS if name.startswith("packed-loaded")},
}


def scenario_of(kind: str) -> Scenario:
    """Return a scenario with few lanes, and one presentation in each of some sequences."""
    name = kind
    if kind == "learning":
        name = "lift"
    found = SCENARIOS[name](0)
    stimuli = [stimulus for sequence in found.sequences for stimulus in sequence.stimuli]
    learn = found.hardware.learn
    return replace(
        found,
        hardware=replace(found.hardware, lanes=2),
        sequences=[
            Sequence(stimuli=[each], learn=learn, stop_after=stop_after, check="both")
            for each, stop_after in zip(stimuli[:4], (0, 0, 0, kind == "groups"), strict=True)
        ],
    )


@pytest.mark.sim
@pytest.mark.parametrize("kind", KINDS)
def test_fault_is_found_in_its_unit(tmp_path: Path, kind: str) -> None:
    faults = KINDS[kind]
    scenario = scenario_of(kind)
    built = build_core(scenario, tmp_path / "build", faults=[each for each, _ in faults])
    (built.folder / SCENARIO_FILE).write_bytes(pickle.dumps(scenario))
    env = {FAULTS_VARIABLE: str(len(faults))}
    assert built.run("prunus_sim.cosim.fault_bench", env=env, name="faults") == 1
    right, *messages = json.loads((built.folder / REPORT_FILE).read_text())
    assert right == ""
    wrong = {
        str(each): message
        for (each, unit), message in zip(faults, messages, strict=True)
        if f", unit {unit}: " not in message
    }
    assert wrong == {}


_VERILOG = r"""
module \dut.unit (i, o, \o$2 );
  input [3:0] i;
  output [3:0] o;
  output \o$2 ;
endmodule
module dut(a, b, c);
  \dut.unit  \unit$1  (
    .i(a[3:0]),
    .o(b),
    .\o$2 (c)
  );
endmodule
"""


def test_faults_are_selected_at_inputs_and_outputs(tmp_path: Path) -> None:
    source = tmp_path / "dut.v"
    source.write_text(_VERILOG)
    faults = [Fault(unit="unit", port=port, value=v) for port, v in (("i", "~@"), ("o", "4'h0"))]
    inject_faults(source, [*faults, Fault(unit="unit", port="i", value="@ + 1")])
    assert source.read_text() == _VERILOG.replace(
        ".i(a[3:0])",
        ".i((tb.fault == 3 ? ((tb.fault == 1 ? ~(a[3:0]) : a[3:0])) + 1 : "
        "(tb.fault == 1 ? ~(a[3:0]) : a[3:0])))",
    ).replace(".o(b)", ".o(fault_2)").replace(
        "  \\dut.unit  ",
        "  wire [3:0] fault_2;\n  assign b = tb.fault == 2 ? 4'h0 : fault_2;\n  \\dut.unit  ",
    )


@pytest.mark.parametrize(("unit", "port"), [("units", "i"), ("unit", "oo"), ("uni", "i")])
def test_fault_must_be_at_a_port(tmp_path: Path, unit: str, port: str) -> None:
    source = tmp_path / "dut.v"
    source.write_text(_VERILOG)
    with pytest.raises(
        SimulatorError, match=rf"^Design must have a port {unit}\.{port}, but has none$"
    ):
        inject_faults(source, [Fault(unit=unit, port=port, value="@")])
    assert source.read_text() == _VERILOG
