"""Properties of the firing threshold: it equals its formula."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from prunus_model.spec.formats import THETA_BITS, V_FIRE_BITS, max_of
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.neurons.threshold import FireThreshold
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, small

__all__ = ["CASES", "ThresholdProperties", "formula"]


def formula(m: Module, shapes: Shapes, product: Any, strength: Any) -> Any:
    """Return the firing threshold of semantics 4.1."""
    v_fire = Signal(V_FIRE_BITS + 1, name="formula")
    scaled = product >> shapes.network.homeostasis.fire_shift
    most = max_of(V_FIRE_BITS)
    m.d.comb += v_fire.eq(Mux((strength == 0) | (scaled > most), most, scaled))
    return v_fire


class ThresholdProperties(Properties):
    """The multiplier computes the formula for all operands, and is done when it says.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        base = range(shapes.network.homeostasis.v_th + max_of(THETA_BITS) + 1)
        probes: dict[str, tuple[str, Any]] = {"base": ("unit.base", base)}
        bits = len(Signal(base)) + shapes.strength.width
        probes |= {"product": ("unit.product", bits), "silent": ("unit.silent", 1)}
        if shapes.hardware.multiplier == "sequential":
            probes["count"] = ("unit.count", range(shapes.strength.width + 1))
        else:
            probes["multiplying"] = ("unit.started", 1)
        super().__init__(
            free={"start": 1, "theta": shapes.theta, "strength": shapes.strength}, probes=probes
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        m.submodules.unit = unit = FireThreshold(
            params=s.network.homeostasis,
            strength_bits=s.strength.width,
            multiplier=s.hardware.multiplier,
        )
        v_th, bits = s.network.homeostasis.v_th, s.strength.width
        theta, strength = Signal(s.theta), Signal(s.strength)
        running, known = Signal(), Signal()
        cycles = Signal(range(unit.cycles + 1))
        with m.If(self.start):
            m.d.sync += [theta.eq(self.theta), strength.eq(self.strength), cycles.eq(1)]
            m.d.sync += [running.eq(1), known.eq(0)]
        with m.Elif(running):
            m.d.sync += cycles.eq(cycles + 1)
            with m.If(unit.done):
                m.d.sync += [running.eq(0), known.eq(1), cycles.eq(0)]
        over = unit.done & running
        # At full width a solver takes days for two multipliers of different make; so the product is
        # a long multiplication, one bit per cycle but without any shift of the sum, and only small
        # factors are multiplied by ``*``.
        total = Signal(len(self.product))
        sequential = s.hardware.multiplier == "sequential"
        done_bits = Signal(range(bits + 1))
        if sequential:
            m.d.comb += done_bits.eq(Mux(running, cycles - 1, bits))
        with m.If(self.start):
            m.d.sync += total.eq(0)
        with m.Elif(running & (done_bits < bits)):
            term = Mux((strength >> done_bits)[0], (theta + v_th) << done_bits, 0)
            m.d.sync += total.eq(total + term)
        if bits <= 4:
            m.d.comb += Assert(
                implies(known & sequential, total == (theta + v_th) * strength),
                "a long multiplication multiplies",
            )
        product = total if sequential else self.base * strength
        expected = formula(m, s, product, strength)
        m.d.comb += [
            unit.start.eq(self.start),
            unit.theta.eq(self.theta),
            unit.strength.eq(self.strength),
            Assume(implies(self.start, ~running)),
            Assert(
                unit.done == (running & (cycles == unit.cycles)), f"done after {unit.cycles} cycles"
            ),
            Assert(running == (cycles != 0), "cycles are counted"),
            Assert(~(running & known), "it runs, or the result is known"),
            Assert(implies(over | known, unit.v_fire == expected), "v_fire equals its formula"),
            Cover(over & (unit.v_fire != 0) & (unit.v_fire < max_of(V_FIRE_BITS)), "in range"),
            Cover(over & (unit.v_fire == max_of(V_FIRE_BITS)) & (strength != 0), "clipped"),
            Cover(over & (strength == 0), "no strength"),
        ]
        # Invariants: what has been multiplied so far.
        dsp = s.hardware.multiplier == "dsp"
        multiplied = (running & (cycles == 2)) | known
        m.d.comb += [
            Assert(implies(running | known, self.base == theta + v_th), "operands are kept"),
            Assert(
                implies(multiplied if dsp else running | known, self.silent == (strength == 0)),
                "no strength is remembered",
            ),
            Assert(cycles <= unit.cycles, "it ends"),
        ]
        if dsp:
            m.d.comb += [
                Assert(self.multiplying == (running & (cycles == 1)), "one cycle to multiply"),
                Assert(implies(multiplied, self.product == self.base * strength), "the product"),
            ]
            return m
        # The product holds the sum of the bits done, above what is left of the strength.
        missing = Signal(range(bits + 1))
        state = (total << missing) | (strength >> done_bits)
        m.d.comb += missing.eq(bits - done_bits)
        m.d.comb += Assert(implies(running | known, self.product == state), "the sum so far")
        m.d.comb += Assert(
            implies(running, self.count == bits + 1 - cycles) & implies(~running, self.count == 0),
            "bits are counted",
        )
        return m


def _case(
    inputs: int,
    multiplier: str,
    sizes: str,
    *,
    params: HomeostasisParams | None = None,
    weight_bits: int = 8,
    minutes: int = 0,
) -> Case:
    def build() -> ThresholdProperties:
        shapes = small(
            inputs=inputs,
            weight_bits=weight_bits,
            network={"homeostasis": params or HomeostasisParams()},
            hardware={"multiplier": multiplier},
        )
        return ThresholdProperties(shapes=shapes)

    sequential = multiplier == "sequential"
    return Case(
        name=f"v_fire = formula ({multiplier})",
        sizes=sizes,
        build=build,
        bmc=5,
        induction=2 if sequential and weight_bits > 4 else 6,
        cover=24 if sequential else 6,
        deep=21 if sequential else 6,
        minutes=minutes,
    )


CASES = (
    _case(784, "sequential", "24-bit theta, 18-bit strength"),
    _case(
        784,
        "sequential",
        "24-bit theta, 18-bit strength, shift 0",
        params=HomeostasisParams(v_th=1, fire_shift=0),
        minutes=10,
    ),
    _case(
        1,
        "sequential",
        "24-bit theta, 3-bit strength, shift 3",
        params=HomeostasisParams(v_th=1, fire_shift=3),
        weight_bits=3,
    ),
    _case(
        1,
        "dsp",
        "24-bit theta, 3-bit strength, shift 3",
        params=HomeostasisParams(v_th=1, fire_shift=3),
        weight_bits=3,
    ),
)
