"""The report: one page that needs nothing but itself, and says what is missing."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from matplotlib.figure import Figure

from prunus_overhead.report.headline import tiles
from prunus_overhead.report.page import html, to_json
from prunus_overhead.report.peers import PEERS
from prunus_overhead.report.pictures import pictures
from prunus_overhead.report.sources import Results, Source
from prunus_overhead.report.tables import tables

VOID = {"meta", "link"}
SOURCES = [
    Source(name=name, path=f"{name}.json", target=f"make {name}", what=f"what is in {name}")
    for name in ("ablation", "energy", "size")
]
SOURCES.append(Source(name="cells", path="c.json", target="make it", what="cells", needs="x y"))


def origin(command: str, **tools: str) -> dict[str, Any]:
    """Return the header of a file."""
    inputs = {"gateware": "a" * 16}
    return {"command": command, "commit": "0123456789ab", "tools": tools, "inputs": inputs}


def energy(policy: str, kind: str = "b", **other: Any) -> dict[str, Any]:
    sops = {"none": 1000.0, "adaptive": 400.0}[policy]
    row: dict[str, Any] = {"class": kind, "technology": "45 nm & <less>", "voltage_v": 0.9}
    row |= {
        "mode": "inference",
        "policy": policy,
        "neurons": 100,
        "lanes": 4,
        "early_exit": 0,
    }
    row |= {"workload": "10 images", "accuracy": 0.9, "store": "csr", "pj_per_sop": 2.0}
    row |= {"sops_per_presentation": sops, "nj_per_presentation": sops / 2 + 100}
    row |= {"memory_nj": 100.0, "artifact_hash": "0123456789abcdef" * 4}
    row |= {"parts": {"store": sops / 2, "encoder": 100.0}}
    row |= {"groups": {"synapses": sops / 2, "input spikes": 100.0}}
    return row | other


def core(policy: str, logic: int, *fmax: float) -> dict[str, Any]:
    row: dict[str, Any] = {"technology": "ECP5", "mode": "learning", "neurons": 100, "lanes": 4}
    row |= {
        "policy": policy,
        "logic": logic,
        "lut": logic - 20,
        "carry": 10,
        "ff": 5,
        "blocks": 2,
    }
    cycles = {"cycles_per_presentation": 1234.5, "cycles_same_decisions": 1300}
    return row | {"fmax_mhz": list(fmax), "units_logic": 2 * logic - 1000} | cycles


def cells() -> dict[str, Any]:
    """Return results as of `make cells`."""
    area: dict[str, Any] = {"technology": "OSU", "mode": "learning", "neurons": 100, "lanes": 4}
    area |= {"cells": 10, "nand2": 20.5, "memory_bits": 30, "memory_um2": 40.0}
    area |= {"units": {"sweep": 1.0, "last_step": 2.0, "membrane": 5.0, "memory_port": 2.0}}
    found: dict[str, Any] = {"provenance": origin("make the cells", yosys="1")}
    found["ablation"] = [
        area | {"policy": policy, "cells_um2": um2}
        for policy, um2 in (("none", 1000.0), ("adaptive", 1015.0))
    ]
    c: dict[str, Any] = {"class": "c", "technology": "OSU", "voltage_v": 1.8, "lanes": 4}
    c |= {"mode": "learning", "neurons": 100, "store": "learning", "early_exit": 0}
    c |= {"density": 0.5, "workload": "2 images", "pj_per_sop": 9.0, "sops_per_presentation": 7.0}
    c |= {"units": {"membrane": 2.0, "core": 1.0}, "parts": {"clock_net": 3.0}}
    c |= {"artifact_sha256": "ab" * 32}
    found["energy"] = [
        c
        | {
            "policy": "none",
            "same_decisions": False,
            "nj_per_presentation": 3.0,
        },
        c
        | {
            "policy": "adaptive",
            "same_decisions": False,
            "nj_per_presentation": 2.0,
        },
        c
        | {
            "policy": "adaptive",
            "same_decisions": True,
            "nj_per_presentation": 3.01,
        },
    ]
    unit = {"policy": "adaptive", "neurons": 100, "lanes": 4, "class": "c"}
    found["pruning_unit"] = [unit | {"with_nj": 3.01, "without_nj": 3.0, "percent": 0.333}]
    return found


def test_standard_cells_are_shown_if_they_are_there() -> None:
    found = results(cells=cells())
    by_name = {table.name: table for table in tables(found)}
    against = by_name["cells"].headings.index("against none")
    assert [row[against] for row in by_name["cells"].rows] == ["--", "+1.50 %"]
    assert [row[2] for row in by_name["pruning-unit"].rows] == ["b", "c"]
    policies = [row[5] for row in by_name["energy"].rows if row[0] == "c"]
    assert policies == ["none", "adaptive", "adaptive, prunes nothing"]
    charts = {picture.title: picture for picture in pictures(found)}
    area = charts["Area of each unit, standard cells"]
    assert bars_of(area.figure) == [("membrane", 5), ("stdp", 3), ("other", 2)]
    energies = charts["Energy by switching activity, by unit"]
    assert bars_of(energies.figure) == [
        ("learning, none (dense)", 3),
        ("learning, adaptive", 3),
    ]
    assert "and 0.333 % (class c, 100 neurons)" in tiles(learning_too(found))[1].cost
    page = Page(html(found))
    assert "make the cells" in page.text
    assert "ab" * 6 in page.text


def bars_of(figure: Figure) -> list[tuple[str, float]]:
    """Return label and whole length of each bar, from the top."""
    (axes,) = figure.axes
    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    ends = [0.0] * len(labels)
    for patch in axes.patches:
        low, high = patch.get_extents().transformed(axes.transData.inverted()).intervalx
        row = patch.get_extents().transformed(axes.transData.inverted()).intervaly.mean()
        ends[round(row)] = max(ends[round(row)], round(high, 6))
        assert low <= high
    return list(zip(labels, ends, strict=True))


def results(**more: Any) -> Results:
    rows = [energy(p, k) for p in ("none", "adaptive") for k in ("a", "b")]
    unit = {
        "policy": "adaptive",
        "neurons": 100,
        "lanes": 4,
        "class": "b",
        "with_nj": 100.5,
    }
    unit |= {"without_nj": 100.0, "percent": 0.5}
    ablation = {
        "provenance": origin("make the ablation", python="3"),
        "rows": [core("none", 1000, 50, 60, 55), core("adaptive", 1030, 54, 52, 56)],
    }
    energies = {
        "provenance": origin("make the energy", python="3"),
        "rows": rows,
        "pruning_unit": [unit],
    }
    size: dict[str, Any] = {"provenance": origin("make the size")}
    size |= {"units": [{"unit": "sweep", "LUT4": 30, "CCU2C": 5, "FF": 1, "DP16KD": 0}]}
    size["units"][0]["DPR16X4"] = 0
    content = {"ablation": ablation, "energy": energies, "size": size, **more}
    return Results(content=content, sources=SOURCES)


class Page(HTMLParser):
    """Checks that what is opened is closed, and keeps tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_needs_nothing_but_itself() -> None:
    text = html(results())
    for tag, name, value in Page(text).attributes:
        assert tag != "script"
        if name in ("src", "href", "xlink:href"):
            assert value == "data:," or value.startswith("#")
    assert text.count("url(") == text.count("url(#")
    assert "@import" not in text
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", text)


def test_text_of_results_is_escaped() -> None:
    page = Page(html(results()))
    assert "45 nm & <less>" in page.text
    assert "<less>" not in html(results())


def test_headline_is_what_pruning_saves_and_costs() -> None:
    inference, logic = tiles(results())
    assert (inference.figure, inference.what) == (
        "-50 %",
        "energy per inference by adaptive pruning (100 neurons, class b); SOPs fall by 60 %",
    )
    assert inference.cost.startswith("Accuracy of this pair of networks: 90.0 % without, 90.0 % w")
    assert (logic.figure, logic.what) == (
        "+3.00 %",
        "logic for adaptive pruning (100 neurons, 4 lanes, ECP5); unit by unit +6.00 %",
    )
    assert logic.cost == (
        "No cycle at equal decisions. No loss of clock beyond the scatter of place and route: "
        "50.0 to 60.0 MHz without, 52.0 to 56.0 with."
    )


def learning_too(found: Results) -> Results:
    """Let there be the energy of learning, as that of inference is."""
    rows = found.content["energy"]["rows"]
    rows += [row | {"mode": "learning"} for row in rows if not row["early_exit"]]
    return found


def test_headline_tells_the_cost_of_learning() -> None:
    _, learning, _ = tiles(learning_too(results()))
    assert (learning.figure, learning.cost) == (
        "-50 %",
        "The pruning unit itself takes 0.500 % (class b, 100 neurons).",
    )
    assert learning.what.startswith("energy per learning presentation by adaptive pruning (100 ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cycles_same_decisions": 1303}, "Cycles at equal decisions: +3."),
        ({"fmax_mhz": [40.0, 49.9, 70.0]}, "Clock: 55.0 MHz without, 49.9 with."),
        ({"fmax_mhz": [40.0, 50.0, 70.0]}, "No loss of clock beyond the scatter"),
    ],
)
def test_what_is_slower_is_said(change: dict[str, Any], told: str) -> None:
    found = results()
    found.content["ablation"]["rows"][1] |= change
    assert told in tiles(found)[-1].cost


def test_savings_are_compared_with_the_fall_of_sops() -> None:
    (table,) = [t for t in tables(results()) if t.title.startswith("What pruning saves")]
    assert table.rows == [
        ["inference", "100", "adaptive", "never", "600", "300", "50.0 %", "60.0 %", "0.83", "+0.00"]
    ]
    assert "its own cost included" in table.title


def test_every_table_is_as_wide_as_its_headings() -> None:
    found = tables(results())
    assert len(found) >= 7
    for table in found:
        assert {len(row) for row in table.rows} == {len(table.headings)}, table.title


def test_ablation_compares_with_the_core_without_pruning() -> None:
    table = tables(results())[0]
    column = table.headings.index("logic against none")
    assert [row[column] for row in table.rows] == ["--", "+3.00 %"]
    assert [row[column + 1] for row in table.rows] == ["--", "+6.00 %"]
    speed = table.headings.index("fmax MHz, median (range)")
    assert table.rows[0][speed] == "55.0 (50.0 to 60.0)"


@pytest.mark.parametrize(
    ("none", "adaptive", "told"),
    [
        ({"inputs": {"gateware": "b" * 16}}, {}, "stale"),
        ({"commit": "1", "inputs": {"gateware": "unknown"}}, {}, "stale"),
        (
            {"commit": "1", "inputs": {"gateware": "unknown"}},
            {"commit": "2", "inputs": {"gateware": "unknown"}},
            "stale",
        ),
        (
            {"commit": "1", "inputs": {"gateware": "unknown"}},
            {"commit": "1", "inputs": {"gateware": "unknown"}},
            "+3.00 %",
        ),
        ({"commit": "1"}, {"commit": "2"}, "+3.00 %"),
    ],
)
def test_cores_of_different_gateware_are_not_divided(
    none: dict[str, Any], adaptive: dict[str, Any], told: str
) -> None:
    found = results()
    first, second = found.content["ablation"]["rows"]
    first |= none
    second |= adaptive
    table = tables(found)[0]
    assert table.rows[1][table.headings.index("logic against none")] == told
    assert table.rows[0][-1] == none.get("commit", "0123456")
    whats = [tile.what for tile in tiles(found)]
    assert any(what.startswith("logic for") for what in whats) is (told != "stale")


def test_pictures_are_there_for_what_was_measured() -> None:
    found = pictures(results())
    assert [picture.title for picture in found] == [
        "Accuracy against SOPs",
        "Accuracy against energy",
        "Energy of an inference, by unit",
        "What is left after adaptive pruning",
        "Area of each unit, FPGA",
        "Clock that is reached",
    ]
    by_unit, left = (bars_of(picture.figure) for picture in found[2:4])
    assert by_unit == [("none (dense)", 600), ("adaptive", 300)]
    assert left == [("inference: SOPs", 40), ("inference: energy", 50)]
    page = html(results())
    for picture in found:
        assert picture.svg in page
        assert picture.caption.split(";")[0].replace("&", "&amp;").split(" <")[0] in page


def test_missing_results_are_named_with_command_and_tools() -> None:
    page = Page(html(results()))
    text = " ".join(page.text.split())
    assert "Missing: cells (c.json). Run make it; it needs x y." in text
    assert "What pruning saves" in text


def test_report_of_nothing_is_still_a_report() -> None:
    found = Results(content={}, sources=SOURCES)
    page = Page(html(found))
    assert page.text.count("Missing: ") == len(SOURCES)
    assert "Spiker+" in page.text
    assert json.loads(to_json(found))["origins"] == []


def test_supervised_peers_are_apart() -> None:
    supervised, others = tables(results())[-1], tables(results())[-2]
    names = {peer.name for peer in PEERS if peer.supervised}
    assert {row[0] for row in supervised.rows} == names
    assert not names & {row[0] for row in others.rows}
    assert len(supervised.rows) + len(others.rows) == len(PEERS) == 10
    assert "supervised" in supervised.title
