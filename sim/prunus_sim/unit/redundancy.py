"""Bench of co-activity: every word and what is redundant, sweep after sweep, as in the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.redundancy import redundant_inputs, update_coactivity
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import COACTIVITY_BITS
from prunus_model.spec.pruning import NoPruning, RedundancyParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.plasticity.redundancy import Redundancy
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(inputs: int, shift: int, image_width: int) -> Shapes:
    redundancy = RedundancyParams(shift=shift, image_width=image_width)
    network = replace(NetworkConfig(), inputs=inputs, pruning=NoPruning(), redundancy=redundancy)
    return Shapes(network=network, hardware=HardwareConfig(lanes=1))


CASES = {
    "full size": _shapes(784, 8, 28),
    "fast, odd rows": _shapes(49, 1, 7),
    "slow, one row": _shapes(5, 15, 65536),
}


def component(case: str) -> Redundancy:
    """Return the component under test."""
    network = CASES[case].network
    if network.redundancy is None:
        raise ValueError(f"Case {case!r} must have redundancy")
    return Redundancy(inputs=network.inputs, params=network.redundancy)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def coactivity_is_that_of_the_model(dut: Any, seed: int) -> None:
    """Sweeps with pauses between them; words are set and read back through the memory port."""
    network = case_of(CASES).network
    inputs, params = network.inputs, network.redundancy
    assert params is not None
    rng = np.random.default_rng(seed)
    access = Access(dut, "access")
    drive(dut, read=0, pre=0, recent=0)
    await start(dut)
    want = rng.integers(0, 1 << COACTIVITY_BITS, inputs)
    want[: inputs // 3] = 0
    want[inputs // 3 : inputs // 2] = (1 << COACTIVITY_BITS) - 1
    for pre, word in enumerate(want.tolist()):
        await access.write(pre, word)
    for sweep in range(6):
        recent = rng.random(inputs) < rng.random()
        goes = redundant_inputs(want, 0, params)
        for cycle in range(inputs + 1):
            before = max(0, cycle - 1)
            drive(dut, read=cycle < inputs, pre=min(cycle, inputs - 1), recent=recent[before])
            (found,) = await sample(dut, "redundant")
            if cycle:
                expected = int(goes[before])
                assert found == expected, f"{sweep=} input {before}: {found}, not {expected}"
        drive(dut, read=0)
        want = update_coactivity(want, recent, params.shift)
        for _ in range(int(rng.integers(0, 3))):
            drive(dut, recent=int(rng.integers(2)))
            await sample(dut)
    for pre, word in enumerate(want.tolist()):
        got = await access.read(pre)
        assert got == word, f"coactivity[{pre}] is {got}, not {word}"
