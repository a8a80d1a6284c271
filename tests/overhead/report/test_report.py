"""The report: one page that needs nothing but itself, and says what is missing."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from prunus_overhead.report.__main__ import main
from prunus_overhead.report.charts import Bars
from prunus_overhead.report.headline import tiles
from prunus_overhead.report.page import html, to_json
from prunus_overhead.report.peers import PEERS
from prunus_overhead.report.pictures import pictures
from prunus_overhead.report.sources import SOURCES, ReportError, Results, read_results
from prunus_overhead.report.tables import tables
from prunus_report import cells, results

VOID = {"meta", "link"}


def test_standard_cells_are_shown_if_they_are_there() -> None:
    found = results()
    found.content["cells"] = cells()
    by_name = {table.name: table for table in tables(found)}
    against = by_name["cells"].headings.index("against none")
    assert [row[against] for row in by_name["cells"].rows] == ["--", "+1.50 %"]
    assert [row[2] for row in by_name["pruning-unit"].rows] == ["b", "c"]
    policies = [row[5] for row in by_name["energy"].rows if row[0] == "c"]
    assert policies == ["none", "adaptive", "adaptive, prunes nothing"]
    charts = {chart.title: chart for chart in pictures(found)}
    area = charts["Area of each unit, standard cells"]
    assert isinstance(area, Bars)
    assert [(bar.label, bar.total) for bar in area.bars] == [
        ("membrane", 5),
        ("stdp", 3),
        ("other", 2),
    ]
    energies = charts["Energy by switching activity, by unit"]
    assert isinstance(energies, Bars)
    assert [bar.label for bar in energies.bars] == ["learning, none (dense)", "learning, adaptive"]
    figures = {tile.what: tile.figure for tile in tiles(found)}
    assert figures["energy of learning for the pruning unit (100 neurons, class c)"] == "+0.333 %"
    page = Page(html(found))
    assert "make the cells" in page.text
    assert "ab" * 6 in page.text


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
    page = Page(html(results()))
    for tag, name, value in page.attributes:
        assert tag != "script"
        if name in ("src", "href"):
            assert value == "data:,"
    assert "url(" not in html(results())
    assert "@import" not in html(results())


def test_page_of_the_results_in_the_checkout_is_well_formed() -> None:
    root = Path(__file__).parents[3]
    found = read_results(root)
    page = Page(html(found))
    for made in json.loads(to_json(found))["origins"]:
        assert made["command"] in page.text
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", page.text)


def test_text_of_results_is_escaped() -> None:
    page = Page(html(results()))
    assert "45 nm & <less>" in page.text
    assert "<less>" not in html(results())


def test_headline_says_overhead_and_savings() -> None:
    found = {tile.what: tile.figure for tile in tiles(results())}
    assert found == {
        "logic for adaptive pruning (100 neurons, 4 lanes, ECP5); unit by unit +6.00 %": "+3.00 %",
        "cycles, at equal decisions": "+0",
        "clock with adaptive pruning; without 55.0 (50.0 to 60.0 over seeds)": "54.0 MHz",
        "energy of learning for the pruning unit (100 neurons, class b)": "+0.500 %",
        "energy per inference, adaptive (100 neurons, class b); SOPs fall by 60 %": "-50 %",
    }


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
    titles = [chart.title for chart in pictures(results())]
    assert titles == [
        "Accuracy against SOPs",
        "Accuracy against energy",
        "Energy of an inference, by unit",
        "What is left after adaptive pruning",
        "Area of each unit, FPGA",
        "Clock that is reached",
    ]


def test_missing_results_are_named_with_command_and_tools() -> None:
    page = Page(html(results()))
    text = " ".join(page.text.split())
    assert "Missing: standard cells, and energy of class c (overhead/results/cells.json)." in text
    assert "Run make cells; it needs apt install qflow-tech-osu018 g++ perl." in text
    assert "What pruning saves" in text


def test_report_of_nothing_is_still_a_report() -> None:
    found = Results(content={}, missing=list(SOURCES))
    page = Page(html(found))
    assert page.text.count("Missing: ") == len(SOURCES)
    assert "Spiker+" in page.text
    assert json.loads(to_json(found))["pictures"] == []


def test_supervised_peers_are_apart() -> None:
    supervised, others = tables(results())[-1], tables(results())[-2]
    names = {peer.name for peer in PEERS if peer.supervised}
    assert {row[0] for row in supervised.rows} == names
    assert not names & {row[0] for row in others.rows}
    assert len(supervised.rows) + len(others.rows) == len(PEERS) == 10
    assert "supervised" in supervised.title


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be JSON: remake them with `make results`"),
        ("[]", "must be an object, not list: remake them with `make results`"),
    ],
)
def test_results_that_are_none_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "model/results/mnist.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ReportError, match=f"^{re.escape(f'Results {path} {message}')}$"):
        read_results(tmp_path)
    done = CliRunner().invoke(main, ["--root", str(tmp_path), "--output", str(tmp_path / "out")])
    assert (done.exit_code, done.stderr) == (2, f"Error: Results {path} {message}\n")
    assert not (tmp_path / "out").exists()


def test_command_writes_page_and_json(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    for source in SOURCES[:2]:
        target = tmp_path / source.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / source.path, target)
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["--root", str(tmp_path), "--output", str(out)])
    assert done.exit_code == 0
    assert {path.name for path in out.iterdir()} == {"report.html", "report.json"}
    assert "Run `make energy`" in done.stdout
    assert json.loads((out / "report.json").read_text())["title"] in (
        (out / "report.html").read_text()
    )
