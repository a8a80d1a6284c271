"""Bench of the refractory inputs: which spikes are dropped, equal to the model's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.refractory import kept
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.state import NO_STEP
from prunus_rtl.encoder.refractory import Refractory, heard_layout
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.helpers import case_of, drive, sample, seeds


def _shapes(inputs: int, steps: int, refractory_steps: int) -> Shapes:
    encoder = EncoderParams(steps=steps, refractory_steps=refractory_steps)
    network = replace(NetworkConfig(), inputs=inputs, encoder=encoder)
    return Shapes(network=network, hardware=HardwareConfig(lanes=1))


CASES = {
    "full size": _shapes(784, 8, 5),
    "odd size": _shapes(49, 20, 1),
    "one input": _shapes(1, 255, 254),
}
PRESENTATIONS = 3


def component(case: str) -> Refractory:
    """Return the component under test."""
    network = CASES[case].network
    return Refractory(
        inputs=network.inputs,
        steps=network.encoder.steps,
        refractory_steps=network.encoder.refractory_steps,
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def dropped_spikes_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Hold some presentations, step by step, and flush what is left after an early exit."""
    shapes = case_of(CASES)
    inputs, params = shapes.network.inputs, shapes.network.encoder
    rng, rng_i, rng_o = np.random.default_rng(seed).spawn(3)
    source = StreamSource(
        dut, "i", shape=shapes.event, rng=rng_i, pause=float(rng.choice([0, 0.3]))
    )
    sink = StreamSink(
        dut, "o", shape=heard_layout(inputs=inputs), rng=rng_o, pause=float(rng.choice([0, 0.2]))
    )
    drive(dut, clear=0, stop=0, hold=0, step=0, flush=0)
    await start(dut)
    for presentation in range(PRESENTATIONS):
        held = bool(rng.random() < 0.5)
        exits = int(rng.integers(1, params.steps + 1)) if held else params.steps
        spikes = rng.random((params.steps, inputs)) < rng.random((params.steps, 1))
        orders = [rng.permutation(np.flatnonzero(row)).tolist() for row in spikes]
        for order in orders:
            for pre in order:
                source.put({"pre": pre, "end": 0})
            source.put({"pre": 0, "end": 1})
        drive(dut, clear=1, hold=held, step=0, flush=0)
        await sample(dut)
        drive(dut, clear=0)
        while (await sample(dut, "busy"))[0]:
            pass
        last = np.full(inputs, NO_STEP, dtype=np.int16)
        for step, order in enumerate(orders):
            where = f"{presentation=} {step=}"
            await sample(dut)
            drive(dut, step=step, flush=step >= exits)
            heard = kept(spikes[step], last, step, params)
            last[heard] = step
            for pre in order:
                if step >= exits:
                    await sink.receive()
                    continue
                want = {
                    "event": {"pre": pre, "end": 0},
                    "dropped": int(not heard[pre]),
                    "last_step": int(last[pre]),
                }
                await sink.expect(want, where)
            end = await sink.receive()
            assert end.event.end == 1, where
        await sample(dut)
        sink.check_silent()
        drive(dut, stop=1)
        await sample(dut)
        drive(dut, stop=0)
