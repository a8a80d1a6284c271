"""Builds the core of a scenario, with the state that it starts from, and its simulation."""

from __future__ import annotations

from collections.abc import Sequence as AbstractSequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.spec.state import State
from prunus_rtl.core.core import Core
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.memory_image.memory import Memory
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.scenario import Scenario, Sequence, at_rest
from prunus_sim.cosim.testbench import write_testbench
from prunus_sim.simulator.faults import Fault, inject_faults
from prunus_sim.simulator.netlist import Design
from prunus_sim.simulator.runner import Built, build

__all__ = ["build_core", "make_core", "shapes_of"]

#: Synapses from which on it pays to let the compiler optimise.
_LARGE = 20_000


def make_core(scenario: Scenario) -> Core:
    """Return the core of a scenario; its memories are initialised with the state."""
    state: State | None = scenario.state
    votes: npt.NDArray[Any] | None = None if scenario.readout is None else scenario.readout.votes
    if scenario.load:
        other = replace(scenario.network, seed=scenario.network.seed ^ 1)
        state, votes = at_rest(State.initial(other), other), None
    images = _images(scenario)
    return Core(
        network=scenario.network,
        hardware=scenario.hardware,
        state=state,
        votes=votes,
        images=images,
    )


def shapes_of(scenario: Scenario) -> Shapes:
    """Return the shapes of the core of a scenario."""
    images = _images(scenario)
    layout = None if images is None else StoreLayout.of(images)
    return Shapes(network=scenario.network, hardware=scenario.hardware, store=layout)


def _images(scenario: Scenario) -> AbstractSequence[LaneImage] | None:
    """Return the initial contents of the packed store; None if the core has none."""
    state, hardware, network = scenario.state, scenario.hardware, scenario.network
    if hardware.store != "packed":
        return None
    packed = partial(
        pack,
        format=scenario.format,
        lanes=hardware.lanes,
        weight_bits=network.weight_bits,
        flagged=scenario.load,
    )
    real = packed(state.weights, state.alive)
    if not scenario.load:
        return real.lanes
    rng = np.random.default_rng(network.seed)
    alive = rng.random(state.alive.shape) < state.alive.mean()
    weights = rng.integers(0, 1 << network.weight_bits, alive.shape, dtype=np.uint8)
    others = packed(weights * alive, alive)
    # The memories must have room for both networks.
    room = max(lane.memories[-1].depth for lane in (*real.lanes, *others.lanes))
    layout = StoreLayout.of(packed(state.weights, state.alive, capacity=room).lanes)
    lanes = layout.pack(weights * alive, alive).lanes
    if not hardware.spram:
        return lanes

    def noise(memory: Memory) -> Memory:
        words = rng.integers(0, 1 << memory.width, memory.depth)
        return replace(memory, words=tuple(words.tolist()))

    return [replace(lane, memories=tuple(map(noise, lane.memories))) for lane in lanes]


def build_core(
    scenario: Scenario, folder: Path, *, waves: bool = False, faults: AbstractSequence[Fault] = ()
) -> Built:
    """Build the simulation of a scenario.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    folder : Path
        Where everything is written; it is emptied first.
    waves : bool
        Write a waveform of the whole run.
    faults : sequence of Fault
        Faults to inject; the register ``fault`` of the testbench selects one.

    Returns
    -------
    Built
    """
    most = max((_feed_words(scenario, sequence) for sequence in scenario.sequences), default=1)
    core = make_core(scenario)

    def testbench(source: Path, where: Path) -> Path:
        design = Design(source)
        inject_faults(source, faults)
        network = scenario.network
        poke_depth = max(
            network.rows * network.neurons, network.all_neurons * network.readout.classes
        )
        if core.shapes.store is not None:
            poke_depth = max(poke_depth, *map(max, core.shapes.store.depths))
        return write_testbench(
            core,
            design,
            where,
            feed_depth=max(1, most),
            poke_depth=max(1, poke_depth),
            accesses=scenario.accesses,
        )

    large = scenario.network.rows * scenario.network.neurons > _LARGE
    return build(
        core, folder, testbench=testbench, public_signals=False, optimise=large, waves=waves
    )


def _feed_words(scenario: Scenario, sequence: Sequence) -> int:
    """Return the number of words of the input stream of a sequence."""
    if scenario.hardware.source == "levels":
        return len(sequence.stimuli) * scenario.network.image_levels
    return sum(
        sum(len(pres) for pres in events) + scenario.network.encoder.steps
        for events in sequence.stimuli
    )
