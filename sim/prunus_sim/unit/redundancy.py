"""Bench of the echoes: every word and what is redundant, sweep after sweep, as in the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.pruning import moved_echo, redundant
from prunus_model.spec.config import AdaptivePruning, NetworkConfig
from prunus_model.spec.formats import ECHO_BITS
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.plasticity.redundancy import Echoes
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(inputs: int, shift: int, row_length: int) -> Shapes:
    policy = AdaptivePruning(echo_shift=shift, row_length=row_length)
    network = replace(NetworkConfig(), inputs=inputs, pruning=policy)
    return Shapes(network=network, hardware=HardwareConfig(lanes=1))


CASES = {
    "full size": _shapes(784, 8, 28),
    "fast, odd rows": _shapes(49, 1, 7),
    "slow, one row": _shapes(5, 15, 65536),
}


def component(case: str) -> Echoes:
    """Return the component under test."""
    return Echoes(shapes=CASES[case])


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def activities_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Sweeps with pauses between them; words are set and read back through the memory port."""
    network = case_of(CASES).network
    inputs, shift = network.inputs, network.echo_shift
    rng = np.random.default_rng(seed)
    access = Access(dut, "access")
    drive(dut, read=0, pre=0, recent=0)
    await start(dut)
    want = rng.integers(0, 1 << ECHO_BITS, inputs)
    want[: inputs // 3] = 0
    want[inputs // 3 : inputs // 2] = (1 << ECHO_BITS) - 1
    for pre, word in enumerate(want.tolist()):
        await access.write(pre, word)
    for sweep in range(6):
        recent = rng.random(inputs) < rng.random()
        goes = redundant(want, 0, network.pruning)
        for cycle in range(inputs + 1):
            before = max(0, cycle - 1)
            drive(dut, read=cycle < inputs, pre=min(cycle, inputs - 1), recent=recent[before])
            (found,) = await sample(dut, "redundant")
            if cycle:
                expected = int(goes[before])
                assert found == expected, f"{sweep=} input {before}: {found}, not {expected}"
        drive(dut, read=0)
        want = moved_echo(want, recent, shift)
        for _ in range(int(rng.integers(0, 3))):
            drive(dut, recent=int(rng.integers(2)))
            await sample(dut)
    for pre, word in enumerate(want.tolist()):
        got = await access.read(pre)
        assert got == word, f"echo[{pre}] is {got}, not {word}"
