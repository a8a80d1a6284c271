"""Bench of the pruning unit: thresholds and decisions, equal to the model's, at the edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.pruning import pruning_threshold
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import POST_COUNT_BITS, PRESENTATION_BITS, max_of
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.plasticity.pruning import Pruning
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import case_of, drive, sample, seeds


def _shapes(
    policy: Any, *, weight_bits: int = 8, multiplier: Any = "sequential", each: Any = 1
) -> Shapes:
    network = replace(NetworkConfig(), pruning=policy, weight_bits=weight_bits)
    hardware = HardwareConfig(multiplier=multiplier, sweep_inputs=each)
    return Shapes(network=network, hardware=hardware)


CASES = {
    "adaptive": _shapes(AdaptivePruning()),
    "adaptive, late": _shapes(AdaptivePruning(start=1000, ramp_shift=0), multiplier="dsp"),
    "adaptive, largest": _shapes(
        AdaptivePruning(ramp_gain=65535, ramp_shift=32, strength_gain=65535), weight_bits=4
    ),
    "constant": _shapes(ConstantPruning(w_prune=20, start=5)),
    "four weights at once": _shapes(AdaptivePruning(), weight_bits=7, each=4),
}
TRIALS = 1500


def component(case: str) -> Pruning:
    """Return the component under test."""
    s = CASES[case]
    return Pruning(
        policy=s.network.pruning,
        weight_bits=s.weight.width,
        strength_bits=s.strength.width,
        multiplier=s.hardware.multiplier,
        each=s.hardware.sweep_inputs,
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def thresholds_and_decisions_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Random operands, half of them small; weights next to the threshold."""
    shapes = case_of(CASES)
    network, each = shapes.network, shapes.hardware.sweep_inputs
    policy, f = network.pruning, network.formats
    rng = np.random.default_rng(seed)
    await start(dut)
    for trial in range(TRIALS):
        count = int(rng.integers(0, 1 << int(rng.integers(1, POST_COUNT_BITS + 1))))
        strength = int(rng.integers(0, 1 << int(rng.integers(1, f.strength_bits + 1))))
        around = getattr(policy, "start", 0) + int(rng.integers(-2, 3))
        far = int(rng.integers(0, 1 << PRESENTATION_BITS))
        presentation = max(0, around) if rng.random() < 0.7 else far
        presentation = min(presentation, max_of(PRESENTATION_BITS))
        drive(dut, post_count=count, strength=strength, presentation=presentation)
        await sample(dut)
        want = pruning_threshold(count, strength, presentation, f.w_max, policy)
        weights = np.clip(want + rng.integers(-1, 2, each), 0, f.w_max).tolist()
        drive(dut, weight=sum(weight << f.weight_bits * k for k, weight in enumerate(weights)))
        threshold, prune = await sample(dut, "w_prune", "prune")
        what = f"trial {trial}: {count=} {strength=} {presentation=} {weights=}"
        pruned = sum((weight < want) << k for k, weight in enumerate(weights))
        assert prune == pruned, f"{what}: prune is {prune}, threshold {want}"
        assert threshold == want, f"{what}: w_prune is {threshold}, not {want}"
