"""Cycles of a core, against the formula."""

# amaranth: UnusedElaboratable=no

from dataclasses import replace
from typing import Any

from prunus_core import LIVELY, Show, compare, cycles_of, run
from prunus_model.reference.network import Network
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.timing import PIPELINE
from prunus_sim.simulator.amaranth import CoreDriver


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
            await driver.start(Show(learn=learn).request)
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
