# amaranth: UnusedElaboratable=no

"""The learning engine with a weight memory of one lane, against the equations of the model."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.reference import homeostasis, stdp
from prunus_model.reference.pruning import pruning_threshold
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, NoPruning
from prunus_model.spec.random_streams import LEARNING, STRIDE
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, StdpParams
from prunus_rtl.core.learning import LearningEngine
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.dense import LearningStore
from prunus_rtl.timing import threshold_cycles
from prunus_sim.simulator.amaranth import receive, send, simulate

INPUTS, NEURONS, SEED = 7, 3, 5
POLICIES = (
    NoPruning(),
    ConstantPruning(w_prune=40, start=1),
    AdaptivePruning(ramp_shift=0, ramp_gain=9, strength_gain=6000),
)


class Bed(wiring.Component):
    """The engine and the memory of its only lane."""

    def __init__(self, shapes: Shapes, state: State) -> None:
        self.engine = LearningEngine(shapes=shapes, state=state)
        self.store = LearningStore(shapes=shapes, weights=state.weights, alive=state.alive)
        super().__init__({"unused_i": In(1), "unused_o": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.engine = self.engine
        m.submodules.store = self.store
        wiring.connect(m, self.engine.column, self.store.column)
        return m


async def read(ctx: Any, port: Any, address: int) -> int:
    ctx.set(port.strobe, 1)
    ctx.set(port.address, address)
    await ctx.tick()
    ctx.set(port.strobe, 0)
    assert ctx.get(port.done) == 1
    return int(ctx.get(port.value))


@pytest.mark.parametrize("multiplier", ["sequential", "dsp"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: str(policy.policy))
def test_presentations_match_the_equations(policy: Any, multiplier: Any) -> None:
    network = NetworkConfig(
        inputs=INPUTS,
        neurons=NEURONS,
        homeostasis=HomeostasisParams(v_th=9000, theta_plus=300, theta_decay_shift=2),
        stdp=StdpParams(potentiation_shift=3, depression_shift=2, trace_window=2),
        pruning=policy,
    )
    shapes = Shapes(network=network, hardware=HardwareConfig(lanes=1, multiplier=multiplier))
    rng = np.random.default_rng(3)
    state = State.initial(network)
    state.alive[:] = rng.random((INPUTS, NEURONS)) < 0.8
    state.weights[:] = rng.integers(1, 256, (INPUTS, NEURONS)) * state.alive
    state.theta[:] = rng.integers(0, 4000, NEURONS)
    state.post_count[:] = rng.integers(0, 9, NEURONS)
    state.strength[:] = state.weights.sum(axis=0)
    # What was left of the presentation before must be forgotten.
    state.last_step[:] = 1
    dut = Bed(shapes, state.copy())
    engine, store = dut.engine, dut.store
    params, w_max = network.homeostasis, network.formats.w_max
    weights, alive = state.weights.astype(np.int64), state.alive.copy()
    theta, post_count = state.theta.astype(np.int64), state.post_count.astype(np.int64)
    strength = state.strength.astype(np.int64)
    last = np.full(INPUTS, -1, dtype=np.int64)
    all_pruned = 0

    async def begin(ctx: Any, presentation: int, decay: bool) -> None:
        nonlocal theta
        ctx.set(engine.presentation, presentation)
        ctx.set(engine.seed, SEED ^ (presentation * STRIDE & 0xFFFFFFFF) ^ LEARNING)
        ctx.set(engine.decay, decay)
        ctx.set(engine.begin, 1)
        await ctx.tick()
        ctx.set(engine.begin, 0)
        # Both are taken when it begins.
        ctx.set(engine.seed, 0)
        ctx.set(engine.decay, not decay)
        assert ctx.get(engine.initialised) == ctx.get(engine.thresholds_ready) == 0
        written, low = {}, {"initialised": 0, "thresholds_ready": 0}
        while not all(ctx.get(getattr(engine, name)) for name in low):
            if ctx.get(engine.v_fire_write):
                written[ctx.get(engine.v_fire_post)] = ctx.get(engine.v_fire)
            for name in low:
                low[name] += not ctx.get(getattr(engine, name))
            await ctx.tick()
        assert low == {
            "initialised": max(INPUTS, 8),
            "thresholds_ready": threshold_cycles(shapes),
        }
        if decay:
            theta = homeostasis.decay(theta, params)
        want = homeostasis.fire_threshold(theta, strength, params)
        assert written == dict(enumerate(want.tolist()))

    async def learn(ctx: Any, post: int, step: int, presentation: int, draws: Any) -> None:
        nonlocal all_pruned
        recent = stdp.recent(last, step, network.stdp)
        new = stdp.updated(weights[:, post], recent, draws.draw_bytes(INPUTS), w_max, network.stdp)
        post_count[post] += 1
        bound = pruning_threshold(
            int(post_count[post]), int(strength[post]), presentation, w_max, policy
        )
        lived = alive[:, post].copy()
        pruned = lived & (new < bound)
        alive[pruned, post] = False
        weights[:, post] = np.where(alive[:, post], new, 0)
        strength[post] = weights[:, post].sum()
        theta[post] = homeostasis.raise_theta(int(theta[post]), params)
        all_pruned += int(pruned.sum())

        ctx.set(engine.post, post)
        ctx.set(engine.learn, 1)
        await ctx.tick()
        ctx.set(engine.learn, 0)
        seen = [0, 0]
        for cycle in range(1, INPUTS + 5):
            assert ctx.get(engine.learned) == (cycle == INPUTS + 4)
            seen[0] += ctx.get(engine.updated)
            seen[1] += ctx.get(engine.pruned)
            await ctx.tick()
        assert seen == [int(lived.sum()), int(pruned.sum())]
        written, cycles = {}, 0
        while not ctx.get(engine.thresholds_ready):
            if ctx.get(engine.v_fire_write):
                written[ctx.get(engine.v_fire_post)] = ctx.get(engine.v_fire)
            await ctx.tick()
            cycles += 1
        assert cycles == shapes.multiply_cycles
        want = homeostasis.fire_threshold(theta, strength, params)
        assert written == {post: int(want[post])}

    async def bench(ctx: Any) -> None:
        for presentation in range(3):
            await begin(ctx, presentation, decay=presentation > 0)
            last[:] = -1
            draws = Stream(seed=SEED, presentation=presentation, constant=LEARNING)
            for step in range(5):
                ctx.set(engine.step, step)
                ctx.set(engine.spike_step, step)
                for pre in np.flatnonzero(rng.random(INPUTS) < 0.3).tolist():
                    ctx.set(engine.spike, 1)
                    ctx.set(engine.pre, pre)
                    last[pre] = step
                    await ctx.tick()
                ctx.set(engine.spike, 0)
                if rng.random() < 0.7:
                    await learn(ctx, int(rng.integers(NEURONS)), step, presentation, draws)
            for post in range(NEURONS):
                assert await read(ctx, engine.theta, post) == theta[post]
                assert await read(ctx, engine.strength, post) == strength[post]
                assert await read(ctx, engine.post_count, post) == post_count[post]
            for pre in range(INPUTS):
                word = 0 if last[pre] < 0 else 1 << 8 | int(last[pre])
                assert await read(ctx, engine.last_step, pre) == word
        assert (all_pruned > 0) == (policy.policy != "none")
        for pre in range(INPUTS):
            await send(ctx, store.pre, pre)
            for post in np.flatnonzero(alive[pre]).tolist():
                synapse = await receive(ctx, store.synapse)
                assert (synapse.slot, synapse.weight) == (post, weights[pre, post])
            while ctx.get(store.busy):
                assert ctx.get(store.synapse.valid) == 0
                await ctx.tick()

    simulate(dut, bench, platform=Collisions())
