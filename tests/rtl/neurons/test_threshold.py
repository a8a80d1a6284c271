# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_model.reference import homeostasis
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.neurons.threshold import FireThreshold, Homeostasis
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import simulate

MULTIPLIERS = ["sequential", "dsp"]


#: Of 784 weights of 8 bits.
STRENGTH_BITS = 18


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize(
    "params",
    [
        pytest.param({}, id="default"),
        pytest.param({"fire_shift": 0}, id="no shift"),
        pytest.param({"fire_shift": 42}, id="all is shifted out"),
        pytest.param({"v_th": 1, "fire_shift": 3}, id="small base"),
        pytest.param({"v_th": (1 << 23) - 1, "fire_shift": 19}, id="large base"),
    ],
)
def test_threshold_matches_model(multiplier: Any, params: dict[str, int]) -> None:
    p = HomeostasisParams(**params)
    dut = FireThreshold(params=p, strength_bits=STRENGTH_BITS, multiplier=multiplier)
    hardware = HardwareConfig(lanes=1, multiplier=multiplier)
    assert dut.cycles == Shapes(network=NetworkConfig(), hardware=hardware).multiply_cycles
    top = 784 * 255
    # The strengths around the clip of the default parameters, and all extremes.
    clip = ((1 << 23) << p.fire_shift) // p.v_th
    strengths = [0, 1, 2, 77, top - 1, top, *(x for x in range(clip - 2, clip + 3) if x < top)]
    thetas = [0, 1, 1000, (1 << 24) - 1]

    async def bench(ctx: Any) -> None:
        for theta in thetas:
            for strength in strengths:
                ctx.set(dut.theta, theta)
                ctx.set(dut.strength, strength)
                ctx.set(dut.start, 1)
                await ctx.tick()
                ctx.set(dut.start, 0)
                ctx.set(dut.theta, 0)
                ctx.set(dut.strength, 3)
                cycles = 1
                while not ctx.get(dut.done):
                    await ctx.tick()
                    cycles += 1
                assert cycles == dut.cycles
                want = homeostasis.fire_threshold(np.array([theta]), np.array([strength]), p)
                assert ctx.get(dut.v_fire) == want[0], (theta, strength)

    simulate(dut, bench)


async def recompute(
    ctx: Any, dut: Homeostasis, decay: bool, neurons: int, multiplier: str
) -> dict[int, int]:
    """Return the thresholds that are written, and check how long it takes."""
    ctx.set(dut.recompute, 1)
    ctx.set(dut.decay, decay)
    await ctx.tick()
    ctx.set(dut.recompute, 0)
    ctx.set(dut.decay, 0)
    written = {}
    cycles = 0
    while ctx.get(dut.busy):
        if ctx.get(dut.v_fire_write):
            written[ctx.get(dut.v_fire_post)] = ctx.get(dut.v_fire)
        await ctx.tick()
        cycles += 1
    assert cycles == neurons * ((2 if multiplier == "dsp" else STRENGTH_BITS + 1) + 2)
    return written


async def read(ctx: Any, port: Any, post: int) -> int:
    ctx.set(port.strobe, 1)
    ctx.set(port.address, post)
    await ctx.tick()
    ctx.set(port.strobe, 0)
    assert ctx.get(port.done) == 1
    value = int(ctx.get(port.value))
    await ctx.tick()
    assert ctx.get(port.done) == 0
    return value


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("theta_decay_shift", [0, 1, 16, 24])
def test_recompute_lets_all_decay_and_computes_all_thresholds(
    multiplier: Any, theta_decay_shift: int
) -> None:
    neurons = 5
    rng = np.random.default_rng(theta_decay_shift)
    theta = rng.integers(0, 1 << 24, neurons)
    theta[0] = (1 << 24) - 1
    strength = rng.integers(0, 3000, neurons)
    strength[1] = 0
    params = HomeostasisParams(theta_decay_shift=theta_decay_shift)
    dut = Homeostasis(
        neurons=neurons,
        params=params,
        strength_bits=STRENGTH_BITS,
        multiplier=multiplier,
        theta=theta.tolist(),
        strength=strength.tolist(),
    )

    async def bench(ctx: Any) -> None:
        for decay in (False, True, True):
            written = await recompute(ctx, dut, decay, neurons, multiplier)
            nonlocal theta
            if decay:
                theta = homeostasis.decay(theta, params)
            v_fire = homeostasis.fire_threshold(theta, strength, params)
            assert written == dict(enumerate(v_fire.tolist()))
            for post in range(neurons):
                assert await read(ctx, dut.theta_access, post) == theta[post]
                assert await read(ctx, dut.strength_access, post) == strength[post]

    simulate(dut, bench)


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("theta", [0, (1 << 24) - 300, (1 << 24) - 250, (1 << 24) - 1])
@pytest.mark.parametrize("post_count", [0, 65534, 65535])
def test_a_spike_raises_theta_and_count_saturating_and_is_updated(
    multiplier: Any, theta: int, post_count: int
) -> None:
    params = HomeostasisParams()
    dut = Homeostasis(
        neurons=3,
        params=params,
        strength_bits=STRENGTH_BITS,
        multiplier=multiplier,
        theta=[7, 8, theta],
        strength=[1, 2, 500],
        post_count=[3, 4, post_count],
    )

    async def bench(ctx: Any) -> None:
        ctx.set(dut.post, 2)
        ctx.set(dut.spike, 1)
        await ctx.tick()
        ctx.set(dut.spike, 0)
        assert ctx.get(dut.busy) == 1
        await ctx.tick()
        assert ctx.get(dut.busy) == 0
        assert ctx.get(dut.post_count) == homeostasis.count_spike(post_count)
        assert ctx.get(dut.strength) == 500
        await ctx.tick().repeat(3)
        ctx.set(dut.update, 1)
        ctx.set(dut.new_strength, 444)
        await ctx.tick()
        ctx.set(dut.update, 0)
        while not ctx.get(dut.v_fire_write):
            assert ctx.get(dut.busy) == 1
            await ctx.tick()
        raised = homeostasis.raise_theta(theta, params)
        want = homeostasis.fire_threshold(np.array([raised]), np.array([444]), params)
        assert (ctx.get(dut.v_fire_post), ctx.get(dut.v_fire)) == (2, want[0])
        await ctx.tick()
        assert ctx.get(dut.busy) == 0
        for post, values in enumerate(
            [(7, 1, 3), (8, 2, 4), (raised, 444, homeostasis.count_spike(post_count))]
        ):
            ports = (dut.theta_access, dut.strength_access, dut.post_count_access)
            assert tuple([await read(ctx, port, post) for port in ports]) == values

    simulate(dut, bench)
