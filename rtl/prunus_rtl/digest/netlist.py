"""Digest of a component by its logic: it changes when what is built changes, and for nothing else.

The component is flattened by the yosys that comes with Amaranth, and its netlist is coloured like a
graph (Weisfeiler and Leman): every cell starts with its kind and parameters and takes in, round by
round, the colours of what drives it. The digest is of the colours of all cells and of the outputs.
Names of signals and units, hierarchy, order and source positions play no part; names of ports do,
as they are the interface. So a refactoring leaves a measured result current, and a changed constant
does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

from amaranth._toolchain.yosys import find_yosys
from amaranth.back import rtlil
from amaranth.lib import wiring

__all__ = ["DIGITS", "design_digest", "mix"]

_SCRIPT = (
    "hierarchy -auto-top; proc -noopt; flatten; opt_expr; opt_merge; memory_collect; "
    "opt_clean -purge; write_json"
)
#: Cells with a state: their outputs are known before their inputs are.
_STATE = frozenset({"$dff", "$dffe", "$sdff", "$sdffe", "$sdffce", "$adff", "$aldff", "$mem_v2"})
#: Parameters that are names.
_NAMES = frozenset({"MEMID", "NAME", "FORMAT"})
#: Any change shows in the first round, in the cell that was changed; the others tell in which of
#: many equal cells it is, as far as so many registers away.
_ROUNDS = 10
#: Hexadecimal digits of a digest.
DIGITS = 16
_Bit = int | str


def mix(*parts: object) -> bytes:
    """Return a digest of anything whose `repr` says it all."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).digest()


class _Colouring:
    """Colours of the cells of one flat module, as yosys writes it in JSON."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self._of: dict[_Bit, bytes] = {bit: mix("constant", bit) for bit in "01xz"}
        for name, port in module["ports"].items():
            if port["direction"] == "input":
                self._of |= {bit: mix("input", name, i) for i, bit in enumerate(port["bits"])}
        initial: dict[_Bit, str] = {}
        for net in module["netnames"].values():
            values = reversed(net["attributes"].get("init", ""))
            initial |= dict(zip(net["bits"], values, strict=False))
        self._initial = initial
        self._cells: list[Mapping[str, Any]] = list(module["cells"].values())
        self._kinds = [
            mix(
                cell["type"],
                sorted((k, v) for k, v in cell["parameters"].items() if k not in _NAMES),
            )
            for cell in self._cells
        ]
        self.cells = list(self._kinds)

    def run(self) -> None:
        """Colour all cells."""
        registers = [n for n, cell in enumerate(self._cells) if cell["type"] in _STATE]
        order = self._order(frozenset(registers))
        for n in registers:
            self._paint(n, self._kinds[n])
        for _ in range(_ROUNDS):
            for n in order:
                self._paint(n, mix(self._kinds[n], self._inputs(n)))
            new = [(n, mix(self.cells[n], self._inputs(n))) for n in registers]
            for n, colour in new:
                self._paint(n, colour)

    def colours(self, bits: list[_Bit]) -> list[bytes]:
        """Return the colours of some bits; what nothing drives has one of its own."""
        return [self._of.get(bit, b"undriven") for bit in bits]

    def _pins(self, n: int, *directions: str) -> list[tuple[str, list[_Bit]]]:
        cell = self._cells[n]
        found = cell["port_directions"]
        return sorted((pin, cell["connections"][pin]) for pin in found if found[pin] in directions)

    def _inputs(self, n: int) -> list[tuple[str, list[bytes]]]:
        return [(pin, self.colours(bits)) for pin, bits in self._pins(n, "input", "inout")]

    def _paint(self, n: int, colour: bytes) -> None:
        self.cells[n] = colour
        for pin, bits in self._pins(n, "output"):
            for i, bit in enumerate(bits):
                self._of[bit] = mix(colour, pin, i, self._initial.get(bit))

    def _order(self, registers: frozenset[int]) -> list[int]:
        """Return the cells without a state, each after those that drive it."""
        driver: dict[_Bit, int] = {}
        logic = [n for n in range(len(self._cells)) if n not in registers]
        for n in logic:
            driver |= {bit: n for _, bits in self._pins(n, "output") for bit in bits}
        graph = {
            n: {driver[b] for _, bits in self._pins(n, "input") for b in bits if b in driver}
            for n in logic
        }
        return list(TopologicalSorter(graph).static_order())


def design_digest(component: wiring.Component) -> str:
    """Return a digest of the logic of one component.

    Parameters
    ----------
    component : Component
        What is built. Its ports are named in the netlist as its signature names them.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    graphlib.CycleError
        If cells drive each other in a circle without a register.
    """
    text = rtlil.convert(component, emit_src=False)
    yosys = find_yosys(lambda found: found >= (0, 40))
    script = f"read_rtlil <<rtlil\n{text}\nrtlil\n{_SCRIPT}"
    (module,) = json.loads(yosys.run(["-q", "-"], script, ignore_warnings=True))["modules"].values()
    colouring = _Colouring(module)
    colouring.run()
    outputs = sorted(
        (name, port["direction"], colouring.colours(port["bits"]))
        for name, port in module["ports"].items()
    )
    return mix(sorted(colouring.cells), outputs).hex()[:DIGITS]
