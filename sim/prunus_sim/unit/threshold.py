"""Bench of the homeostasis: thresholds of all neurons, decay, spikes, and the memory port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference import homeostasis
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import POST_COUNT_BITS, THETA_BITS, max_of
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.neurons.threshold import Homeostasis
from prunus_rtl.shapes import Shapes
from prunus_rtl.widths import theta_decays
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(neurons: int, multiplier: Any, lanes: int = 2, **params: int) -> Shapes:
    network = replace(NetworkConfig(), neurons=neurons, homeostasis=HomeostasisParams(**params))
    return Shapes(network=network, hardware=HardwareConfig(lanes=lanes, multiplier=multiplier))


CASES = {
    "sequential": _shapes(33, "sequential", lanes=4),
    "dsp": _shapes(33, "dsp", theta_decay_shift=3, theta_plus=2**23),
    "decay to nothing": _shapes(5, "sequential", theta_decay_shift=0, fire_shift=0),
    "no decay, largest": _shapes(
        5, "dsp", theta_decay_shift=24, fire_shift=42, v_th=2**23 - 1, theta_plus=2**24 - 1
    ),
}


def component(case: str) -> Homeostasis:
    """Return the component under test; its memories start at 0."""
    s = CASES[case]
    return Homeostasis(
        neurons=s.network.neurons,
        params=s.network.homeostasis,
        strength_bits=s.strength.width,
        multiplier=s.hardware.multiplier,
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def thresholds_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Write a state, recompute with and without decay, spike and update, read the state back."""
    shapes = case_of(CASES)
    neurons, params = shapes.network.neurons, shapes.network.homeostasis
    rng = np.random.default_rng(seed)
    ports = {name: Access(dut, f"{name}_access") for name in ("theta", "strength", "post_count")}
    drive(dut, recompute=0, decay=0, spike=0, update=0, post=0, v_fire_changed=0)
    await start(dut)

    def values(bits: int) -> Any:
        """Of all magnitudes, with 0 and the largest among them."""
        found = rng.integers(0, 1 << rng.integers(1, bits + 1, neurons))
        found[rng.integers(0, neurons)] = 0
        found[rng.integers(0, neurons)] = max_of(bits)
        return found

    state = {
        "theta": values(THETA_BITS),
        "strength": values(shapes.strength.width),
        "post_count": values(POST_COUNT_BITS),
    }
    for name, array in state.items():
        for post, value in enumerate(array.tolist()):
            await ports[name].write(post, value)
    v_fire = np.full(neurons, -1)

    async def until_idle() -> None:
        busy, waited = 1, 0
        while busy or waited < 2:
            write, post, value, busy = await sample(
                dut, "v_fire_write", "v_fire_post", "v_fire", "busy"
            )
            if write:
                v_fire[post] = value
            waited += 1

    decays = theta_decays(params)
    # After the writes; if theta decays; and else only if a threshold or a word was written.
    stale = True
    for presentation in range(6):
        decay = presentation % 2
        if presentation == 3:
            drive(dut, v_fire_changed=1)
            await sample(dut)
            drive(dut, v_fire_changed=0)
        elif presentation == 4:
            name = ("theta", "strength")[seed % 2]
            post = int(rng.integers(0, neurons))
            state[name][post] ^= 1
            await ports[name].write(post, int(state[name][post]))
        stale |= presentation in (3, 4)
        anew, stale = stale or (decay and decays), False
        before = v_fire.copy()
        v_fire[:] = -1
        drive(dut, recompute=1, decay=decay)
        await sample(dut)
        drive(dut, recompute=0, decay=int(rng.integers(0, 2)))
        await until_idle()
        if decay:
            state["theta"] = homeostasis.decay(state["theta"], params)
        want = homeostasis.fire_threshold(state["theta"], state["strength"], params)
        if not anew:
            assert (v_fire == -1).all(), f"thresholds of presentation {presentation} were in force"
            v_fire = before
        assert v_fire.tolist() == want.tolist(), f"thresholds of presentation {presentation}"
        for _ in range(6):
            post = int(rng.integers(0, neurons))
            drive(dut, post=post, spike=1)
            await sample(dut)
            drive(dut, spike=0)
            await sample(dut)
            count, strength = await sample(dut, "post_count", "strength")
            state["theta"][post] = homeostasis.raise_theta(int(state["theta"][post]), params)
            state["post_count"][post] = homeostasis.count_spike(int(state["post_count"][post]))
            assert count == state["post_count"][post], f"post_count of neuron {post}"
            assert strength == state["strength"][post], f"strength of neuron {post}, before"
            new = int(rng.integers(0, 1 << int(rng.integers(1, shapes.strength.width + 1))))
            state["strength"][post] = new
            drive(dut, update=1, new_strength=new)
            await sample(dut)
            drive(dut, update=0, new_strength=new)
            await until_idle()
            want = homeostasis.fire_threshold(state["theta"], state["strength"], params)
            assert v_fire[post] == want[post], f"threshold of neuron {post} after its spike"
    for name, array in state.items():
        for post, value in enumerate(array.tolist()):
            assert await ports[name].read(post) == value, f"{name}[{post}] by the memory port"
