"""Switching activity: the mapped netlist shown real images, and compared with the golden model.

The bench is the one of the Verilog packages (:mod:`prunus_rtl.export.bench`): output spikes,
predictions, counters, cycles, and the state afterwards must be equal. Cells are modelled by their
functions in the Liberty file, without delays, so that glitches are not seen: the activity is a
lower bound.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prunus_model.common import owned
from prunus_model.common.atomic import write_atomically
from prunus_model.data.split import Split
from prunus_model.spec.counters import Counters
from prunus_overhead.standard_cells.graph import drivers, gated
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import CELLS, VERILOG, Mapped
from prunus_overhead.standard_cells.saif import ActivityError, stamp
from prunus_rtl.core.core import Core
from prunus_rtl.core.result import expanded
from prunus_rtl.export import verilator
from prunus_rtl.export.bench import make_bench, make_bench_files
from prunus_rtl.export.netlist import MODULE, TOP, MemoryImage, Netlist
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.simulators import check_tools
from prunus_rtl.export.vectors import Vectors, make_vectors

__all__ = ["CLOCK", "SCOPE", "WATCH", "Workload", "measure", "watched"]

#: Where the design is in the simulation, and the vector of all that is driven in a module.
SCOPE: tuple[str, ...] = ("activity", "bench", "dut")
WATCH = "watch"
#: Scope and name of the clock.
CLOCK: tuple[tuple[str, ...], str] = (SCOPE[:1], "clk")
_SAIF = "activity.saif"
#: Cycles without any progress after which the bench gives up.
_PATIENCE = 100_000_000
#: Synapses from which on it pays to let the compiler optimise.
_LARGE = 20_000
_DECLARATIONS = re.compile(r"\A(?P<ports>[^;]*;)\n(?P<rest>(?:  (?:wire|input|output) [^\n]*\n)*)")
#: The netlist brings the contents of its memories; the bench has no others to check.
_NO_MEMORIES = Netlist(text="", memories=(MemoryImage(name="none", width=1, words=(0,)),))
#: The first run compares all, the state too; the second writes what happens up to the last result.
_TOP = """\
`timescale 1ns / 1ps
module activity;
  bench bench ();
  wire clk = bench.clk;
  wire over = bench.finished == {images};
  initial if ($test$plusargs("trace")) begin
    $dumpfile("{saif}");
    $dumpvars(0, activity);
  end
  always @(posedge over) if ($test$plusargs("trace")) $finish;
endmodule
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What was shown, and what came of it.

    Attributes
    ----------
    images : int
        Images that were shown.
    counters : Counters
        What was counted in all of them.
    cycles : int
        Cycles that the core has counted.
    words : int
        Words of state that were compared afterwards.
    """

    images: int
    counters: Counters
    cycles: int
    words: int

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Workload:
        """Return it from what :func:`dataclasses.asdict` gave."""
        return cls(**{**values, "counters": Counters(**values["counters"])})


def measure(
    plan: Plan,
    core: Core,
    mapped: Mapped,
    liberty: Liberty,
    data: Split,
    saifs: Mapping[int, Path],
) -> dict[int, Workload]:
    """Show images to a mapped core.

    Parameters
    ----------
    plan : Plan
        What the core was made of.
    core : Core
        The core that was mapped.
    mapped : Mapped
        Its netlist.
    liberty : Liberty
        Its cells.
    data : Split
        The images.
    saifs : dict of int to Path
        Early exits, 0 for none, and where the activity of each is written, from reset to the result
        of the last image. A core that learns has no early exit.

    Returns
    -------
    dict of int to Workload
        For each early exit.

    Raises
    ------
    MappingError
        If the netlist was changed, or holds another network.
    SimulatorError
        If Verilator or what it needs is missing.
    ActivityError
        If the netlist does not do what the golden model does, or if a core that learns is to end
        early.
    """
    if plan.learn and any(saifs):
        raise ActivityError("Early exit must be 0 for a core that learns")
    mapped.check()
    mapped.check_artifact(plan.artifact)
    check_tools("verilator")
    found = {}
    with tempfile.TemporaryDirectory(prefix="prunus-activity-") as name:
        folder = Path(name)
        for memory in mapped.folder.glob("netlist-*.mem"):
            shutil.copy(memory, folder)
        built = ""
        for exits, saif in saifs.items():
            vectors = make_vectors(_exiting(plan, exits), core, data, paused=False)
            files = make_bench_files(core, vectors, None)
            files |= {file: image.content for file, image in _NO_MEMORIES.files().items()}
            for file, text in files.items():
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_text(text)
            bench = _bench(core, vectors)
            if bench != built:
                synapses = core.network.inputs * core.network.neurons
                optimise = "-O1" if synapses > _LARGE else "-O0"
                _build(folder, bench, mapped, liberty, len(vectors.shown), optimise)
                built = bench
            control = f"+control={vectors.control}"
            cycles = _run(folder, control)
            _run(folder, control, "+trace")
            stamp(folder / _SAIF, mapped.netlist_sha256)
            write_atomically(saif, (folder / _SAIF).read_bytes())
            found[exits] = Workload(
                images=len(vectors.shown),
                counters=_counted(plan, vectors),
                cycles=cycles,
                words=len(vectors.reads),
            )
    return found


def _exiting(plan: Plan, exits: int) -> Plan:
    """Return the plan of the same core with another early exit."""
    config = plan.artifact.config
    readout = replace(config.readout, stop_after=exits)
    return replace(plan, artifact=replace(plan.artifact, config=replace(config, readout=readout)))


def watched(netlist: str, modules: Mapping[str, Any], liberty: Liberty) -> str:
    """Return a netlist in which each module gathers all that is driven in it in one vector.

    Only these vectors are traced: simulators handle few wide signals much better than many narrow
    ones, and no name needs to be found again. They are registers that take over what is there in
    the middle of a cycle, when everything has settled. A clock behind a gate is low by then, so in
    its place there is a bit that turns over with each of its pulses.

    Parameters
    ----------
    netlist : str
        Verilog of the netlist.
    modules : mapping
        As of :meth:`prunus_overhead.standard_cells.mapping.Mapped.modules`.
    liberty : Liberty
        The cells.
    """

    def watch(match: re.Match[str]) -> str:
        name = match["name"].strip("\\ ")
        bits = drivers(name, modules, liberty)
        declared = _DECLARATIONS.match(match.group())
        if declared is None:
            raise ActivityError(f"Netlist must declare the ports of {name} first")
        vector = counts = ""
        if bits:
            names = _names(modules[name])
            for k, bit in enumerate(sorted(gated(name, modules, liberty))):
                counts += f"  reg pulse{k} = 0;\n"
                counts += f"  always @(posedge {names[bit]}) pulse{k} <= ~pulse{k};\n"
                names[bit] = f"pulse{k}"
            parts = ", ".join(names[bit] for bit in reversed(bits))
            vector = (
                f"  reg [{len(bits) - 1}:0] {WATCH};\n"
                f"  always @(negedge {'.'.join(SCOPE[:2])}.clk) {WATCH} <= {{{parts}}};\n"
            )
        # Tracing is off for what is declared here, and on again for what is instantiated below.
        return (
            f"{declared['ports']}\n  /*verilator tracing_off*/\n{declared['rest']}"
            f"{counts}  /*verilator tracing_on*/\n{vector}{match.group()[declared.end() :]}"
        )

    return MODULE.sub(watch, netlist)


def _names(module: Any) -> dict[int, str]:
    """Return a Verilog expression for each bit of a module."""
    found: dict[int, str] = {}
    for name, net in module["netnames"].items():
        offset, wide = net.get("offset", 0), len(net["bits"]) > 1
        for k, bit in enumerate(net["bits"]):
            if isinstance(bit, int):
                found.setdefault(bit, f"\\{name} [{k + offset}]" if wide else f"\\{name} ")
    return found


def _bench(core: Core, vectors: Vectors) -> str:
    """Return the bench; tracing is on for the design in it.

    What depends on early exit alone is made independent of it, so that one simulation serves all:
    the request comes from the command line, and there is room for one output spike in each step.
    """
    source = _untraced(make_bench(core, vectors, _NO_MEMORIES))
    spikes = len(vectors.shown) * core.network.encoder.steps
    request = (
        r"  reg \1 control__payload;\n"
        r'  initial if (!$value$plusargs("control=%d", control__payload)) $stop;'
    )
    for old, new in (
        (rf"^  {TOP} dut \(", r"  /*verilator tracing_on*/\n\g<0>"),
        (r"^  localparam SPIKES = \d+;", f"  localparam SPIKES = {spikes};"),
        (r"^  localparam PATIENCE = \d+;", f"  localparam PATIENCE = {_PATIENCE};"),
        (r"^  wire (\[.*\]) control__payload = \w+;", request),
    ):
        source, found = re.subn(old, new, source, flags=re.MULTILINE)
        if found != 1:
            raise RuntimeError(f"Bench must have one {old!r}, not {found}")
    return source


def _untraced(source: str) -> str:
    """Return a source whose signals are not traced."""
    return re.sub(r"^(module [^;]*;)", r"\1 /*verilator tracing_off*/", source, flags=re.MULTILINE)


def _build(
    folder: Path, bench: str, mapped: Mapped, liberty: Liberty, images: int, optimise: str
) -> None:
    sources = {
        "bench.v": bench,
        "activity.v": _TOP.format(images=images, saif=_SAIF),
        VERILOG: watched((mapped.folder / VERILOG).read_text(), mapped.modules(), liberty),
        CELLS: _untraced((mapped.folder / CELLS).read_text()),
    }
    for file, text in sources.items():
        (folder / file).write_text(text)
    command = ["verilator", "--binary", "--timing", "--trace-saif", "--trace-max-array", "0"]
    command += ["--x-assign", "0", "--x-initial", "0", "--top-module", SCOPE[0]]
    command += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--Mdir", "build", *sources]
    environment = verilator.environment(optimise=optimise)
    done = owned.run(command, cwd=folder, env=environment)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        reason = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise ActivityError(f"verilator must accept the netlist, not: {reason}")


def _run(folder: Path, *arguments: str) -> int:
    """Run the bench; return the cycles that it tells."""
    command = [str(folder / "build" / f"V{SCOPE[0]}"), *arguments]
    done = owned.run(command, cwd=folder)
    said = done.stdout + done.stderr
    failed = re.search(r"^FAIL: (.*)$", said, re.MULTILINE)
    missing = re.search(r".*\$readmem.*not found.*", said)
    if failed or missing or done.returncode:
        reason = (failed and failed[1]) or (missing and missing[0]) or said.strip()[-200:]
        raise ActivityError(f"Netlist must do what the golden model does: {reason}")
    found = re.findall(r"^image \d+: .* (\d+) cycles$", said, re.MULTILINE)
    if "+trace" not in arguments and not re.search(r"^PASS", said, re.MULTILINE):
        raise ActivityError("Netlist must do what the golden model does: the bench did not end")
    return sum(map(int, found))


def _counted(plan: Plan, vectors: Vectors) -> Counters:
    total = Counters()
    for shown in vectors.shown:
        total += expanded(dict(shown.counts), plan.network, plan.hardware, learn=plan.learn)
    return total
