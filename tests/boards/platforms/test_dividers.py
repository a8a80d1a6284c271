import pytest

from prunus_boards.platforms import BOARDS
from prunus_boards.platforms.dividers import PLLS, dividers
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


@pytest.mark.parametrize(
    ("out_mhz", "divf", "divq"), [(18, 47, 5), (21, 55, 5), (24, 63, 5), (36, 47, 4), (48, 63, 4)]
)
def test_registers_of_the_ice40_are_those_of_icepll(out_mhz: int, divf: int, divq: int) -> None:
    # `icepll -i 12 -o ...`, which takes DIVR 0 for all of these.
    d = dividers("ice40", 12 * MHZ, out_mhz * MHZ)
    assert (d.reference - 1, d.feedback - 1, d.output) == (0, divf, 1 << divq)


def test_what_can_not_be_made_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        dividers("ice40", 12 * MHZ, 500 * MHZ)
    assert str(caught.value) == (
        "Clock must be one that a PLL makes of 12 MHz, not 500 MHz: the nearest is 270 MHz"
    )


@pytest.mark.parametrize("name", BOARDS)
def test_default_clock_of_every_board_can_be_made(name: str) -> None:
    board = BOARDS[name]
    if board.clock_hz != board.oscillator_hz:
        dividers(board.family, board.oscillator_hz, board.clock_hz)
