"""Pruning by lift: the factor, the threshold of each input, and the rates, as in the model."""

# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil

from prunus_model.common.errors import ConfigError
from prunus_model.reference.lift import lift_factor, lift_thresholds, updated_rates
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import LiftPruning
from prunus_model.spec.units import StdpParams
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.plasticity.lift import Lift
from prunus_rtl.plasticity.lift_factor import LiftFactor
from prunus_rtl.widths import LIFT_FACTOR_STEPS
from prunus_sim.simulator.amaranth import simulate


def network(
    policy: LiftPruning, *, inputs: int, weight_bits: int, depression_shift: int
) -> NetworkConfig:
    return NetworkConfig(
        inputs=inputs,
        neurons=1,
        weight_bits=weight_bits,
        stdp=StdpParams(depression_shift=depression_shift),
        pruning=policy,
    )


@pytest.mark.parametrize(
    ("share", "length", "depression_shift", "weight_bits"),
    [
        (192, 1000, 7, 8),
        (176, 120_000, 7, 8),
        (192, 255, 7, 4),
        (255, 1, 0, 1),
        (1, 2**32 - 1, 8, 7),
        (171, 3, 8, 6),
        (255, 256, 5, 5),
        (0, 5, 2, 8),
    ],
)
def test_factor_matches_model(
    share: int, length: int, depression_shift: int, weight_bits: int
) -> None:
    policy = LiftPruning(share=share, length=length)
    config = network(policy, inputs=784, weight_bits=weight_bits, depression_shift=depression_shift)
    strength_max = config.formats.w_max * 784
    dut = LiftFactor(
        policy=policy,
        depression_shift=depression_shift,
        weight_bits=weight_bits,
        strength_bits=config.formats.strength_bits,
        sum_bits=(784 * 65535).bit_length(),
    )
    assert dut.cycles == LIFT_FACTOR_STEPS == 32
    rng = np.random.default_rng([weight_bits, share])
    seen = set()

    async def bench(ctx: Any) -> None:
        for trial in range(80):
            learned, shown = 1 << depression_shift + 1, policy.units << policy.unit_shift
            count = int(rng.choice([1, learned - 1 or 1, learned, learned + 1, 65535]))
            presentation = int(
                rng.choice([shown - 1, shown, 2**32 - 1, int(rng.integers(1 << 32))])
            )
            if trial % 3 == 0:
                # So often that it has just little enough left to learn, or one spike more.
                presentation = int(rng.integers(shown))
                elapsed = presentation >> policy.unit_shift
                count = (elapsed << depression_shift + 2) // (policy.units - elapsed)
                count = min(65535, count + int(rng.integers(2)))
            strength = int(rng.choice([0, 1, strength_max, int(rng.integers(strength_max))]))
            rate_sum = int(rng.choice([1, 784 * 65535, 784 * 4000, int(rng.integers(1, 1 << 24))]))
            want = lift_factor(count, strength, rate_sum, presentation, policy, config)
            if trial % 4 == 0 and want not in (0, 16383):
                # The sum with which the quotient is whole, and that beside it.
                level = lift_factor(count, 1 << 20, 1 << 20, presentation, policy, config)
                level >>= 20 - weight_bits
                whole = (strength * level << 20 - weight_bits) // want
                rate_sum = max(1, whole + int(rng.integers(0, 2)))
                want = lift_factor(count, strength, rate_sum, presentation, policy, config)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for name, value in (
                ("post_count", count),
                ("strength", strength),
                ("presentation", presentation),
                ("rate_sum", rate_sum),
            ):
                ctx.set(getattr(dut, name), value)
            for cycle in range(1, dut.cycles + 1):
                assert ctx.get(dut.done) == (cycle == dut.cycles)
                await ctx.tick()
            what = f"{trial=} {count=} {strength=} {rate_sum=} {presentation=}"
            assert ctx.get(dut.factor) == want, what
            assert ctx.get(dut.done) == 0
            seen.add(want)

    simulate(dut, bench)
    assert seen == {0} if share == 0 else {0, 16383} < seen


class Bed:
    """The unit, driven as the sweep drives it, beside the rates and thresholds of the model."""

    def __init__(self, ctx: Any, dut: Lift, config: NetworkConfig, rates: Any) -> None:
        self.ctx, self.dut, self.config, self.rates = ctx, dut, config, rates
        self.rng = np.random.default_rng(5)
        self.pruned = 0
        self.each = len(dut.recent)
        self.words = -(-config.inputs // self.each)

    async def visit(self, group: int, recent: Any, weights: Any, bounds: Any) -> None:
        """Visit all inputs, with pauses; compare what is decided where weights are given."""
        ctx, dut, each, bits = self.ctx, self.dut, self.each, self.config.weight_bits
        reads: list[int | None] = []
        for pre in range(self.words):
            while self.rng.random() < 0.1:
                reads.append(None)
            reads.append(pre)
        for cycle in range(len(reads) + 3):
            at = [reads[k] if 0 <= k < len(reads) else None for k in range(cycle, cycle - 4, -1)]
            ctx.set(dut.read, at[0] is not None)
            if at[2] is None:
                ctx.set(dut.recent, int(self.rng.integers(1 << each)))
            else:
                mine = recent[at[2] * each : (at[2] + 1) * each].tolist()
                ctx.set(dut.recent, sum(int(bit) << k for k, bit in enumerate(mine)))
            if at[3] is not None and weights is not None:
                part = slice(at[3] * each, (at[3] + 1) * each)
                few = weights[part].tolist()
                ctx.set(dut.weight, sum(int(weight) << bits * k for k, weight in enumerate(few)))
                want = (weights[part] < bounds[part]).tolist()
                got = [bool(ctx.get(dut.prune) >> k & 1) for k in range(len(few))]
                assert got == want, (group, at[3])
                self.pruned += sum(got)
            await ctx.tick()

    async def begin(self, group: int) -> None:
        self.ctx.set(self.dut.first, group * self.words)
        self.ctx.set(self.dut.begin, 1)
        await self.ctx.tick()
        self.ctx.set(self.dut.begin, 0)
        await self.visit(group, self.rng.integers(0, 2, self.config.inputs), None, None)

    async def spike(self, group: int, policy: LiftPruning, presentation: int) -> None:
        ctx, dut, config, rng = self.ctx, self.dut, self.config, self.rng
        mine = slice(group * config.inputs, (group + 1) * config.inputs)
        w_max = config.formats.w_max
        count = int(rng.integers(1, 60))
        strength = int(rng.integers(0, config.inputs * w_max + 1))
        bounds = lift_thresholds(self.rates[mine], count, strength, presentation, policy, config)
        for name, value in (
            ("post_count", count),
            ("strength", strength),
            ("presentation", presentation),
            ("spike", 1),
        ):
            ctx.set(getattr(dut, name), value)
        await ctx.tick()
        ctx.set(dut.spike, 0)
        for _ in range(dut.factor_cycles - 1):
            assert ctx.get(dut.ready) == 0
            await ctx.tick()
        assert ctx.get(dut.ready) == 1
        await ctx.tick()
        recent = rng.random(config.inputs) < rng.random()
        weights = np.clip(bounds + rng.integers(-1, 2, config.inputs), 0, w_max)
        await self.visit(group, recent, weights, bounds)
        self.rates[mine] = updated_rates(self.rates[mine], recent)

    async def access(self, place: int, word: int | None = None) -> int:
        ctx, port, inputs = self.ctx, self.dut.access, self.config.inputs
        ctx.set(port.address, place // inputs * self.words * self.each + place % inputs)
        ctx.set(port.write, word is not None)
        ctx.set(port.data, word or 0)
        ctx.set(port.strobe, 1)
        await ctx.tick()
        ctx.set(port.strobe, 0)
        assert ctx.get(port.done) == 1
        value = int(ctx.get(port.value))
        await ctx.tick()
        assert ctx.get(port.done) == 0
        return value


@pytest.mark.parametrize(("groups", "each"), [(1, 1), (3, 1), (1, 2), (3, 4), (3, 8), (1, 16)])
@pytest.mark.parametrize("multiplier", ["sequential", "dsp"])
@pytest.mark.parametrize("weight_bits", [1, 4, 8])
def test_sweep_after_sweep(weight_bits: int, multiplier: Any, groups: int, each: int) -> None:
    """Thresholds follow from before the sweep; the sum is right whatever was written before."""
    policy = LiftPruning(share=230, length=90)
    inputs = 22
    config = network(policy, inputs=inputs, weight_bits=weight_bits, depression_shift=3)
    rng = np.random.default_rng([weight_bits, groups])
    ends = [0, 1, 1023, 1024, 64511, 64512, 65534, 65535]
    rates = rng.choice([*ends, *rng.integers(0, 65536, 20).tolist()], inputs * groups)
    dut = Lift(
        inputs=inputs,
        groups=groups,
        each=each,
        policy=policy,
        depression_shift=3,
        weight_bits=weight_bits,
        strength_bits=config.formats.strength_bits,
        multiplier=multiplier,
        init=rates.tolist(),
    )
    seen = 0

    async def bench(ctx: Any) -> None:
        nonlocal seen
        bed = Bed(ctx, dut, config, rates)
        for presentation in range(0, 100, 9):
            for group in range(groups):
                await bed.begin(group)
                for _ in range(int(rng.integers(0, 8))):
                    await bed.spike(group, policy, presentation)
            place = int(rng.integers(inputs * groups))
            rates[place] = rng.choice(ends)
            await bed.access(place, int(rates[place]))
        assert [await bed.access(place) for place in range(len(rates))] == rates.tolist()
        seen = bed.pruned

    simulate(dut, bench, platform=Collisions())
    assert seen > 5


def test_no_multiplier_unless_asked_for() -> None:
    def text(multiplier: Any) -> str:
        policy = LiftPruning(length=16)
        sizes: dict[str, Any] = {
            "inputs": 9,
            "weight_bits": 8,
            "strength_bits": 12,
            "depression_shift": 7,
        }
        unit = Lift(policy=policy, multiplier=multiplier, **sizes)
        return str(rtlil.convert(unit, emit_src=False))

    assert "cell $mul" not in text("sequential")
    assert text("dsp").count("cell $mul") == 1


def test_length_must_be_known() -> None:
    config = network(LiftPruning(), inputs=4, weight_bits=8, depression_shift=7)
    dut = LiftFactor(
        policy=LiftPruning(), depression_shift=7, weight_bits=8, strength_bits=10, sum_bits=18
    )
    assert config.formats.strength_bits == 10
    with pytest.raises(ConfigError, match=r"pruning\.length must be set"):
        dut.elaborate(None)
