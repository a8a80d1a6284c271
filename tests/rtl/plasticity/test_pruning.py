# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil

from prunus_model.reference.pruning import pruning_threshold
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PruningParams,
)
from prunus_rtl.plasticity.pruning import Pruning
from prunus_sim.simulator.amaranth import simulate


def unit(
    policy: PruningParams,
    *,
    weight_bits: int = 8,
    inputs: int = 784,
    multiplier: Any = "dsp",
) -> Pruning:
    network = NetworkConfig(inputs=inputs, neurons=1, weight_bits=weight_bits)
    return Pruning(
        policy=policy,
        weight_bits=weight_bits,
        strength_bits=network.formats.strength_bits,
        multiplier=multiplier,
    )


@pytest.mark.parametrize("multiplier", ["sequential", "dsp"])
@pytest.mark.parametrize("weight_bits", [1, 4, 8])
@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(NoPruning(), id="none"),
        pytest.param(ConstantPruning(w_prune=1, start=3), id="constant from presentation 3"),
        pytest.param(AdaptivePruning(), id="adaptive"),
        pytest.param(AdaptivePruning(start=5), id="adaptive from presentation 5"),
        pytest.param(AdaptivePruning(ramp_gain=0), id="no ramp"),
        pytest.param(AdaptivePruning(strength_gain=0), id="no cap"),
        pytest.param(
            AdaptivePruning(ramp_gain=65535, ramp_shift=32, strength_gain=65535), id="all bits"
        ),
        pytest.param(AdaptivePruning(ramp_gain=3, ramp_shift=0, strength_gain=400), id="steep"),
        pytest.param(AdaptivePruning(ramp_gain=65535, strength_gain=65535), id="always w_max"),
    ],
)
def test_threshold_matches_model(policy: PruningParams, weight_bits: int, multiplier: str) -> None:
    dut = unit(policy, weight_bits=weight_bits, multiplier=multiplier)
    w_max = (1 << weight_bits) - 1
    strength_max = 784 * w_max
    rng = np.random.default_rng(weight_bits)
    edges = [0, 1, 7, 8, 9, 255, 2039, 2040, 2048, 65535]
    cases = [
        (count, strength, presentation)
        for count in edges
        for strength in {0, 1, 198, 199, min(50640, strength_max), strength_max}
        for presentation in (0, 2, 3, 4, 5, (1 << 32) - 1)
    ]
    some = rng.choice(len(cases), 150, replace=False).tolist()

    async def bench(ctx: Any) -> None:
        for count, strength, presentation in (cases[k] for k in some):
            ctx.set(dut.post_count, count)
            ctx.set(dut.strength, strength)
            ctx.set(dut.presentation, presentation)
            await ctx.tick()
            want = pruning_threshold(count, strength, presentation, w_max, policy)
            assert ctx.get(dut.w_prune) == want, (count, strength, presentation)

    simulate_clocked(dut, bench, policy)


def simulate_clocked(dut: Pruning, bench: Any, policy: PruningParams) -> None:
    if isinstance(policy, NoPruning):

        async def no_clock(ctx: Any) -> None:
            assert ctx.get(dut.w_prune) == 0
            for weight in range(1 << len(dut.weight)):
                ctx.set(dut.weight, weight)
                assert ctx.get(dut.prune) == 0

        simulate(dut, no_clock)
    else:
        simulate(dut, bench)


@pytest.mark.parametrize("weight_bits", [1, 2, 3])
def test_prunes_below_the_threshold_and_not_at_it(weight_bits: int) -> None:
    """Every threshold with every weight: the ramp gives the threshold, the cap is out of reach."""
    policy = AdaptivePruning(ramp_shift=0, strength_gain=65535)
    dut = unit(policy, weight_bits=weight_bits, inputs=100)

    async def bench(ctx: Any) -> None:
        for w_prune in range(1 << weight_bits):
            ctx.set(dut.post_count, w_prune)
            ctx.set(dut.strength, 100)
            await ctx.tick()
            assert ctx.get(dut.w_prune) == w_prune
            for weight in range(1 << weight_bits):
                ctx.set(dut.weight, weight)
                assert ctx.get(dut.prune) == (weight < w_prune)

    simulate(dut, bench)


def test_no_pruning_is_no_hardware() -> None:
    text = rtlil.convert(unit(NoPruning()), emit_src=False)
    assert "cell " not in text


@pytest.mark.parametrize("gain", [1, 330, 400, 65535])
def test_no_multiplier_unless_asked_for(gain: int) -> None:
    policy = AdaptivePruning(strength_gain=gain, ramp_gain=3)
    assert "cell $mul" not in rtlil.convert(unit(policy, multiplier="sequential"), emit_src=False)
    assert "cell $mul" in rtlil.convert(unit(policy, multiplier="dsp"), emit_src=False)
