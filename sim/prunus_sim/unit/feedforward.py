"""Bench of the membranes of a feed-forward layer: steps, output spikes, and the memory port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import cocotb
import numpy as np

from prunus_model.reference import feedforward
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.formats import BIAS_BITS, V_FIRE_BITS, max_of
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.units import MembraneParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.neurons.feedforward import FeedforwardMembrane
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(
    neurons: int, lanes: int, reset: Literal["zero", "subtract"], leak_shift: int
) -> Shapes:
    network = replace(
        NetworkConfig(),
        neurons=neurons,
        membrane=MembraneParams(leak_shift=leak_shift),
        pruning=NoPruning(),
        feedforward=FeedforwardParams(reset=reset),
    )
    return Shapes(network=network, hardware=HardwareConfig(lanes=lanes, learn=False))


CASES = {
    "eight lanes, not full": _shapes(27, 8, "zero", 6),
    "one lane, by subtraction, no leak": _shapes(5, 1, "subtract", 0),
    "one slot, whole leak": _shapes(4, 4, "subtract", 1),
}
STEPS = 24
TOP = max_of(V_FIRE_BITS)
BIAS_TOP = max_of(BIAS_BITS - 1)


def _params(case: Shapes) -> tuple[FeedforwardParams, int]:
    params = case.network.feedforward
    if params is None:
        raise TypeError("Every case must be a feed-forward layer")
    return params, case.network.membrane.leak_shift


def component(case: str) -> FeedforwardMembrane:
    """Return the component under test; potentials 0, thresholds that never fire."""
    s = CASES[case]
    params, leak_shift = _params(s)
    return FeedforwardMembrane(
        neurons=s.network.neurons,
        lanes=s.hardware.lanes,
        v_bits=s.v.width,
        weight_bits=s.weight.width,
        leak_shift=leak_shift,
        reset=params.reset,
    )


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def potentials_and_output_spikes_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Take steps of random synapses: ties, near misses, potentials and biases at their ends."""
    shapes = case_of(CASES)
    params, leak_shift = _params(shapes)
    neurons, lanes = shapes.network.neurons, shapes.hardware.lanes
    rng, sink_rng, *rngs = np.random.default_rng(seed).spawn(2 + lanes)
    sources = [
        StreamSource(dut, f"synapses__{k}", shape=shapes.synapse, rng=r, pause=0.3 * (k % 2))
        for k, r in enumerate(rngs)
    ]
    sink = StreamSink(dut, "spikes", shape=shapes.neuron, rng=sink_rng, pause=0.4)
    sink.paused = True
    ports = {name: Access(dut, f"{name}_access") for name in ("v", "v_fire", "bias")}
    bits = {"v": shapes.v.width, "v_fire": V_FIRE_BITS, "bias": BIAS_BITS}
    words = {name: np.zeros(neurons, dtype=np.int64) for name in ports}
    drive(dut, compare=0, clear=0)
    await start(dut)

    async def sweep(name: str) -> int:
        """Return whether neurons fire."""
        drive(dut, **{name: 1})
        await sample(dut)
        drive(dut, **{name: 0})
        for _ in range(200):
            done, fires = await sample(dut, "done", "fires")
            if done:
                return fires
        raise AssertionError(f"{name} must come to an end")

    async def write(name: str, post: int, value: int) -> None:
        words[name][post] = value
        await ports[name].write(post, value & max_of(bits[name]))

    async def take(posts: list[int], what: str) -> None:
        """Take all output spikes, with pauses."""
        sink.paused = False
        given: list[int] = []
        waited = 0
        names = ("fires", "last_spike", "spikes__valid", "spikes__ready", "spikes__payload")
        while True:
            fires, last, valid, ready, post = await sample(dut, *names)
            assert fires == (len(given) < len(posts)), f"fires after {len(given)} of {what}"
            if not fires:
                break
            if valid:
                assert last == (len(given) == len(posts) - 1), f"last_spike of {what}"
            if valid and ready:
                given.append(post)
                waited = 0
            waited += 1
            assert waited < 100, f"{what} must come to an end"
        assert given == posts, what
        sink.paused = True

    await sweep("clear")
    for post in range(neurons):
        await write("v_fire", post, int(rng.integers(1, 3000)))
        await write("bias", post, int(rng.integers(-200, 201)))
    for step in range(STEPS):
        u = words["v"]
        for _ in range(int(rng.integers(0, 8))):
            post, weight = int(rng.integers(0, neurons)), int(rng.integers(-128, 128))
            lane, slot = shapes.hardware.place(post)
            # The same slot again and again, without a pause.
            for _ in range(int(rng.choice([1, 1, 5]))):
                sources[lane].put({"slot": slot, "weight": weight & 255})
                u[post] += weight
        for source in sources:
            await source.drained()
        while (await sample(dut, "busy"))[0]:
            pass
        # Some thresholds at the potential, one above or below.
        for post in rng.integers(0, neurons, 3).tolist():
            reached = int(u[post] + words["bias"][post]) + int(rng.integers(-1, 2))
            await write("v_fire", post, min(TOP, max(1, reached)))
        fires, v = feedforward.fire(u + words["bias"], words["v_fire"], params.reset)
        words["v"] = feedforward.settle(v, leak_shift)
        assert await sweep("compare") == fires.any(), f"fires in step {step}"
        if step % 6 == 5:
            # What is left is forgotten.
            sink.withdrawal_allowed = True
            assert not await sweep("clear"), f"fires after it is cleared in step {step}"
            sink.withdrawal_allowed = False
            words["v"][:] = 0
        else:
            await take(np.flatnonzero(fires).tolist(), f"output spikes of step {step}")
        if step % 4 == 0:
            for name, port in ports.items():
                for post in range(neurons):
                    want = int(words[name][post]) & max_of(bits[name])
                    assert await port.read(post) == want, f"{name}[{post}] after step {step}"
        # Ends of the ranges: sums that saturate, at both of them.
        post = int(rng.integers(0, neurons))
        if step % 3 == 0:
            up = bool(rng.integers(0, 2))
            await write("v", post, TOP if up else -TOP - 1)
            await write("bias", post, BIAS_TOP if up else -BIAS_TOP - 1)
            await write("v_fire", post, 1 if up else TOP)
        elif step % 3 == 2:
            await write("v_fire", post, int(rng.integers(1, 3000)))
            await write("bias", post, int(rng.integers(-200, 201)))
