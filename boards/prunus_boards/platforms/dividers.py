"""Dividers of the phase-locked loops: from the oscillator of a board to the clock of a core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from prunus_model.common.errors import ConfigError

__all__ = ["PLLS", "Dividers", "PllKind", "dividers", "megahertz"]

_MHZ = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dividers:
    """Setting of a loop. All are the divider itself, not what is written into a register.

    Attributes
    ----------
    reference : int
        What the oscillator of the board is divided by, before it is compared.
    feedback : int
        What is compared with that is divided by this: the output; the oscillator of the loop if
        :attr:`PllKind.simple`.
    output : int
        What the oscillator of the loop is divided by, to give the output.
    out_hz : int
        What comes out, in whole Hz.
    """

    reference: int
    feedback: int
    output: int
    out_hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PllKind:
    """Limits of the loops of a family.

    Parameters
    ----------
    reference, feedback, output : sequence of int
        What each divider can be, as in :class:`Dividers`.
    compared_hz, oscillator_hz, out_hz : (int, int)
        Least and largest frequency of the comparison, of the oscillator of the loop, of the output.
    simple : bool
        Whether the loop compares its oscillator, not its output.
    """

    reference: Sequence[int]
    feedback: Sequence[int]
    output: Sequence[int]
    compared_hz: tuple[int, int]
    oscillator_hz: tuple[int, int]
    out_hz: tuple[int, int]
    simple: bool = False


#: Families by the name of their synthesis, from the data sheets as in Project Trellis (ecppll),
#: IceStorm (icepll) and Apicula (gowin_pll).
PLLS = {
    "ecp5": PllKind(
        reference=range(1, 129),
        feedback=range(1, 81),
        output=range(1, 129),
        compared_hz=(3_125_000, 400 * _MHZ),
        oscillator_hz=(400 * _MHZ, 800 * _MHZ),
        out_hz=(10 * _MHZ, 400 * _MHZ),
    ),
    "ice40": PllKind(
        reference=range(1, 17),
        feedback=range(1, 129),
        output=(2, 4, 8, 16, 32, 64),
        compared_hz=(10 * _MHZ, 133 * _MHZ),
        oscillator_hz=(533 * _MHZ, 1066 * _MHZ),
        out_hz=(16 * _MHZ, 275 * _MHZ),
        simple=True,
    ),
    "gowin": PllKind(
        reference=range(1, 65),
        feedback=range(1, 65),
        output=(2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128),
        compared_hz=(3 * _MHZ, 400 * _MHZ),
        oscillator_hz=(400 * _MHZ, 1200 * _MHZ),
        out_hz=(3_125_000, 600 * _MHZ),
    ),
}


def dividers(family: str, in_hz: int, out_hz: int) -> Dividers:
    """Find how a loop makes exactly one frequency of another.

    Parameters
    ----------
    family : str
        One of :data:`PLLS`.
    in_hz, out_hz : int
        Frequency of the oscillator of the board, and of the core.

    Returns
    -------
    Dividers
        Of several the one that compares at the highest frequency, then with the slowest oscillator.

    Raises
    ------
    ConfigError
        If that frequency can't be made; names the nearest one that a core can have: in whole Hz,
        made by a loop or that of the oscillator itself.

    Examples
    --------
    >>> dividers("ice40", 12_000_000, 24_000_000)
    Dividers(reference=1, feedback=64, output=32, out_hz=24000000)
    """
    kind = PLLS[family]
    found = _setting(kind, in_hz, out_hz)
    if found is None:
        nearest = next(
            hz
            for hz in _by_distance(kind, in_hz, out_hz)
            if hz == in_hz or _setting(kind, in_hz, hz)
        )
        raise ConfigError(
            f"Clock must be {megahertz(in_hz)} MHz or what a PLL makes of it in whole Hz, "
            f"not {megahertz(out_hz)} MHz: the nearest is {megahertz(nearest)} MHz"
        )
    return found


def megahertz(hz: int) -> str:
    """Return a frequency in MHz with as many digits as it has, so that it can be asked for.

    Examples
    --------
    >>> megahertz(33_203_125), megahertz(24_000_000)
    ('33.203125', '24')
    """
    return f"{hz / _MHZ:.6f}".rstrip("0").rstrip(".")


def _setting(kind: PllKind, in_hz: int, out_hz: int) -> Dividers | None:
    """Return the first setting that gives a frequency."""
    if not kind.out_hz[0] <= out_hz <= kind.out_hz[1]:
        return None
    for reference, output in product(kind.reference, kind.output):
        compared = out_hz * (output if kind.simple else 1)
        feedback, rest = divmod(compared * reference, in_hz)
        if (
            not rest
            and feedback in kind.feedback
            and kind.compared_hz[0] * reference <= in_hz <= kind.compared_hz[1] * reference
            and kind.oscillator_hz[0] <= out_hz * output <= kind.oscillator_hz[1]
        ):
            return Dividers(reference=reference, feedback=feedback, output=output, out_hz=out_hz)
    return None


def _by_distance(kind: PllKind, in_hz: int, out_hz: int) -> list[int]:
    """Return the frequencies in whole Hz that the dividers could give, the nearest first.

    Among them is that of the oscillator.
    """
    outputs = kind.output if kind.simple else (1,)
    could = {
        in_hz * feedback // (reference * output)
        for reference, feedback, output in product(kind.reference, kind.feedback, outputs)
        if in_hz * feedback % (reference * output) == 0
    }
    return sorted(could, key=lambda hz: (abs(hz - out_hz), hz))
