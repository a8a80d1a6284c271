# amaranth: UnusedElaboratable=no

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from amaranth.back import verilog
from amaranth.hdl import ResetInserter, Signal

from prunus_model.common.errors import ConfigError
from prunus_model.reference.network import Network
from prunus_model.spec.config import (
    EncoderParams,
    HomeostasisParams,
    MembraneParams,
    NetworkConfig,
    ReadoutParams,
    StdpParams,
    pruning_label,
)
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, NoPruning, RedundancyParams
from prunus_model.spec.random_streams import words
from prunus_model.spec.state import NO_STEP, State
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.core import Core
from prunus_rtl.core.result import expanded
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.memory_image.image import pack
from prunus_rtl.timing import PIPELINE, Cycles, presentation, work
from prunus_sim.simulator.amaranth import CoreDriver, Outcome, simulate

#: Fires often, learns fast, prunes at once.
LIVELY = NetworkConfig(
    inputs=10,
    neurons=5,
    seed=7,
    encoder=EncoderParams(steps=8),
    homeostasis=HomeostasisParams(v_th=9000, theta_plus=300, theta_decay_shift=5),
    stdp=StdpParams(potentiation_shift=3, depression_shift=3, trace_window=2),
    pruning=AdaptivePruning(ramp_shift=0, ramp_gain=9, strength_gain=6000),
)


@dataclass(frozen=True, kw_only=True)
class Show:
    """One presentation of a bench."""

    learn: bool = True
    stop_after: int = 0


SHOWS = (Show(), Show(stop_after=2), Show(learn=False), Show(learn=False, stop_after=1), Show())


def image(rng: np.random.Generator, inputs: int) -> Any:
    levels = rng.integers(0, 256, inputs)
    levels[rng.random(inputs) < 0.4] = 0
    levels[rng.random(inputs) < 0.1] = 255
    return levels.astype(np.uint8)


def events_of(rng: np.random.Generator, network: NetworkConfig) -> list[list[int]]:
    """Spikes of each step, in any order; the last steps may be missing."""
    steps = int(rng.integers(network.encoder.steps + 1))
    return [
        rng.permutation(np.flatnonzero(rng.random(network.inputs) < 0.5)).tolist()
        for _ in range(steps)
    ]


def run(core: Core, bench: Any, *benches: Any) -> None:
    """Simulate a core in which every use of a colliding read would show."""
    simulate(core, bench, *benches, platform=Collisions())


def cycles_of(core: Core, network: Network, levels: Any, events: Any, show: Show) -> Cycles:
    """Return the cycles by the formula, for a model's copy."""
    copy = Network(core.network, network.state)
    left = 0
    if events is None:
        steps = copy.steps(levels, learn=show.learn, stop_after=show.stop_after)
    else:
        steps = copy.steps_events(events, learn=show.learn, stop_after=show.stop_after)
        left = sum(len(pres) + 1 for pres in events)
    given = list(work(core.shapes, copy, steps))
    return presentation(core.shapes, given, learn=show.learn, stop_after=show.stop_after, left=left)


def compare(
    core: Core,
    network: Network,
    shows: Sequence[Show] = SHOWS,
    *,
    seed: int = 0,
    stalls: bool = False,
    check_state: bool = True,
    votes: Any = None,
) -> list[Outcome]:
    """Show images to core and model, and compare everything after each."""
    config, hardware = core.network, core.hardware
    rng, *rngs = np.random.default_rng(seed).spawn(3)
    images = [image(rng, config.inputs) for _ in shows]
    event_lists = [events_of(rng, config) for _ in shows]
    outcomes = []

    async def feed(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=rngs[0] if stalls else None)
        for levels, events in zip(images, event_lists, strict=True):
            if hardware.source == "levels":
                await driver.send_levels(levels)
            else:
                await driver.send_events(events)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=rngs[1] if stalls else None)
        for k, show in enumerate(shows):
            await driver.start(learn=show.learn, stop_after=show.stop_after)
            outcome = await driver.finish()
            levels, events = images[k], None
            if hardware.source == "events":
                events = event_lists[k]
            formula = cycles_of(core, network, levels, events, show)
            if events is None:
                shown = network.present(levels, learn=show.learn, stop_after=show.stop_after)
            else:
                shown = network.present_events(events, learn=show.learn, stop_after=show.stop_after)
            fired = list(zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True))
            assert outcome.spikes == fired, k
            got = expanded(outcome.counts, config, hardware, learn=show.learn)
            assert got == shown.counters, k
            assert outcome.undecided == (not fired), k
            if votes is not None:
                scores = votes[shown.spike_posts].sum(axis=0)
                assert outcome.prediction == int(np.argmax(scores)), k
            if not stalls:
                cycles = outcome.counts["cycles"]
                assert formula.fewest <= cycles, (k, formula)
                # Events may come later than they are wanted.
                assert events is not None or cycles <= formula.most, (k, cycles, formula)
            if check_state:
                state = await driver.read_state()
                assert comparable(network.state, core).differences(state) == [], k
            outcomes.append(outcome)

    run(core, bench, feed)
    return outcomes


def comparable(state: State, core: Core) -> State:
    """Return a state without what the core does not have."""
    state = state.copy()
    has = spaces(core.shapes)
    first = State.initial(core.network)
    if Space.THETA not in has:
        state.theta[:] = state.strength[:] = state.post_count[:] = 0
        state.last_step[:] = NO_STEP
    if Space.SYNAPSES not in has:
        state.weights[:], state.alive[:] = first.weights, first.alive
    return state


def trained(config: NetworkConfig, presentations: int = 6) -> State:
    """Return a state after some learning, with thresholds in force."""
    network = Network(config)
    rng = np.random.default_rng(9)
    for _ in range(presentations):
        network.present(image(rng, config.inputs), learn=True)
    network.present(image(rng, config.inputs), learn=False)
    return network.state


def random_setup(seed: int) -> tuple[NetworkConfig, HardwareConfig]:
    rng = np.random.default_rng([1, seed])

    def pick(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    weight_bits = pick(1, 8)
    policies = (
        NoPruning(),
        ConstantPruning(w_prune=pick(0, (1 << weight_bits) - 1), start=pick(0, 1) * 2),
        AdaptivePruning(
            ramp_gain=pick(0, 9),
            ramp_shift=pick(0, 4),
            strength_gain=int(rng.choice([300, 6000, 65535])),
            start=pick(0, 1) * 2,
        ),
    )
    redundancy = RedundancyParams(
        shift=[1, 8, 3][seed // 3 % 3], image_width=pick(1, 6), start=pick(0, 1) * 2
    )
    network = NetworkConfig(
        inputs=int(rng.choice([1, 2, 3, 5, 8, 13, 22])),
        neurons=int(rng.choice([1, 2, 3, 5, 7, 8, 11])),
        weight_bits=weight_bits,
        seed=int(rng.integers(1 << 32)),
        encoder=EncoderParams(steps=pick(1, 10)),
        membrane=MembraneParams(leak_shift=pick(0, 7), inhibition_steps=pick(0, 2)),
        homeostasis=HomeostasisParams(
            v_th=pick(1, 40000),
            theta_plus=int(rng.choice([0, 300, 3000, (1 << 24) - 1])),
            theta_decay_shift=pick(0, 24),
            fire_shift=pick(15, 20),
        ),
        stdp=StdpParams(
            trace_window=int(rng.choice([0, 1, 3, 255])),
            potentiation_shift=pick(0, 8),
            depression_shift=pick(0, 8),
        ),
        pruning=policies[seed % 3],
        redundancy=redundancy if seed // 3 % 3 else None,
        readout=ReadoutParams(classes=pick(1, 4)),
    )
    lanes = [n for n in (1, 2, 4, 8) if n <= network.neurons]
    hardware = HardwareConfig(
        lanes=int(rng.choice(lanes)),
        multiplier="dsp" if seed % 2 else "sequential",
        source="events" if seed % 4 == 3 else "levels",
        queue_depth=1 << pick(1, 4),
        event_depth=1 << pick(1, 6),
    )
    return network, hardware


@pytest.mark.parametrize("seed", range(24))
def test_every_state_matches_model_in_random_configurations(seed: int) -> None:
    config, hardware = random_setup(seed)
    network = Network(config)
    core = Core(network=config, hardware=hardware, state=network.state.copy())
    compare(core, network, seed=seed)


@pytest.mark.parametrize("seed", range(24, 32))
def test_every_state_matches_model_under_stalls(seed: int) -> None:
    config, hardware = random_setup(seed)
    network = Network(config)
    core = Core(network=config, hardware=hardware, state=network.state.copy())
    compare(core, network, seed=seed, stalls=True)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(NoPruning(), id="none"),
        pytest.param(ConstantPruning(w_prune=30), id="constant"),
        pytest.param(AdaptivePruning(ramp_shift=4, strength_gain=600), id="adaptive"),
    ],
)
@pytest.mark.parametrize("redundancy", [None, RedundancyParams(shift=8, image_width=4)])
@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_each_policy_matches_model_and_prunes(
    policy: Any, redundancy: RedundancyParams | None, lanes: int
) -> None:
    config = replace(LIVELY, pruning=policy, redundancy=redundancy)
    network = Network(config)
    if redundancy:
        network.state.coactivity[:] = np.arange(config.inputs) * 60000 // config.inputs
    core = Core(network=config, hardware=HardwareConfig(lanes=lanes), state=network.state.copy())
    outcomes = compare(core, network)
    assert all(outcome.spikes for outcome in outcomes)
    pruned = sum(outcome.counts["pruned"] for outcome in outcomes)
    assert (pruned > 0) == (pruning_label(config) != "none")


def test_policies_take_the_same_cycles() -> None:
    """With thresholds that prune nothing, so that all three run alike."""
    cycles = []
    for policy in (NoPruning(), ConstantPruning(w_prune=0), AdaptivePruning(ramp_gain=0)):
        config = replace(LIVELY, pruning=policy)
        network = Network(config)
        core = Core(network=config, hardware=HardwareConfig(lanes=2), state=network.state.copy())
        outcomes = compare(core, network, check_state=False)
        cycles.append([outcome.counts["cycles"] for outcome in outcomes])
    assert cycles[0] == cycles[1] == cycles[2]


@pytest.mark.parametrize("source", ["levels", "events"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_inference_core_matches_model(lanes: int, source: Any) -> None:
    state = trained(LIVELY)
    hardware = HardwareConfig(lanes=lanes, learn=False, source=source)
    votes = np.random.default_rng(3).integers(0, 16, (5, 10))
    core = Core(network=LIVELY, hardware=hardware, state=state.copy(), votes=votes)
    shows = [Show(learn=False), Show(learn=False, stop_after=1), Show(learn=False)]
    compare(core, Network(LIVELY, state), shows, votes=votes)


@pytest.mark.parametrize("fmt", ["csr", "bitmask", "dense"])
def test_packed_core_matches_model(fmt: str) -> None:
    state = trained(LIVELY)
    hardware = HardwareConfig(lanes=2, learn=False, store="packed")
    images = pack(
        state.weights, state.alive, format=fmt, lanes=2, weight_bits=LIVELY.weight_bits
    ).lanes
    core = Core(network=LIVELY, hardware=hardware, state=state.copy(), images=images)
    shows = [Show(learn=False), Show(learn=False, stop_after=1), Show(learn=False)]
    compare(core, Network(LIVELY, state), shows)


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
    network = Network(LIVELY, state.copy())
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
        await driver.start(learn=False)
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
    await driver.start(learn=False)
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
            await driver.start(learn=True)
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


def test_cycles_of_a_dense_network_are_exactly_those_of_the_formula() -> None:
    """One lane, events at once: nothing is left to chance."""
    steps, inputs = 6, 9
    config = replace(LIVELY, inputs=inputs, pruning=NoPruning())
    config = replace(config, encoder=EncoderParams(steps=steps), readout=ReadoutParams(classes=2))
    hardware = HardwareConfig(lanes=1, source="events", multiplier="dsp")
    network = Network(config)
    core = Core(network=config, hardware=hardware, state=network.state.copy())
    events = [[], [0, 1, 2], [3], list(range(inputs)), [5, 4, 8, 0], []]
    cycles = []

    async def feed(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        for _ in range(2):
            await driver.send_events(events)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        for learn in (False, True):
            await driver.start(learn=learn)
            outcome = await driver.finish()
            formula = cycles_of(core, network, None, events, Show(learn=learn))
            shown = network.present_events(events, learn=learn)
            fired = shown.spike_steps.tolist()
            assert len(fired) > 1
            want = formula.fewest
            for step, pres in enumerate(events):
                want += PIPELINE if pres else 0
                # Too short a step for the threshold to be computed behind it.
                want += learn and not pres and step - 1 in fired
            cycles.append((outcome.counts["cycles"], want))
            assert outcome.counts["cycles"] <= formula.most

    run(core, bench, feed)
    assert [got for got, _ in cycles] == [want for _, want in cycles]


def test_reset_in_the_middle_leaves_a_core_that_infers_as_before() -> None:
    state = trained(LIVELY)
    core = Core(network=LIVELY, hardware=HardwareConfig(lanes=2), state=state.copy())
    reset = Signal()
    rng = np.random.default_rng(4)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        for cycles in (3, 40, 150, 190, 260):
            await driver.access(Space.PRESENTATION, 0, 77)
            await driver.send_levels(image(rng, LIVELY.inputs))
            await driver.start(learn=False)
            ctx.set(core.spikes.ready, 1)
            await ctx.tick().repeat(cycles)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            network = Network(LIVELY, state.copy())
            network.state.presentation = 5
            await driver.access(Space.PRESENTATION, 0, 5)
            levels = image(rng, LIVELY.inputs)
            await driver.send_levels(levels)
            await driver.start(learn=False)
            outcome = await driver.finish()
            shown = network.present(levels, learn=False)
            assert [post for _, post in outcome.spikes] == shown.spike_posts.tolist()
            assert network.state.differences(await driver.read_state()) == []

    simulate(ResetInserter(reset)(core), bench, platform=Collisions())


@pytest.mark.parametrize("name", ["tiny", "demo"])
def test_named_configurations_become_verilog_without_paths(name: str) -> None:
    config = replace(NetworkConfig.named(name), inputs=20)
    for learn in (True, False):
        core = Core(network=config, hardware=HardwareConfig(lanes=8, learn=learn))
        text = verilog.convert(core, name="core", emit_src=False, strip_internal_attrs=True)
        assert "module core(" in text
        assert "/" + "work" not in text


def test_rejects_images_without_packed_store_and_the_other_way() -> None:
    message = "Images must be given for the packed store and no other, not 'packed'"
    packed = HardwareConfig(lanes=2, learn=False, store="packed")
    with pytest.raises(ValueError, match=re.escape(message)):
        Core(network=LIVELY, hardware=packed)
    state = State.initial(LIVELY)
    two = pack(state.weights, state.alive, format="csr", lanes=2, weight_bits=8).lanes
    message = "Images must be given for the packed store and no other, not 'learning'"
    with pytest.raises(ValueError, match=re.escape(message)):
        Core(network=LIVELY, hardware=HardwareConfig(lanes=2), images=two)
    message = "Images must have lanes, inputs, slots, weight_bits (2, 10, 3, 8), not (1, 10, 3, 8)"
    with pytest.raises(ValueError, match=re.escape(message)):
        Core(network=LIVELY, hardware=packed, images=two[:1])
    message = "Images must have lanes, inputs, slots, weight_bits (2, 10, 3, 4), not (2, 10, 3, 8)"
    with pytest.raises(ValueError, match=re.escape(message)):
        Core(network=replace(LIVELY, weight_bits=4), hardware=packed, images=two)


def test_rejects_a_network_that_the_hardware_cannot_carry() -> None:
    with pytest.raises(ConfigError, match="lanes must not be more than neurons"):
        Core(network=LIVELY, hardware=HardwareConfig(lanes=8))


def test_words_of_the_encoder_are_those_of_the_model() -> None:
    assert [words(n) for n in (1, 4, 5, 784)] == [1, 1, 2, 196]
