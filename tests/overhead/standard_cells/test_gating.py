# amaranth: UnusedElaboratable=no
"""Clock gates: which registers get one, what it is made of, and that nothing else changes."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_boards.build.tools import ToolError, Tools
from prunus_liberty import CLOCK_GATE, GATED_LIBERTY, LIBERTY, write_liberty
from prunus_overhead.standard_cells.gating import Gating, GatingError, gate_cells
from prunus_overhead.standard_cells.graph import Graph, gated
from prunus_overhead.standard_cells.liberty import Liberty, LibertyError
from prunus_overhead.standard_cells.mapping import CELLS, VERILOG, Mapped, map_component
from prunus_rtl.export.netlist import TOP

OWN = GATED_LIBERTY.rstrip().removesuffix("}") + CLOCK_GATE + "}\n"


class Words(wiring.Component):
    """A word with an enable, words without, long and short, and a word that is too short."""

    def __init__(self) -> None:
        members = {"enable": In(1), "data": In(8), "held": Out(8), "shown": Out(8)}
        super().__init__(members | {"count": Out(20), "bits": Out(3)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        held, shown, count, bits = Signal(8, init=5), Signal(8), Signal(20), Signal(3)
        with m.If(self.enable):
            m.d.sync += held.eq(self.data)
        m.d.sync += [
            shown.eq(self.data & held),
            count.eq(count + self.data[:2]),
            bits.eq(self.data[2:]),
        ]
        m.d.comb += [
            self.held.eq(held),
            self.shown.eq(shown),
            self.count.eq(count),
            self.bits.eq(bits),
        ]
        return m


def library(folder: Path, text: str = GATED_LIBERTY) -> Liberty:
    return Liberty.read(write_liberty(folder, text))


def behind(mapped: Mapped, liberty: Liberty) -> list[int]:
    """Return the flip-flops behind each gate, and at the end those behind none."""
    graph = Graph(mapped.modules(), liberty)
    found, free = [], 0
    for net in graph.nets:
        clocked = [
            i for i, pin in net.sinks if i.cell.pins[pin].clock and i.cell.name.startswith("DFF")
        ]
        if net.pulses and clocked:
            found.append(len(clocked))
        else:
            free += len(clocked)
    return [*sorted(found), free]


def test_a_gate_with_a_latch_is_made_of_three_cells(tmp_path: Path) -> None:
    cells = gate_cells(library(tmp_path))
    assert [cell.name for cell in cells] == ["INV", "LATCH", "AND2"]
    assert cells[1].latch == "G"
    assert [cell.name for cell in gate_cells(library(tmp_path), latch=False)] == ["INV", "OR2"]


def test_the_gate_of_the_library_goes_first(tmp_path: Path) -> None:
    liberty = library(tmp_path, OWN)
    (gate,) = gate_cells(liberty)
    assert (gate.name, gate.gate, gate.sequential) == ("GATE", "latch_posedge", True)
    assert {pin.name: pin.gating for pin in gate.pins.values()} == {
        "CK": "clock",
        "E": "enable",
        "GCK": "out",
    }
    assert [cell.name for cell in gate_cells(liberty, latch=False)] == ["INV", "OR2"]
    # Of another edge, or with an output for observation: none that could be used.
    for kind in ("latch_negedge", "latch_posedge_precontrol_obs"):
        liberty = library(tmp_path, OWN.replace('"latch_posedge"', f'"{kind}"'))
        assert [cell.name for cell in gate_cells(liberty)] == ["INV", "LATCH", "AND2"]


def test_the_smallest_and_then_the_strongest_cell_is_taken(tmp_path: Path) -> None:
    def strength(name: str, load: float) -> str:
        start = GATED_LIBERTY.index(f"cell ({name})")
        end = GATED_LIBERTY.index("cell (", start + 5)
        text = GATED_LIBERTY[start:end].replace(f"({name})", f"({name}_{load})".replace(".", "p"))
        return text.replace("capacitance : 0;", f"capacitance : 0; max_capacitance : {load};")

    text = GATED_LIBERTY.rstrip().removesuffix("}")
    larger = strength("AND2", 9.0).replace("area : 24", "area : 40")
    more = text + strength("AND2", 0.5) + strength("AND2", 0.25) + larger + "}\n"
    # Of the same area, the one whose load is not told is as strong as can be.
    assert gate_cells(library(tmp_path, more))[2].name == "AND2"
    limited = more.replace('capacitance : 0; function : "(A B)"', 'capacitance : 0; x : "(A B)"')
    assert gate_cells(library(tmp_path, limited))[2].name == "AND2_0p5"


@pytest.mark.parametrize(
    ("old", "new", "latch", "message"),
    [
        ("cell (LATCH)", "cell (L)", True, None),
        ('enable : "G"', 'enable : "!G"', True, "a clock gate or a latch"),
        ('enable : "G"', 'enable : "G"; clear : "!R"', True, "a clock gate or a latch"),
        ("area : 35", "area : 0", True, "a clock gate or a latch"),
        ('"(A B)"', '"(A^B)"', True, "an AND of two inputs"),
        ('"(A+B)"', '"(A^B)"', False, "an OR of two inputs"),
        ('"(!A)"', '"(A)"', True, "an inverter"),
    ],
)
def test_a_library_that_lacks_a_cell_is_refused(
    tmp_path: Path, old: str, new: str, latch: bool, message: str | None
) -> None:
    liberty = library(tmp_path, GATED_LIBERTY.replace(old, new))
    if message is None:
        assert gate_cells(liberty, latch=latch)[1].name == "L"
        return
    text = re.escape(f"Liberty file {liberty.path} must have {message}")
    with pytest.raises(LibertyError, match=f"^{text}$"):
        gate_cells(liberty, latch=latch)


def test_the_area_that_the_file_of_osu018_lacks_is_that_of_its_layout(tmp_path: Path) -> None:
    text = GATED_LIBERTY.replace("area : 35", "area : 0")
    assert library(tmp_path, text).cells["LATCH"].area == 0
    osu018 = library(tmp_path, text.replace("library (tiny)", "library (osu018_stdcells)"))
    assert osu018.cells["LATCH"].area == 56.0
    assert osu018.cells["DFF"].area == 60.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flip_flops": 0}, "flip_flops must be at least 1, not 0"),
        ({"part_bits": 3}, "part_bits must be 0 or at least flip_flops (4), not 3"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(GatingError, match=f"^{re.escape(message)}$"):
        Gating(**options)  # type: ignore[arg-type]


@pytest.mark.boards
@pytest.mark.parametrize(
    ("gating", "gates"),
    [
        (None, [39]),
        (Gating(), [8, 8, 10, 10, 3]),
        (Gating(part_bits=0), [8, 31]),
        (Gating(part_bits=20), [8, 8, 20, 3]),
        (Gating(flip_flops=9, part_bits=9), [10, 10, 19]),
        (Gating(flip_flops=3), [3, 8, 8, 10, 10, 0]),
        (Gating(latch=False), [8, 8, 10, 10, 3]),
        (Gating(compared=True), [8, 8, 10, 10, 3]),
    ],
)
def test_words_get_gates_by_enable_and_by_parts(
    tmp_path: Path, gating: Gating | None, gates: list[int]
) -> None:
    liberty = library(tmp_path)
    mapped = map_component(Words(), liberty, tmp_path / "mapped", gating=gating)
    assert behind(mapped, liberty) == gates
    assert mapped.gated == (gating is not None)
    kinds = Counter(i.cell.name for i in Graph(mapped.modules(), liberty).instances if i.gate)
    number = len(gates) - 1
    if gating is None:
        assert kinds == {}
    elif gating.latch:
        # One inverter for all of them.
        assert kinds == {"INV": 1, "LATCH": number, "AND2": number}
    else:
        assert kinds == {"OR2": number}
    if gating is not None and gating.compared:
        plain = map_component(Words(), liberty, tmp_path / "plain", gating=Gating())
        exclusive = [
            sum(cell["type"] == "XOR2" for cell in m.modules()[TOP]["cells"].values())
            for m in (plain, mapped)
        ]
        assert exclusive[0] < exclusive[1]


#: Both netlists get the same inputs, which change with the clock; the first edges reset.
_PROOF = """\
module both (input clk, rst, enable, input [7:0] data);
  reg r, e;
  reg [7:0] d;
  always @(posedge clk) begin
    r <= rst;
    e <= enable;
    d <= data;
  end
  wire [7:0] h0, h1, s0, s1;
  wire [19:0] c0, c1;
  wire [2:0] b0, b1;
  without a (.clk(clk), .rst(r), .enable(e), .data(d),
    .held(h0), .shown(s0), .count(c0), .bits(b0));
  with_gates b (.clk(clk), .rst(r), .enable(e), .data(d),
    .held(h1), .shown(s1), .count(c1), .bits(b1));
  always @* assert ({h0, s0, c0, b0} == {h1, s1, c1, b1});
endmodule
"""
_SCRIPT = """\
read_verilog -sv {without}/{cells} {without}/{netlist}
hierarchy -top {top}
proc
flatten
rename {top} without
design -stash without
read_verilog -sv {mapped}/{cells} {mapped}/{netlist}
hierarchy -top {top}
proc
flatten
rename {top} with_gates
design -stash with_gates
read_verilog -sv -formal proof.v
design -import without
design -import with_gates
prep -flatten -top both
clk2fflogic
sat -verify -prove-asserts -set-init-zero -seq 1 -tempinduct -maxsteps 12 both
"""


def prove(folder: Path, without: Mapped, mapped: Mapped) -> None:
    """Prove that two netlists do the same, at both edges of the clock."""
    (folder / "proof.v").write_text(_PROOF)
    names = {"without": without.folder.name, "mapped": mapped.folder.name}
    (folder / "proof.ys").write_text(_SCRIPT.format(**names, cells=CELLS, netlist=VERILOG, top=TOP))
    Tools().run(["yosys", "-q", "proof.ys"], folder)


@pytest.mark.boards
@pytest.mark.parametrize("text", [GATED_LIBERTY, OWN], ids=["latch and AND", "own"])
@pytest.mark.parametrize("compared", [False, True])
def test_the_netlist_with_gates_is_proven_equal(tmp_path: Path, text: str, compared: bool) -> None:
    liberty = library(tmp_path, text)
    without = map_component(Words(), liberty, tmp_path / "without")
    gating = Gating(compared=compared)
    mapped = map_component(Words(), liberty, tmp_path / "mapped", gating=gating)
    prove(tmp_path, without, mapped)
    # And the proof can fail: two gates have each other's enable.
    path, pin = mapped.folder / VERILOG, "D" if text == GATED_LIBERTY else "E"
    enable = re.compile(rf"(?:LATCH|GATE) g\d+ \([^;]*?\.{pin}\((\w+)\)[^;]*;")
    netlist = path.read_text()
    first, second, *_ = enable.finditer(netlist)
    pieces = (netlist[: first.start(1)], netlist[first.end(1) : second.start(1)])
    path.write_text(f"{pieces[0]}{second[1]}{pieces[1]}{first[1]}{netlist[second.end(1) :]}")
    with pytest.raises(ToolError):
        prove(tmp_path, without, mapped)


def test_clocks_behind_gates_are_those_that_cells_of_the_module_drive(tmp_path: Path) -> None:
    def cell(kind: str, **pins: Any) -> dict[str, Any]:
        return {"type": kind, "parameters": {}, "connections": {p: [b] for p, b in pins.items()}}

    top = {
        "ports": {},
        "cells": {
            "g0": cell("INV", A=2, Y=3),
            "g1": cell("LATCH", G=3, D=4, Q=5),
            "g2": cell("AND2", A=2, B=5, Y=6),
            "g3": cell("DFF", CK=6, D=7, Q=8),
            "g4": cell("DFF", CK=2, D=8, Q=9),
            "m": {"type": "$mem_v2", "connections": {"RD_CLK": [2]}},
        },
    }
    assert gated(TOP, {TOP: top}, library(tmp_path)) == {3, 6}
    without = library(tmp_path, LIBERTY)
    del top["cells"]["g1"], top["cells"]["g2"]
    assert gated(TOP, {TOP: top}, without) == set()
