"""Units to which energy is charged, and the widths of operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prunus_model.spec.formats import (
    LEVEL_BITS,
    LIFT_FACTOR_BITS,
    LIFT_UNIT_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RANDOM_BITS,
    RATE_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
    V_SIGNED_BITS,
    max_of,
)
from prunus_model.spec.pruning import AdaptivePruning, LiftPruning
from prunus_model.spec.random_streams import PRE_PER_DRAW
from prunus_overhead.energy.technology import Technology
from prunus_rtl.widths import Widths

__all__ = ["MEMORY_UNITS", "UNITS", "Operation", "operations"]

#: Units of a core, in the order in which they are shown.
UNITS = (
    "store",
    "membrane",
    "encoder",
    "queue",
    "stdp",
    "homeostasis",
    "readout",
    "pruning",
)
#: Unit to which the accesses of each memory are charged.
MEMORY_UNITS: Mapping[str, str] = {
    "levels": "encoder",
    "map": "encoder",
    "events": "encoder",
    "refractory": "encoder",
    "queue": "queue",
    "row_pointers": "store",
    "entries": "store",
    "spram": "store",
    "rows": "store",
    "weights": "store",
    "v": "membrane",
    "v_fire": "membrane",
    "bias": "membrane",
    "fired": "membrane",
    "last_step": "stdp",
    "theta": "homeostasis",
    "strength": "homeostasis",
    "post_count": "homeostasis",
    "input_rate": "pruning",
    "votes": "readout",
    "scores": "readout",
}
#: Operands of a step of the multiplier: `v_th + theta`.
_FACTOR_BITS = THETA_BITS + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One kind of operation.

    Attributes
    ----------
    count : str
        Which count of :class:`prunus_rtl.counts.accesses.Accesses` tells how many there are.
    unit : str
        One of :data:`UNITS`.
    kind : "add", "compare" or "draw"
        What it is priced as.
    bits : float
        Width; of a product of constants the sum of the widths of its additions.
    """

    count: str
    unit: str
    kind: Literal["add", "compare", "draw"]
    bits: float

    def pj(self, technology: Technology) -> float:
        """Return the energy of one, in picojoules."""
        match self.kind:
            case "add":
                return technology.add_pj(self.bits)
            case "compare":
                return technology.compare_pj(self.bits)
            case _:
                return technology.draw_pj


def operations(shapes: Widths) -> tuple[Operation, ...]:
    """Return all operations of a core with their widths.

    Parameters
    ----------
    shapes : Widths
        Of the core.

    Returns
    -------
    tuple of Operation
    """
    v, weight = shapes.network.formats.v_bits, shapes.network.weight_bits
    strength, score = shapes.network.formats.strength_bits, shapes.score_bits

    def add(name: str, unit: str, bits: float) -> Operation:
        return Operation(count=f"{name}_additions", unit=unit, kind="add", bits=bits)

    def add_all(count: str, bits: float) -> Operation:
        return Operation(count=count, unit="pruning", kind="add", bits=bits)

    def compare(name: str, unit: str, bits: float) -> Operation:
        return Operation(count=f"{name}_comparisons", unit=unit, kind="compare", bits=bits)

    def draw(name: str, unit: str) -> Operation:
        return Operation(
            count=f"{name}_draws", unit=unit, kind="draw", bits=PRE_PER_DRAW * RANDOM_BITS
        )

    found = [
        add("integrate", "membrane", v),
        add("leak", "membrane", v),
        add("margin", "membrane", v),
        compare("winner", "membrane", v + 1),
        add("stdp", "stdp", weight),
        add("age", "stdp", STEP_BITS),
        add("strength", "stdp", strength),
        compare("recent", "stdp", STEP_BITS),
        draw("learning", "stdp"),
        add("theta", "homeostasis", THETA_BITS),
        add("post_count", "homeostasis", POST_COUNT_BITS),
        add("base", "homeostasis", THETA_BITS),
        add("multiply", "homeostasis", _FACTOR_BITS),
        compare("theta", "homeostasis", THETA_BITS),
        compare("post_count", "homeostasis", POST_COUNT_BITS),
        compare("threshold", "homeostasis", V_FIRE_BITS),
        compare("pruning", "pruning", weight),
        add("vote", "readout", score),
        add("lead", "readout", score),
        compare("election", "readout", score),
        add("stream_key", "encoder", PRESENTATION_BITS),
        compare("encoder", "encoder", LEVEL_BITS),
        draw("encoder", "encoder"),
        draw("discarded", "encoder"),
    ]
    if shapes.feedforward:
        found += [add("bias", "membrane", v), compare("clip", "membrane", v - V_SIGNED_BITS + 1)]
    if shapes.hardware.multiplier == "dsp":
        # A block does in one step what the other does in `strength` additions.
        found.append(
            Operation(
                count="multiplications",
                unit="homeostasis",
                kind="add",
                bits=strength * _FACTOR_BITS,
            )
        )
    if shapes.low_discrepancy:
        found.append(add("offset", "encoder", LEVEL_BITS))
    if shapes.refractory:
        step = (shapes.network.encoder.steps - 1).bit_length()
        found += [add("refractory", "encoder", step), compare("refractory", "encoder", step)]
    policy = shapes.network.pruning
    # The widest of the four; with pruning by lift nearly all are the limit of a threshold.
    limit = LIFT_FACTOR_BITS + RATE_BITS - (28 - weight)
    widest = limit if isinstance(policy, LiftPruning) else PRESENTATION_BITS
    found.append(compare("pruning_threshold", "pruning", widest))
    if isinstance(policy, AdaptivePruning):
        # Two products for each learned spike: half the count is the one, half the other.
        factors = ((policy.ramp_gain, POST_COUNT_BITS), (policy.strength_gain, strength))
        bits = sum(gain.bit_count() * (width + gain.bit_length()) for gain, width in factors) / 2
        found.append(add_all("constant_products", bits))
    if isinstance(policy, LiftPruning):
        rates = (shapes.network.inputs * max_of(RATE_BITS)).bit_length()
        spikes = shapes.network.stdp.depression_shift + 2
        more = POST_COUNT_BITS + LIFT_UNIT_BITS
        found += [
            add("input_rate", "pruning", RATE_BITS),
            add("rate_sum", "pruning", rates),
            add("lift_factor", "pruning", max(more, rates + LIFT_FACTOR_BITS - 10)),
            add_all(
                "constant_products", policy.share.bit_count() * (spikes + policy.share.bit_length())
            ),
            add_all("lift_products", LIFT_FACTOR_BITS * RATE_BITS),
        ]
    return tuple(found)
