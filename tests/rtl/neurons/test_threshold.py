# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal

from prunus_model.reference import homeostasis
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
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


def recompute_cycles(neurons: int, multiplier: str) -> int:
    return neurons + 3 if multiplier == "dsp" else neurons * (STRENGTH_BITS + 3)


async def recompute(ctx: Any, dut: Homeostasis, decay: bool, cycles_to_take: int) -> dict[int, int]:
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
    assert cycles == cycles_to_take
    return written


async def write(ctx: Any, port: Any, post: int, value: int) -> None:
    ctx.set(port.strobe, 1)
    ctx.set(port.write, 1)
    ctx.set(port.address, post)
    ctx.set(port.data, int(value))
    await ctx.tick()
    ctx.set(port.strobe, 0)
    ctx.set(port.write, 0)


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
@pytest.mark.parametrize("theta_decay_shift", [0, 1, 16, 23, 24])
@pytest.mark.parametrize("neurons", [1, 2, 5])
def test_recompute_lets_all_decay_and_computes_all_thresholds(
    multiplier: Any, theta_decay_shift: int, neurons: int
) -> None:
    rng = np.random.default_rng(theta_decay_shift)
    theta = rng.integers(0, 1 << 24, neurons)
    theta[0] = (1 << 24) - 1
    strength = rng.integers(0, 3000, neurons)
    strength[-1] = 0
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
        nonlocal theta
        for k, decay in enumerate((False, True, False, True)):
            # Nothing changes if nothing decays, and nothing was computed before it was the first.
            anew = k == 0 or (decay and theta_decay_shift < 24)
            cycles = recompute_cycles(neurons, multiplier) if anew else 0
            written = await recompute(ctx, dut, decay, cycles)
            if decay:
                theta = homeostasis.decay(theta, params)
            v_fire = homeostasis.fire_threshold(theta, strength, params)
            assert written == (dict(enumerate(v_fire.tolist())) if anew else {})
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


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("groups", [1, 3])
def test_what_may_be_stale_is_computed_once_for_each_group(multiplier: Any, groups: int) -> None:
    """After reset, and after a write of what thresholds follow from, or of a threshold."""
    neurons, params = 3, HomeostasisParams()
    rng = np.random.default_rng(groups)
    theta, strength = (rng.integers(1, 3000, groups * neurons) for _ in range(2))
    unit = Homeostasis(
        neurons=neurons,
        groups=groups,
        params=params,
        strength_bits=STRENGTH_BITS,
        multiplier=multiplier,
        theta=theta.tolist(),
        strength=strength.tolist(),
    )
    reset = Signal()

    async def bench(ctx: Any) -> None:
        async def shows(group: int, *, anew: bool, decay: bool = False) -> None:
            ctx.set(unit.group, group)
            ctx.set(unit.first, group * neurons)
            cycles = recompute_cycles(neurons, multiplier) if anew else 0
            written = await recompute(ctx, unit, decay, cycles)
            own = slice(group * neurons, (group + 1) * neurons)
            if decay:
                theta[own] = homeostasis.decay(theta[own], params)
            want = homeostasis.fire_threshold(theta[own], strength[own], params)
            assert written == (dict(enumerate(want.tolist())) if anew else {})

        async def all_once() -> None:
            for anew in (True, False):
                for group in range(groups):
                    await shows(group, anew=anew)

        await all_once()
        await shows(groups - 1, anew=True, decay=True)
        await nothing_to_do(shows)
        for place in range(groups * neurons):
            theta[place] += 1
            await write(ctx, unit.theta_access, place, theta[place])
            await all_once()
        for place in range(groups * neurons):
            strength[place] += 1
            await write(ctx, unit.strength_access, place, strength[place])
            await all_once()
        await v_fire_changes(ctx)
        await all_once()
        # What does not concern thresholds, and reading.
        await write(ctx, unit.post_count_access, 0, 5)
        await read(ctx, unit.theta_access, 0)
        await read(ctx, unit.strength_access, 0)
        await nothing_to_do(shows)
        # A decay of one group leaves the others stale.
        theta[0] += 1
        await write(ctx, unit.theta_access, 0, theta[0])
        await shows(0, anew=True, decay=True)
        await shows(0, anew=False)
        for group in range(1, groups):
            await shows(group, anew=True)
        # Reset, and in the midst of it.
        for cycles in range(1, recompute_cycles(neurons, multiplier) + 2):
            await v_fire_changes(ctx)
            ctx.set(unit.group, 0)
            ctx.set(unit.first, 0)
            ctx.set(unit.recompute, 1)
            await ctx.tick()
            ctx.set(unit.recompute, 0)
            await ctx.tick().repeat(cycles)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            await all_once()

    async def v_fire_changes(ctx: Any) -> None:
        ctx.set(unit.v_fire_changed, 1)
        await ctx.tick()
        ctx.set(unit.v_fire_changed, 0)

    async def nothing_to_do(shows: Any) -> None:
        for group in range(groups):
            await shows(group, anew=False)

    simulate(ResetInserter(reset)(unit), bench, platform=Collisions())
