"""Bench of pruning by lift: factor, thresholds, decisions and rates, sweep after sweep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.lift import lift_thresholds, updated_rates
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import RATE_BITS, max_of
from prunus_model.spec.pruning import LiftPruning
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.plasticity.lift import Lift
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(
    inputs: int,
    policy: LiftPruning,
    *,
    weight_bits: int = 8,
    multiplier: Any = "sequential",
    each: Any = 1,
) -> Shapes:
    network = replace(NetworkConfig(), inputs=inputs, weight_bits=weight_bits, pruning=policy)
    hardware = HardwareConfig(lanes=1, multiplier=multiplier, sweep_inputs=each)
    return Shapes(network=network, hardware=hardware)


CASES = {
    "full size": _shapes(784, LiftPruning(length=120_000)),
    "multiplier block": _shapes(144, LiftPruning(length=17, share=255), multiplier="dsp"),
    "four inputs per cycle": _shapes(145, LiftPruning(length=60), each=4),
    "4-bit weights": _shapes(144, LiftPruning(length=1), weight_bits=4),
    "1-bit weights": _shapes(5, LiftPruning(length=2**32 - 1, share=255), weight_bits=1),
}


def component(case: str) -> Lift:
    """Return the component under test."""
    s = CASES[case]
    policy = s.network.pruning
    if not isinstance(policy, LiftPruning):
        raise TypeError(f"Case {case!r} must prune by lift")
    return Lift(
        inputs=s.network.inputs,
        each=s.hardware.sweep_inputs,
        policy=policy,
        depression_shift=s.network.stdp.depression_shift,
        weight_bits=s.weight.width,
        strength_bits=s.strength.width,
        multiplier=s.hardware.multiplier,
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def rates_and_decisions_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Show views with and without spikes; words are set and read back through the memory port."""
    s = case_of(CASES)
    network, f = s.network, s.network.formats
    inputs, policy = network.inputs, network.pruning
    words, each, bits = s.sweep_words, s.hardware.sweep_inputs, network.weight_bits
    assert isinstance(policy, LiftPruning)
    rng = np.random.default_rng(seed)
    access = Access(dut, "access")
    idle = {"begin": 0, "spike": 0, "read": 0}
    drive(dut, **idle, recent=0, weight=0, post_count=0, strength=0, presentation=0)
    await start(dut)
    want = rng.integers(0, 1 << RATE_BITS, inputs)
    want[: inputs // 3] >>= 8
    want[: inputs // 5] = rng.choice([0, max_of(RATE_BITS)], inputs // 5)

    async def visit(recent: Any, weights: Any) -> list[int]:
        """Visit all inputs; return whether each is pruned."""
        pruned: list[int] = []
        for cycle in range(words + 3):
            now = each * min(max(0, cycle - 2), words - 1)
            then = each * max(0, cycle - 3)
            few = weights[then : then + each].tolist()
            active = sum(int(bit) << k for k, bit in enumerate(recent[now : now + each]))
            word = sum(weight << bits * k for k, weight in enumerate(few))
            drive(dut, read=cycle < words, recent=active, weight=word)
            (prune,) = await sample(dut, "prune")
            if cycle >= 3:
                pruned += [prune >> k & 1 for k in range(len(few))]
        drive(dut, **idle)
        return pruned

    for pre, word in enumerate(want.tolist()):
        await access.write(pre, word)
    for view in range(4):
        drive(dut, begin=1)
        await sample(dut)
        drive(dut, begin=0)
        await visit(rng.integers(0, 2, inputs), rng.integers(0, f.w_max + 1, inputs))
        for spike in range(view):
            learned = 2 << network.stdp.depression_shift
            count, strength = int(rng.integers(1, 2 * learned)), int(rng.integers(inputs * f.w_max))
            presentation = int(rng.integers(0, (policy.units << policy.unit_shift) + 2))
            bounds = lift_thresholds(want, count, strength, presentation, policy, network)
            operands = {"post_count": count, "strength": strength, "presentation": presentation}
            drive(dut, **operands, spike=1)
            await sample(dut)
            drive(dut, spike=0)
            for cycle in range(1, s.factor_cycles + 1):
                (ready,) = await sample(dut, "ready")
                assert ready == (cycle == s.factor_cycles), f"ready is {ready} in cycle {cycle}"
            recent = rng.random(inputs) < rng.random()
            weights = np.clip(bounds + rng.integers(-1, 2, inputs), 0, f.w_max)
            expected = (weights < bounds).astype(int).tolist()
            found = await visit(recent, weights)
            assert found == expected, f"{view=} {spike=}: prunes {found}, not {expected}"
            want = updated_rates(want, recent)
    for pre, word in enumerate(want.tolist()):
        got = await access.read(pre)
        assert got == word, f"input_rate[{pre}] is {got}, not {word}"
