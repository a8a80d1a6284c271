"""Nets, activity and energy of a netlist of three gates and a flip-flop, written by hand."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prunus_liberty import CLOCK_GATE, GATED_LIBERTY, LIBERTY, write_liberty
from prunus_overhead.standard_cells.activity import CLOCK, SCOPE
from prunus_overhead.standard_cells.graph import Graph, drivers, unit_of
from prunus_overhead.standard_cells.liberty import Liberty, LibertyError
from prunus_overhead.standard_cells.mapping import MappingError
from prunus_overhead.standard_cells.power import PARTS, Assumptions, energy
from prunus_overhead.standard_cells.saif import Activity, ActivityError, read_saif, stamp
from prunus_rtl.export.netlist import TOP

#: No wires, and a transition time of 0: tables at their first column.
BARE = Assumptions(wire_ff=0.0, slew_ns=0.0, clock_mhz=10.0)


@pytest.fixture
def tiny(tmp_path: Path) -> Liberty:
    return Liberty.read(write_liberty(tmp_path))


def cell(kind: str, **pins: Any) -> dict[str, Any]:
    return {"type": kind, "parameters": {}, "connections": {p: [b] for p, b in pins.items()}}


def port(direction: str, *bits: Any) -> dict[str, Any]:
    return {"direction": direction, "bits": list(bits)}


def netlist() -> dict[str, Any]:
    """Return y = q(nand(a, b)) in the top, with an inverter of q in a lane of unit `store`."""
    top = {
        "ports": {
            "a": port("input", 2),
            "b": port("input", 3),
            "clk": port("input", 4),
            "y": port("output", 6),
        },
        "cells": {
            "g0": cell("NAND2", A=2, B=3, Y=5),
            "g1": cell("DFF", CK=4, D=5, Q=6),
            "store3": cell(f"{TOP}.store3", i=6, o=7),
            "g2": cell("INV", A=7, Y=8),
        },
    }
    store = {
        "ports": {"i": port("input", 2), "o": port("output", 3)},
        "cells": {"g0": cell("INV", A=2, Y=3)},
    }
    return {TOP: top, f"{TOP}.store3": store}


def activity(**toggles: int) -> Activity:
    """Return the transitions of a, b, n (NAND), q, s (in the store) and z (the last inverter)."""
    names = {"a": 0, "b": 1, "clk": 2, "n": 3, "q": 4, "z": 5}
    found = {(SCOPE, f"watch[{k}]"): toggles.get(name, 0) for name, k in names.items()}
    found[(*SCOPE, "store3"), "watch[0]"] = toggles.get("s", 0)
    found[CLOCK] = toggles.get("clk", 0)
    return Activity(netlist_sha256="1" * 64, duration_ps=1, toggles=found)


def test_the_bits_that_are_driven_are_inputs_and_outputs_of_cells(tiny: Liberty) -> None:
    modules = netlist()
    assert drivers(TOP, modules, tiny) == [2, 3, 4, 5, 6, 8]
    assert drivers(f"{TOP}.store3", modules, tiny) == [3]


def test_nets_reach_across_the_hierarchy(tiny: Liberty) -> None:
    graph = Graph(netlist(), tiny)
    assert [(i.unit, i.cell.name) for i in graph.instances] == [
        ("core", "NAND2"),
        ("core", "DFF"),
        ("store", "INV"),
        ("core", "INV"),
    ]
    found = {net.watch: net for net in graph.nets}
    q = found[(), 4]
    assert q.driver is not None
    assert (q.driver[0].cell.name, q.driver[1]) == ("DFF", "Q")
    # The inverter in the store, and the output of the design.
    assert [(i.unit, i.cell.name, pin) for i, pin in q.sinks] == [("store", "INV", "A")]
    assert (q.others, q.fanout) == (1, 2)
    s = found[("store3",), 0]
    assert s.unit == "store"
    assert [(i.unit, i.cell.name) for i, _ in s.sinks] == [("core", "INV")]
    assert [net.watch for net in graph.nets if net.clocks] == [((), 2)]


def test_constants_are_no_nets(tiny: Liberty) -> None:
    modules = netlist()
    modules[TOP]["cells"]["g0"]["connections"]["B"] = ["0"]
    (b,) = [net for net in Graph(modules, tiny).nets if net.watch == ((), 1)]
    assert (b.sinks, b.fanout) == ([], 0)


def test_a_cell_that_is_not_in_the_library_is_refused(tiny: Liberty) -> None:
    modules = netlist()
    modules[TOP]["cells"]["g2"]["type"] = "XOR9"
    with pytest.raises(
        MappingError, match=r"^Cells of the netlist must be in tiny\.lib, not 'XOR9'$"
    ):
        Graph(modules, tiny)


def test_what_a_memory_drives_has_no_driver_and_its_own_pins_no_load(tiny: Liberty) -> None:
    modules = netlist()

    def memory(name: str, width: str, size: str) -> dict[str, Any]:
        parameters = {"MEMID": f"\\{name}", "WIDTH": width, "SIZE": size}
        pins = {"RD_ADDR": [5], "RD_DATA": [40, 41], "RD_CLK": [4]}
        return {"type": "$mem_v2", "parameters": parameters, "connections": pins}

    modules[TOP]["cells"] |= {"m0": memory("memory", "11", "101")}
    modules[f"{TOP}.store3"]["cells"] |= {"m": memory("weights", "1000", "1010")}
    graph = Graph(modules, tiny)
    assert [net.driver for net in graph.nets if net.watch[1] >= 6] == [None, None]
    (n,) = [net for net in graph.nets if net.watch == ((), 3)]
    assert (len(n.sinks), n.others) == (1, 1)


@pytest.mark.parametrize(
    ("path", "unit"),
    [((), "core"), (("lane7", "x"), "lane"), (("v$12",), "v"), (("n0$3",), "n"), (("7",), "7")],
)
def test_units_are_named_without_numbers(path: tuple[str, ...], unit: str) -> None:
    assert unit_of(path) == unit


def test_energy_is_what_is_added_up_by_hand(tiny: Liberty) -> None:
    graph = Graph(netlist(), tiny)
    shown = activity(clk=200, a=10, b=6, n=8, q=4, s=4, z=2)
    found = energy(graph, tiny, shown, BARE)
    # C V^2 / 2 with 2 V is 2 pJ per pF.
    hand = {
        # NAND 8 x 0.04; inverters 4 x 0.02 and 2 x 0.02.
        "combinational": 8 * 0.04 + 4 * 0.02 + 2 * 0.02,
        # Q with 0.01 pF: 0.2 + 0.1 x 0.2 = 0.22; D 8 x 0.05.
        "sequential": 4 * 0.22 + 8 * 0.05,
        # a, b: 0.01 pF each; n: D; q, s: an inverter; z: nothing.
        "net_pins": 2 * (10 * 0.01 + 6 * 0.01 + 8 * 0.008 + 4 * 0.01 + 4 * 0.01),
        "net_wires": 0.0,
        "clock_pins": 200 * 0.2,
        "clock_net": 2 * 200 * 0.020,
        "clock_gates": 0.0,
    }
    assert tuple(hand) == PARTS
    assert found.parts == pytest.approx(hand, rel=1e-12)
    assert found.dynamic == pytest.approx(sum(hand.values()), rel=1e-12)
    assert found.cycles == 100
    # Leakage 2 + 10 + 2 + 2 nW for 100 cycles of 100 ns.
    assert found.leakage == pytest.approx(16e-9 * 10e-6 * 1e12, rel=1e-12)
    # The unit pays for its inverter and for what that drives.
    assert found.units["store"] == pytest.approx(4 * 0.02 + 2 * 4 * 0.01, rel=1e-12)
    assert sum(found.units.values()) == pytest.approx(found.dynamic, rel=1e-12)


def gated_netlist(*, own: bool = False) -> dict[str, Any]:
    """Return two flip-flops, one of them behind a clock gate with the enable e."""
    gate = {
        "g0": cell("INV", A=4, Y=10),
        "g1": cell("LATCH", G=10, D=3, Q=11),
        "g2": cell("AND2", A=4, B=11, Y=12),
    }
    if own:
        gate = {"g0": cell("GATE", CK=4, E=3, GCK=12)}
    ports = {"a": port("input", 2), "e": port("input", 3), "clk": port("input", 4)}
    flip_flops = {"f0": cell("DFF", CK=4, D=2, Q=20), "f1": cell("DFF", CK=12, D=2, Q=21)}
    return {TOP: {"ports": ports, "cells": gate | flip_flops}}


def shown_by(*toggles: int) -> Activity:
    """Return transitions of a, e and clk, and of what drives in their order; the clock has 200."""
    found = {(SCOPE, f"watch[{k}]"): number for k, number in enumerate(toggles)}
    return Activity(netlist_sha256="", duration_ps=1, toggles={**found, CLOCK: 200})


def test_a_gated_clock_counts_in_enabled_cycles_and_its_gate_always(tmp_path: Path) -> None:
    liberty = Liberty.read(write_liberty(tmp_path, GATED_LIBERTY))
    graph = Graph(gated_netlist(), liberty)
    assert [(i.cell.name, i.gate) for i in graph.instances] == [
        ("INV", True),
        ("LATCH", True),
        ("AND2", True),
        ("DFF", False),
        ("DFF", False),
    ]
    assert [net.pulses for net in graph.nets] == [False] * 3 + [True, False, True] + [False] * 2
    # The inverter of the clock has 100 pulses, the gated clock 30.
    found = energy(graph, liberty, shown_by(10, 6, 0, 100, 6, 30, 4, 2), BARE)
    hand = {
        "combinational": 0.0,
        # D of both; Q without a load.
        "sequential": 2 * 10 * 0.05 + (4 + 2) * 0.2,
        # a: D of both; e: D of the latch.
        "net_pins": 2 * (10 * 2 * 0.008 + 6 * 0.006),
        "net_wires": 0.0,
        "clock_pins": (200 + 60) * 0.2,
        "clock_net": 2 * (200 + 60) * 0.020,
        # Clock to inverter and AND; inverter; latch: G, D, Q; held enable to AND; AND.
        "clock_gates": 2 * 200 * 2 * 0.010
        + 200 * 0.02
        + 200 * 0.07
        + 2 * 200 * 0.015
        + 6 * 0.03
        + 6 * 0.1
        + 2 * 6 * 0.010
        + 60 * 0.04,
    }
    assert found.parts == pytest.approx(hand, rel=1e-12)
    assert found.cycles == 100
    # A wire to each pin; those of gates are theirs.
    wired = energy(
        graph, liberty, shown_by(10, 6, 0, 100, 6, 30, 4, 2), replace(BARE, wire_ff=10.0)
    )
    more = {part: wired.parts[part] - found.parts[part] for part in PARTS}
    assert more["clock_net"] == pytest.approx(2 * 0.010 * 260, rel=1e-9)
    assert more["clock_gates"] == pytest.approx(2 * 0.010 * (3 * 200 + 6), rel=1e-9)
    assert more["net_wires"] == pytest.approx(2 * 0.010 * (2 * 10 + 6), rel=1e-9)


def test_a_clock_gate_of_the_library_is_charged_like_one_of_cells(tmp_path: Path) -> None:
    text = GATED_LIBERTY.rstrip().removesuffix("}") + CLOCK_GATE + "}\n"
    liberty = Liberty.read(write_liberty(tmp_path, text))
    graph = Graph(gated_netlist(own=True), liberty)
    found = energy(graph, liberty, shown_by(10, 6, 0, 30, 4, 2), BARE)
    assert found.parts["clock_gates"] == pytest.approx(2 * 200 * 0.016 + 60 * 0.2, rel=1e-12)
    assert found.parts["clock_pins"] == pytest.approx((200 + 60) * 0.2, rel=1e-12)
    assert found.parts["net_pins"] == pytest.approx(2 * (10 * 2 * 0.008 + 6 * 0.007), rel=1e-12)


def test_a_gated_clock_that_leaves_its_module_is_refused(tmp_path: Path) -> None:
    liberty = Liberty.read(write_liberty(tmp_path, GATED_LIBERTY))
    modules = gated_netlist()
    modules[TOP]["cells"]["f1"] = cell("inner", c=12)
    modules["inner"] = {
        "ports": {"c": port("input", 2)},
        "cells": {"f": cell("DFF", CK=2, D=2, Q=3)},
    }
    with pytest.raises(
        MappingError, match=r"^Clock gates must be in the module that they clock, not 5$"
    ):
        Graph(modules, liberty)


def test_wires_count_for_each_pin_and_load_the_driver(tiny: Liberty) -> None:
    graph = Graph(netlist(), tiny)
    shown = activity(clk=20, q=10)
    bare = energy(graph, tiny, shown, BARE)
    wired = energy(graph, tiny, shown, Assumptions(wire_ff=10.0, slew_ns=0.0, clock_mhz=10.0))
    # q: an inverter and an output; the clock: one flip-flop.
    assert wired.parts["net_wires"] == pytest.approx(10 * 2 * 2 * 0.010, rel=1e-12)
    assert wired.parts["clock_net"] - bare.parts["clock_net"] == pytest.approx(
        20 * 2 * 0.010, rel=1e-12
    )
    # 0.02 pF more at Q: 2 pJ per pF in its table.
    assert wired.parts["sequential"] - bare.parts["sequential"] == pytest.approx(
        10 * 0.02 * 2, rel=1e-12
    )


def test_the_transition_time_is_the_assumed_one(tiny: Liberty) -> None:
    graph = Graph(netlist(), tiny)
    slow = Assumptions(wire_ff=0.0, slew_ns=1.0, clock_mhz=10.0)
    found = energy(graph, tiny, activity(q=10), slow)
    assert found.parts["sequential"] == pytest.approx(10 * (0.3 + 0.02), rel=1e-12)


@pytest.mark.parametrize("name", ["watch[3]", "clk"])
def test_activity_that_misses_a_net_is_refused(tiny: Liberty, name: str) -> None:
    shown = activity(clk=2)
    del shown.toggles[CLOCK if name == "clk" else (SCOPE, name)]
    message = (
        "Activity must tell of the clock"
        if name == "clk"
        else "Activity must tell of all nets, but watch[3] is missing"
    )
    with pytest.raises(ActivityError, match=f"^{re.escape(message)}$"):
        energy(Graph(netlist(), tiny), tiny, shown, BARE)


def test_energy_without_power_tables_is_refused(tmp_path: Path) -> None:
    path = write_liberty(tmp_path, LIBERTY.replace("internal_power", "timing"))
    with pytest.raises(LibertyError, match="must have power tables"):
        energy(Graph(netlist(), Liberty.read(path)), Liberty.read(path), activity(), BARE)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("wire_ff", -1.0, "wire_ff must not be negative, but is -1.0"),
        ("slew_ns", float("nan"), "slew_ns must not be negative, but is nan"),
        ("clock_mhz", 0.0, "clock_mhz must be more than 0, not 0.0"),
    ],
)
def test_wrong_assumptions_are_refused(name: str, value: float, message: str) -> None:
    with pytest.raises(ActivityError, match=f"^{re.escape(message)}$"):
        Assumptions(**{name: value})


SAIF = """// a comment
(SAIFILE
(SAIFVERSION "2.0") (TIMESCALE 10 ps) (DURATION 500)
 (INSTANCE top
  (NET (a (T0 1) (T1 2) (TC 7) (IG 0)))
  (INSTANCE "lane" lane0 (NET (w\\[3\\] (T0 1) (TC 12)))))
)
"""


def test_activity_is_read_with_scopes_and_indices(tmp_path: Path) -> None:
    path = tmp_path / "a.saif"
    path.write_text(SAIF)
    found = read_saif(path)
    assert found.toggles == {(("top",), "a"): 7, (("top", "lane0"), "w[3]"): 12}
    assert (found.duration_ps, found.netlist_sha256) == (5000, "")


def test_activity_of_another_netlist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.saif"
    path.write_text(SAIF)
    with pytest.raises(
        ActivityError,
        match=f"^Activity must be of the netlist with hash {'a' * 16}, not of none$",
    ):
        read_saif(path).check("a" * 64)
    stamp(path, "b" * 64)
    found = read_saif(path)
    found.check("b" * 64)
    assert found.toggles == {(("top",), "a"): 7, (("top", "lane0"), "w[3]"): 12}
    message = f"File x must be of the netlist with hash {'a' * 16}, not of {'b' * 16}"
    with pytest.raises(ActivityError, match=f"^{message}$"):
        found.check("a" * 64, "File x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be SAIF: not enough values to unpack (expected 1, got 0)"),
        ("(A 1)", "must be SAIF: it must begin with SAIFILE"),
        ("(SAIFILE (TIMESCALE 1 ps) (DURATION 5)", "must be SAIF: a parenthesis is not closed"),
        (")", "must be SAIF: a parenthesis is closed that was not opened"),
        ("(SAIFILE (DURATION 5))", "must be SAIF: 'TIMESCALE'"),
    ],
)
def test_what_is_no_activity_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.saif"
    path.write_text(text)
    with pytest.raises(ActivityError, match=f"^{re.escape(f'Activity file {path} {message}')}$"):
        read_saif(path)


def test_a_missing_file_of_activity_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.saif"
    with pytest.raises(ActivityError, match=f"^Activity file {re.escape(str(path))} must be read"):
        read_saif(path)


def test_a_file_without_a_header_gets_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.saif"
    path.write_text("(SAIFILE)")
    message = f"Activity file {path} must have a DURATION"
    with pytest.raises(ActivityError, match=f"^{re.escape(message)}$"):
        stamp(path, "a" * 64)
    assert path.read_text() == "(SAIFILE)"
