# amaranth: UnusedElaboratable=no
"""The shortest period of a mapped block, by OpenSTA; what is said if it is not found."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_liberty import GATED_LIBERTY, write_liberty
from prunus_overhead.standard_cells import timing
from prunus_overhead.standard_cells.gating import Gating
from prunus_overhead.standard_cells.liberty import Liberty, LibertyError, find_liberty
from prunus_overhead.standard_cells.mapping import Mapped, map_component
from prunus_overhead.standard_cells.sta import OpenStaError
from prunus_overhead.standard_cells.timing import shortest_period
from prunus_rtl.lib.ram import Ram


class Sum(wiring.Component):
    """A sum with a long carry, and a memory."""

    def __init__(self) -> None:
        super().__init__({"left": In(20), "right": In(20), "sum": Out(20), "data": Out(3)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.submodules.ram = ram = Ram(shape=3, depth=6)
        left, right, total = Signal(20), Signal(20), Signal(20)
        m.d.sync += [left.eq(self.left), right.eq(self.right), total.eq(left + right)]
        m.d.comb += [
            self.sum.eq(total),
            ram.read.eq(1),
            ram.read_address.eq(total[:3]),
            ram.write.eq(total[3]),
            ram.write_address.eq(total[4:7]),
            ram.write_data.eq(total[7:10]),
            self.data.eq(ram.read_data),
        ]
        return m


@pytest.fixture
def osu018() -> Liberty:
    if shutil.which("sta") is None:
        pytest.skip("OpenSTA is not installed: apt install opensta")
    try:
        return Liberty.read(find_liberty())
    except LibertyError as e:
        pytest.skip(str(e))


@pytest.mark.boards
def test_an_enable_has_a_cycle_with_a_latch_and_half_of_one_without(
    osu018: Liberty, tmp_path: Path
) -> None:
    periods = {}
    for name, gating in (
        ("none", None),
        ("latch", Gating(part_bits=20)),
        ("or", Gating(part_bits=20, latch=False)),
    ):
        mapped = map_component(Sum(), osu018, tmp_path / name, gating=gating)
        periods[name] = shortest_period(mapped, osu018)
    assert 1 < periods["none"] < 10
    # The comparison comes after the carry.
    assert periods["none"] < periods["latch"] < periods["or"]
    assert periods["or"] > 1.1 * periods["latch"]


@pytest.fixture
def mapped(tmp_path: Path) -> tuple[Mapped, Liberty]:
    liberty = Liberty.read(write_liberty(tmp_path, GATED_LIBERTY))
    return map_component(Sum(), liberty, tmp_path / "mapped"), liberty


@pytest.mark.boards
def test_memories_are_black_boxes_and_periods_rounded_up(
    mapped: tuple[Mapped, Liberty], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def said(netlist: str, _: Liberty, commands: list[str]) -> str:
        seen.append(netlist)
        assert "report_wns" in commands[0]
        return "wns 0.0\nshortest period 4.1201\n"

    monkeypatch.setattr(timing, "run_opensta", said)
    assert shortest_period(*mapped) == 4.13
    (netlist,) = seen
    assert re.search(r"^  memory\d+ ", netlist, re.MULTILINE)
    assert "always" not in netlist


@pytest.mark.boards
@pytest.mark.parametrize(
    ("said", "reason"), [("Error: 7 no clock\nx", "Error: 7 no clock"), ("", "no period")]
)
def test_a_period_that_is_not_found_is_told(
    mapped: tuple[Mapped, Liberty], monkeypatch: pytest.MonkeyPatch, said: str, reason: str
) -> None:
    monkeypatch.setattr(timing, "run_opensta", lambda *_: said)
    message = f"OpenSTA must find a period of 64 ns or less, not: {reason}"
    with pytest.raises(OpenStaError, match=f"^{re.escape(message)}$"):
        shortest_period(*mapped)
