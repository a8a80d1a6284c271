# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.reference import stdp
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.random_streams import LEARNING
from prunus_model.spec.units import StdpParams
from prunus_rtl.core.learning import learning_stream
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.plasticity.stdp import LearningSweep, WeightUpdate
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.dense import Column, LearningStore
from prunus_sim.simulator.amaranth import receive, send, simulate


def shapes(inputs: int, slots: int, weight_bits: int, *, each: Any = 1, **params: int) -> Shapes:
    network = NetworkConfig(
        inputs=inputs, neurons=slots, weight_bits=weight_bits, stdp=StdpParams(**params)
    )
    return Shapes(network=network, hardware=HardwareConfig(lanes=1, sweep_inputs=each))


@pytest.mark.parametrize("weight_bits", [1, 2, 3, 8])
@pytest.mark.parametrize(
    ("up", "down"), [(0, 0), (1, 1), (2, 3), (3, 2), (7, 7), (8, 8), (0, 8), (8, 0), (4, 7)]
)
def test_new_weight_matches_model(weight_bits: int, up: int, down: int) -> None:
    """All weights of small widths with all random bytes; the edges and some of 8 bits."""
    params = StdpParams(potentiation_shift=up, depression_shift=down)
    dut = WeightUpdate(weight_bits=weight_bits, potentiation_shift=up, depression_shift=down)
    w_max = (1 << weight_bits) - 1
    rng = np.random.default_rng(up + 9 * down)
    weights: list[int] = list(range(w_max + 1))
    randoms: list[int] = list(range(256))
    if weight_bits == 8:
        weights = sorted({0, 1, 127, 128, 254, 255, *rng.integers(0, 256, 6).tolist()})
        randoms = sorted({0, 1, 127, 128, 254, 255, *rng.integers(0, 256, 20).tolist()})
    elif weight_bits == 3:
        randoms = [*randoms[::3], 255]

    async def bench(ctx: Any) -> None:
        for recent in (False, True):
            ctx.set(dut.recent, recent)
            for weight in weights:
                ctx.set(dut.weight, weight)
                want = stdp.updated(
                    np.full(len(randoms), weight),
                    np.full(len(randoms), recent),
                    np.array(randoms),
                    w_max,
                    params,
                )
                for random, new in zip(randoms, want.tolist(), strict=True):
                    ctx.set(dut.random, random)
                    assert ctx.get(dut.new_weight) == new, (recent, weight, random)

    simulate(dut, bench)


class Bed(wiring.Component):
    """A sweep with its store and its random stream; recency and pruning come from the bench."""

    def __init__(self, *, shapes: Shapes, weights: Any, alive: Any) -> None:
        params = shapes.network.stdp
        self.sweep = LearningSweep(
            inputs=shapes.network.inputs,
            each=shapes.hardware.sweep_inputs,
            slots=shapes.slots,
            weight_bits=shapes.network.weight_bits,
            strength_bits=shapes.strength.width,
            potentiation_shift=params.potentiation_shift,
            depression_shift=params.depression_shift,
            column=Column(shapes),
        )
        self.store = LearningStore(shapes=shapes, weights=weights, alive=alive)
        self.random = learning_stream(
            inputs=shapes.network.inputs, each=shapes.hardware.sweep_inputs
        )
        self.bits = shapes.weight.width
        super().__init__({"w_prune": In(shapes.weight), "unused": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.sweep = sweep = self.sweep
        m.submodules.store = store = self.store
        m.submodules.random = random = self.random
        wiring.connect(m, sweep.column, store.column)
        m.d.comb += [
            sweep.draw.eq(random.draw),
            random.advance.eq(sweep.advance),
            sweep.prune.eq(
                Cat(
                    sweep.weight.word_select(k, self.bits) < self.w_prune
                    for k in range(len(sweep.prune))
                )
            ),
        ]
        if hasattr(sweep, "last"):
            m.d.comb += random.last.eq(sweep.last)
        return m


@pytest.mark.parametrize(
    ("inputs", "each"),
    [
        *((inputs, 1) for inputs in (1, 2, 3, 4, 5, 13)),
        *((inputs, 2) for inputs in (1, 4, 5, 13)),
        *((inputs, 4) for inputs in (3, 4, 13)),
        # With 1, 2 or 3 draws left for the last word, and none.
        *((inputs, 8) for inputs in (3, 8, 13, 17)),
        *((inputs, 16) for inputs in (1, 7, 16, 19, 25, 45)),
    ],
)
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("weight_bits", [1, 5, 8])
def test_sweeps_match_model(inputs: int, each: int, slots: int, weight_bits: int) -> None:
    # A shift by 8 rounds by all bits of a random byte.
    up = 8 if slots == 3 else 2
    s = shapes(inputs, slots, weight_bits, each=each, potentiation_shift=up, depression_shift=3)
    visits = -(-inputs // each)
    w_max = s.network.formats.w_max
    rng = np.random.default_rng(inputs)
    alive = rng.random((inputs, slots)) < 0.7
    weights = rng.integers(0, w_max + 1, (inputs, slots)) * alive
    dut = Bed(shapes=s, weights=weights.astype(np.uint8).copy(), alive=alive.copy())
    stream = Stream(seed=1, presentation=0, constant=LEARNING)
    sweep, store = dut.sweep, dut.store

    async def bench(ctx: Any) -> None:
        ctx.set(dut.random.load, 1)
        ctx.set(dut.random.seed, 1 ^ LEARNING)
        await ctx.tick()
        ctx.set(dut.random.load, 0)
        await ctx.tick().until(dut.random.ready)
        for _ in range(5):
            slot = int(rng.integers(slots))
            w_prune = int(rng.integers(w_max // 3 + 2))
            recent = rng.random(inputs) < 0.5
            new = stdp.updated(
                weights[:, slot], recent, stream.draw_bytes(inputs), w_max, s.network.stdp
            )
            pruned = alive[:, slot] & (new < w_prune)
            counts = [int(alive[:, slot].sum()), int(pruned.sum())]
            alive[pruned, slot] = False
            weights[:, slot] = np.where(alive[:, slot], new, 0)

            ctx.set(dut.w_prune, w_prune)
            ctx.set(sweep.slot, slot)
            ctx.set(sweep.start, 1)
            await ctx.tick()
            ctx.set(sweep.start, 0)
            seen = [0, 0]
            asked: list[int | None] = [None, None]
            for cycle in range(1, visits + 5):
                assert ctx.get(sweep.done) == (cycle == visits + 4)
                if cycle == visits + 4:
                    assert ctx.get(sweep.strength) == weights[:, slot].sum()
                seen[0] += ctx.get(sweep.updated)
                seen[1] += ctx.get(sweep.pruned)
                word = asked.pop(0)
                mine = [] if word is None else recent[word * each : (word + 1) * each].tolist()
                # Beyond the last input whatever comes must not count.
                mine += rng.integers(0, 2, each - len(mine)).tolist()
                ctx.set(sweep.recent, sum(int(bit) << k for k, bit in enumerate(mine)))
                asked.append(ctx.get(sweep.read_pre) if ctx.get(sweep.read) else None)
                await ctx.tick()
            assert seen == counts
            assert ctx.get(sweep.strength) == weights[:, slot].sum()
        for pre in range(inputs):
            await send(ctx, store.pre, pre)
            for k in np.flatnonzero(alive[pre]).tolist():
                synapse = await receive(ctx, store.synapse)
                assert (synapse.slot, synapse.weight) == (k, weights[pre, k])
            while ctx.get(store.busy):
                assert ctx.get(store.synapse.valid) == 0
                await ctx.tick()

    simulate(dut, bench)
