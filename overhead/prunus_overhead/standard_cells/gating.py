"""Clock gating: which registers are gated, and what a clock gate is made of.

A clock gate passes the clock on in the cycles in which registers behind it may change. Two kinds of
registers get one (:class:`Gating`):

- **with an enable**: all of a module that share it. yosys' ``clockgate`` puts the gate in place of
  the multiplexers that hold the values;
- **without one**: words of enough bits, in parts. A part is enabled if one of its bits is about to
  change, which takes an exclusive OR for each bit.

A synchronous reset becomes part of both the enable and the value, as the clock must run for it.

There are two kinds of gates. One with a **latch** takes the enable over while the clock is low, so
that it has a whole cycle to settle: the library's own (``clock_gating_integrated_cell``), if there
is one, else an inverter of the clock, one for all gates of a module, and for each gate a latch and
an AND. One **without** is a single OR of the clock and the inverted enable, which must have settled
when the clock falls: in the first half of the cycle. Either way area and energy are those of cells
of the library.
"""

from __future__ import annotations

from dataclasses import dataclass

from prunus_model.common.errors import PrunusError
from prunus_overhead.standard_cells.cell import Cell
from prunus_overhead.standard_cells.liberty import Liberty, LibertyError

__all__ = [
    "Gating",
    "GatingError",
    "before_techmap",
    "gate_cells",
    "gate_files",
    "insert",
    "replace_gates",
]

#: Files that yosys reads: words, resets, the clock gate, and its inverters.
_WORDS, _RESETS, _GATE, _INVERTER = ("words.v", "resets.v", "gate.v", "inverter.v")
#: Kinds of clock gates for flip-flops with a rising edge.
_KINDS = ("latch_posedge", "latch_posedge_precontrol", "latch_posedge_postcontrol")
#: Name of the gate until it is replaced, and its ports.
_NAME, _PORTS = "\\clock_gate", "ENABLE:CLOCK:GATED"


class GatingError(PrunusError):
    """What is asked of clock gating is impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gating:
    """Which registers get a clock gate, and of which kind.

    Attributes
    ----------
    latch : bool
        Gates have a latch.
    flip_flops : int
        Fewest flip-flops behind a gate: a gate with a latch takes about as much energy as one
        flip-flop in each cycle, also while it is off.
    part_bits : int
        Bits of a part of a word that has no enable; parts of longer words are of about this size.
        0: words without an enable get no gate.
    compared : bool
        Words with an enable are off, too, while nothing is about to change.
    """

    latch: bool = True
    flip_flops: int = 4
    part_bits: int = 8
    compared: bool = False

    def __post_init__(self) -> None:
        if self.flip_flops < 1:
            raise GatingError(f"flip_flops must be at least 1, not {self.flip_flops}")
        if self.part_bits and self.part_bits < self.flip_flops:
            raise GatingError(
                f"part_bits must be 0 or at least flip_flops ({self.flip_flops}), "
                f"not {self.part_bits}"
            )


#: A word is cut into parts of about the same size. A reset becomes part of the value.
_WORD_TEXT = """\
(* techmap_celltype = "${kind}" *)
module clock_gate_{kind} (CLK, {ports}D, Q);
  parameter WIDTH = 0;
  parameter CLK_POLARITY = 0;
  parameter SRST_POLARITY = 0;
  parameter SRST_VALUE = 0;
  parameter EN_POLARITY = 0;
  input CLK;
  {inputs}
  input [WIDTH-1:0] D;
  output [WIDTH-1:0] Q;
  localparam PARTS = {enabled} || WIDTH < {part_bits} ? 1 : WIDTH / {part_bits};
  wire _TECHMAP_FAIL_ = WIDTH < {flip_flops} || !CLK_POLARITY;
  wire [WIDTH-1:0] next = {next};
  genvar k;
  generate for (k = 0; k < PARTS; k = k + 1) begin : part
    localparam LOW = WIDTH * k / PARTS;
    localparam BITS = WIDTH * (k + 1) / PARTS - LOW;
    \\$dffe #(.WIDTH(BITS), .CLK_POLARITY(1), .EN_POLARITY(1)) register (
      .CLK(CLK), .EN({enable}next[LOW+:BITS] != Q[LOW+:BITS]),
      .D(next[LOW+:BITS]), .Q(Q[LOW+:BITS]));
  end endgenerate
endmodule
"""
#: A flip-flop with an enable and a reset, which goes before: without the reset.
_RESETS_TEXT = """\
module \\$_SDFFE_PP0P_ (input D, C, R, E, output Q);
  \\$_DFFE_PP_ _TECHMAP_REPLACE_ (.D(D & ~R), .C(C), .E(E | R), .Q(Q));
endmodule
module \\$_SDFFE_PP1P_ (input D, C, R, E, output Q);
  \\$_DFFE_PP_ _TECHMAP_REPLACE_ (.D(D | R), .C(C), .E(E | R), .Q(Q));
endmodule
"""


def gate_cells(liberty: Liberty, *, latch: bool = True) -> tuple[Cell, ...]:
    """Return the cells that a clock gate is made of.

    Parameters
    ----------
    liberty : Liberty
        The cells.
    latch : bool
        Whether it has a latch.

    Returns
    -------
    tuple of Cell
        With a latch: the library's own gate, or inverter, latch and AND. Without: inverter and OR.

    Raises
    ------
    LibertyError
        If the library lacks what is needed.
    """
    inverter = liberty.smallest("!{0}", 1, "an inverter")
    if not latch:
        return inverter, liberty.smallest("{0}+{1}", 2, "an OR of two inputs")
    own = [cell for cell in liberty.cells.values() if cell.gate in _KINDS]
    if own:
        # Of several the smallest: it has no input for tests.
        return (min(own, key=lambda cell: cell.area),)
    latches = [cell for cell in liberty.cells.values() if cell.latch and cell.area]
    if not latches:
        raise LibertyError(f"Liberty file {liberty.path} must have a clock gate or a latch")
    both = liberty.smallest("{0}*{1}", 2, "an AND of two inputs")
    return inverter, min(latches, key=lambda cell: cell.area), both


def gate_files(gating: Gating, liberty: Liberty) -> dict[str, str]:
    """Return the files that yosys reads for :func:`before_techmap` and :func:`insert`.

    Raises
    ------
    LibertyError
        As :func:`gate_cells`.
    """
    files = {_WORDS: _words(gating), _RESETS: _RESETS_TEXT}
    cells = gate_cells(liberty, latch=gating.latch)
    inverter = liberty.smallest("!{0}", 1, "an inverter")
    (pin,) = _pins(inverter, "input")
    files[_INVERTER] = f"""\
module \\$_NOT_ (input A, output Y);
  {inverter.name} inverter (.{pin}(A), .{_output(inverter)}(Y));
endmodule
"""
    if len(cells) == 1:
        (gate,) = cells
        by_role = {pin.gating: pin.name for pin in gate.pins.values() if pin.gating}
        test = f", .{by_role['test']}(1'b0)" if "test" in by_role else ""
        body = f"{gate.name} gate (.{by_role['enable']}(ENABLE), .{by_role['clock']}(CLOCK), "
        body += f".{by_role['out']}(GATED){test});"
    elif gating.latch:
        _, latch, both = cells
        (latch_in,) = [pin for pin in _pins(latch, "input") if pin != latch.latch]
        first, second = _pins(both, "input")
        body = f"""wire low, held;
  \\$_NOT_ inverter (.A(CLOCK), .Y(low));
  {latch.name} latch (.{latch.latch}(low), .{latch_in}(ENABLE), .{_output(latch)}(held));
  {both.name} both (.{first}(CLOCK), .{second}(held), .{_output(both)}(GATED));"""
    else:
        _, either = cells
        # This inverter is one of the enable, which the logic before it may take in.
        first, second = _pins(either, "input")
        body = f"""wire off;
  \\$_NOT_ inverter (.A(ENABLE), .Y(off));
  {either.name} either (.{first}(CLOCK), .{second}(off), .{_output(either)}(GATED));"""
    files[_GATE] = f"module clock_gate (input ENABLE, CLOCK, output GATED);\n  {body}\nendmodule\n"
    return files


def _words(gating: Gating) -> str:
    """Return what becomes of words."""
    text = ""
    for kind in ("dff", "sdff", "dffe", "sdffe") if gating.compared else ("dff", "sdff"):
        reset, enabled = kind.startswith("s"), kind.endswith("e")
        ports = ["SRST"] * reset + ["EN"] * enabled
        conditions = ["SRST == SRST_POLARITY"] * reset + ["EN == EN_POLARITY"] * enabled
        text += _WORD_TEXT.format(
            kind=kind,
            ports="".join(f"{port}, " for port in ports),
            inputs=f"input {', '.join(ports)};" if ports else "",
            enabled=int(enabled),
            part_bits=gating.part_bits or 1,
            flip_flops=gating.flip_flops,
            next="SRST == SRST_POLARITY ? SRST_VALUE : D" if reset else "D",
            enable=f"({' || '.join(conditions)}) && " if enabled else "",
        )
    return text


def _pins(cell: Cell, direction: str) -> list[str]:
    return [pin.name for pin in cell.pins.values() if pin.direction == direction]


def _output(cell: Cell) -> str:
    (name,) = _pins(cell, "output")
    return name


def before_techmap(gating: Gating | None) -> str:
    """Return the commands for words, before they become bits."""
    if gating is None or not gating.part_bits:
        return ""
    return f"techmap -max_iter 1 -map {_WORDS}\nopt -fast"


def insert(gating: Gating | None) -> str:
    """Return the commands that put gates in, when all flip-flops are bits."""
    if gating is None:
        return ""
    return f"""\
dfflegalize -cell $_DFF_P_ 01 -cell $_DFFE_PP_ 01 -cell $_SDFF_PP?_ 01 -cell $_SDFFE_PP?P_ 01
techmap -map {_RESETS}
simplemap
opt -fast
clockgate -min_net_size {gating.flip_flops} -pos {_NAME} {_PORTS}
{"" if gating.latch else f"techmap -map {_GATE}"}"""


def replace_gates(gating: Gating | None) -> str:
    """Return the commands that make gates with a latch of cells, when all else is cells."""
    if gating is None or not gating.latch:
        return ""
    # Gates of a module share the inverter of the clock, which no other logic takes in.
    return f"techmap -map {_GATE}\nopt_merge\ntechmap -map {_INVERTER}"
