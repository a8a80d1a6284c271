"""Writes the configuration of the testbench of a core, ``core_tb.sv``, for one core."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import wiring

from prunus_rtl.bus.memory_port import request_layout
from prunus_sim.cosim import interface
from prunus_sim.cosim.probes import probe_lines
from prunus_sim.simulator.netlist import Design

__all__ = ["CONFIG_FILE", "write_config", "write_testbench"]

#: The file that ``core_tb.sv`` includes.
CONFIG_FILE = "core_tb_config.svh"
#: Another one, with what counts: no macro, which would be one line of all that many lanes need.
_PROBES_FILE = "core_tb_probes.svh"


def write_testbench(
    core: wiring.Component,
    design: Design,
    folder: Path,
    *,
    feed_depth: int,
    poke_depth: int,
    accesses: bool = False,
) -> Path:
    """Write :data:`CONFIG_FILE`, and a file of probes, for a core.

    Parameters
    ----------
    core : prunus_rtl.core.core.Core
        The core.
    design : Design
        Its memories.
    folder : Path
        Where to write; the simulator must find included files there.
    feed_depth, poke_depth : int
        Most words of one input stream, and of one write by the memory port.
    accesses : bool
        Count accesses and operations (:mod:`prunus_sim.cosim.probes`).

    Returns
    -------
    Path
        The testbench; its top module is ``tb``.
    """
    ports: Any = core
    feed = ports.shapes.hardware.source
    signals = ("payload", "valid", "ready")
    macros: dict[str, object] = {
        "FEED_BITS": _bits(getattr(ports, feed)),
        "CONTROL_BITS": _bits(ports.control),
        "SPIKE_BITS": _bits(ports.spikes),
        "RESULT_BITS": _bits(ports.result),
        "REQUEST_BITS": _bits(ports.requests),
        "ANSWER_BITS": _bits(ports.answers),
        "FEED_DEPTH": feed_depth,
        "POKE_DEPTH": poke_depth,
        "FEED_PORTS": ", ".join(f".{feed}__{name}(feed__{name})" for name in signals),
        "REQUEST(write, space, address, data)": _request(request_layout(ports.shapes)),
        "BACKDOOR_DUMP": "\n".join(_dump_lines(design)),
    }
    probes = probe_lines(ports.shapes, design) if accesses else ""
    return write_config(folder, macros, probes)


def write_config(folder: Path, macros: Mapping[str, object], probes: str = "") -> Path:
    """Write :data:`CONFIG_FILE` with these macros, and those of commands and names of files.

    And the file of probes, which is empty unless something is counted.

    Returns
    -------
    Path
        The testbench; its top module is ``tb``.
    """
    files = ("FEED_FILE", "POKE_FILE", "RESULT_FILE", "PORT_FILE", "BACKDOOR_FILE")
    every = {
        **macros,
        **{name: f'"{getattr(interface, name)}"' for name in files},
        **{f"OPCODE_{opcode.name}": opcode.value for opcode in interface.Opcode},
    }
    lines = ["// Written by prunus_sim.cosim.testbench, included by core_tb.sv."]
    for name, value in every.items():
        # A backslash at its end continues a macro on the next line.
        lines.append(f"`define {name} {value}".replace("\n", " \\\n"))
    (folder / CONFIG_FILE).write_text("\n".join(lines) + "\n")
    (folder / _PROBES_FILE).write_text(probes + "\n")
    return Path(str(resources.files("prunus_sim.cosim"))) / "core_tb.sv"


def _bits(member: Any) -> int:
    return int(Shape.cast(member.payload.shape()).width)


def _dump_lines(design: Design) -> list[str]:
    """Return statements that write the contents of all memories to the file ``dump``."""
    lines = []
    for name, storage in design.memories.items():
        lines.append(f'$fwrite(dump, "@{name} {storage.depth}\\n");')
        lines.append(
            f"for (i = 0; i < {storage.depth}; i = i + 1) "
            f'$fwrite(dump, "%h\\n", dut.{storage.path}[i]);'
        )
    # Registers that are state: the number of the presentation, the epoch of the potentials (none
    # in a feed-forward layer).
    for name in ("membrane.epoch", "stream_key.presentation"):
        if name == "membrane.epoch" and name not in design.registers:
            continue
        lines.append(f'$fwrite(dump, "@{name} 1\\n");')
        lines.append(f'$fwrite(dump, "%h\\n", dut.{design.registers[name].path});')
    return lines


def _request(layout: Any) -> str:
    """Return a request as a Verilog expression of its fields; there are more than 32 bits of it."""
    # Arguments have 32 bits; in braces an expression keeps the width that it has.
    zero = f"{layout.size - 32}'d0"
    terms = (
        f"(({{{zero}, {name}}} & {layout.size}'h{(1 << field.width) - 1:x}) << {field.offset})"
        for name, field in layout
    )
    return f"({' | '.join(terms)})"
