# amaranth: UnusedElaboratable=no

"""Cores of networks with groups, which show several views of an image, against the model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_core import LIVELY, Show, compare, cycles_of, trained
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import ConstantPruning, NoPruning
from prunus_model.spec.state import State, strengths
from prunus_model.spec.units import MembraneParams
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.memory_image.image import pack
from prunus_sim.simulator.amaranth import CoreDriver, simulate

#: Four windows of 3 x 2 on an image of 4 x 3, seen again from beyond its edges; seeds wrap.
WINDOWS = replace(
    LIVELY,
    inputs=6,
    neurons=5,
    seed=(1 << 32) - 3,
    # Slow enough to end a view with potentials that must not outlast it.
    membrane=MembraneParams(leak_shift=3, inhibition_steps=1),
    homeostasis=replace(LIVELY.homeostasis, v_th=20000, fire_shift=15),
    groups=GroupsParams(
        image_width=4,
        image_height=3,
        window_width=3,
        window_height=2,
        stride=1,
        looks=((0, 0), (1, -2)),
    ),
)
#: Three sets of levels, in any order, that overlap, one of them smaller.
SETS = replace(
    LIVELY,
    inputs=5,
    neurons=3,
    groups=GroupsParams(
        image_width=4,
        image_height=2,
        indices=((7, 0, 3, 4, 1), (2, -1, 5, -1, 6), (6, 5, 4, 3, 7)),
    ),
)
LEARNING = (
    Show(),
    Show(learn=False, stop_after=1),
    Show(margin=20),
    Show(stop_after=2),
    Show(learn=False, margin=12),
    Show(learn=False, margin=200, keep=True),
    Show(),
)
INFERENCE = tuple(replace(show, learn=False) for show in LEARNING)


def votes_of(config: NetworkConfig) -> Any:
    shape = config.all_neurons, config.readout.classes
    return np.random.default_rng(3).integers(0, 16, shape).astype(np.uint8)


def learning_core(config: NetworkConfig, **options: Any) -> tuple[Core, Network]:
    votes = votes_of(config)
    network = Network(config, votes=votes)
    hardware = HardwareConfig(**options)
    core = Core(network=config, hardware=hardware, state=network.state.copy(), votes=votes)
    return core, network


def packed_core(config: NetworkConfig, fmt: str, lanes: int) -> tuple[Core, Network]:
    votes, state = votes_of(config), trained(config)
    images = pack(
        state.weights, state.alive, format=fmt, lanes=lanes, weight_bits=config.weight_bits
    ).lanes
    hardware = HardwareConfig(lanes=lanes, learn=False, store="packed")
    core = Core(network=config, hardware=hardware, state=state.copy(), votes=votes, images=images)
    return core, Network(config, state, votes)


@pytest.mark.parametrize(("lanes", "each"), [(1, 1), (4, 1), (2, 4)])
def test_learning_core_matches_model(lanes: int, each: int) -> None:
    core, network = learning_core(WINDOWS, lanes=lanes, sweep_inputs=each)
    outcomes = compare(core, network, LEARNING, votes=votes_of(WINDOWS))
    fired = {post // WINDOWS.neurons for outcome in outcomes for _, post in outcome.spikes}
    assert fired == set(range(4))
    assert sum(outcome.counts["pruned"] for outcome in outcomes) > 0
    steps = [outcome.counts["steps"] for outcome in outcomes]
    assert steps[0] == 4 * WINDOWS.encoder.steps
    # All views by all steps at most; some presentations ended after fewer views.
    assert max(steps[1:]) > steps[0]
    assert min(steps) < steps[0]


@pytest.mark.parametrize("fmt", ["csr", "bitmask", "dense"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_packed_core_matches_model(fmt: str, lanes: int) -> None:
    core, network = packed_core(WINDOWS, fmt, lanes)
    outcomes = compare(core, network, INFERENCE, votes=votes_of(WINDOWS))
    assert any(outcome.spikes for outcome in outcomes)


def test_sets_of_inputs_under_stalls() -> None:
    config = replace(SETS, pruning=ConstantPruning(w_prune=30))
    core, network = learning_core(config, lanes=2, multiplier="dsp", queue_depth=2, event_depth=2)
    compare(core, network, LEARNING, votes=votes_of(config), stalls=True)


@pytest.mark.parametrize("learn", [False, True])
def test_refractory_and_low_discrepancy_inputs(learn: bool) -> None:
    encoder = EncoderParams(steps=8, spikes="low-discrepancy", refractory_steps=2)
    config = replace(WINDOWS, encoder=encoder, membrane=MembraneParams(inhibition_steps=1))
    state, votes = trained(config), votes_of(config)
    hardware = HardwareConfig(lanes=2, learn=learn)
    core = Core(network=config, hardware=hardware, state=state.copy(), votes=votes)
    shows = LEARNING if learn else INFERENCE
    outcomes = compare(core, Network(config, state, votes), shows, votes=votes)
    for name in ("dropped_spikes", "integrated_spikes", "inhibited_steps"):
        assert any(outcome.counts[name] for outcome in outcomes)


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param(GroupsParams(image_width=8, image_height=1, indices=((7, -1, 2, 0),)), id="1"),
        pytest.param(
            GroupsParams(
                image_width=2,
                image_height=2,
                window_width=2,
                window_height=2,
                count=1,
                looks=((0, 0), (0, 1), (-1, 0)),
            ),
            id="looks of one group",
        ),
    ],
)
def test_one_group_of_one_view_or_more(groups: GroupsParams) -> None:
    config = replace(LIVELY, inputs=4, neurons=2, pruning=NoPruning(), groups=groups)
    core, network = learning_core(config, lanes=2)
    compare(core, network, LEARNING, votes=votes_of(config))


@pytest.mark.parametrize("each", [1, 4])
def test_memory_port_reaches_every_word_of_all_groups_and_nothing_between_them(each: int) -> None:
    core, network = learning_core(WINDOWS, lanes=4, sweep_inputs=each)
    rng = np.random.default_rng(5)
    state = network.state.copy()
    for name, high in (("theta", 1 << 24), ("v_fire", 1 << 23), ("post_count", 1 << 16)):
        values = getattr(state, name)
        values[:] = rng.integers(0, high, len(values))
    state.alive[:] = rng.random(state.alive.shape) < 0.5
    state.weights[:] = rng.integers(0, 256, state.alive.shape) * state.alive
    state.strength[:] = strengths(state.weights, WINDOWS)
    # Five neurons of four groups: posts 5 to 7 of each are not there, nor a fifth group.
    gaps = [group << 3 | post for group in range(4) for post in (5, 6, 7)]

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        await driver.write_state(state)
        for address in (*gaps, 4 << 3):
            for data in (None, 1):
                assert await driver.access(Space.V_FIRE, address, data) == (0, True)
        assert state.differences(await driver.read_state()) == []

    simulate(core, bench, platform=Collisions())


def test_views_take_the_cycles_of_one_and_one_between_two() -> None:
    """Nothing is seen, so that all views are alike."""
    cycles = []
    for views in (1, 3):
        assert SETS.groups is not None and SETS.groups.indices is not None
        groups = replace(SETS.groups, indices=SETS.groups.indices[:views])
        config = replace(SETS, groups=groups, membrane=MembraneParams(inhibition_steps=0))
        state = State.initial(config)
        hardware = HardwareConfig(lanes=1, learn=False)
        core = Core(network=config, hardware=hardware, state=state.copy())
        found: list[tuple[int, int]] = []

        async def bench(ctx: Any, core: Core = core, found: list[tuple[int, int]] = found) -> None:
            driver = CoreDriver(ctx, core)
            dark = np.zeros(8, dtype=np.uint8)
            network = Network(core.network)
            await driver.send_levels(dark)
            await driver.start(Show(learn=False).request)
            outcome = await driver.finish()
            formula = cycles_of(core, network, dark, None, Show(learn=False))
            found.append((outcome.counts["cycles"], formula.fewest))

        simulate(core, bench)
        cycles += found
    (one, fewest), (three, fewest_of_three) = cycles
    assert three == 3 * one + 2
    assert fewest_of_three == 3 * fewest + 2
