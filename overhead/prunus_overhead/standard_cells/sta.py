"""The sum of :mod:`prunus_overhead.standard_cells.power` beside that of OpenSTA, on a small block.

Debian's OpenSTA (2.0.17) can't be told the activity of single nets (``set_power_activity -pins``
is broken, and there is no ``read_saif``), so both are told the same activity for all nets. OpenSTA
follows transition times from cell to cell, where ours are assumed. It knows no capacitance of
wires here, so ours are 0 too.

What is equal: energy of nets, leakage, and, cell by cell, what the tables say. What is not: this
OpenSTA charges each transition with the energy of a rising *and* a falling one, where we (and newer
releases) take their mean, and sums over the inputs of cells with three and more. So its energy
inside of cells is twice ours, cell by cell, and more for large ones.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from prunus_model.common import owned
from prunus_model.common.errors import PrunusError
from prunus_overhead.standard_cells.activity import CLOCK, SCOPE, WATCH
from prunus_overhead.standard_cells.graph import Graph
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import VERILOG, Mapped
from prunus_overhead.standard_cells.power import Assumptions, energy
from prunus_overhead.standard_cells.saif import Activity
from prunus_rtl.export.netlist import TOP

__all__ = ["OpenStaError", "cell_ratios", "cross_check", "opensta_power", "run_opensta", "uniform"]

_PROGRAM = "sta"
_PERIOD_NS = 20.0
_NUMBER = r"([-+.0-9e]+)"
_ACTIVITY, _SLEW_NS, _LOAD_PF = 0.1, 0.18, 0.1
_INSTANCE = re.compile(rf"^\s*{_NUMBER}(?:\s+[-+.0-9e]+){{3}} g_(\w+)$", re.MULTILINE)
_ROW = re.compile(rf"^(Sequential|Combinational)\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}", re.MULTILINE)


class OpenStaError(PrunusError):
    """OpenSTA is missing or fails."""


def uniform(graph: Graph, cycles: int, activity: float) -> Activity:
    """Return an activity in which all nets change equally often.

    Parameters
    ----------
    graph : Graph
        The netlist.
    cycles : int
        Cycles of the clock.
    activity : float
        Transitions of each net in a cycle; the clock has two. ``cycles * activity`` is rounded.
    """
    toggles: dict[tuple[tuple[str, ...], str], int] = {CLOCK: 2 * cycles}
    for net in graph.nets:
        path, index = net.watch
        toggles[(*SCOPE, *path), f"{WATCH}[{index}]"] = round(cycles * activity)
    return Activity(netlist_sha256="", duration_ps=cycles, toggles=toggles)


def opensta_power(
    netlist: Path, liberty: Liberty, *, activity: float, slew_ns: float
) -> dict[str, float]:
    """Return the power of a netlist in W as OpenSTA tells it.

    Parameters
    ----------
    netlist : Path
        Verilog; the top module is :data:`prunus_rtl.export.netlist.TOP`, its clock ``clk``.
    liberty : Liberty
        The cells.
    activity : float
        Transitions of each net in a cycle of the clock.
    slew_ns : float
        Transition time at the inputs.

    Returns
    -------
    dict of str to float
        ``combinational`` and ``sequential`` (energy inside of cells, clock pins included),
        ``nets`` and ``leakage``.

    Raises
    ------
    OpenStaError
        If OpenSTA is missing or fails.
    """
    script = [
        f"set_input_transition {slew_ns} [all_inputs]",
        f"set_power_activity -global -activity {activity} -duty 0.5",
        "report_power -digits 9",
    ]
    said = run_opensta(netlist.read_text(), liberty, script)
    rows = {match[1]: [float(match[k]) for k in (2, 3, 4)] for match in _ROW.finditer(said)}
    if set(rows) != {"Sequential", "Combinational"}:
        reason = next((line for line in said.splitlines() if "rror" in line), "no report")
        raise OpenStaError(f"OpenSTA must report the power, not: {reason}")
    return {
        "combinational": rows["Combinational"][0],
        "sequential": rows["Sequential"][0],
        "nets": sum(row[1] for row in rows.values()),
        "leakage": sum(row[2] for row in rows.values()),
    }


def run_opensta(netlist: str, liberty: Liberty, commands: list[str]) -> str:
    """Run OpenSTA on a netlist.

    Parameters
    ----------
    netlist : str
        Verilog; the top module is :data:`prunus_rtl.export.netlist.TOP`, its clock ``clk``.
    liberty : Liberty
        The cells.
    commands : list of str
        What is done when all is read.

    Returns
    -------
    str
        What it says.

    Raises
    ------
    OpenStaError
        If OpenSTA is missing.
    """
    program = shutil.which(_PROGRAM)
    if program is None:
        raise OpenStaError(f"OpenSTA ({_PROGRAM}) must be installed: apt install opensta")
    script = [
        "read_liberty cells.lib",
        f"read_verilog {VERILOG}",
        f"link_design {TOP}",
        f"create_clock -period {_PERIOD_NS} clk",
        # Without, OpenSTA finds no clock for what follows an input, and takes its activity as 0.
        "set_input_delay 0 -clock clk [all_inputs]",
        *commands,
    ]
    with tempfile.TemporaryDirectory(prefix="prunus-sta-") as name:
        folder = Path(name)
        (folder / VERILOG).write_text(netlist)
        shutil.copy(liberty.path, folder / "cells.lib")
        (folder / "power.tcl").write_text("\n".join(script) + "\n")
        command = [program, "-no_splash", "-no_init", "-exit", "power.tcl"]
        done = owned.run(command, cwd=folder)
    return done.stdout + done.stderr


def cell_ratios(liberty: Liberty) -> dict[str, float]:
    """Return the energy inside of a cell per transition that OpenSTA tells, divided by ours.

    For each combinational cell with one output and one or two inputs, alone, with a load that is
    within all tables.

    Raises
    ------
    OpenStaError
        If OpenSTA is missing or fails.
    """
    cells, ports, body = {}, ["a", "b", "clk"], []
    for cell in liberty.cells.values():
        inputs = [pin.name for pin in cell.pins.values() if pin.direction == "input"]
        outputs = [pin for pin in cell.pins.values() if pin.direction == "output"]
        if cell.sequential or len(outputs) != 1 or len(inputs) > 2 or not outputs[0].powers:
            continue
        if outputs[0].three_state:
            continue
        cells[cell.name] = outputs[0].transition(_LOAD_PF, _SLEW_NS)
        ports.append(f"y_{cell.name}")
        pins = [f".{pin}({port})" for pin, port in zip(inputs, "ab", strict=False)]
        pins.append(f".{outputs[0].name}(y_{cell.name})")
        body.append(f"  {cell.name} g_{cell.name} ({', '.join(pins)});")
    head = [f"module {TOP}({', '.join(ports)});", "  input a, b, clk;"]
    head += [f"  output {port};" for port in ports[3:]]
    instances = " ".join(f"g_{name}" for name in cells)
    said = run_opensta(
        "\n".join([*head, *body, "endmodule"]) + "\n",
        liberty,
        [
            f"set_input_transition {_SLEW_NS} [all_inputs]",
            f"set_load {_LOAD_PF} [all_outputs]",
            f"set_power_activity -global -activity {_ACTIVITY} -duty 0.5",
            f"report_power -digits 9 -instances [get_cells {{{instances}}}]",
        ],
    )
    found = {match[2]: float(match[1]) for match in _INSTANCE.finditer(said)}
    if set(found) != set(cells):
        raise OpenStaError(f"OpenSTA must report the power of {len(cells)} cells, not {len(found)}")
    per_second = _ACTIVITY / (_PERIOD_NS * 1e-9)
    return {name: round(found[name] / per_second * 1e12 / own, 6) for name, own in cells.items()}


def cross_check(
    mapped: Mapped, liberty: Liberty, *, activity: float = 0.1, slew_ns: float = 0.12
) -> dict[str, dict[str, float]]:
    """Return the power of a block in uW: our own sum, and that of OpenSTA.

    Parameters
    ----------
    mapped : Mapped
        The block, flat and without memories.
    liberty : Liberty
        Its cells.
    activity : float
        Transitions of each net in a cycle.
    slew_ns : float
        Transition time: of all pins in our sum, of inputs in OpenSTA's.

    Returns
    -------
    dict
        ``own`` and ``opensta``, each with the entries of :func:`opensta_power`.

    Raises
    ------
    OpenStaError
        If OpenSTA is missing or fails.
    """
    other = opensta_power(mapped.folder / VERILOG, liberty, activity=activity, slew_ns=slew_ns)
    graph, cycles = Graph(mapped.modules(), liberty), 100_000
    assumed = Assumptions(wire_ff=0.0, slew_ns=slew_ns, clock_mhz=1e3 / _PERIOD_NS)
    found = energy(graph, liberty, uniform(graph, cycles, activity), assumed)
    # What an input of the design drives is charged by OpenSTA to nobody.
    outside = sum(
        round(cycles * activity) * instance.cell.pins[pin].capacitance * liberty.voltage**2 / 2
        for net in graph.nets
        if net.driver is None and not net.clocks
        for instance, pin in net.sinks
    )
    seconds = cycles * _PERIOD_NS * 1e-9
    own = {
        "combinational": found.parts["combinational"],
        "sequential": found.parts["sequential"] + found.parts["clock_pins"],
        "nets": found.parts["net_pins"] - outside,
        "leakage": found.leakage,
    }
    return {
        "own": {name: value * 1e-12 / seconds * 1e6 for name, value in own.items()},
        "opensta": {name: value * 1e6 for name, value in other.items()},
    }
