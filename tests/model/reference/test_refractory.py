"""Refractory inputs: which spikes are dropped, and what a dropped spike changes."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.reference.refractory import kept
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.units import MembraneParams

TINY = NetworkConfig.named("tiny")


@pytest.mark.parametrize(
    ("last", "step", "refractory_steps", "heard"),
    [
        pytest.param(-1, 0, 255, True, id="never spiked"),
        pytest.param(4, 5, 0, True, id="0 drops nothing"),
        pytest.param(4, 5, 1, False, id="one step ago"),
        pytest.param(3, 5, 1, True, id="two steps ago"),
        pytest.param(0, 5, 5, False, id="just too early"),
        pytest.param(0, 6, 5, True, id="just late enough"),
        pytest.param(0, 254, 254, False, id="the last step"),
        pytest.param(0, 254, 253, True, id="the last step, late enough"),
    ],
)
def test_spike_is_dropped_within_the_refractory_steps(
    last: int, step: int, refractory_steps: int, heard: bool
) -> None:
    spikes = np.array([True, False])
    params = EncoderParams(refractory_steps=refractory_steps)
    got = kept(spikes, np.array([last, last], np.int16), step, params)
    assert got.tolist() == [heard, False]


@pytest.mark.parametrize("model", [Network, Engine])
@pytest.mark.parametrize("refractory_steps", [0, 1, 4, 200])
def test_input_that_spikes_in_every_step_is_heard_in_every_nth(
    model: type[Network] | type[Engine], refractory_steps: int
) -> None:
    encoder = EncoderParams(steps=9, refractory_steps=refractory_steps)
    # No potential leaks, and none reaches its threshold.
    config = replace(
        TINY,
        encoder=encoder,
        membrane=MembraneParams(leak_shift=0),
        homeostasis=replace(TINY.homeostasis, v_th=2**23 - 1, fire_shift=0),
    )
    network = model(config)
    events = [[3, 7] if step % 2 == 0 else [3] for step in range(9)]
    got = network.present_events(events, learn=False).counters
    heard = dict.fromkeys((3, 7), 0)
    last: dict[int, int] = {}
    for step, pres in enumerate(events):
        for pre in pres:
            if pre not in last or step - last[pre] > refractory_steps:
                heard[pre] += 1
                last[pre] = step
    assert heard[3] == -(-9 // (refractory_steps + 1))
    assert (got.input_spikes, got.integrated_spikes) == (14, sum(heard.values()))
    assert got.forward_sops == sum(heard.values()) * config.neurons
    assert got.forward_dense == 14 * config.neurons
    weights = network.state.weights.astype(np.int64)
    assert network.state.v.tolist() == (heard[3] * weights[3] + heard[7] * weights[7]).tolist()
    assert {pre: int(network.state.last_step[pre]) for pre in (3, 7)} == last


@pytest.mark.parametrize("model", [Network, Engine])
def test_dropped_spike_of_an_inhibited_step_is_an_input_spike_alone(
    model: type[Network] | type[Engine],
) -> None:
    # All inputs spike in the first step, so that a neuron fires, and again in the next, inhibited.
    config = replace(
        TINY,
        encoder=EncoderParams(steps=3, refractory_steps=1),
        membrane=MembraneParams(inhibition_steps=1),
        homeostasis=replace(TINY.homeostasis, v_th=1),
    )
    every = list(range(config.inputs))
    network = model(config)
    got = network.present_events([every, every, every], learn=False).counters
    assert (got.output_spikes, got.inhibited_steps) == (2, 1)
    assert got.input_spikes == 3 * config.inputs
    assert got.integrated_spikes == 2 * config.inputs
    assert got.forward_dense == 2 * config.inputs * config.neurons
    assert network.state.last_step.tolist() == [2] * config.inputs


@pytest.mark.parametrize("model", [Network, Engine])
def test_spikes_of_inhibited_steps_make_refractory(model: type[Network] | type[Engine]) -> None:
    config = replace(
        TINY,
        encoder=EncoderParams(steps=3, refractory_steps=1),
        membrane=MembraneParams(inhibition_steps=1),
        homeostasis=replace(TINY.homeostasis, v_th=1),
    )
    got = model(config).present_events([[0], [1], [0, 1]], learn=False).counters
    assert (got.output_spikes, got.inhibited_steps) == (2, 1)
    # Input 1 is refractory in the last step, input 0 is not.
    assert (got.input_spikes, got.integrated_spikes) == (4, 2)
    assert got.forward_dense == 3 * config.neurons
