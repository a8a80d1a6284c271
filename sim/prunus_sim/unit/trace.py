"""Bench of the last steps: which inputs are recent, equal to the model's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.stdp import recent
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.state import NO_STEP
from prunus_model.spec.units import StdpParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.plasticity.trace import LastStep, last_step_layout
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(inputs: int, window: int, *, each: Any = 1) -> Shapes:
    network = replace(NetworkConfig(), inputs=inputs, stdp=StdpParams(trace_window=window))
    return Shapes(network=network, hardware=HardwareConfig(lanes=1, sweep_inputs=each))


CASES = {
    "full size": _shapes(784, 255),
    "short window": _shapes(49, 3),
    "no window": _shapes(5, 0),
    "four inputs per cycle": _shapes(49, 20, each=4),
}


def component(case: str) -> LastStep:
    """Return the component under test."""
    s = CASES[case]
    return LastStep(
        inputs=s.network.inputs, window=s.network.stdp.trace_window, each=s.hardware.sweep_inputs
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def recent_inputs_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Presentations of up to 255 steps; one read per cycle; the memory port sees the same."""
    shapes = case_of(CASES)
    inputs, layout = shapes.network.inputs, last_step_layout()
    words, each = shapes.sweep_words, shapes.hardware.sweep_inputs
    rng = np.random.default_rng(seed)
    access = Access(dut, "access")
    drive(dut, clear=0, spike=0, read=0, step=0)
    await start(dut)
    for presentation in range(3):
        drive(dut, clear=1)
        await sample(dut)
        drive(dut, clear=0)
        while (await sample(dut, "busy"))[0]:
            pass
        last = np.full(inputs, NO_STEP, dtype=np.int64)
        for step in np.unique(rng.integers(0, 255, 6)).tolist():
            drive(dut, step=step, spike_step=step)
            for pre in np.flatnonzero(rng.random(inputs) < rng.random() * 0.5).tolist():
                drive(dut, spike=1, pre=pre)
                await sample(dut)
                last[pre] = step
            drive(dut, spike=0)
            want = recent(last, step, shapes.network.stdp)
            for cycle in range(words + 2):
                drive(dut, read=cycle < words, read_pre=cycle if cycle < words else 0)
                (got,) = await sample(dut, "recent")
                if cycle >= 2:
                    first = (cycle - 2) * each
                    word = sum(int(bit) << k for k, bit in enumerate(want[first : first + each]))
                    assert got == word, f"{presentation=} {step=} inputs from {first} on"
            drive(dut, read=0)
        for pre in rng.integers(0, inputs, 20).tolist():
            word = layout.from_bits(await access.read(pre))
            got_step = int(word.step) if word.valid else NO_STEP
            assert got_step == last[pre], f"last step of input {pre} by the memory port"
