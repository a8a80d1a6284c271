"""Amaranth shapes of all numbers, from the formats of the model, and what streams carry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from amaranth.hdl import Const, Shape, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import (
    COACTIVITY_BITS,
    LEVEL_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
)
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout

__all__ = ["Access", "Shapes", "times"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Shapes of everything in a core.

    A range of one value has a shape of no bits.

    Parameters
    ----------
    network : NetworkConfig
        The network.
    hardware : HardwareConfig
        The core.
    store : StoreLayout, optional
        Layout of the packed store, if it is known. Without, the memory port does not reach it.

    Raises
    ------
    ConfigError
        If the core cannot carry the network.
    ValueError
        If the layout of the store does not suit them.

    Examples
    --------
    >>> s = Shapes(network=NetworkConfig.named("paper"), hardware=HardwareConfig(lanes=16))
    >>> s.slots, s.post.width, s.v.width, s.strength.width
    (50, 10, 24, 18)
    """

    network: NetworkConfig
    hardware: HardwareConfig
    store: StoreLayout | None = None

    def __post_init__(self) -> None:
        self.hardware.check(self.network)
        if self.store is None:
            return
        if self.hardware.store != "packed":
            raise ValueError(
                f"Layout must be that of a packed store, but store is {self.hardware.store!r}"
            )
        layout, n = self.store, self.network
        got = (layout.lanes, layout.inputs, layout.slots, layout.weight_bits)
        want = (self.hardware.lanes, n.inputs, self.slots, n.weight_bits)
        if got != want:
            names = "lanes, inputs, slots, weight_bits"
            raise ValueError(f"Images must have {names} {want}, not {got}")

    @property
    def slots(self) -> int:
        """Neurons of a lane."""
        return self.hardware.slots(self.network)

    @property
    def tree_levels(self) -> int:
        """Levels of a tree over all lanes: log2(lanes)."""
        return (self.hardware.lanes - 1).bit_length()

    @property
    def multiply_cycles(self) -> int:
        """Cycles of the multiplication that gives a firing threshold."""
        if self.hardware.multiplier == "dsp":
            return 2
        return self.network.formats.strength_bits + 1

    @property
    def redundancy(self) -> bool:
        """Whether co-activity is kept, and redundant inputs lose their synapses."""
        return self.hardware.learn and self.network.redundancy is not None

    @property
    def coactivity(self) -> Shape:
        """Co-activity of an input."""
        return unsigned(COACTIVITY_BITS)

    @property
    def pre(self) -> Shape:
        """Index of an input."""
        return Shape.cast(range(self.network.inputs))

    @property
    def post(self) -> Shape:
        """Index of a neuron: its lane in the low bits, its slot above."""
        return unsigned(self.lane.width + self.slot.width)

    @property
    def lane(self) -> Shape:
        """Index of a lane."""
        return Shape.cast(range(self.hardware.lanes))

    @property
    def slot(self) -> Shape:
        """Index of a neuron in its lane."""
        return Shape.cast(range(self.slots))

    @property
    def weight(self) -> Shape:
        """Weight of a synapse."""
        return unsigned(self.network.weight_bits)

    @property
    def level(self) -> Shape:
        """Level of an input."""
        return unsigned(LEVEL_BITS)

    @property
    def step(self) -> Shape:
        """Time step."""
        return unsigned(STEP_BITS)

    @property
    def presentation(self) -> Shape:
        """Number of a presentation."""
        return unsigned(PRESENTATION_BITS)

    @property
    def v(self) -> Shape:
        """Membrane potential."""
        return unsigned(self.network.formats.v_bits)

    @property
    def v_fire(self) -> Shape:
        """Firing threshold in force."""
        return unsigned(V_FIRE_BITS)

    @property
    def theta(self) -> Shape:
        """Adaptive part of the firing threshold."""
        return unsigned(THETA_BITS)

    @property
    def strength(self) -> Shape:
        """Sum of all weights of a neuron."""
        return unsigned(self.network.formats.strength_bits)

    @property
    def post_count(self) -> Shape:
        """Output spikes of a neuron while learning."""
        return unsigned(POST_COUNT_BITS)

    @property
    def vote(self) -> Shape:
        """Vote of a neuron for a class."""
        return unsigned(self.network.readout.vote_bits)

    @property
    def score(self) -> Shape:
        """Sum of votes: at most one spike in every step."""
        return unsigned(self.network.readout.vote_bits + STEP_BITS)

    @property
    def prediction(self) -> Shape:
        """Index of a class."""
        return Shape.cast(range(self.network.readout.classes))

    @property
    def event(self) -> data.StructLayout:
        """Address event: an input that spikes (``end`` = 0), or the end of a step (``end`` = 1)."""
        return data.StructLayout({"pre": self.pre, "end": 1})

    @property
    def spike(self) -> data.StructLayout:
        """Output spike: step and neuron."""
        return data.StructLayout({"step": self.step, "post": self.post})

    @property
    def synapse(self) -> data.StructLayout:
        """Live synapse of one lane: slot and weight."""
        return data.StructLayout({"slot": self.slot, "weight": self.weight})


class Access(wiring.Signature):
    """One memory as the memory port sees it, while no presentation runs.

    Parameters
    ----------
    address : shape-like
        Shape of the address.
    data : shape-like
        Shape of a word.

    Members
    -------
    strobe : Out(1)
        Asks for one access; high for one cycle. ``write``, ``address`` and ``data`` are held from
        then until ``done``.
    write : Out(1)
        Write ``data``; else read.
    address : Out(address)
        Where.
    data : Out(data)
        What is written.
    done : In(1)
        The access is over; high for one cycle, one cycle after ``strobe`` or later.
    value : In(data)
        What was read; valid while ``done``.
    """

    def __init__(self, address: Any, data: Any) -> None:
        super().__init__(
            {
                "strobe": Out(1),
                "write": Out(1),
                "address": Out(address),
                "data": Out(data),
                "done": In(1),
                "value": In(data),
            }
        )


def times(value: Any, constant: int) -> Any:
    """Return a value times a constant that is not negative, as a sum of shifts.

    Synthesis would take a multiplier block for ``*``. The number of adders is the least that
    canonical signed digits and factors ``2**k - 1`` and ``2**k + 1`` give: 330 is 2 * 5 * 33, two
    adders, where its four ones would take three.
    """
    if not constant:
        return Const(0)
    low = (constant & -constant).bit_length() - 1
    constant >>= low
    for shift, digit in _adders(constant):
        value = (value << shift) + value if digit > 0 else (value << shift) - value
        constant //= (1 << shift) + digit
    digits = []
    while constant:
        digit = 2 - (constant & 3) if constant & 1 else 0
        digits.append(digit)
        constant = (constant - digit) >> 1
    # The highest digit is never negative.
    total: Any = None
    for at in reversed(range(len(digits))):
        if digits[at]:
            term = value << (low + at)
            total = term if total is None else total + term if digits[at] > 0 else total - term
    return total


@cache
def _adders(constant: int) -> tuple[tuple[int, int], ...]:
    """Return the factors ``(2**shift + digit)`` that an odd constant is best taken apart into."""

    def adders(factors: tuple[tuple[int, int], ...]) -> int:
        rest = constant
        for shift, digit in factors:
            rest //= (1 << shift) + digit
        # Ones of 3n ^ n are the digits of n that are not 0, in canonical form.
        return len(factors) + (3 * rest ^ rest).bit_count() - 1

    found: list[tuple[tuple[int, int], ...]] = [()]
    for shift in range(2, constant.bit_length() + 1):
        for digit in (-1, 1):
            factor = (1 << shift) + digit
            if constant % factor == 0:
                found.append(((shift, digit), *_adders(constant // factor)))
    return min(found, key=adders)
