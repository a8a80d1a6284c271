"""Size and clock of cores by their parameters, for the README of a package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

__all__ = ["RESULTS", "CoreSizes", "core_sizes"]

#: The results, in this package: they are shipped with it. Made by `make core-sizes`.
RESULTS = "core_sizes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSizes:
    """What was measured.

    Attributes
    ----------
    rows : list of mapping
        ``neurons``, ``lanes``, ``mode``, ``bus``; ``lut``, ``ff``, ``blocks`` and ``fmax_mhz`` on
        an ECP5; ``xilinx``, a mapping: ``lut``, ``lutram``, ``ff``, ``ramb18``, ``ramb36`` and
        ``dsp48`` of Xilinx 7 after synthesis.
    like : list of mapping
        Those of the mode and the bus that were asked for.
    inputs : mapping of str to str
        Digests of the gateware that was measured.
    command : str
    tools : list of str
        Names and versions.
    """

    rows: list[Mapping[str, Any]]
    like: list[Mapping[str, Any]]
    inputs: Mapping[str, str]
    command: str
    tools: list[str]


def core_sizes(*, mode: str, bus: str) -> CoreSizes:
    """Return the measured cores.

    Parameters
    ----------
    mode : "inference" or "learning"
    bus : str
        One of :data:`prunus_rtl.soc.interfaces.INTERFACES`; not all of them were measured.
    """
    text = resources.files(__package__ or "").joinpath(RESULTS).read_text("utf-8")
    content = json.loads(text)
    origin = content["provenance"]
    rows = content["rows"]
    return CoreSizes(
        rows=rows,
        like=[row for row in rows if (row["mode"], row["bus"]) == (mode, bus)],
        inputs=origin["inputs"],
        command=origin["command"],
        tools=[f"{name} {found}" for name, found in origin["tools"].items() if name != "python"],
    )
