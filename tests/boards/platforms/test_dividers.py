import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prunus_boards.platforms import BOARDS
from prunus_boards.platforms.dividers import PLLS, dividers, megahertz
from prunus_model.common.errors import ConfigError

MHZ = 1_000_000


@pytest.mark.parametrize("family", PLLS)
@pytest.mark.parametrize("in_mhz", [12, 25, 100])
def test_every_frequency_is_exact_and_within_all_limits(family: str, in_mhz: int) -> None:
    kind = PLLS[family]
    found = 0
    for out_mhz in range(10, 150):
        try:
            d = dividers(family, in_mhz * MHZ, out_mhz * MHZ)
        except ConfigError:
            continue
        found += 1
        compared = in_mhz * MHZ / d.reference
        oscillator = compared * d.feedback * (1 if kind.simple else d.output)
        assert oscillator / d.output == pytest.approx(out_mhz * MHZ, rel=1e-12)
        assert d.out_hz == out_mhz * MHZ
        assert kind.compared_hz[0] <= compared <= kind.compared_hz[1]
        assert kind.oscillator_hz[0] <= oscillator <= kind.oscillator_hz[1]
        assert kind.out_hz[0] <= d.out_hz <= kind.out_hz[1]
        assert d.reference in kind.reference
        assert d.feedback in kind.feedback
        assert d.output in kind.output
    assert found >= 5


def all_frequencies(family: str, in_hz: int) -> list[int]:
    """Every frequency in whole Hz that a core can have, by the limits alone."""
    kind = PLLS[family]
    reference, feedback, output = np.meshgrid(kind.reference, kind.feedback, kind.output)
    divided = reference * output if kind.simple else reference
    hz = in_hz * feedback // divided
    can_be = (
        (in_hz * feedback % divided == 0)
        & (kind.compared_hz[0] * reference <= in_hz)
        & (in_hz <= kind.compared_hz[1] * reference)
        & (kind.oscillator_hz[0] <= hz * output)
        & (hz * output <= kind.oscillator_hz[1])
        & (kind.out_hz[0] <= hz)
        & (hz <= kind.out_hz[1])
    )
    return sorted({in_hz, *hz[can_be].tolist()})


@pytest.mark.parametrize(("family", "in_mhz"), [("ecp5", 25), ("ice40", 12), ("gowin", 27)])
def test_nearest_is_nearest_and_can_be_asked_for(family: str, in_mhz: int) -> None:
    in_hz = in_mhz * MHZ
    there = all_frequencies(family, in_hz)
    rng = np.random.default_rng(1)
    for wanted in [1, 13 * MHZ, 999 * MHZ, *rng.integers(1 * MHZ, 300 * MHZ, 20).tolist()]:
        with pytest.raises(ConfigError) as caught:
            dividers(family, in_hz, wanted)
        nearest = re.findall(r"the nearest is (\S+) MHz$", str(caught.value))[0]
        hz = round(float(nearest) * MHZ)
        assert hz == min(there, key=lambda one: (abs(one - wanted), one))
        assert hz == in_hz or dividers(family, in_hz, hz).out_hz == hz


def said(tool: str, *args: str) -> dict[str, int]:
    """Return the numbers that a tool of the installed wheels prints, by the name before them."""
    command = [str(Path(sys.executable).with_name(tool)), *args]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    found = re.findall(r"(\w[\w ]*?)(?:\(|: *)(\d+)", text)
    return {name: int(number) for name, number in reversed(found)}


@pytest.mark.parametrize("out_mhz", [18, 21, 24, 36, 48])
def test_dividers_of_the_ice40_are_those_of_icepll(out_mhz: int) -> None:
    d = dividers("ice40", 12 * MHZ, out_mhz * MHZ)
    tool = said("yowasp-icepll", "-i", "12", "-o", str(out_mhz))
    assert (d.reference - 1, d.feedback - 1) == (tool["DIVR"], tool["DIVF"])
    assert d.output == 1 << tool["DIVQ"]


@pytest.mark.parametrize("out_mhz", [36, 54])
def test_dividers_of_the_gowin_are_those_of_gowin_pll(out_mhz: int) -> None:
    d = dividers("gowin", 27 * MHZ, out_mhz * MHZ)
    tool = said("gowin_pll", "-i", "27", "-o", str(out_mhz), "-d", "GW1NR-9 C6/I5")
    assert (d.reference - 1, d.feedback - 1) == (tool["IDIV_SEL"], tool["FBDIV_SEL"])
    assert d.output == tool["ODIV_SEL"]


@pytest.mark.parametrize(("in_mhz", "out_mhz"), [(25, 30), (25, 40), (25, 50), (100, 60)])
def test_dividers_of_the_ecp5_make_the_clock_of_ecppll(
    tmp_path: Path, in_mhz: int, out_mhz: int
) -> None:
    # Its oscillator is nearer to 600 MHz, so that the output is divided by more.
    d = dividers("ecp5", in_mhz * MHZ, out_mhz * MHZ)
    verilog = str(tmp_path / "pll.v")
    tool = said("yowasp-ecppll", "-i", str(in_mhz), "-o", str(out_mhz), "-f", verilog)
    assert (d.reference, d.feedback) == (tool["Refclk divisor"], tool["Feedback divisor"])
    assert (tool["clkout0 frequency"], d.out_hz) == (out_mhz, out_mhz * MHZ)


@pytest.mark.parametrize(
    ("family", "in_mhz", "hz", "wanted", "nearest"),
    [
        ("ice40", 12, 500 * MHZ, "500", "270"),
        # 25 MHz x 4 / 3 is no whole Hz.
        ("ecp5", 25, 33_333_333, "33.333333", "34.375"),
    ],
)
def test_what_can_not_be_made_is_refused_with_the_nearest(
    family: str, in_mhz: int, hz: int, wanted: str, nearest: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        dividers(family, in_mhz * MHZ, hz)
    assert str(caught.value) == (
        f"Clock must be {in_mhz} MHz or what a PLL makes of it in whole Hz, not {wanted} MHz: "
        f"the nearest is {nearest} MHz"
    )


@pytest.mark.parametrize("name", BOARDS)
def test_default_clock_of_every_board_can_be_made(name: str) -> None:
    board = BOARDS[name]
    if board.clock_hz != board.oscillator_hz:
        dividers(board.family, board.oscillator_hz, board.clock_hz)


def test_frequencies_are_told_with_all_their_digits() -> None:
    assert [megahertz(hz) for hz in (33_203_125, 24_000_000, 1)] == ["33.203125", "24", "0.000001"]
