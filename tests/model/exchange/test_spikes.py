"""Spikes of many images at once are those that the reference hears."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from prunus_cli import TINY, digits, windows
from prunus_model.common.errors import ExchangeError
from prunus_model.exchange.spikes import check_undivided, input_spikes
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.spec.levels import levels
from prunus_model.spec.packed_events import PackedEvents

ENCODERS = {
    "random": EncoderParams(steps=16),
    "even": EncoderParams(steps=16, spikes="low-discrepancy"),
    "refractory": EncoderParams(steps=16, refractory_steps=3),
    "even, refractory": EncoderParams(
        steps=16, spikes="low-discrepancy", refractory_steps=1, gain=250
    ),
}


def heard(network: Network, shown: Any, *, events: bool = False) -> npt.NDArray[np.bool_]:
    steps = network.steps_events if events else network.steps
    return np.array([step.kept for step in steps(shown, learn=False)])


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize(("seed", "first"), [(1, 0), (0xFFFFFFFF, 7), (0x243F6A88, 0)])
def test_spikes_are_those_of_the_reference(name: str, seed: int, first: int) -> None:
    config = replace(TINY, encoder=ENCODERS[name], seed=seed)
    shown = levels(digits(6).images, config.encoder)
    found = input_spikes(config, shown, first=first)
    assert found.shape == (6, 16, 49)
    network = Network(config)
    network.state.presentation = first
    for number, image in enumerate(shown):
        assert np.array_equal(heard(network, image), found[number])
    assert 0 < found.mean() < 1


def test_presentations_are_counted_in_32_bits() -> None:
    shown = levels(digits(2).images, TINY.encoder)
    found = input_spikes(TINY, shown, first=2**32 - 1)
    assert np.array_equal(found[1], input_spikes(TINY, shown[1:], first=0)[0])


@pytest.mark.parametrize("inputs", [1, 5, 50])
def test_inputs_that_are_no_multiple_of_four(inputs: int) -> None:
    config = NetworkConfig(inputs=inputs, neurons=2, encoder=EncoderParams(steps=9))
    image = np.arange(100, 100 + inputs, dtype=np.uint8)
    assert np.array_equal(input_spikes(config, image[np.newaxis])[0], heard(Network(config), image))


@pytest.mark.parametrize("refractory", [0, 2])
def test_events_are_spikes(refractory: int) -> None:
    params = EventsParams(width=3, height=1, polarity="merged")
    encoder = EncoderParams(steps=4, refractory_steps=refractory, events=params)
    config = NetworkConfig(inputs=3, neurons=2, encoder=encoder)
    lists = [[[0, 2], [0], [], [1, 0]], [[], [2], [2], [2]]]
    events = PackedEvents.of(lists, inputs=3, steps=4)
    found = input_spikes(config, events)
    for number, one in enumerate(lists):
        network = Network(config)
        assert np.array_equal(heard(network, one, events=True), found[number])
    if not refractory:
        assert found[0].astype(int).tolist() == [[1, 0, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]


def test_groups_are_refused() -> None:
    config = windows().config
    for refused in (
        lambda: check_undivided(config),
        lambda: input_spikes(config, np.zeros((1, 49), np.uint8)),
    ):
        with pytest.raises(ExchangeError) as caught:
            refused()
        assert str(caught.value) == (
            "Network must be one without groups for NIR: each of the 8 views that it has of an "
            "image has an encoder of its own, and a graph has one input"
        )


def test_levels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="48"):
        input_spikes(TINY, np.zeros((1, 48), np.uint8))
