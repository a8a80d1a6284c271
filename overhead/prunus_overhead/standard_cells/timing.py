"""Static timing of a mapped core: the shortest clock period, as OpenSTA finds it.

All paths between cells count: to flip-flops, to latches of clock gates, which may borrow time, and
the checks of clock gates, whose enable must not change while the clock would pass. The clock is
ideal up to the gates; a gated clock comes later by what its gate takes. Not in it: memories, which
are black boxes here, wires, and ports of the core.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from prunus_boards.build.tools import Tools
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import Mapped
from prunus_overhead.standard_cells.sta import OpenStaError, run_opensta

__all__ = ["shortest_period"]

_MEMORY = "$mem_v2"
_FIRST, _NETLIST = "modules.json", "netlist.v"
#: Longest period that is tried, in ns, and how often the range is halved.
_LONGEST, _HALVINGS = 64.0, 14
_SEARCH = f"""\
set low 0.0
set high {_LONGEST}
set met 0
for {{set k 0}} {{$k < {_HALVINGS}}} {{incr k}} {{
  set period [expr ($low + $high) / 2]
  create_clock -period $period clk
  with_output_to_variable told {{ report_wns -digits 6 }}
  regexp {{wns ([-+.0-9e]+)}} $told all wns
  if {{$wns < 0}} {{ set low $period }} else {{ set high $period; set met 1 }}
}}
if {{$met}} {{ puts "shortest period $high" }}"""
_FOUND = re.compile(r"^shortest period ([.0-9]+)$", re.MULTILINE)


def shortest_period(mapped: Mapped, liberty: Liberty, *, tools: Tools | None = None) -> float:
    """Return the shortest period in ns with which no path is too long.

    Parameters
    ----------
    mapped : Mapped
        The netlist.
    liberty : Liberty
        Its cells.
    tools : Tools, optional
        The tools. Default: those of the Python packages.

    Returns
    -------
    float
        Rounded up to 0.01 ns.

    Raises
    ------
    OpenStaError
        If OpenSTA is missing or fails, or the period is longer than 64 ns.
    ToolError
        If yosys is missing or fails.
    """
    modules = mapped.modules()
    cells = [cell for module in modules.values() for cell in module["cells"].values()]
    for k, cell in enumerate(cells):
        if cell["type"] == _MEMORY:
            # Of a kind of its own, as each has other widths.
            cell |= {"type": f"memory{k}", "parameters": {}, "attributes": {}}
    with tempfile.TemporaryDirectory(prefix="prunus-timing-") as name:
        folder = Path(name)
        (folder / _FIRST).write_text(json.dumps({"modules": modules}))
        script = f"read_json {_FIRST}\nwrite_verilog -noattr -noexpr -simple-lhs {_NETLIST}\n"
        (folder / "timing.ys").write_text(script)
        (tools or Tools()).run(["yosys", "-q", "timing.ys"], folder)
        said = run_opensta((folder / _NETLIST).read_text(), liberty, [_SEARCH])
    found = _FOUND.search(said)
    if found is None:
        reason = next((line for line in said.splitlines() if "Error" in line), "no period")
        raise OpenStaError(f"OpenSTA must find a period of {_LONGEST:g} ns or less, not: {reason}")
    return -(-float(found[1]) * 100 // 1) / 100
