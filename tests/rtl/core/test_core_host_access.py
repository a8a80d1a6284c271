"""Cores whose memories a host reaches in part, or not at all."""

# amaranth: UnusedElaboratable=no

from functools import partial
from typing import Any

import numpy as np
import pytest

from prunus_core import LIVELY, Show, image, run, trained
from prunus_model.reference.network import Network
from prunus_model.spec.state import State
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.memory_image.image import pack
from prunus_sim.simulator.amaranth import CoreDriver

OF_LEARNING = {Space.SYNAPSES, Space.THETA, Space.STRENGTH, Space.POST_COUNT, Space.PRESENTATION}


def core_of(access: Any, kind: str, stored: State, **built: Any) -> Core:
    """Return a core of LIVELY; ``kind`` is learning, packed or kept (in the learning store)."""
    images = None
    if kind == "packed":
        packed = partial(pack, format="csr", lanes=2, weight_bits=LIVELY.weight_bits)
        images = packed(stored.weights, stored.alive, capacity=30, flagged=True).lanes
    hardware = HardwareConfig(
        lanes=2,
        learn=kind == "learning",
        store="packed" if images else "learning",
        host_access=access,
    )
    return Core(network=LIVELY, hardware=hardware, images=images, **built)


@pytest.mark.parametrize(
    ("kind", "reached", "shown"),
    [
        ("learning", OF_LEARNING | {Space.VOTES}, OF_LEARNING),
        (
            "packed",
            {Space.V_FIRE, Space.VOTES, Space.STORE, Space.PRESENTATION},
            {Space.PRESENTATION},
        ),
        (
            "kept",
            {Space.V_FIRE, Space.VOTES, Space.SYNAPSES, Space.PRESENTATION},
            {Space.PRESENTATION, Space.SYNAPSES},
        ),
    ],
)
def test_what_is_loaded_works_and_only_what_was_learned_is_shown(
    kind: str, reached: set[Space], shown: set[Space]
) -> None:
    state, rng = trained(LIVELY), np.random.default_rng(4)
    core = core_of("load", kind, State.initial(LIVELY))
    assert set(spaces(core.shapes)) == reached
    assert readable(core.shapes) == shown
    votes = rng.integers(1, 16, (5, 10))
    network = Network(LIVELY, state)
    learn = kind == "learning"

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=np.random.default_rng(1))
        await driver.write_state(network.state)
        for address, vote in enumerate(votes.T.ravel().tolist()):
            assert await driver.access(Space.VOTES, address, vote) == (0, False)
        if kind == "packed":
            layout = core.shapes.store
            assert layout is not None
            await driver.write_store(layout.pack(state.weights, state.alive))
        for space in reached - shown:
            assert await driver.access(space, 0) == (0, False), space
        for absent in set(range(16)) - {int(space) for space in reached}:
            for data in (None, 1):
                assert await driver.access(absent, 0, data) == (0, True), absent
        for _ in range(2):
            levels = image(rng, LIVELY.inputs)
            await driver.send_levels(levels)
            await driver.start(Show(learn=learn).request)
            outcome = await driver.finish()
            want = network.present(levels, learn=learn)
            assert [post for _, post in outcome.spikes] == want.spike_posts.tolist() != []
            assert outcome.prediction == int(np.argmax(votes[want.spike_posts].sum(axis=0)))
            assert await driver.access(Space.PRESENTATION, 0) == (network.state.presentation, False)
        if learn:
            got = await driver.read_state()
            for name in ("weights", "alive", "theta", "strength", "post_count"):
                assert np.array_equal(getattr(got, name), getattr(network.state, name)), name

    run(core, bench)


@pytest.mark.parametrize("kind", ["packed", "kept"])
def test_memories_out_of_reach_keep_what_they_were_built_with(kind: str) -> None:
    network = Network(LIVELY, trained(LIVELY))
    rng = np.random.default_rng(4)
    votes = rng.integers(1, 16, (5, 10))
    core = core_of("none", kind, network.state, state=network.state.copy(), votes=votes)
    assert set(spaces(core.shapes)) == readable(core.shapes) == {Space.PRESENTATION}

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=np.random.default_rng(1))
        for space in set(Space) - {Space.PRESENTATION}:
            for data in (None, 1):
                assert await driver.access(space, 0, data) == (0, True), space
        await driver.access(Space.PRESENTATION, 0, network.state.presentation)
        for _ in range(2):
            levels = image(rng, LIVELY.inputs)
            await driver.send_levels(levels)
            await driver.start(Show(learn=False).request)
            outcome = await driver.finish()
            want = network.present(levels, learn=False)
            assert [post for _, post in outcome.spikes] == want.spike_posts.tolist() != []
            assert outcome.prediction == int(np.argmax(votes[want.spike_posts].sum(axis=0)))
            assert await driver.access(Space.PRESENTATION, 0) == (network.state.presentation, False)

    run(core, bench)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, "a core that learns, which nobody could read"),
        (
            {"learn": False, "store": "packed", "spram": True},
            "a store in SPRAM, which starts without contents",
        ),
    ],
)
def test_no_access_is_refused_where_nothing_would_be_left(wrong: Any, why: str) -> None:
    with pytest.raises(ValueError, match=f"host_access must be 'all' or 'load' for {why}, not"):
        HardwareConfig(lanes=2, host_access="none", **wrong)
