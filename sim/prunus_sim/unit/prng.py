"""Bench of the random streams: draws and reseeding, equal to the model's."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.xorshift import Stream
from prunus_rtl.encoder.prng import RandomStream
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import drive, sample, seeds

CASES = {"stream": None}
STREAMS = 12


def component(_case: str) -> RandomStream:
    """Return the component under test."""
    return RandomStream()


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def draws_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Seed anew at any time, also with 0; take draws with and without pauses."""
    rng = np.random.default_rng(seed)
    drive(dut, load=0, seed=0, advance=0)
    await start(dut)
    for number in range(STREAMS):
        mixed = 0 if number == 3 else int(rng.integers(0, 1 << 32))
        drive(dut, load=1, seed=mixed, advance=int(rng.integers(0, 2)))
        await sample(dut)
        drive(dut, load=0, seed=int(rng.integers(0, 1 << 32)), advance=0)
        waited = 0
        while not (await sample(dut, "ready"))[0]:
            waited += 1
            assert waited < 9, "ready must rise 9 cycles after load"
        stream = Stream(seed=mixed, presentation=0, constant=0)
        for k in range(int(rng.integers(0, 60))):
            want = stream.draw()
            while rng.random() < 0.3:
                drive(dut, advance=0)
                await sample(dut)
            drive(dut, advance=1)
            (draw,) = await sample(dut, "draw")
            assert draw == want, f"draw {k} of stream {number}: {draw:#x}, not {want:#x}"
        drive(dut, advance=0)
