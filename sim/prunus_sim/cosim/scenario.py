"""The whole core beside the golden model: presentation by presentation, every state bit.

A :class:`Job` says what is built and what is shown. It runs in the simulator
(:mod:`prunus_sim.cosim.bench`); the first difference ends it, and the presentation in which it
arose is run again alone, with a waveform.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from prunus_model.reference import homeostasis
from prunus_model.reference.readout import Readout
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.memory_image.memory import Memory
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.scoreboard import Stimulus
from prunus_sim.cosim.stimulus import check_show, check_stimulus
from prunus_sim.cosim.testbench import testbench
from prunus_sim.simulator.netlist import Design
from prunus_sim.simulator.runner import BenchError, Built, build, waves_wanted

__all__ = [
    "Job",
    "Report",
    "Show",
    "at_rest",
    "build_core",
    "from_artifact",
    "make_core",
    "random_votes",
    "run",
    "shapes_of",
]

#: How the state is read after a presentation: by the memory port, behind the core's back, by both
#: (which then must agree), or not at all.
Check = Literal["port", "door", "both", "none"]

#: Module of the bench, and the files by which it is told what to do and tells what it did.
_BENCH = "prunus_sim.cosim.bench"
_JOB_FILE = "job.pickle"
_REPORT_FILE = "report.json"
_FAILURE_FILE = "failure.pickle"
#: Synapses from which on it pays to let the compiler optimise.
_LARGE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Presentations that follow each other without a pause.

    Attributes
    ----------
    stimuli : sequence
        Levels of images, or address events.
    learn, stop_after
        As for :meth:`prunus_model.reference.network.Network.present`.
    check : str
        How the state is read at the end.
    stall : float
        Probability of a pause, in every cycle of every stream.
    seed : int
        Where the pauses begin.
    reset_after : int
        Reset the core after so many cycles; then show the same again, in full. 0 means never.
    cycles : bool
        Compare the number of cycles with the bounds that the core states. Only without pauses.
    """

    stimuli: Sequence[Stimulus]
    learn: bool = False
    stop_after: int = 0
    check: Check = "door"
    stall: float = 0.0
    seed: int = 1
    reset_after: int = 0
    cycles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is built, and what is shown.

    Attributes
    ----------
    name : str
        Name, for messages and files.
    network : NetworkConfig
    hardware : HardwareConfig
    state : State
        Where it begins.
    readout : Readout, optional
        Votes. Default: all 0.
    format : str
        Format of the packed store.
    load : bool
        Write the state through the memory port too, over initial contents of another network; over
        random words in a store that is in SPRAM.
    shows : sequence of Show
    accesses : bool
        Count accesses and operations in the core, and compare them too.

    Raises
    ------
    StimulusError
        If something that is shown does not fit the network or the core.
    """

    name: str
    network: NetworkConfig
    hardware: HardwareConfig
    state: State
    readout: Readout | None = None
    format: str = "csr"
    load: bool = False
    shows: Sequence[Show] = ()
    accesses: bool = False

    def __post_init__(self) -> None:
        number = self.state.presentation
        for k, show in enumerate(self.shows):
            check_show(
                learn=show.learn,
                stop_after=show.stop_after,
                stall=show.stall,
                reset_after=show.reset_after,
                hardware=self.hardware,
                name=f"Show {k}",
            )
            for stimulus in show.stimuli:
                name = f"Presentation {number}"
                check_stimulus(stimulus, self.network, self.hardware, name=name)
                number += 1

    @property
    def presentations(self) -> int:
        """Presentations of all shows."""
        return sum(len(show.stimuli) for show in self.shows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a job did.

    Attributes
    ----------
    name, simulator : str
    neurons, lanes, presentations : int
    mode, policy : str
        "learning", "inference" or "both"; pruning policy.
    cycles : int
        Clock cycles that were simulated, those of the memory port included.
    core_cycles : int
        Cycles that the core has counted in its presentations.
    values_compared, differences : int
    build_seconds, seconds, simulation_seconds : float
        Time to build, to run, and of that in the simulator.
    """

    name: str
    simulator: str
    mode: str
    policy: str
    neurons: int
    lanes: int
    presentations: int
    cycles: int
    core_cycles: int
    values_compared: int
    differences: int
    build_seconds: float
    seconds: float
    simulation_seconds: float


def random_votes(network: NetworkConfig, seed: int = 0) -> Readout:
    """Return votes for a network that has not learned yet: every spike elects somebody."""
    rng = np.random.default_rng(seed)
    shape = (network.neurons, network.readout.classes)
    votes = rng.integers(0, 1 << network.readout.vote_bits, shape).astype(np.uint8)
    return Readout(votes=votes, assignment=votes.argmax(axis=1).astype(np.int16))


def at_rest(state: State, network: NetworkConfig) -> State:
    """Return a state with the thresholds that inference uses, ``v`` and ``last_step`` cleared."""
    state = state.copy()
    theta, strength = state.theta.astype(np.int64), state.strength.astype(np.int64)
    state.v_fire[:] = homeostasis.fire_threshold(theta, strength, network.homeostasis)
    state.v[:] = 0
    state.last_step[:] = -1
    return state


def from_artifact(
    artifact: Artifact, *, name: str, hardware: HardwareConfig, shows: Sequence[Show]
) -> Job:
    """Return the job of a trained network."""
    return Job(
        name=name,
        network=artifact.config,
        hardware=hardware,
        state=at_rest(artifact.state, artifact.config),
        readout=artifact.readout,
        shows=shows,
    )


def make_core(job: Job) -> Core:
    """Return the core of a job; what it holds at first is the state."""
    state: State | None = job.state
    votes: npt.NDArray[Any] | None = None if job.readout is None else job.readout.votes
    if job.load:
        other = replace(job.network, seed=job.network.seed ^ 1)
        state, votes = at_rest(State.initial(other), other), None
    images = _images(job)
    return Core(network=job.network, hardware=job.hardware, state=state, votes=votes, images=images)


def shapes_of(job: Job) -> Shapes:
    """Return the shapes of the core of a job."""
    images = _images(job)
    layout = None if images is None else StoreLayout.of(images)
    return Shapes(network=job.network, hardware=job.hardware, store=layout)


def _images(job: Job) -> Sequence[LaneImage] | None:
    """Return what the packed store holds at first, if there is one."""
    state, hardware, network = job.state, job.hardware, job.network
    if hardware.store != "packed":
        return None
    packed = partial(
        pack,
        format=job.format,
        lanes=hardware.lanes,
        weight_bits=network.weight_bits,
        flagged=job.load,
    )
    real = packed(state.weights, state.alive)
    if not job.load:
        return real.lanes
    rng = np.random.default_rng(network.seed)
    alive = rng.random(state.alive.shape) < state.alive.mean()
    weights = rng.integers(0, 1 << network.weight_bits, alive.shape, dtype=np.uint8)
    others = packed(weights * alive, alive)
    # Room for both.
    room = max(lane.memories[-1].depth for lane in (*real.lanes, *others.lanes))
    layout = StoreLayout.of(packed(state.weights, state.alive, capacity=room).lanes)
    lanes = layout.pack(weights * alive, alive).lanes
    if not hardware.spram:
        return lanes

    def noise(memory: Memory) -> Memory:
        words = rng.integers(0, 1 << memory.width, memory.depth)
        return replace(memory, words=tuple(words.tolist()))

    return [replace(lane, memories=tuple(map(noise, lane.memories))) for lane in lanes]


def build_core(job: Job, folder: Path, *, waves: bool = False) -> Built:
    """Build the simulation of a job.

    Parameters
    ----------
    job : Job
        The job.
    folder : Path
        Where everything is written.
    waves : bool
        Build with waveforms of the whole run.

    Returns
    -------
    Built
    """
    most = max((feed_words(job, show) for show in job.shows), default=1)
    core = make_core(job)

    def wrapper(source: Path) -> str:
        network = job.network
        poke_depth = max(
            network.inputs * network.neurons, network.neurons * network.readout.classes
        )
        if core.shapes.store is not None:
            poke_depth = max(poke_depth, *map(max, core.shapes.store.depths))
        return testbench(
            core,
            Design(source),
            feed_depth=max(1, most),
            poke_depth=max(1, poke_depth),
            accesses=job.accesses,
        )

    large = job.network.inputs * job.network.neurons > _LARGE
    return build(core, folder, wrapper=wrapper, lean=True, fast=large, waves=waves)


def feed_words(job: Job, show: Show) -> int:
    """Return the words of a show's input."""
    if job.hardware.source == "levels":
        return len(show.stimuli) * job.network.inputs
    return sum(
        sum(len(pres) for pres in events) + job.network.encoder.steps for events in show.stimuli
    )


def run(job: Job, folder: Path) -> Report:
    """Build a job and run it.

    Parameters
    ----------
    job : Job
        The job.
    folder : Path
        Where everything is written; it is emptied first.

    Returns
    -------
    Report

    Raises
    ------
    BenchError
        With the first difference, and where the waveform of its presentation is.
    """
    started = time.perf_counter()
    built = build_core(job, folder, waves=waves_wanted())
    built_after = time.perf_counter()
    try:
        _simulate(job, built)
    except BenchError as e:
        raise BenchError(f"{job.name}: {e}{_waveform(folder)}") from None
    values = json.loads((folder / _REPORT_FILE).read_text())
    learns = {show.learn for show in job.shows}
    mode = "both" if len(learns) == 2 else "learning" if True in learns else "inference"
    return Report(
        name=job.name,
        simulator=built.simulator,
        mode=mode,
        policy=job.network.pruning.policy,
        neurons=job.network.neurons,
        lanes=job.hardware.lanes,
        presentations=job.presentations,
        differences=0,
        build_seconds=round(built_after - started, 2),
        seconds=round(time.perf_counter() - built_after, 2),
        **values,
    )


def _simulate(job: Job, built: Built) -> None:
    (built.folder / _JOB_FILE).write_bytes(pickle.dumps(job))
    built.run(_BENCH, name="lockstep")


def _waveform(folder: Path) -> str:
    """Run the presentation that failed alone, with a waveform; return what to tell about it."""
    failure = folder / _FAILURE_FILE
    if not failure.exists():
        return ""
    job: Job = pickle.loads(failure.read_bytes())
    # Beside the folder, not in it: make would take what it finds in the folder above.
    alone = folder.with_name(f"{folder.name}-waveform")
    built = build_core(job, alone, waves=True)
    try:
        _simulate(job, built)
    except BenchError:
        again = "the presentation alone differs too"
    else:
        again = "the presentation alone does not differ"
    waves = sorted([*alone.glob("*.vcd"), *alone.glob("*.fst")])
    return f"; waveform: {waves[0] if waves else 'none'} ({again})"
