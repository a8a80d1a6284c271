"""Widths and ranges of every number in the network.

This is the only module in which a bit width is written down. The model computes on plain integers;
the hardware takes the widths of its registers and memories from here.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BIAS_BITS",
    "CLASSES_MAX",
    "FIRE_SHIFT_MAX",
    "GAIN_BITS",
    "INPUTS_MAX",
    "LEVEL_BITS",
    "LIFT_FACTOR_BITS",
    "LIFT_UNIT_BITS",
    "NEURONS_MAX",
    "POST_COUNT_BITS",
    "PRESENTATION_BITS",
    "RAMP_SHIFT_MAX",
    "RANDOM_BITS",
    "RATE_BITS",
    "RATE_SHIFT",
    "SCORE_BITS_MAX",
    "SEED_BITS",
    "STEP_BITS",
    "STRENGTH_GAIN_SHIFT",
    "THETA_BITS",
    "VOTE_BITS_MAX",
    "V_FIRE_BITS",
    "V_SIGNED_BITS",
    "WEIGHT_BITS_MAX",
    "Formats",
    "max_of",
]

#: Largest network: inputs and neurons have numbers of 16 bits.
INPUTS_MAX = NEURONS_MAX = 1 << 16
#: Most classes: a class has a number of 8 bits.
CLASSES_MAX = 256
#: Widest vote of a neuron for a class.
VOTE_BITS_MAX = 8
#: Width of the score of a class at most: votes of 8 bits in 255 steps need it.
SCORE_BITS_MAX = 16
#: Input level of one pixel, compared with one random byte.
LEVEL_BITS = 8
#: One random number, as one synapse or one input uses it: a byte of a 32-bit draw.
RANDOM_BITS = 8
#: Widest weight.
WEIGHT_BITS_MAX = 8
#: Time step within a presentation.
STEP_BITS = 8
#: Adaptive part of the firing threshold, saturating.
THETA_BITS = 24
#: Firing threshold in force, clipped.
V_FIRE_BITS = 23
#: Bias of a neuron of a feed-forward layer, signed.
BIAS_BITS = 16
#: Potential of a neuron of a feed-forward layer between two steps, signed, saturating.
V_SIGNED_BITS = V_FIRE_BITS + 1
#: Output spikes of a neuron while learning, saturating.
POST_COUNT_BITS = 16
#: Counter of presentations; also selects the random streams.
PRESENTATION_BITS = 32
#: Seed of the random streams.
SEED_BITS = 32
#: Share of the learning sweeps in which an input was recently active.
RATE_BITS = 16
#: How slowly that share is averaged: a sweep moves it by a ``2**-RATE_SHIFT`` of the way.
RATE_SHIFT = 10
#: From the share of an input to a pruning threshold, for one neuron.
LIFT_FACTOR_BITS = 14
#: The length of a training, in units of a power of two of presentations.
LIFT_UNIT_BITS = 8
#: Fraction bits of ``strength_gain``, the cap of the adaptive pruning threshold.
STRENGTH_GAIN_SHIFT = 16
#: A gain: of the encoder, of the pruning ramp, of the cap by strength.
GAIN_BITS = 16
#: Largest shift of the pruning ramp.
RAMP_SHIFT_MAX = 32
#: Largest shift of the firing threshold.
FIRE_SHIFT_MAX = 42


def max_of(bits: int) -> int:
    """Return the largest unsigned number of a width.

    Examples
    --------
    >>> max_of(8)
    255
    """
    return (1 << bits) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Widths that depend on the size of a network, in bits, and ranges.

    All numbers are unsigned but weights and potentials of a feed-forward layer, which are two's
    complement.

    Parameters
    ----------
    inputs : int
        Inputs of the network. Positive.
    weight_bits : int
        Width of a weight, 1..8.
    signed : bool
        Whether it is a feed-forward layer.

    Examples
    --------
    The widths of the semantics, for 784 inputs and 8-bit weights:

    >>> f = Formats(inputs=784, weight_bits=8)
    >>> f.w_max, f.strength_bits, f.v_bits
    (255, 18, 24)
    >>> f = Formats(inputs=784, weight_bits=8, signed=True)
    >>> f.w_min, f.w_max, f.v_min, f.v_max, f.v_bits
    (-128, 127, -8388608, 8388607, 25)
    """

    inputs: int
    weight_bits: int
    signed: bool = False

    @property
    def w_min(self) -> int:
        """Smallest weight."""
        return -(1 << self.weight_bits - 1) if self.signed else 0

    @property
    def w_max(self) -> int:
        """Largest weight."""
        return max_of(self.weight_bits - self.signed)

    @property
    def v_min(self) -> int:
        """Smallest potential between two steps."""
        return -(1 << V_SIGNED_BITS - 1) if self.signed else 0

    @property
    def v_max(self) -> int:
        """Largest potential between two steps."""
        return max_of(V_SIGNED_BITS - 1) if self.signed else max_of(self.v_bits)

    @property
    def strength_bits(self) -> int:
        """Width of the sum of all weights of a neuron, if these are unsigned."""
        return (self.inputs * self.w_max).bit_length()

    @property
    def v_bits(self) -> int:
        """Width of the membrane potential.

        Below the threshold it is less than ``2**V_FIRE_BITS``, and one step adds less than
        ``2**strength_bits``, so that it never overflows. A signed one saturates at the end of a
        step; within it, all weights and the bias are added to the largest or smallest.
        """
        if self.signed:
            added = (self.inputs << self.weight_bits - 1) + (1 << BIAS_BITS - 1)
            return 1 + ((1 << V_SIGNED_BITS - 1) + added).bit_length()
        return max(V_FIRE_BITS, self.strength_bits) + 1
