# amaranth: UnusedElaboratable=no

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.back import verilog
from amaranth.hdl import ResetInserter, Signal

from prunus_core import LIVELY, SHOWS, Show, compare, image, trained
from prunus_model.common.errors import ConfigError
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, LiftPruning, NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.memory_image.image import pack
from prunus_sim.simulator.amaranth import CoreDriver, simulate

#: Votes of the neurons of `LIVELY`.
VOTES = np.random.default_rng(3).integers(0, 16, (5, 10)).astype(np.uint8)


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
        LiftPruning(share=pick(1, 255), length=pick(1, 4)),
    )
    network = NetworkConfig(
        inputs=int(rng.choice([1, 2, 3, 5, 8, 13, 22])),
        neurons=int(rng.choice([1, 2, 3, 5, 7, 8, 11])),
        weight_bits=weight_bits,
        seed=int(rng.integers(1 << 32)),
        encoder=EncoderParams(
            steps=pick(1, 10),
            spikes="low-discrepancy" if seed % 5 > 2 else "random",
            refractory_steps=[0, 1, 3][seed % 7 % 3],
        ),
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
        pruning=policies[seed // 4 % 4],
        readout=ReadoutParams(classes=pick(1, 4)),
    )
    lanes = [n for n in (1, 2, 4, 8) if n <= network.neurons]
    sweep_inputs: Any = int(np.random.default_rng([2, seed]).choice([1, 2, 4, 8, 16]))
    hardware = HardwareConfig(
        lanes=int(rng.choice(lanes)),
        multiplier="dsp" if seed % 2 else "sequential",
        source="events" if seed % 4 == 3 else "levels",
        queue_depth=1 << pick(1, 4),
        event_depth=1 << pick(1, 6),
        encoder_inputs=4 if seed % 4 == 3 else (4, 8, 16)[seed % 3],
        sweep_inputs=sweep_inputs,
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
        pytest.param(LiftPruning(share=255, length=2), id="lift"),
    ],
)
@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_each_policy_matches_model_and_prunes(policy: Any, lanes: int) -> None:
    config = replace(LIVELY, pruning=policy)
    network = Network(config, votes=VOTES)
    state = network.state
    state.input_rate[:] = np.arange(len(state.input_rate)) * 60000 // config.inputs
    hardware = HardwareConfig(lanes=lanes)
    core = Core(network=config, hardware=hardware, state=network.state.copy(), votes=VOTES)
    outcomes = compare(core, network, votes=VOTES)
    assert all(outcome.spikes for outcome in outcomes)
    pruned = sum(outcome.counts["pruned"] for outcome in outcomes)
    assert (pruned > 0) == (policy.policy != "none")


@pytest.mark.parametrize("source", ["levels", "events"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_inference_core_matches_model(lanes: int, source: Any) -> None:
    state = trained(LIVELY)
    hardware = HardwareConfig(lanes=lanes, learn=False, source=source)
    core = Core(network=LIVELY, hardware=hardware, state=state.copy(), votes=VOTES)
    shows = [replace(show, learn=False) for show in SHOWS]
    compare(core, Network(LIVELY, state, VOTES), shows, votes=VOTES)


@pytest.mark.parametrize("stalls", [False, True])
@pytest.mark.parametrize("source", ["levels", "events"])
@pytest.mark.parametrize("learn", [False, True])
def test_refractory_core_matches_model(learn: bool, source: Any, stalls: bool) -> None:
    encoder = replace(LIVELY.encoder, spikes="low-discrepancy", refractory_steps=2)
    config = replace(LIVELY, encoder=encoder, membrane=MembraneParams(inhibition_steps=1))
    state = trained(config)
    hardware = HardwareConfig(lanes=2, learn=learn, source=source)
    core = Core(network=config, hardware=hardware, state=state.copy())
    shows = [Show(learn=learn), Show(learn=False, stop_after=1), Show(learn=learn, stop_after=2)]
    outcomes = compare(core, Network(config, state), [*shows, Show(learn=learn)], stalls=stalls)
    for name in ("dropped_spikes", "integrated_spikes", "inhibited_steps"):
        assert any(outcome.counts[name] for outcome in outcomes)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("lanes", [32, 64])
def test_many_lanes_match_model(lanes: int, packed: bool) -> None:
    """Two slots in the first lane. What all memories hold is compared in lockstep simulation."""
    config = replace(LIVELY, inputs=5, neurons=lanes + 1, encoder=EncoderParams(steps=3))
    state = trained(config)
    learn = not packed
    hardware = HardwareConfig(
        lanes=lanes, learn=learn, store="packed" if packed else "learning", multiplier="dsp"
    )
    images = None
    if packed:
        bits = config.weight_bits
        images = pack(state.weights, state.alive, format="csr", lanes=lanes, weight_bits=bits).lanes
    core = Core(network=config, hardware=hardware, state=state.copy(), images=images)
    outcomes = compare(core, Network(config, state), [Show(learn=learn)], check_state=False)
    assert outcomes[0].spikes


@pytest.mark.parametrize("encoder_inputs", [8, 16])
@pytest.mark.parametrize("stalls", [False, True])
def test_wide_encoder_matches_model(encoder_inputs: Any, stalls: bool) -> None:
    """Inputs of two words of 16, the second of which needs one draw."""
    encoder = replace(LIVELY.encoder, refractory_steps=2, spikes="low-discrepancy")
    for config in (replace(LIVELY, inputs=19), replace(LIVELY, inputs=19, encoder=encoder)):
        state = trained(config)
        hardware = HardwareConfig(lanes=2, encoder_inputs=encoder_inputs)
        core = Core(network=config, hardware=hardware, state=state.copy())
        compare(core, Network(config, state), stalls=stalls)


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
            await driver.start(Show(learn=False).request)
            ctx.set(core.spikes.ready, 1)
            await ctx.tick().repeat(cycles)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            network = Network(LIVELY, state)
            network.state.presentation = 5
            await driver.access(Space.PRESENTATION, 0, 5)
            levels = image(rng, LIVELY.inputs)
            await driver.send_levels(levels)
            await driver.start(Show(learn=False).request)
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
