"""The memory port of a core: what it reaches, and what it refuses."""

# amaranth: UnusedElaboratable=no

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from prunus_core import LIVELY, Show, image, run, trained
from prunus_model.reference.network import Network
from prunus_model.spec.state import State
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.memory_image.image import pack
from prunus_sim.simulator.amaranth import CoreDriver


@pytest.mark.parametrize("spram", [False, True])
@pytest.mark.parametrize("fmt", ["csr", "bitmask", "dense"])
def test_another_network_is_loaded_into_a_packed_core(fmt: str, spram: bool) -> None:
    state, other = trained(LIVELY), State.initial(LIVELY)
    other.alive[3:7] = False
    other.weights[3:7] = 0
    packed = partial(pack, lanes=2, format=fmt, weight_bits=LIVELY.weight_bits, flagged=True)
    hardware = HardwareConfig(lanes=2, learn=False, store="packed", spram=spram)
    images = packed(other.weights, other.alive, capacity=30).lanes
    core = Core(network=LIVELY, hardware=hardware, images=images)
    layout = core.shapes.store
    assert layout is not None
    image = layout.pack(state.weights, state.alive)
    network = Network(LIVELY, state)
    levels = np.full(LIVELY.inputs, 255, np.uint8)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=np.random.default_rng(1))
        assert await driver.read_store() == images
        await driver.write_store(image)
        assert await driver.read_store() == image.lanes
        for post, threshold in enumerate(network.state.v_fire.tolist()):
            await driver.access(Space.V_FIRE, post, threshold)
        await driver.access(Space.PRESENTATION, 0, network.state.presentation)
        await driver.send_levels(levels)
        await driver.start(Show(learn=False).request)
        outcome = await driver.finish()
        shown = network.present(levels, learn=False)
        want = list(zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True))
        assert outcome.spikes == want != []
        assert outcome.counts["forward_sops"] == shown.counters.forward_sops
        assert await driver.read_store() == image.lanes

    run(core, bench)


@pytest.mark.parametrize("fmt", ["csr", "bitmask", "dense"])
def test_memory_port_refuses_words_that_a_packed_store_does_not_have(fmt: str) -> None:
    """Lanes of different depths: what one has, the other has not."""
    network = replace(LIVELY, neurons=7)
    rng = np.random.default_rng(1)
    alive = rng.random((network.inputs, 7)) < [0.9, 0.2, 0.3, 0.4, 0.9, 0.8, 0.1]
    weights = (rng.integers(0, 256, alive.shape) * alive).astype(np.uint8)
    images = pack(weights, alive, format=fmt, lanes=4, weight_bits=8).lanes
    hardware = HardwareConfig(lanes=4, learn=False, store="packed")
    core = Core(network=network, hardware=hardware, images=images)
    layout = core.shapes.store
    assert layout is not None
    there = set(layout.addresses())
    assert fmt == "dense" or len({depths[1] for depths in layout.depths}) > 2

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        for address in range(2 * layout.end):
            if address < 1 << len(core.requests.p.address):
                _, error = await driver.access(Space.STORE, address, 0 if address in there else 255)
                assert error == (address not in there), address
        blank = [[memory.depth for memory in lane.memories] for lane in images]
        assert blank == [list(depths) for depths in layout.depths]
        for lane in await driver.read_store():
            assert not any(any(memory.words) for memory in lane.memories)
        for address in set(range(layout.end)) - there:
            assert await driver.access(Space.STORE, address) == (0, True)

    run(core, bench)


def test_words_wider_than_the_memory_port_are_out_of_its_reach() -> None:
    network = replace(LIVELY, neurons=30)
    state = State.initial(network)
    for lanes, has in ((1, False), (2, True)):
        images = pack(
            state.weights, state.alive, format="bitmask", lanes=lanes, weight_bits=8
        ).lanes
        hardware = HardwareConfig(lanes=lanes, learn=False, store="packed")
        core = Core(network=network, hardware=hardware, state=state, images=images)
        assert (images[0]["rows"].width <= 32) == has == (Space.STORE in spaces(core.shapes))
        levels = np.full(network.inputs, 200, np.uint8)
        run(core, partial(_answers_store, core, levels, has))


async def _answers_store(core: Core, levels: Any, has: bool, ctx: Any) -> None:
    """Present once, and ask for a word of the store."""
    driver = CoreDriver(ctx, core)
    assert (await driver.access(Space.STORE, 0))[1] == (not has)
    await driver.send_levels(levels)
    await driver.start(Show(learn=False).request)
    assert (await driver.finish()).counts["forward_sops"] > 0
    if not has:
        with pytest.raises(ValueError, match=r"^Core must have a packed store that the"):
            await driver.read_store()


def test_network_is_loaded_and_read_back_by_the_memory_port() -> None:
    state = trained(LIVELY)
    rng = np.random.default_rng(5)
    state.v[:] = rng.integers(0, 1 << 24, 5)
    state.presentation = (1 << 32) - 2
    votes = rng.integers(0, 16, (5, 10))
    core = Core(network=LIVELY, hardware=HardwareConfig(lanes=2))
    network = Network(LIVELY, state)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=np.random.default_rng(1))
        await driver.write_state(state)
        for address, vote in enumerate(votes.T.ravel().tolist()):
            assert await driver.access(Space.VOTES, address, vote) == (0, False)
            assert await driver.access(Space.VOTES, address) == (vote, False)
        assert state.differences(await driver.read_state()) == []
        # The number of the presentation wraps around.
        for _ in range(3):
            levels = image(rng, LIVELY.inputs)
            await driver.send_levels(levels)
            await driver.start(Show(learn=True).request)
            outcome = await driver.finish()
            shown = network.present(levels, learn=True)
            assert [post for _, post in outcome.spikes] == shown.spike_posts.tolist()
            assert outcome.prediction == int(np.argmax(votes[shown.spike_posts].sum(axis=0)))
            assert network.state.differences(await driver.read_state()) == []

    run(core, bench)


def test_memory_port_refuses_what_is_outside() -> None:
    core = Core(network=LIVELY, hardware=HardwareConfig(lanes=2))
    inference = Core(network=LIVELY, hardware=HardwareConfig(lanes=2, learn=False))

    def bench_of(core: Core) -> Any:
        async def bench(ctx: Any) -> None:
            driver = CoreDriver(ctx, core)
            has = spaces(core.shapes)
            for space, (_, _, depth) in has.items():
                assert not (await driver.access(space, depth - 1))[1]
                outside = [depth]
                if space is Space.SYNAPSES:
                    outside = [5, 7, 8 + 5, depth]
                for address in outside:
                    if address < 1 << len(core.requests.p.address):
                        assert await driver.access(space, address) == (0, True), space
                        assert await driver.access(space, address, 1) == (0, True), space
            for absent in set(range(16)) - {int(space) for space in has}:
                assert await driver.access(absent, 0) == (0, True)

        return bench

    for dut in (core, inference):
        run(dut, bench_of(dut))


def test_requests_wait_while_a_presentation_runs_and_starts_wait_for_an_image() -> None:
    network = Network(LIVELY)
    core = Core(network=LIVELY, hardware=HardwareConfig(lanes=2), state=network.state.copy())
    rng = np.random.default_rng(2)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        ctx.set(core.control.valid, 1)
        ctx.set(core.control.p.learn, 1)
        await ctx.tick().repeat(20)
        assert ctx.get(core.control.ready) == 0
        levels = image(rng, LIVELY.inputs)
        await driver.send_levels(levels)
        await ctx.tick().until(core.control.ready)
        ctx.set(core.control.valid, 0)
        ctx.set(core.requests.valid, 1)
        ctx.set(core.spikes.ready, 1)
        while not ctx.get(core.result.valid):
            assert ctx.get(core.requests.ready) == ctx.get(core.control.ready) == 0
            await ctx.tick()
        await ctx.tick().repeat(5)
        assert ctx.get(core.requests.ready) == 0
        ctx.set(core.requests.valid, 0)
        await driver.finish()
        network.present(levels, learn=True)
        assert network.state.differences(await driver.read_state()) == []

    run(core, bench)
