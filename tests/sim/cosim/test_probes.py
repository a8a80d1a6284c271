"""What is counted in a simulated core: every memory, nothing else, and faults are seen."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Const, Module

from prunus_rtl.counts.memories import memories
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.lib.ram import Ram
from prunus_sim.cosim.build import make_core, shapes_of
from prunus_sim.cosim.probes import COUNTS, IDLE, probes
from prunus_sim.cosim.run import run
from prunus_sim.cosim.scenario import Scenario, Sequence
from prunus_sim.cosim.scenarios.registry import SCENARIOS
from prunus_sim.simulator.netlist import Design, Storage
from prunus_sim.simulator.runner import BenchError
from prunus_sim.simulator.verilog import write_verilog

NAMES = (
    "tiny-learning",
    "events",
    "packed-loaded",
    "packed-loaded-bitmask",
    "spram",
    "smallest",
    "groups-sweep-lift",
)


def design_of(scenario: Scenario, folder: Path) -> Design:
    return Design(write_verilog(make_core(scenario), folder))


@pytest.mark.sim
@pytest.mark.parametrize("name", NAMES)
def test_memories_are_those_of_the_verilog(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name](0)
    found = Counter((s.depth, s.width) for s in design_of(scenario, tmp_path).memories.values())
    listed = memories(shapes_of(scenario))
    assert found == Counter((depth, m.width) for m in listed for depth in m.depths)


@pytest.mark.sim
@pytest.mark.parametrize("name", NAMES)
def test_all_that_is_read_or_written_is_counted(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name](0)
    found = probes(shapes_of(scenario), design_of(scenario, tmp_path))
    assert tuple(found) == COUNTS
    counted = {count for count, expression in found.items() if expression != "32'd0"}
    listed = {count for m in memories(shapes_of(scenario)) for count in (*m.reads, *m.writes)}
    assert listed <= counted
    # What else can be written, is written by the memory port, before and after.
    assert not {count for count in counted - listed if count.endswith("_reads")}
    # Between presentations all of them must be still, but for levels that come.
    for count in listed - {"level_writes"}:
        for term in found[count].split(" + ")[1:]:
            condition = term.partition("{")[2]
            assert condition in found[IDLE] or "spram" in name, count


@pytest.mark.sim
def test_a_memory_that_nobody_counts_is_refused(tmp_path: Path) -> None:
    scenario = SCENARIOS["smallest"](0)
    design = design_of(scenario, tmp_path)
    design.memories["core.secret"] = Storage(path="secret", width=1, depth=2)
    with pytest.raises(
        ValueError, match=r"Memory must be one whose accesses are counted, not 'core\.secret'"
    ):
        probes(shapes_of(scenario), design)


@pytest.mark.sim
def test_a_signal_that_is_gone_is_told(tmp_path: Path) -> None:
    scenario = SCENARIOS["smallest"](0)
    design = design_of(scenario, tmp_path)
    del design.signals["membrane.tree.tokens"]
    with pytest.raises(
        ValueError, match=r"Design must have a signal 'membrane\.tree\.tokens', but has none"
    ):
        probes(shapes_of(scenario), design)


def short(name: str) -> Scenario:
    scenario = SCENARIOS[name](0)
    return replace(
        scenario,
        sequences=[replace(scenario.sequences[0], stimuli=scenario.sequences[0].stimuli[:1])],
    )


class EagerRam(Ram):
    """Reads in every cycle: it works all the same, and costs energy."""

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.submodules.ram = ram = Ram(shape=self._shape, depth=self._depth)
        m.d.comb += [
            ram.read.eq(1),
            ram.read_address.eq(self.read_address),
            self.read_data.eq(ram.read_data),
            ram.write.eq(self.write),
            ram.write_address.eq(self.write_address),
            ram.write_data.eq(self.write_data),
        ]
        return m


class EagerEncoder(Encoder):
    """Runs ahead, whatever `hold` says."""

    def elaborate(self, platform: Any) -> Module:
        # The port stays, but nobody listens to it.
        ports = self.__dict__
        hold, ports["hold"] = ports["hold"], Const(0)
        m = super().elaborate(platform)
        ports["hold"] = hold
        return m


def early_exit() -> Scenario:
    scenario = SCENARIOS["tiny-inference"](0)
    sequence = Sequence(stimuli=scenario.sequences[0].stimuli[:1], stop_after=1, check="none")
    return replace(scenario, sequences=[sequence])


@pytest.mark.sim
def test_early_exit_is_equal(tmp_path: Path) -> None:
    assert run(early_exit(), tmp_path / "bench").values_compared > len(COUNTS)


@pytest.mark.sim
@pytest.mark.parametrize(
    ("where", "unit", "message"),
    [
        ("prunus_rtl.lib.broadcast_fifo.Ram", EagerRam, "idle_accesses must be 0, not "),
        ("prunus_rtl.core.source.Encoder", EagerEncoder, "unit rate: level_reads must be "),
    ],
)
def test_waste_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, unit: type, message: str
) -> None:
    monkeypatch.setattr(where, unit)
    with pytest.raises(BenchError, match=message):
        run(early_exit(), tmp_path / "bench")
