"""Bench of the membranes: integrate, compare, leak, winner, and the memory port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference import membrane
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.units import MembraneParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.neurons.array import Membrane
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import StreamSource, start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(neurons: int, lanes: int, leak_shift: int = 6) -> Shapes:
    network = replace(
        NetworkConfig(), neurons=neurons, membrane=MembraneParams(leak_shift=leak_shift)
    )
    return Shapes(network=network, hardware=HardwareConfig(lanes=lanes))


CASES = {
    "eight lanes, not full": _shapes(27, 8),
    "one lane, no leak": _shapes(5, 1, leak_shift=0),
    "one slot, whole leak": _shapes(4, 4, leak_shift=1),
}
STEPS = 30


def component(case: str) -> Membrane:
    """Return the component under test; potentials 0, thresholds that never fire."""
    s = CASES[case]
    return Membrane(
        neurons=s.network.neurons,
        lanes=s.hardware.lanes,
        v_bits=s.v.width,
        weight_bits=s.weight.width,
        leak_shift=s.network.membrane.leak_shift,
    )


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def potentials_and_winners_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Take steps of random synapses, with thresholds next to the potentials: ties, near misses."""
    shapes = case_of(CASES)
    neurons, lanes = shapes.network.neurons, shapes.hardware.lanes
    leak_shift = shapes.network.membrane.leak_shift
    rng, *rngs = np.random.default_rng(seed).spawn(1 + lanes)
    sources = [
        StreamSource(dut, f"synapses__{k}", shape=shapes.synapse, rng=r, pause=0.3 * (k % 2))
        for k, r in enumerate(rngs)
    ]
    v_port, v_fire_port = Access(dut, "v_access"), Access(dut, "v_fire_access")
    drive(dut, compare=0, clear=0, forget=0, v_fire_write=0)
    await start(dut)

    async def sweep(name: str) -> None:
        drive(dut, **{name: 1})
        await sample(dut)
        drive(dut, **{name: 0})
        waited = 0
        while not (await sample(dut, "done"))[0]:
            waited += 1
            assert waited < 200, f"{name} must come to an end"

    await sweep("clear")
    v = np.zeros(neurons, dtype=np.int64)
    v_fire = rng.integers(0, 1 << 23, neurons)
    for post, value in enumerate(v_fire.tolist()):
        await v_fire_port.write(post, value)
    for step in range(STEPS):
        for _ in range(int(rng.integers(0, 8))):
            post, weight = int(rng.integers(0, neurons)), int(rng.integers(0, 256))
            lane, slot = shapes.hardware.place(post)
            # The same slot again and again, without a pause.
            for _ in range(int(rng.choice([1, 1, 5]))):
                sources[lane].put({"slot": slot, "weight": weight})
                v[post] += weight
        for source in sources:
            await source.drained()
        while (await sample(dut, "busy"))[0]:
            pass
        # Some thresholds at the potential, one above or below; two neurons with one margin.
        margin = int(rng.integers(-1, 2))
        for post in rng.integers(0, neurons, 3).tolist():
            v_fire[post] = max(0, int(v[post]) - margin)
            drive(dut, v_fire_write=1, v_fire_post=post, v_fire=int(v_fire[post]))
            await sample(dut)
            drive(dut, v_fire_write=0)
        await sweep("compare")
        want = membrane.winner(v, v_fire)
        fires, post = await sample(dut, "fires", "post")
        assert (post if fires else -1) == want, f"winner of step {step}"
        v = membrane.leak(v, leak_shift)
        if want >= 0:
            drive(dut, forget=1)
            await sample(dut)
            drive(dut, forget=0)
            v[:] = 0
            # Rarely below it again: most neurons go on for some steps.
            v_fire[:] = rng.integers(0, 1 << int(rng.integers(8, 24)), neurons)
            for post, value in enumerate(v_fire.tolist()):
                await v_fire_port.write(post, value)
        if step % 5 == 0:
            for post in range(neurons):
                assert await v_port.read(post) == v[post], f"v[{post}] after step {step}"
                assert await v_fire_port.read(post) == v_fire[post], f"v_fire[{post}]"
        if step % 7 == 0:
            post, value = int(rng.integers(0, neurons)), int(rng.integers(0, 1 << 23))
            await v_port.write(post, value)
            v[post] = value
