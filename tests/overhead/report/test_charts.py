"""Charts show the values that they are given, and their SVG is the same each time."""

import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from prunus_overhead.energy.operations import UNITS
from prunus_overhead.energy.reasons import GROUPS
from prunus_overhead.report.charts import COLOURS, bars, scatter, strip, svg
from prunus_overhead.report.pictures import POLICIES


def texts(figure: Figure) -> list[str]:
    """Return the text in the SVG of a chart."""

    class Reader(HTMLParser):
        found: list[str] = []  # noqa: RUF012

        def handle_data(self, data: str) -> None:
            self.found += [data] if data.strip() else []

    reader = Reader()
    reader.feed(svg(figure, title="x"))
    return reader.found


def pieces(figure: Figure) -> list[tuple[float, float, float, object]]:
    """Return row, beginning, length and colour of each piece of the bars."""
    found = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    return [
        (p.get_y() + p.get_height() / 2, p.get_x(), p.get_width(), p.get_facecolor()) for p in found
    ]


def lines(figure: Figure, marker: str) -> list[Line2D]:
    return [line for line in figure.axes[0].lines if line.get_marker() == marker]


def test_points_are_where_the_values_are() -> None:
    series = [("none", False, [(20.0, 90.0, ""), (300.0, 95.0, "")])]
    figure = scatter([*series, ("adaptive", True, [(50.0, 91.0, "400")])], x="nJ", y="%", rings="r")
    none, adaptive = lines(figure, "o")
    assert none.get_xydata().tolist() == [[20, 90], [300, 95]]  # type: ignore[union-attr]
    assert adaptive.get_xydata().tolist() == [[50, 91]]  # type: ignore[union-attr]
    assert (none.get_color(), adaptive.get_color()) == (COLOURS["none"], COLOURS["adaptive"])
    assert (none.get_fillstyle(), adaptive.get_markerfacecolor()) == ("full", "none")
    assert none.get_markerfacecolor() == COLOURS["none"]
    found = texts(figure)
    assert {"nJ", "%", "r", "none", "400", "20", "50", "100", "200"} <= set(found)
    assert figure.axes[0].get_xscale() == "log"


def test_rings_are_explained_only_if_there_are_some() -> None:
    figure = scatter([("none", False, [(1.0, 2.0, "")])], x="x", y="y", rings="early exit")
    assert "early exit" not in texts(figure)


def test_bars_are_stacked_without_gaps() -> None:
    rows = [("x & <y>", {"store": 1.0, "queue": 3.0}, "4.00"), ("$z$", {"queue": 8.0}, "eight")]
    figure = bars(rows, unit="nJ")
    assert sorted(piece[:3] for piece in pieces(figure)) == [(0, 0, 1), (0, 1, 3), (1, 0, 8)]
    colours = {piece[3] for piece in pieces(figure) if piece[:2] in ((0, 1), (1, 0))}
    assert len(colours) == 1
    assert figure.axes[0].get_xlim() == (0, 8)
    assert {"x & <y>", "$z$", "4.00", "eight", "store", "queue", "nJ"} <= set(texts(figure))
    # The first is on top.
    low, high = figure.axes[0].get_ylim()
    assert low > high


def test_bars_of_one_piece_need_no_legend_and_a_whole_may_be_given() -> None:
    figure = bars([("a", {"store": 5.0}, "5")], unit="%", whole=100)
    assert figure.axes[0].get_xlim() == (0, 100)
    assert "store" not in texts(figure)


def test_strip_has_a_dot_for_each_value_and_a_mark_at_the_median() -> None:
    figure = strip([("a", "none", [3.0, 1.0, 8.0]), ("b", "soft", [2.0, 4.0])], x="MHz")
    assert [line.get_xydata().tolist() for line in lines(figure, "o")] == [  # type: ignore[union-attr]
        [[3, 0], [1, 0], [8, 0]],
        [[2, 1], [4, 1]],
    ]
    assert [line.get_xydata().tolist() for line in lines(figure, "|")] == [  # type: ignore[union-attr]
        [[3, 0]],
        [[3, 1]],
    ]
    assert {"a", "b", "MHz"} <= set(texts(figure))


def test_every_name_has_a_colour_of_its_own_in_its_chart() -> None:
    for names in (POLICIES, (*UNITS, "other"), GROUPS):
        assert len({COLOURS[name] for name in names}) == len(names)


@pytest.mark.parametrize("title", ["one", "two"])
def test_svg_is_an_element_of_a_page(title: str) -> None:
    def drawn() -> str:
        figure = bars([("a", {"store": 5.0, "queue": 2.0}, "5")], unit="%", whole=100)
        return svg(figure, title=title)

    text = drawn()
    assert text == drawn()
    assert text.startswith("<svg ") and text.endswith("</svg>\n")
    # As wide as there is room for.
    opening = text[: text.index(">")]
    assert "viewBox" in opening and "width" not in opening and "height" not in opening
    # Nothing of when and by what, and text of the page's colour.
    assert not re.search(r"metadata|<dc:|20\d\d-|Matplotlib|#010203", text)
    assert "currentColor" in text
    assert "<text" in text


def test_charts_of_a_page_share_no_identifiers() -> None:
    figure = strip([("a", "none", [3.0, 1.0])], x="MHz")
    one, two = (set(re.findall(r' id="([^"]+)"', svg(figure, title=t))) for t in ("one", "two"))
    assert one and two and not one & two
