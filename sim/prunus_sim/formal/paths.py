"""Checks that no combinational path leads from one port of a component to another."""

from __future__ import annotations

from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from prunus_sim.formal.case import CounterexampleError
from prunus_sim.formal.tools import yosys
from prunus_sim.simulator.ports import ports_of

__all__ = ["check_independent"]


def check_independent(
    component: wiring.Component, *, sources: str, sinks: str, folder: Path
) -> None:
    """Check that no combinational path leads from one port to another.

    Parameters
    ----------
    component : Component
        Becomes the top level.
    sources, sinks : str
        Names of an input and of outputs, as yosys patterns (``*`` matches anything).
    folder : Path
        Where everything is written.

    Raises
    ------
    CounterexampleError
        If there is a path.
    FormalError
        If a tool is missing, or if there are no such ports.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = rtlil.convert(component, name="top", ports=ports_of(component))
    (folder / "top.il").write_text(text)
    cone = f"w:{sources} %co*:-$dff"
    script = [
        "read_rtlil top.il",
        "hierarchy -top top",
        "proc",
        "flatten",
        "memory -nomap",
        "memory_map",
        "dffunmap",
        "cd top",
        f"select -assert-min 1 w:{sources} i:* %i",
        f"select -assert-min 1 w:{sinks} o:* %i",
        f"select -set reached {cone} w:{sinks} %i o:* %i",
        "select -write reached.txt @reached",
    ]
    yosys(script, folder)
    reached = (folder / "reached.txt").read_text().split()
    if reached:
        path = f"{sources} -> {', '.join(name.rpartition('/')[2] for name in reached)}"
        name = type(component).__name__
        raise CounterexampleError(
            f"{name}: must not depend combinationally: {path}", property=path, vcd=None
        )
