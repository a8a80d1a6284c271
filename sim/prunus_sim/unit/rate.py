"""Bench of the encoder: levels in, address events out, equal to the model's encoder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import cocotb
import numpy as np
from cocotb.triggers import ReadOnly, RisingEdge

from prunus_model.reference import encoder
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.helpers import case_of, drive, seeds


def _shapes(
    inputs: int,
    steps: int,
    spikes: Literal["random", "low-discrepancy"] = "random",
    encoder_inputs: Literal[4, 8, 16] = 4,
) -> Shapes:
    params = EncoderParams(steps=steps, spikes=spikes)
    network = replace(NetworkConfig(), inputs=inputs, encoder=params)
    hardware = HardwareConfig(lanes=1, encoder_inputs=encoder_inputs)
    return Shapes(network=network, hardware=hardware)


CASES = {
    "full size": _shapes(784, 6),
    "odd size": _shapes(49, 16),
    "one word": _shapes(3, 255),
    "one input, one step": _shapes(1, 1),
    "low discrepancy": _shapes(49, 16, "low-discrepancy"),
    "low discrepancy, one word": _shapes(3, 255, "low-discrepancy"),
    "8 per cycle": _shapes(49, 16, "random", 8),
    "8 per cycle, low discrepancy": _shapes(16, 16, "low-discrepancy", 8),
    "16 per cycle": _shapes(57, 16, "random", 16),
    "16 per cycle, low discrepancy": _shapes(23, 16, "low-discrepancy", 16),
}
IMAGES = 6


def component(case: str) -> Encoder:
    """Return the component under test."""
    shapes = CASES[case]
    network = shapes.network
    return Encoder(
        inputs=network.inputs,
        steps=network.encoder.steps,
        low_discrepancy=shapes.low_discrepancy,
        per_cycle=shapes.hardware.encoder_inputs,
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def events_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Images are loaded while others are shown, and some are left early."""
    shapes = case_of(CASES)
    network = shapes.network
    rng, rng_i, rng_o = np.random.default_rng(seed).spawn(3)
    # Dark, bright, random and mostly dark images.
    images = rng.integers(0, 256, (IMAGES, network.inputs), dtype=np.uint8)
    images[0] = 0
    images[1] = 255
    images[2:4] *= rng.random((2, network.inputs)) < 0.2
    images = images[rng.permutation(IMAGES)]
    levels = StreamSource(
        dut, "levels", shape=shapes.level, rng=rng_i, pause=float(rng.choice([0, 0.3]))
    )
    events = StreamSink(
        dut, "events", shape=shapes.event, rng=rng_o, pause=float(rng.choice([0, 0.2]))
    )
    drive(dut, start=0, stop=0, seed=0)
    await start(dut)
    for level in images.ravel().tolist():
        levels.put(level)
    for number, image in enumerate(images):
        # The seed 0 is replaced by another.
        mixed = 0 if number == 1 else int(rng.integers(0, 1 << 32))
        while not int(dut.loaded.value):
            await RisingEdge(dut.clk)
        drive(dut, start=1, seed=mixed)
        await RisingEdge(dut.clk)
        drive(dut, start=0, seed=int(rng.integers(0, 1 << 32)))
        stream = Stream(seed=mixed, presentation=0, constant=0)
        steps = network.encoder.steps
        shown = steps if rng.random() < 0.6 else int(rng.integers(0, steps))
        for step in range(shown):
            random = encoder.draw(stream, step, network.inputs, network.encoder)
            spikes = encoder.spikes(random, image)
            for pre in np.flatnonzero(spikes).tolist():
                await events.expect({"pre": pre, "end": 0}, f"image {number}, step {step}")
            await events.expect({"pre": 0, "end": 1}, f"image {number}, step {step}")
        if shown == steps:
            events.check_silent()
        else:
            for _ in range(int(rng.integers(0, 20))):
                await RisingEdge(dut.clk)
        # What is offered while `stop` is high is withdrawn.
        events.paused, events.withdrawal_allowed = True, True
        await RisingEdge(dut.clk)
        drive(dut, stop=1)
        await RisingEdge(dut.clk)
        drive(dut, stop=0)
        await ReadOnly()
        events.forget()
        assert int(dut.events__valid.value) == 0, "an event is offered after stop"
        await RisingEdge(dut.clk)
        events.paused, events.withdrawal_allowed = False, False
