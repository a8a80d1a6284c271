# amaranth: UnusedElaboratable=no
"""What is built for each board, before the tools: pins, constraints, LED."""

import re
from typing import Any

import pytest
from amaranth.sim import Simulator

from prunus_boards.build.flow import prepare
from prunus_boards.build.stretcher import Stretcher
from prunus_boards.build.top import LED_SECONDS
from prunus_boards.platforms import BOARDS, find_board
from prunus_cli import digits, tiny
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import link_plan


@pytest.fixture(scope="module")
def network() -> Artifact:
    return train(tiny(), digits(600))


def files(network: Artifact, name: str, clock_hz: int | None = None) -> dict[str, str]:
    """Files for the tools, by suffix."""
    board = find_board(name)
    plan = link_plan(network, ExportOptions(lanes=2, device=board.memory))
    _, found = prepare(plan, board, clock_hz=clock_hz or board.clock_hz)
    return {file.rpartition(".")[2]: str(text) for file, text in found.files.items()}


def module(rtlil: str, name: str) -> str:
    """Text of one module."""
    found = re.search(rf"^module \\{re.escape(name)}\n(.*?)^end\n", rtlil, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


#: Of each board: the suffix of its timing constraints, and the constraints at its default clock.
CLOCKS = {
    "ulx3s-85f": ("lpf", 'FREQUENCY NET "clk" 30000000 HZ;'),
    "ecpix5-85f": ("lpf", 'FREQUENCY NET "clk" 60000000 HZ;'),
    "generic-ecp5": ("lpf", 'FREQUENCY NET "clk" 50000000 HZ;'),
    "icebreaker": ("pcf", "set_frequency clk 24.000000"),
    "generic-ice40": ("pcf", "set_frequency clk 18.000000"),
    "tang-nano-9k": ("sdc", "create_clock -name clk -period 37.037037 [get_nets clk]"),
}


@pytest.mark.parametrize("name", BOARDS)
def test_clock_is_constrained_by_the_name_that_it_has_at_the_top(
    network: Artifact, name: str
) -> None:
    suffix, line = CLOCKS[name]
    found = files(network, name)
    lines = [text.strip() for text in found[suffix].splitlines()]
    assert lines.count(line) == 1
    # No other net is, only the pin of the oscillator.
    others = [text for text in lines if re.search("FREQUENCY|set_frequency|create_clock", text)]
    assert all(f"{find_board(name).oscillator}_0__io" in text for text in others if text != line)
    # That net is kept by all names that it has, and is nowhere called otherwise.
    top = module(found["il"], "top")
    assert re.search(r'attribute \\keep "true"\n(?: *attribute .*\n)* *wire width 1 \\clk\n', top)
    assert "start_clk" not in found["il"]
    if suffix == "sdc":
        assert "top.sdc" in found["json"]


@pytest.mark.parametrize("name", BOARDS)
def test_clock_comes_straight_from_pin_or_loop(network: Artifact, name: str) -> None:
    board = find_board(name)
    in_hz = board.oscillator_hz
    clocks = [in_hz, {"ecp5": 30_000_000, "ice40": 24_000_000, "gowin": 36_000_000}[board.family]]
    for clock_hz in clocks:
        text = module(files(network, name, clock_hz)["il"], "top.clocks")
        port = {"ecp5": "CLKOP", "ice40": "PLLOUTGLOBAL", "gowin": "CLKOUT"}[board.family]
        connected = re.findall(rf"connect \\{port} (.*)", text)
        if clock_hz == in_hz:
            assert connected == []
        else:
            assert [wire.split()[0] for wire in connected] == [r"\clk"]


#: Pins of each board but clock, serial line and LED.
MORE = {"ulx3s-85f": {"wifi_gpio0_0__io"}}


@pytest.mark.parametrize("name", BOARDS)
def test_pins_are_those_that_are_used(network: Artifact, name: str) -> None:
    board = find_board(name)
    text = files(network, name)[{"ecp5": "lpf", "ice40": "pcf", "gowin": "cst"}[board.family]]
    found = re.findall(r'(?:LOCATE COMP|IO_LOC|set_io) "?([^" ]+)"? ', text)
    assert sorted(found) == sorted(
        {f"{board.oscillator}_0__io", "uart_0__rx__io", "uart_0__tx__io", "led_0__io"}
        | MORE.get(name, set())
    )


def test_ulx3s_has_the_pins_of_its_board(network: Artifact) -> None:
    found = files(network, "ulx3s-85f")
    sites = dict(re.findall(r'LOCATE COMP "(\S+)" SITE "(\S+)"', found["lpf"]))
    assert sites == {
        "clk25_0__io": "G2",
        "uart_0__rx__io": "M1",
        "uart_0__tx__io": "L4",
        "led_0__io": "B2",
        "wifi_gpio0_0__io": "L2",
    }
    # High: the ESP32 leaves the board alone.
    pin = module(found["il"], "top.wifi_gpio0")
    assert re.findall(r"connect \\o\S* (1'\d)\n", pin) == ["1'1", "1'1"]  # Level, and enable.
    # And not inverted on its way.
    assert re.findall(r"connect \\B (\S+)\n", pin) == ["1'0"]


@pytest.mark.parametrize("name", BOARDS)
def test_led_is_stretched_by_the_clock_of_the_board(
    network: Artifact, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = Stretcher.__init__

    def spy(self: Stretcher, *, cycles: int) -> None:
        seen.append(cycles)
        real(self, cycles=cycles)

    monkeypatch.setattr(Stretcher, "__init__", spy)
    files(network, name)
    assert seen == [BOARDS[name].clock_hz * 50 // 1000]
    assert LED_SECONDS == 0.05


def stretched(pulses: list[int], cycles: int) -> list[int]:
    """Output of the unit, sampled before each edge."""
    unit, seen = Stretcher(cycles=cycles), []

    async def bench(ctx: Any) -> None:
        for level in pulses:
            ctx.set(unit.i, level)
            seen.append(ctx.get(unit.o))
            await ctx.tick()

    sim = Simulator(unit)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    return seen


@pytest.mark.parametrize("cycles", [1, 2, 7, 8])
def test_pulse_is_longer_by_its_cycles(cycles: int) -> None:
    for width in (1, 3):
        seen = stretched([0, 0] + [1] * width + [0] * (cycles + 4), cycles)
        assert seen == [0, 0, 0] + [1] * (width + cycles) + [0] * 3


def test_pulses_that_follow_soon_are_one() -> None:
    assert stretched([1, 0, 0, 0, 1] + [0] * 8, 5) == [0] + [1] * 10 + [0] * 2
    # With a pause that is one cycle longer than it stretches they are two.
    assert stretched([1] + [0] * 6 + [1] + [0] * 8, 5) == [0] + [1] * 6 + [0] + [1] * 6 + [0] * 2


def test_stretcher_of_no_cycles_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Cycles must be 1 or more, not 0$"):
        Stretcher(cycles=0)
