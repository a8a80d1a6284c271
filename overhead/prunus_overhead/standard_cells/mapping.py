"""A core as a netlist of standard cells.

yosys maps all logic; memories stay what they are, one ``$mem_v2`` each, which the Verilog has as an
array. So the netlist can be simulated, and memories are counted apart, in bits. The hierarchy of
units is kept unless a flat netlist is asked for: then nothing is shared between units, which makes
the whole larger by what flattening would save, and every cell and every transition belongs to one.

Names: every net that is no port is ``n`` and a number, every cell ``g`` and a number.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring

from prunus_boards.build.tools import Tools
from prunus_model.common.atomic import staged
from prunus_model.common.errors import PrunusError
from prunus_model.training.artifact import Artifact
from prunus_overhead.standard_cells.gating import (
    Gating,
    before_techmap,
    gate_files,
    insert,
    replace_gates,
)
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_rtl.export.netlist import TOP

__all__ = ["CELLS", "VERILOG", "Mapped", "MappingError", "map_component", "network_hash"]

#: Files of a mapped design: netlist as Verilog and as JSON, models of the cells, and what it is.
VERILOG, JSON, CELLS, FACTS = "netlist.v", "netlist.json", "cells.v", "mapped.json"
_DESIGN, _LIBERTY, _CONSTRAINTS = "design.il", "cells.lib", "constraints.txt"
#: Load of an output of the design: so many inputs of the smallest NAND.
_OUTPUT_INPUTS = 4

#: The parts of `synth`, without the mapping of memories; with -D and a constraint file, without
#: which abc would insert no buffers.
_SCRIPT = """\
read_rtlil {design}
hierarchy -top {top}
proc
{flatten}
opt_expr
opt_clean
memory -nomap
opt -full
wreduce
peepopt
opt_clean
alumacc
share
opt
fsm
opt -fast
{words}
techmap
opt -fast
{gates}
dfflibmap -liberty {liberty}
abc -liberty {liberty} -D {delay} -constr {constraints}
{gate_cells}
setundef -zero
opt_clean -purge
splitnets
rename -hide w:*
rename -enumerate -pattern n% w:*
rename -enumerate -pattern g% c:*
write_json {json}
write_verilog -noattr -simple-lhs -extmem {verilog}
design -reset
read_liberty -ignore_miss_func {liberty}
write_verilog -noattr {cells}
"""


class MappingError(PrunusError):
    """A netlist is missing, was changed, or is not of the network that is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A design that was mapped to standard cells.

    Attributes
    ----------
    folder : Path
        Where its files are.
    liberty_sha256 : str
        Of the Liberty file.
    artifact_sha256 : str
        :func:`network_hash` of the network whose contents are in the memories; empty if there is
        none.
    netlist_sha256 : str
        Of netlist and contents of memories.
    flat : bool
        Whether the hierarchy of units was dissolved.
    gated : bool
        Whether registers have clock gates.
    delay_ps : int
        Delay that abc was asked to reach.
    tool : str
        Name and version of the tool.
    """

    folder: Path
    liberty_sha256: str
    artifact_sha256: str
    netlist_sha256: str
    flat: bool
    gated: bool
    delay_ps: int
    tool: str

    @classmethod
    def load(cls, folder: Path) -> Mapped:
        """Read what :func:`map_component` has written.

        Raises
        ------
        MappingError
            If there is nothing, or a file was changed since.
        """
        try:
            facts = json.loads((folder / FACTS).read_text())
            mapped = cls(folder=folder, **facts)
        except (OSError, ValueError, TypeError) as e:
            raise MappingError(f"Folder {folder} must hold a mapped netlist: {e}") from e
        mapped.check()
        return mapped

    def check(self) -> None:
        """Check that the files are those that were written.

        Raises
        ------
        MappingError
            If one was changed.
        """
        if (found := _digest(self.folder)) != self.netlist_sha256:
            raise MappingError(
                f"Netlist in {self.folder} must have the hash {self.netlist_sha256[:16]} of "
                f"{FACTS}, not {found[:16]}"
            )

    def check_artifact(self, artifact: Artifact) -> None:
        """Check that the memories hold a certain network.

        Raises
        ------
        MappingError
            If they hold another.
        """
        if self.artifact_sha256 != (wanted := network_hash(artifact)):
            has = self.artifact_sha256[:16] or "none"
            raise MappingError(
                f"Netlist in {self.folder} must hold the network {wanted[:16]}, not {has}"
            )

    def modules(self) -> dict[str, Any]:
        """Return the modules of the netlist as yosys writes them as JSON."""
        modules: dict[str, Any] = json.loads((self.folder / JSON).read_text())["modules"]
        return modules


def network_hash(artifact: Artifact) -> str:
    """Return the hash of a network, but for its early exit: that is an input of the core."""
    readout = replace(artifact.config.readout, stop_after=0)
    return replace(artifact, config=replace(artifact.config, readout=readout)).content_hash


def map_component(
    component: wiring.Component,
    liberty: Liberty,
    folder: Path,
    *,
    flat: bool = False,
    artifact_sha256: str = "",
    delay_ps: int = 5000,
    gating: Gating | None = None,
    tools: Tools | None = None,
) -> Mapped:
    """Map a component to standard cells.

    Parameters
    ----------
    component : wiring.Component
        What is mapped: a core, or any other component. Its top module is called
        :data:`prunus_rtl.export.netlist.TOP`.
    liberty : Liberty
        The cells.
    folder : Path
        Where the netlist is written; it appears when it is complete.
    flat : bool
        Dissolve the hierarchy of units.
    artifact_sha256 : str
        :func:`network_hash` of the network that the memories hold, if there is one.
    gating : Gating, optional
        Which registers get a clock gate. Default: none.
    delay_ps : int
        Delay from register to register that abc shall reach; without, it sizes nothing.
    tools : Tools, optional
        The tools. Default: those of the Python packages.

    Returns
    -------
    Mapped

    Raises
    ------
    ToolError
        If yosys is missing or fails.
    LibertyError
        If the library has no NAND or no buffer.
    """
    tools = tools or Tools()
    script = _SCRIPT.format(
        design=_DESIGN,
        top=TOP,
        flatten="flatten" if flat else "",
        words=before_techmap(gating),
        gates=insert(gating),
        gate_cells=replace_gates(gating),
        liberty=_LIBERTY,
        delay=delay_ps,
        constraints=_CONSTRAINTS,
        json=JSON,
        verilog=VERILOG,
        cells=CELLS,
    )
    # abc takes loads in fF.
    inputs = [pin for pin in liberty.nand2.pins.values() if pin.direction == "input"]
    load = _OUTPUT_INPUTS * 1000 * max(pin.capacitance for pin in inputs)
    constraints = f"set_driving_cell {liberty.buffer.name}\nset_load {load:.3f} [all_outputs]\n"
    with staged(folder) as scratch:
        (scratch / _DESIGN).write_text(rtlil.convert(component, name=TOP, emit_src=False))
        (scratch / _LIBERTY).write_bytes(liberty.path.read_bytes())
        (scratch / _CONSTRAINTS).write_text(constraints)
        (scratch / "map.ys").write_text(script)
        for file, text in ({} if gating is None else gate_files(gating, liberty)).items():
            (scratch / file).write_text(text)
        tools.run(["yosys", "-q", "map.ys"], scratch)
        for name in (_DESIGN, _LIBERTY):
            (scratch / name).unlink()
        facts = {
            "liberty_sha256": liberty.sha256,
            "artifact_sha256": artifact_sha256,
            "netlist_sha256": _digest(scratch),
            "flat": flat,
            "gated": gating is not None,
            "delay_ps": delay_ps,
            "tool": tools.used["yosys"],
        }
        (scratch / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    return Mapped.load(folder)


def _digest(folder: Path) -> str:
    """Return the hash of the netlist in a folder, in both forms, and of its memories."""
    digest = hashlib.sha256()
    for path in sorted([folder / VERILOG, folder / JSON, *folder.glob("netlist-*.mem")]):
        content = path.read_bytes() if path.exists() else b""
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
