"""The report as one page, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from prunus_overhead.energy.estimate import SOP_DEFINITION
from prunus_overhead.report.headline import tiles
from prunus_overhead.report.pictures import pictures
from prunus_overhead.report.sources import Results
from prunus_overhead.report.tables import tables

__all__ = ["content", "html", "to_json"]

_TITLE = "What adaptive pruning costs, and what it saves"
_LEAD = (
    "An unsupervised spiking network that prunes itself while it learns, in gateware that equals "
    "its golden model bit for bit. The pruning rule is a reconstruction of Guo et al. (Front. "
    "Neurosci. 14:598876, 2020), of which only the abstract was at hand."
)
_CLASSES = (
    "a: SOPs x constant. Additions alone; it says what a SOP would cost if memory were free.",
    (
        "b: every memory access and every operation of the core, counted by the golden model and "
        "by the gateware, times an energy from a table of published figures. Each lane's memory is "
        "taken for one macro of its size."
    ),
    (
        "c: switching activity of the netlist mapped to standard cells, simulated on real images, "
        "times the energies of a liberty file."
    ),
)
_NOT_INCLUDED = (
    (
        "Classes a and b: clock tree, leakage, wires, control and sequencer, the host link, input "
        "and output. Class b charges control nothing, so that it flatters small cores."
    ),
    (
        "FPGA power: no open tool gives it, and no board was measured. Sizes and clocks are of "
        "FPGAs, energies are not."
    ),
    "Loading a network, and the host's work: scaling of pixels to levels.",
    "Soft pruning has no gateware: its reads are counted, its own sorting is not.",
    "Wires of standard cells: no place and route was made. Area of memories: bits, not macros.",
)


def content(results: Results) -> dict[str, Any]:
    """Return what is on the page, as objects.

    Parameters
    ----------
    results : Results
        What was measured.
    """
    rows = results.rows("energy", "rows") + results.rows("cells", "energy")
    rows += results.rows("ablation", "rows")
    found = {row["artifact_hash"][:12] for row in rows if row.get("artifact_hash")}
    return {
        "title": _TITLE,
        "lead": _LEAD,
        "version": metadata.version("prunus"),
        "sop": SOP_DEFINITION,
        "classes": _CLASSES,
        "not_included": _NOT_INCLUDED,
        "tiles": tiles(results),
        "missing": results.missing,
        "pictures": pictures(results),
        "tables": tables(results),
        "hashes": sorted(found),
        "origins": _origins(results),
    }


def _origins(results: Results) -> list[dict[str, str]]:
    found = []
    for source in results.sources:
        if (made := results.content.get(source.name)) is not None:
            origin = made["provenance"]
            tools: Mapping[str, str] = origin["tools"]
            found.append(
                {
                    "path": source.path,
                    "command": origin["command"],
                    "commit": origin["commit"],
                    "tools": ", ".join(f"{name} {version}" for name, version in tools.items()),
                }
            )
    return found


def html(results: Results) -> str:
    """Return the page; it needs nothing but itself."""
    environment = Environment(
        loader=PackageLoader("prunus_overhead.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    style = (files("prunus_overhead.report") / "style.css").read_text(encoding="utf-8")
    page: str = environment.get_template("page.html.j2").render(
        style=Markup(style), **content(results)
    )
    return page


def to_json(results: Results) -> str:
    """Return the same as JSON, but for the pictures: the tables have their values."""
    kept = {name: value for name, value in content(results).items() if name != "pictures"}
    return json.dumps(kept, indent=1, default=asdict) + "\n"
