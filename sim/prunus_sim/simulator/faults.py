"""Injects faults at ports of units, all in one build; a bench selects one at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prunus_rtl.export.simulators import SimulatorError
from prunus_sim.simulator.verilog import TOP

__all__ = ["SELECT", "Fault", "inject_faults"]

#: Register of the testbench that selects a fault: 0 for none, 1 for the first.
SELECT = "tb.fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault at a port of a unit.

    Attributes
    ----------
    unit, port : str
        Names of a submodule of the component and of its port, without the numbers that Amaranth
        appends.
    value : str
        Verilog expression of the wrong value, in which ``@`` stands for the right one.
    """

    unit: str
    port: str
    value: str

    def __str__(self) -> str:
        return f"{self.unit}.{self.port} = {self.value}"


def inject_faults(source: Path, faults: Sequence[Fault]) -> None:
    """Inject faults into Verilog that :func:`prunus_sim.simulator.verilog.write_verilog` wrote.

    Parameters
    ----------
    source : Path
        The Verilog; it is changed.
    faults : sequence of Fault
        The first is in effect if :data:`SELECT` is 1, the second if it is 2, and so on.

    Raises
    ------
    SimulatorError
        If there is no such unit or port.
    """
    text = source.read_text()
    for number, fault in enumerate(faults, 1):
        text = _inject(text, fault, number)
    source.write_text(text)


def _inject(text: str, fault: Fault, number: int) -> str:
    # A unit in another one is found in the module of that one.
    instance, module = None, TOP
    for name in fault.unit.split("."):
        start = re.search(rf"^module {re.escape(module)} ?\(", text, re.MULTILINE)
        unit = rf"\\?{re.escape(name)}(?:\$\d+)?"
        instance = start and re.compile(
            rf"^  (?P<module>\\\S+|\w+)  ?{unit} *\($(?P<ports>.*?)^  \);",
            re.MULTILINE | re.DOTALL,
        ).search(text, start.end())
        module = instance["module"] if instance else ""
    port = rf"\.(?P<name>\\?{re.escape(fault.port)}(?:\$\d+)?) ?\("
    found = instance and re.compile(port).search(text, *instance.span("ports"))
    if not instance or not found:
        raise SimulatorError(f"Design must have a port {fault.unit}.{fault.port}, but has none")
    first, last = found.end(), _closing(text, found.end())
    value = text[first:last]
    selected = f"{SELECT} == {number}"
    width = _output_width(text, instance["module"], found["name"])
    if width is None:
        wrong = fault.value.replace("@", f"({value})")
        return f"{text[:first]}({selected} ? {wrong} : {value}){text[last:]}"
    wire = f"fault_{number}"
    wrong = fault.value.replace("@", wire)
    lines = f"  wire {width}{wire};\n  assign {value} = {selected} ? {wrong} : {wire};\n"
    text = f"{text[:first]}{wire}{text[last:]}"
    at = instance.start()
    return f"{text[:at]}{lines}{text[at:]}"


def _closing(text: str, at: int) -> int:
    """Return where the parenthesis is closed that was opened before ``at``."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at - 1


def _output_width(text: str, module: str, port: str) -> str | None:
    """Return the range of an output, empty for one bit; None if the port is an input."""
    body = re.compile(rf"^module {re.escape(module)} ?\(.*?^endmodule", re.MULTILINE | re.DOTALL)
    found = body.search(text)
    declared = found and re.search(
        rf"^  output (?:reg )?(\[\d+:0\] )?{re.escape(port)} ?;", found.group(), re.MULTILINE
    )
    return (declared[1] or "") if declared else None
