"""Axes, bars and colours of the charts."""

from importlib.resources import files

from prunus_overhead.report.charts import Axis, Bar, Bars, Part
from prunus_overhead.report.pictures import COLOURED


def test_axis_is_round_and_within_its_ends() -> None:
    axis = Axis.around([91.2, 94.9], label="%")
    assert axis.ticks == [91, 92, 93, 94, 95]
    assert axis.percent(axis.least) == 0
    assert axis.percent(axis.most) == 100
    single = Axis.around([5.0], label="x", log=True)
    assert 0 < single.percent(5.0) < 100


def test_bars_are_stacked_without_gaps() -> None:
    bar = Bar(label="x", parts=[Part(name="a", value=1), Part(name="b", value=3)])
    longer = Bar(label="y", parts=[Part(name="a", value=8)])
    chart = Bars(title="", caption="", unit="", bars=[bar, longer])
    assert [(start, width) for _, start, width in chart.placed(bar)] == [(0, 12.5), (12.5, 37.5)]
    assert chart.legend == ["a", "b"]
    assert bar.end == "4.00"


def test_each_policy_has_a_colour() -> None:
    style = (files("prunus_overhead.report") / "style.css").read_text()
    for policy in COLOURED:
        name = policy.replace(" + ", "-")
        assert f".c-{name}" in style
        # In light and in dark.
        assert style.count(f"--{name}: #") == 2
