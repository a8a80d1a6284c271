"""Scenarios of the bundled networks, of stores and of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prunus_model.data import datasets
from prunus_model.data.events import saccades
from prunus_model.data.events.split import bin_recordings
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.spec.state import State
from prunus_model.spec.units import MembraneParams
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.scenario import Scenario, Sequence, from_artifact
from prunus_sim.cosim.scenarios.building import (
    Case,
    fresh_scenario,
    images,
    mixed_sequences,
    pretrained,
    random_events,
    tiny_network,
)

__all__ = ["NETWORKS"]


def _tiny_learning(seed: int) -> Scenario:
    network = tiny_network()
    levels = images(network, 60, seed=seed)
    sequences = [
        Sequence(
            stimuli=[image],
            learn=True,
            check="both" if k % 10 == 0 else "backdoor",
            cycles=k % 5 == 0,
        )
        for k, image in enumerate(levels)
    ]
    return fresh_scenario("tiny, learning", network, seed, sequences=sequences)


def _demo_learning(seed: int) -> Scenario:
    # From scratch, and pruning early: the ramp of `demo` is for tens of thousands of images.
    network = replace(
        NetworkConfig.named("demo"), pruning=AdaptivePruning(ramp_shift=0, strength_gain=330)
    )
    sequences = [
        Sequence(
            stimuli=[image], learn=True, check="both" if k == 23 else "backdoor", cycles=k % 8 == 0
        )
        for k, image in enumerate(images(network, 24, seed=seed))
    ]
    return fresh_scenario("demo, learning", network, seed, lanes=16, sequences=sequences)


def _demo_trained(seed: int) -> Scenario:
    """Go on learning from the bundled network, most of whose synapses are pruned already."""
    artifact = pretrained("demo")
    sequences = [
        Sequence(stimuli=[image], learn=k % 3 > 0, cycles=k % 4 == 0)
        for k, image in enumerate(images(artifact.config, 8, seed=seed))
    ]
    return from_artifact(
        artifact, name="demo, trained", hardware=HardwareConfig(lanes=16), sequences=sequences
    )


def _inference_400(seed: int) -> Scenario:
    artifact = pretrained("400")
    levels = images(artifact.config, 12, split="test", seed=seed)
    sequences = [
        Sequence(stimuli=list(levels[:6]), check="both"),
        Sequence(stimuli=[levels[6]], cycles=True),
        Sequence(stimuli=list(levels[7:9]), stop_after=1, pause=0.1),
        Sequence(stimuli=list(levels[9:11]), stop_after=2, check="both"),
        Sequence(stimuli=[levels[11]], margin=14, cycles=True),
    ]
    return from_artifact(
        artifact,
        name="400, inference",
        hardware=HardwareConfig(lanes=16, learn=False, store="packed"),
        sequences=sequences,
    )


def _packed(format_: str) -> Case:
    def case(seed: int) -> Scenario:
        artifact = pretrained("demo")
        levels = images(artifact.config, 6, split="test", seed=seed)
        scenario = from_artifact(
            artifact,
            name=f"demo, {format_}",
            hardware=HardwareConfig(lanes=8, learn=False, store="packed"),
            sequences=mixed_sequences(levels, seed, learn=False),
        )
        return replace(scenario, format=format_)

    return case


def _small_lists(name: str, format_: str = "csr", **options: Any) -> Case:
    """Return a scenario with a packed store, in which some inputs have no synapse at all."""

    def case(seed: int) -> Scenario:
        network = tiny_network(inputs=45, neurons=21)

        def state(start: State) -> None:
            rng = np.random.default_rng(seed)
            start.alive[:] = rng.random(start.alive.shape) < 0.4
            start.alive[rng.random(network.inputs) < 0.3] = False
            start.weights[~start.alive] = 0
            start.strength[:] = start.weights.sum(axis=0)

        scenario = fresh_scenario(
            name, network, seed, state=state, count=10, learn=False, store="packed", **options
        )
        return replace(scenario, format=format_)

    return case


def _spram_400(seed: int) -> Scenario:
    """Load a network into the SPRAMs, pointers and entries of a lane in one."""
    artifact = pretrained("400")
    levels = images(artifact.config, 4, split="test", seed=seed)
    hardware = HardwareConfig(
        lanes=4, learn=False, store="packed", spram=True, queue_depth=4, event_depth=64
    )
    sequences = [
        Sequence(stimuli=[levels[0]], cycles=True, check="both"),
        Sequence(stimuli=list(levels[1:4]), stop_after=2, pause=0.1, check="both"),
    ]
    scenario = from_artifact(
        artifact, name="400, SPRAM, loaded", hardware=hardware, sequences=sequences
    )
    return replace(scenario, load=True)


def _inference_tiny(seed: int) -> Scenario:
    return fresh_scenario(
        "tiny, inference from the learning store", tiny_network(), seed, learn=False
    )


def _events_in(seed: int) -> Scenario:
    """Learn from events of a data set, binned as a sensor's are, and prune; then random events."""
    count = 8
    network = tiny_network(
        encoder=EncoderParams(steps=16, events=EventsParams(scale=5, polarity="merged")),
        pruning=AdaptivePruning(ramp_gain=4, ramp_shift=0, strength_gain=3000),
    )
    sample = datasets.load("sample", "train").take(seed * count, count)
    pixels = sample.images.reshape(count, *sample.image_shape)
    recordings = saccades.simulate(pixels, sample.labels, name="sample")
    events = bin_recordings("sample", recordings, network.encoder).events
    learning = [
        Sequence(stimuli=[[pres.tolist() for pres in events.lists(k)]], learn=True, cycles=True)
        for k in range(count)
    ]
    mixed = mixed_sequences(list(random_events(network, 12, seed)), seed)
    return fresh_scenario(
        "tiny, events", network, seed, source="events", sequences=[*learning, *mixed]
    )


def _events_only(seed: int) -> Scenario:
    network = tiny_network(membrane=MembraneParams(inhibition_steps=2))
    return fresh_scenario("tiny, events, inference", network, seed, source="events", learn=False)


#: By name.
NETWORKS: Mapping[str, Case] = {
    "tiny-learning": _tiny_learning,
    "demo-learning": _demo_learning,
    "demo-trained": _demo_trained,
    "400-inference": _inference_400,
    "packed-csr": _packed("csr"),
    "packed-bitmask": _packed("bitmask"),
    "packed-dense": _packed("dense"),
    "packed-loaded": _small_lists("packed CSR, loaded", load=True),
    "packed-loaded-bitmask": _small_lists("packed bitmask, loaded", "bitmask", load=True),
    "packed-loaded-dense": _small_lists("packed dense, loaded", "dense", load=True),
    "spram": _small_lists("SPRAM, loaded", load=True, spram=True),
    "spram-bitmask": _small_lists("SPRAM, bitmask, loaded", "bitmask", load=True, spram=True),
    "400-spram": _spram_400,
    "tiny-inference": _inference_tiny,
    "events": _events_in,
    "events-inference": _events_only,
    "encoder-16-packed": _small_lists(
        "packed CSR, 16 inputs per cycle", encoder_inputs=16, neuron_memory="block"
    ),
    "load-only-packed": _small_lists("packed CSR, load only", load=True, host_access="load"),
    "load-only-spram": _small_lists("SPRAM, load only", load=True, spram=True, host_access="load"),
    "no-access": _small_lists("packed bitmask, no access", "bitmask", host_access="none"),
}
