"""Named scenarios of the co-simulation, all in one file: they are data, and read as a list.

Each takes a seed and gives a :class:`prunus_sim.cosim.scenario.Scenario`; other seeds give other
weights, other images, other pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.data import datasets
from prunus_model.data.events import saccades
from prunus_model.data.events.split import bin_recordings
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.formats import (
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RATE_BITS,
    THETA_BITS,
    V_FIRE_BITS,
    max_of,
)
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, LiftPruning, NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams
from prunus_model.training.artifact import Artifact
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.scenario import Scenario, Sequence, at_rest, from_artifact, random_votes
from prunus_sim.cosim.stimulus import Stimulus

__all__ = ["BOUNDED", "SCENARIOS", "images", "pretrained"]

Levels = npt.NDArray[np.uint8]


@cache
def pretrained(name: str) -> Artifact:
    """Return a bundled network: ``demo`` or ``400``."""
    folder = Path(str(resources.files("prunus_model.pretrained")))
    return Artifact.load(folder / f"{name}.npz")


def images(network: NetworkConfig, count: int, *, split: Any = "train", seed: int = 0) -> Levels:
    """Return levels of real images, made smaller if the network has fewer inputs.

    The bundled sample of MNIST, from image ``seed * count`` on.
    """
    found = datasets.load("sample", split)
    at = np.arange(seed * count, (seed + 1) * count) % len(found.images)
    pixels = found.images[at].reshape(count, 28, 28)
    if network.pixels != pixels[0].size:
        side = next((n for n in (2, 4, 7, 14) if n * n >= network.pixels), 28)
        cell = 28 // side
        cells = pixels.reshape(count, side, cell, side, cell).mean(axis=(2, 4)).astype(np.uint8)
        flat = cells.reshape(count, -1)
        # Any number of inputs: the brightest part of the picture, then from the start again.
        pixels = np.take(flat, np.arange(network.pixels) + flat.shape[1] // 3, axis=1, mode="wrap")
    return levels(pixels.reshape(count, -1), network.encoder)


def _events(network: NetworkConfig, count: int, seed: int) -> list[list[list[int]]]:
    """Return address events: in any order, some steps empty, some missing at the end."""
    rng = np.random.default_rng(seed)
    sequences = []
    for _ in range(count):
        steps = int(rng.integers(0, network.encoder.steps + 1))
        density = rng.random(steps) * rng.integers(0, 2, steps)
        sequences.append(
            [
                rng.permutation(np.flatnonzero(rng.random(network.inputs) < d)).tolist()
                for d in density
            ]
        )
    return sequences


def _tiny(**changes: Any) -> NetworkConfig:
    return replace(NetworkConfig.named("tiny"), **changes)


def _mixed(stimuli: list[Stimulus] | Levels, seed: int, *, learn: bool = True) -> list[Sequence]:
    """Return sequences with and without learning and pauses, of one to three presentations."""
    rng = np.random.default_rng(seed)
    sequences: list[Sequence] = []
    rest = list(stimuli)
    while rest:
        count = min(len(rest), int(rng.choice([1, 1, 2, 3])))
        pause = float(rng.choice([0, 0, 0.2, 0.6]))
        sequences.append(
            Sequence(
                stimuli=rest[:count],
                learn=learn and bool(rng.random() < 0.8),
                stop_after=int(rng.choice([0, 0, 0, 1, 2])),
                margin=int(rng.choice([0, 0, 0, 4, 15])),
                keep=bool(rng.random() < 0.3),
                check="both" if len(sequences) % 3 == 0 else "backdoor",
                pause=pause,
                seed=int(rng.integers(1, 1 << 32)),
                cycles=not pause and count == 1,
            )
        )
        rest = rest[count:]
    return sequences


def _scenario(
    name: str,
    network: NetworkConfig,
    seed: int,
    *,
    count: int = 12,
    lanes: int = 4,
    state: Callable[[State], None] | None = None,
    sequences: list[Sequence] | None = None,
    load: bool = False,
    **hardware: Any,
) -> Scenario:
    """Return a scenario with a fresh network and mixed sequences."""
    network = replace(network, seed=(network.seed + seed) & 0xFFFFFFFF)
    start = State.initial(network)
    if state is not None:
        state(start)
    built = HardwareConfig(lanes=lanes, **hardware)
    if sequences is None:
        stimuli: Any = (
            images(network, count, seed=seed)
            if built.source == "levels"
            else _events(network, count, seed)
        )
        sequences = _mixed(stimuli, seed, learn=built.learn)
    return Scenario(
        name=name,
        network=network,
        hardware=built,
        state=start if built.learn else at_rest(start, network),
        readout=random_votes(network, seed),
        sequences=sequences,
        load=load,
    )


def _counted(case: Callable[[int], Scenario]) -> Callable[[int], Scenario]:
    """Return a case in which accesses and operations are counted in the core, and compared."""
    return lambda seed: replace(case(seed), accesses=True)


def _tiny_learning(seed: int) -> Scenario:
    network = _tiny()
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
    return _scenario("tiny, learning", network, seed, sequences=sequences)


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
    return _scenario("demo, learning", network, seed, lanes=16, sequences=sequences)


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


def _packed(format_: str) -> Callable[[int], Scenario]:
    def case(seed: int) -> Scenario:
        artifact = pretrained("demo")
        levels = images(artifact.config, 6, split="test", seed=seed)
        scenario = from_artifact(
            artifact,
            name=f"demo, {format_}",
            hardware=HardwareConfig(lanes=8, learn=False, store="packed"),
            sequences=_mixed(levels, seed, learn=False),
        )
        return replace(scenario, format=format_)

    return case


def _small_lists(name: str, format_: str = "csr", **options: Any) -> Callable[[int], Scenario]:
    """Return a scenario with a packed store, in which some inputs have no synapse at all."""

    def case(seed: int) -> Scenario:
        network = _tiny(inputs=45, neurons=21)

        def state(start: State) -> None:
            rng = np.random.default_rng(seed)
            start.alive[:] = rng.random(start.alive.shape) < 0.4
            start.alive[rng.random(network.inputs) < 0.3] = False
            start.weights[~start.alive] = 0
            start.strength[:] = start.weights.sum(axis=0)

        scenario = _scenario(
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
    return _scenario("tiny, inference from the learning store", _tiny(), seed, learn=False)


def _events_in(seed: int) -> Scenario:
    """Learn from events of a data set, binned as a sensor's are, and prune; then random events."""
    count = 8
    network = _tiny(
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
    mixed = _mixed(list(_events(network, 12, seed)), seed)
    return _scenario("tiny, events", network, seed, source="events", sequences=[*learning, *mixed])


def _events_only(seed: int) -> Scenario:
    network = _tiny(membrane=MembraneParams(inhibition_steps=2))
    return _scenario("tiny, events, inference", network, seed, source="events", learn=False)


def _policy(policy: Any, name: str) -> Callable[[int], Scenario]:
    def case(seed: int) -> Scenario:
        return _scenario(f"policy {name}", _tiny(pruning=policy), seed, count=20, lanes=8)

    return case


#: Pruning by lift in a training of ten presentations.
_LIFT = LiftPruning(share=255, length=10)


def _rated(start: State) -> None:
    """Let inputs have rates of all kinds, and neurons have learned more or less."""
    rng = np.random.default_rng(len(start.input_rate))
    start.post_count[:] = rng.integers(0, 33, start.post_count.shape)
    start.input_rate[:] = rng.integers(0, 1 << RATE_BITS, start.input_rate.shape)
    start.input_rate[::5] = rng.choice([0, max_of(RATE_BITS)], start.input_rate[::5].shape)


def _lift(
    name: str, network: dict[str, Any] | None = None, **options: Any
) -> Callable[[int], Scenario]:
    """Return a scenario that prunes by lift."""

    def case(seed: int) -> Scenario:
        stdp = StdpParams(potentiation_shift=5, depression_shift=4)
        config = _tiny(**{"pruning": _LIFT, "stdp": stdp} | (network or {}))
        given: dict[str, Any] = {"count": 20, "lanes": 8, "state": _rated} | options
        return _scenario(name, config, seed, **given)

    return case


def _refractory(name: str, **options: Any) -> Callable[[int], Scenario]:
    """Return a scenario with refractory inputs, low-discrepancy spikes and inhibited steps."""

    def case(seed: int) -> Scenario:
        network = _tiny(
            encoder=EncoderParams(steps=20, gain=400, spikes="low-discrepancy", refractory_steps=2),
            membrane=MembraneParams(inhibition_steps=2),
            homeostasis=HomeostasisParams(v_th=4000),
        )
        return _scenario(name, network, seed, **{"count": 12, "lanes": 8} | options)

    return case


#: Groups of `tiny`: four windows that overlap, and a second look beyond the edges.
_WINDOWS = GroupsParams(
    image_width=7,
    image_height=7,
    window_width=4,
    window_height=4,
    stride=3,
    looks=((0, 0), (1, -2)),
)


def _groups(
    name: str, groups: GroupsParams = _WINDOWS, **options: Any
) -> Callable[[int], Scenario]:
    """Return a scenario of a network with groups."""
    network = {
        "neurons": 10,
        "encoder": EncoderParams(steps=8, gain=1200),
        "homeostasis": HomeostasisParams(v_th=60000, theta_plus=5000),
        "pruning": AdaptivePruning(ramp_gain=256, ramp_shift=4, strength_gain=4000),
    } | options.pop("network", {})

    def case(seed: int) -> Scenario:
        config = _tiny(
            inputs=groups.window_inputs,
            groups=groups,
            **network,
        )
        return _scenario(name, config, seed, **{"count": 14} | options)

    return case


#: Two windows of 23 inputs that see each others' levels: a word of 16 inputs, and one of 7.
_SMALL_WINDOWS = GroupsParams(
    image_width=7,
    image_height=7,
    indices=(tuple(range(3, 26)), (*range(48, 30, -1), -1, 0, -1, 4, 2)),
)


def _groups_packed(name: str, format_: str = "csr", **options: Any) -> Callable[[int], Scenario]:
    """Return a scenario of groups in a packed store: half of the synapses, some inputs without."""

    def state(start: State) -> None:
        rng = np.random.default_rng(len(name))
        start.alive[:] = rng.random(start.alive.shape) < 0.5
        start.alive[rng.random(len(start.alive)) < 0.2] = False
        start.weights[~start.alive] = 0
        start.strength[:] = start.weights.reshape(4, 16, -1).sum(axis=1).ravel()

    case = _groups(name, learn=False, store="packed", state=state, **options)
    return lambda seed: replace(case(seed), format=format_)


def _sweep(inputs: int, each: int, **options: Any) -> Callable[[int], Scenario]:
    """Return a scenario whose sweep visits several inputs per cycle, the last word not full."""

    def case(seed: int) -> Scenario:
        network = _tiny(
            inputs=inputs, pruning=AdaptivePruning(ramp_shift=0, strength_gain=330 * 49 // inputs)
        )
        given: dict[str, Any] = {"count": 16, "sweep_inputs": each} | options
        return _scenario(f"sweep, {each} of {inputs} inputs", network, seed, **given)

    return case


#: Three groups of five inputs, which overlap.
_FIVE = GroupsParams(
    image_width=7,
    image_height=7,
    indices=((0, -1, 48, 3, 7), (9, 8, 7, 6, 5), (-1, 40, -1, -1, -1)),
)


def _odd_size(seed: int) -> Scenario:
    network = _tiny(inputs=13, neurons=7, weight_bits=5, encoder=EncoderParams(steps=9, gain=400))
    return _scenario("odd size", network, seed, lanes=4, count=20)


def _wide_encoder(
    encoder_inputs: int, *, learn: bool = True, **options: Any
) -> Callable[[int], Scenario]:
    """Return a scenario whose last word of inputs needs fewer draws than the others."""

    def case(seed: int) -> Scenario:
        name = f"{encoder_inputs} inputs per cycle"
        return _scenario(
            name if learn else f"{name}, inference",
            _tiny(inputs=49),
            seed,
            encoder_inputs=encoder_inputs,
            learn=learn,
            **options,
        )

    return case


def _smallest(seed: int) -> Scenario:
    network = _tiny(
        inputs=1,
        neurons=1,
        weight_bits=1,
        encoder=EncoderParams(steps=1, gain=60000),
        readout=ReadoutParams(classes=1, vote_bits=1),
        homeostasis=HomeostasisParams(v_th=1, fire_shift=0, theta_plus=0),
    )
    return _scenario("one input, one neuron, one step", network, seed, lanes=1, count=8)


def _one_slot(seed: int) -> Scenario:
    network = _tiny(inputs=30, neurons=32, weight_bits=3)
    return _scenario(
        "32 lanes of one slot", network, seed, lanes=32, multiplier="dsp", queue_depth=2
    )


def _one_lane(seed: int) -> Scenario:
    network = _tiny(
        neurons=33,
        membrane=MembraneParams(leak_shift=0, inhibition_steps=3),
        stdp=StdpParams(potentiation_shift=0, depression_shift=8, trace_window=0),
    )
    return _scenario("one lane, no leak, inhibition", network, seed, lanes=1, event_depth=2)


def _saturation(seed: int) -> Scenario:
    """Put counts, thresholds and the number of the presentation at their upper ends."""
    network = _tiny(
        homeostasis=HomeostasisParams(
            v_th=20000, theta_plus=1000, theta_decay_shift=24, fire_shift=30
        ),
        membrane=MembraneParams(leak_shift=23),
        pruning=AdaptivePruning(ramp_gain=65535, ramp_shift=32, strength_gain=65535),
        readout=ReadoutParams(classes=256, vote_bits=8),
    )

    def state(start: State) -> None:
        start.theta[:] = max_of(THETA_BITS) - 1500
        start.theta[::3] = 0
        start.post_count[:] = max_of(POST_COUNT_BITS) - 2
        start.presentation = max_of(PRESENTATION_BITS) - 5

    return _scenario("saturation", network, seed, state=state, count=14)


def _late_start(seed: int) -> Scenario:
    """Pruning starts in the middle; thresholds decay at once; steps are many."""
    network = _tiny(
        encoder=EncoderParams(steps=255, gain=30),
        homeostasis=HomeostasisParams(v_th=9000, theta_plus=3000, theta_decay_shift=0),
        stdp=StdpParams(potentiation_shift=8, depression_shift=1, trace_window=3),
        pruning=ConstantPruning(w_prune=9, start=4),
    )
    return _scenario("late start, 255 steps", network, seed, count=8, lanes=2)


def _inhibited(seed: int) -> Scenario:
    network = _tiny(membrane=MembraneParams(leak_shift=1, inhibition_steps=255))
    return _scenario("inhibition to the end", network, seed, count=8)


def _never(seed: int) -> Scenario:
    """Neurons without weight never fire, and one fires at once."""
    network = _tiny(homeostasis=HomeostasisParams(v_th=1, theta_plus=0, fire_shift=42))

    def state(start: State) -> None:
        start.weights[:, ::2] = 0
        start.alive[:, ::4] = False
        start.strength[:] = start.weights.sum(axis=0)

    return _scenario("neurons without weight", network, seed, state=state, count=8)


def _many_lanes(lanes: int, *, packed: bool, **options: Any) -> Callable[[int], Scenario]:
    """Return a scenario with so many lanes, two or three slots in each, read by the port, too."""
    kind = "packed" if packed else "learning"
    network = _tiny(inputs=40, neurons=2 * lanes + 5, encoder=EncoderParams(steps=12, gain=500))

    def case(seed: int) -> Scenario:
        def state(start: State) -> None:
            rng = np.random.default_rng(seed)
            start.alive[:] = rng.random(start.alive.shape) < 0.5
            start.weights[~start.alive] = 0
            start.strength[:] = start.weights.sum(axis=0)

        given: dict[str, Any] = {"count": 6, "load": True, "state": state} | options
        if packed:
            given |= {"learn": False, "store": "packed"}
        scenario = _scenario(f"{lanes} lanes, {kind}", network, seed, lanes=lanes, **given)
        return replace(scenario, format="csr") if packed else scenario

    return case


def _loaded(seed: int, **options: Any) -> Scenario:
    """Load the state by the memory port, over that of another network."""

    def state(start: State) -> None:
        rng = np.random.default_rng(seed)
        start.alive[:] = rng.random(start.alive.shape) < 0.5
        start.weights[~start.alive] = 0
        start.strength[:] = start.weights.sum(axis=0)
        start.theta[:] = rng.integers(0, 10000, start.theta.shape)
        start.post_count[:] = rng.integers(0, 300, start.post_count.shape)
        start.presentation = 1000

    name = ", ".join(["loaded by the memory port", *map(str, options.values())])
    return _scenario(name, _tiny(), seed, state=state, load=True, count=6, **options)


def _resets(name: str, network: NetworkConfig, seed: int) -> Scenario:
    """Reset in the middle of presentations, then the same again in full."""
    rng = np.random.default_rng(seed)
    sequences = [
        Sequence(
            stimuli=[image],
            learn=k % 2 == 1,
            check="both",
            reset_after=int(rng.integers(1, 900)),
            pause=float(rng.choice([0, 0.3])),
        )
        for k, image in enumerate(images(network, 10, seed=seed))
    ]
    return _scenario(name, network, seed, sequences=sequences)


def _reset(seed: int) -> Scenario:
    return _resets("reset in the middle", _tiny(), seed)


def _groups_reset(seed: int) -> Scenario:
    return _resets("groups, reset in the middle", _groups("")(seed).network, seed)


def _back_to_back(seed: int) -> Scenario:
    network = _tiny()
    levels = list(images(network, 30, seed=seed))
    sequences = [
        Sequence(stimuli=levels[:12], learn=True, check="both"),
        Sequence(stimuli=levels[12:20], check="both"),
        Sequence(stimuli=levels[20:30], learn=True, stop_after=1, pause=0.4, check="both"),
    ]
    return _scenario("back to back", network, seed, sequences=sequences, lanes=2)


def _divided(network: NetworkConfig, rng: np.random.Generator) -> NetworkConfig:
    """Return a network with some groups on random parts of images of 7 x 7 pixels."""
    width, height = (int(side) for side in rng.integers(1, 8, 2))
    corners = np.column_stack((rng.integers(0, 8 - height, 5), rng.integers(0, 8 - width, 5)))
    places = [(int(row), int(column)) for row, column in corners]
    looks = [(0, 0), *((int(down), int(right)) for down, right in rng.integers(-3, 4, (2, 2)))]
    groups = GroupsParams(
        image_width=7,
        image_height=7,
        window_width=width,
        window_height=height,
        positions=tuple(places[: int(rng.integers(1, 6))]),
        looks=tuple(looks[: int(rng.integers(1, 4))]),
        order="centre" if rng.random() < 0.5 else "given",
    )
    return replace(network, inputs=width * height, groups=groups)


def _random(number: int) -> Callable[[int], Scenario]:
    """Return a scenario with a random network in a random core; from number 4 on with groups."""
    grouped = number >= 4

    def case(seed: int) -> Scenario:
        rng = np.random.default_rng([number, seed])

        def pick(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        lanes = pick(1, 2, 4, 8, 16, 32)
        weight_bits = int(rng.integers(1, 9))
        network = NetworkConfig(
            inputs=int(rng.integers(2, 70)),
            neurons=lanes + int(rng.integers(0, 20)),
            weight_bits=weight_bits,
            encoder=EncoderParams(steps=int(rng.integers(1, 30)), gain=int(rng.integers(50, 700))),
            membrane=MembraneParams(leak_shift=pick(0, 1, 6, 9), inhibition_steps=pick(0, 0, 1, 4)),
            homeostasis=HomeostasisParams(
                v_th=int(rng.integers(1, 40000)),
                theta_plus=pick(0, 500, 20000),
                theta_decay_shift=pick(0, 2, 16, 24),
                fire_shift=int(rng.integers(12, 20)),
            ),
            stdp=StdpParams(
                trace_window=pick(0, 2, 255),
                potentiation_shift=int(rng.integers(0, 9)),
                depression_shift=int(rng.integers(0, 9)),
            ),
            pruning=pick(
                NoPruning(),
                ConstantPruning(w_prune=int(rng.integers(0, 1 << weight_bits)), start=pick(0, 3)),
                AdaptivePruning(
                    ramp_shift=pick(0, 2),
                    strength_gain=pick(200, 2000, 65535),
                ),
                LiftPruning(share=pick(1, 192, 255), length=pick(1, 7, 300)),
            ),
            readout=ReadoutParams(classes=int(rng.integers(1, 12)), vote_bits=pick(1, 4, 8)),
        )
        learn = bool(rng.random() < 0.7)
        if grouped:
            network = _divided(network, rng)
        hardware = {
            "multiplier": pick("sequential", "dsp"),
            "source": "levels" if grouped else pick("levels", "levels", "events"),
            "queue_depth": pick(2, 4, 16),
            "event_depth": pick(2, 4, 256),
        }
        if hardware["source"] == "levels":
            hardware["encoder_inputs"] = pick(4, 8, 16)
        encoder = replace(
            network.encoder,
            spikes=pick("random", "low-discrepancy"),
            refractory_steps=pick(0, 0, 1, 4, 255),
        )
        return _scenario(
            f"random network {number}",
            replace(network, encoder=encoder),
            seed,
            count=16,
            lanes=lanes,
            learn=learn,
            sweep_inputs=pick(1, 2, 4, 8, 16) if learn else 1,
            **hardware,
        )

    return case


def _layer(
    name: str, format_: str = "csr", network: dict[str, Any] | None = None, **options: Any
) -> Callable[[int], Scenario]:
    """Return a scenario of a feed-forward layer: any weights, some neurons that fire very often.

    Some biases and thresholds are at their ends: in many steps, potentials saturate at both.
    """

    def case(seed: int) -> Scenario:
        rng = np.random.default_rng([len(name), seed])
        config = replace(
            _tiny(inputs=45, neurons=21, pruning=NoPruning(), feedforward=FeedforwardParams()),
            **network or {},
        )

        def state(start: State) -> None:
            shape, neurons, f = start.alive.shape, config.neurons, config.formats
            start.alive[:] = rng.random(shape) < 0.6
            start.alive[rng.random(config.inputs) < 0.2] = False
            start.weights[:] = rng.integers(f.w_min, f.w_max + 1, shape) * start.alive
            start.bias[:] = rng.integers(-30, 31, neurons)
            start.v_fire[:] = rng.integers(1, max(2, 3 * f.w_max), neurons)
            up = rng.random(len(start.bias[::5])) < 0.5
            start.bias[::5] = np.where(up, (1 << 15) - 1, -(1 << 15))
            start.weights[:, ::5] = np.where(up, f.w_max, f.w_min) * start.alive[:, ::5]
            start.v_fire[::5] = np.where(rng.random(len(up)) < 0.5, 1, max_of(V_FIRE_BITS))

        given: dict[str, Any] = {"count": 10, "learn": False, "state": state} | options
        return replace(_scenario(name, config, seed, **given), format=format_)

    return case


def _saturating_layer(seed: int) -> Scenario:
    network = {
        "encoder": EncoderParams(steps=255, gain=200),
        "membrane": MembraneParams(leak_shift=0),
        "feedforward": FeedforwardParams(reset="subtract"),
    }
    scenario = _layer("feed-forward layer that saturates", network=network, lanes=2)(seed)
    shown = images(scenario.network, 4, seed=seed)
    sequences = [Sequence(stimuli=[image], cycles=True, check="both") for image in shown]
    return replace(scenario, sequences=sequences)


def _kept_layer(seed: int) -> Scenario:
    """Return a scenario of events whose last presentations begin with the lead that ends them.

    They go on until a neuron fires; none does before there is an input spike.
    """
    network = {"feedforward": FeedforwardParams(reset="subtract"), "weight_bits": 4}
    scenario = _layer(
        "feed-forward layer, events, bitmask",
        "bitmask",
        network,
        store="packed",
        source="events",
        lanes=1,
    )(seed)
    np.minimum(scenario.state.bias, 0, out=scenario.state.bias)
    every = list(range(scenario.network.inputs))
    shown = [every] * scenario.network.encoder.steps
    kept = [
        Sequence(stimuli=[shown], check="both", cycles=True),
        *(
            Sequence(stimuli=[[[]] * quiet + shown[quiet:]], margin=1, keep=True, cycles=True)
            for quiet in (1, 3)
        ),
    ]
    return replace(scenario, sequences=[*scenario.sequences, *kept])


def _random_layer(seed: int) -> Scenario:
    """Return a scenario with a random feed-forward layer in a random core."""
    rng = np.random.default_rng([77, seed])

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    lanes = pick(1, 2, 4, 8, 16, 32)
    source = pick("levels", "events")
    network = {
        "inputs": int(rng.integers(1, 70)),
        "neurons": lanes + int(rng.integers(0, 20)),
        "weight_bits": int(rng.integers(2, 9)),
        "encoder": EncoderParams(
            steps=int(rng.integers(1, 30)),
            gain=int(rng.integers(50, 700)),
            spikes=pick("random", "low-discrepancy"),
            refractory_steps=pick(0, 0, 1, 4),
        ),
        "membrane": MembraneParams(leak_shift=pick(0, 1, 6, 23)),
        "readout": ReadoutParams(classes=int(rng.integers(1, 12)), vote_bits=pick(1, 4, 8)),
        "feedforward": FeedforwardParams(reset=pick("zero", "subtract")),
    }
    case = _layer(
        "random feed-forward layer",
        pick("csr", "bitmask", "dense"),
        network,
        lanes=lanes,
        source=source,
        store=pick("learning", "packed", "packed"),
        queue_depth=pick(2, 16),
        event_depth=pick(2, 256),
        encoder_inputs=pick(4, 8, 16) if source == "levels" else 4,
    )
    return case(seed)


_UNCOUNTED: Mapping[str, Callable[[int], Scenario]] = {
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
    "policy-none": _policy(NoPruning(), "none"),
    "policy-constant": _policy(ConstantPruning(w_prune=30), "constant"),
    "policy-adaptive": _policy(AdaptivePruning(ramp_shift=0, strength_gain=600), "adaptive"),
    "lift": _lift("policy lift"),
    "lift-scratch": _lift("lift, from scratch", count=30, lanes=4, state=None),
    "lift-dsp": _lift("lift, multiplier blocks", lanes=2, multiplier="dsp"),
    "lift-narrow": _lift("lift, 4-bit weights", {"weight_bits": 4}, lanes=1),
    "lift-events": _lift("lift, events", lanes=4, source="events", multiplier="dsp"),
    "lift-loaded": _lift("lift, loaded by the memory port", load=True, count=8),
    "refractory": _refractory("refractory inputs, low-discrepancy spikes"),
    "refractory-inference": _refractory("refractory inputs, inference", learn=False, queue_depth=2),
    "refractory-events": _refractory("refractory inputs, events", source="events"),
    "groups": _groups("groups"),
    "groups-odd": _groups(
        "three groups of odd sizes",
        _FIVE,
        network={"neurons": 7, "membrane": MembraneParams(inhibition_steps=2)},
        lanes=2,
        multiplier="dsp",
    ),
    "groups-inference": _groups("groups, inference from the learning store", learn=False),
    "groups-refractory": _groups(
        "groups, refractory inputs, low-discrepancy spikes",
        network={
            "encoder": EncoderParams(
                steps=8, gain=400, spikes="low-discrepancy", refractory_steps=2
            )
        },
    ),
    "groups-refractory-8": _groups(
        "groups, refractory inputs, low-discrepancy spikes, 8 inputs per cycle",
        network={
            "encoder": EncoderParams(
                steps=8, gain=400, spikes="low-discrepancy", refractory_steps=2
            )
        },
        encoder_inputs=8,
    ),
    "groups-16": _groups("groups, 16 inputs per cycle", _SMALL_WINDOWS, encoder_inputs=16),
    "groups-lift": _groups("groups, lift", network={"pruning": _LIFT}, state=_rated),
    "groups-packed": _groups_packed("groups, packed CSR"),
    "groups-bitmask": _groups_packed("groups, packed bitmask", "bitmask"),
    "groups-dense": _groups_packed("groups, packed dense, loaded", "dense", load=True),
    "groups-spram": _groups_packed("groups, SPRAM, loaded", load=True, spram=True),
    "one-group": _groups(
        "one group that sees a part of the image",
        GroupsParams(
            image_width=7, image_height=7, window_width=4, window_height=4, positions=((1, 2),)
        ),
    ),
    "encoder-8": _wide_encoder(8),
    "encoder-16": _wide_encoder(16),
    "encoder-16-refractory": _refractory(
        "refractory inputs, low-discrepancy spikes, 16 inputs per cycle", encoder_inputs=16
    ),
    "encoder-8-inference": _wide_encoder(8, learn=False, neuron_memory="distributed"),
    "encoder-16-packed": _small_lists(
        "packed CSR, 16 inputs per cycle", encoder_inputs=16, neuron_memory="block"
    ),
    "sweep-2": _sweep(13, 2, lanes=2, multiplier="dsp"),
    "sweep-4": _sweep(47, 4, lanes=8, neuron_memory="distributed"),
    "sweep-8": _sweep(35, 8, load=True, neuron_memory="block"),
    "sweep-16": _sweep(41, 16, source="events"),
    "sweep-of-all": _sweep(5, 16, lanes=1),
    "sweep-lift-2": _lift("lift, 2 inputs per cycle", lanes=1, sweep_inputs=2),
    "sweep-lift-4": _lift("lift, 4 inputs per cycle", load=True, count=8, sweep_inputs=4),
    "sweep-lift-8": _lift("lift, 8 inputs per cycle", multiplier="dsp", sweep_inputs=8),
    "groups-sweep": _groups(
        "groups of five inputs, 2 per cycle",
        _FIVE,
        network={"neurons": 7},
        lanes=2,
        load=True,
        sweep_inputs=2,
    ),
    "groups-sweep-lift": _groups(
        "groups of five inputs, lift, 4 per cycle",
        _FIVE,
        network={"neurons": 7, "pruning": _LIFT},
        lanes=1,
        state=_rated,
        load=True,
        sweep_inputs=4,
    ),
    "odd-size": _odd_size,
    "smallest": _smallest,
    "one-slot": _one_slot,
    "32-lanes": _many_lanes(32, packed=False, encoder_inputs=8),
    "32-lanes-packed": _many_lanes(32, packed=True),
    "64-lanes": _many_lanes(64, packed=False, queue_depth=2),
    "64-lanes-packed": _many_lanes(64, packed=True, encoder_inputs=16),
    "one-lane": _one_lane,
    "saturation": _saturation,
    "late-start": _late_start,
    "inhibited": _inhibited,
    "without-weight": _never,
    "loaded": _loaded,
    "load-only": lambda seed: _loaded(seed, host_access="load"),
    "load-only-lift": _lift("lift, load only", load=True, count=8, host_access="load"),
    "load-only-packed": _small_lists("packed CSR, load only", load=True, host_access="load"),
    "load-only-spram": _small_lists("SPRAM, load only", load=True, spram=True, host_access="load"),
    "load-only-groups": _groups_packed("groups, load only", load=True, host_access="load"),
    "no-access": _small_lists("packed bitmask, no access", "bitmask", host_access="none"),
    "no-access-learning-store": lambda seed: _scenario(
        "learning store, no access", _tiny(), seed, learn=False, host_access="none"
    ),
    "reset": _reset,
    "groups-reset": _groups_reset,
    "back-to-back": _back_to_back,
    **{f"random-{number}": _random(number) for number in range(7)},
    "feedforward": _layer("feed-forward layer, reset to 0", store="packed"),
    "feedforward-subtract": _layer(
        "feed-forward layer, reset by subtraction, low-discrepancy spikes",
        "dense",
        {
            "encoder": EncoderParams(steps=20, spikes="low-discrepancy", refractory_steps=1),
            "feedforward": FeedforwardParams(reset="subtract"),
        },
        store="packed",
        lanes=8,
        load=True,
    ),
    "feedforward-saturation": _saturating_layer,
    "feedforward-events": _kept_layer,
    "feedforward-spram": _layer(
        "feed-forward layer, SPRAM, loaded", store="packed", spram=True, load=True
    ),
    "feedforward-16-lanes": _layer(
        "feed-forward layer, 16 lanes, one of them not full", lanes=16, encoder_inputs=16
    ),
    "feedforward-random": _random_layer,
}

#: All scenarios by name.
SCENARIOS = {name: _counted(case) for name, case in _UNCOUNTED.items()}

#: Names of those that `make sim` runs.
BOUNDED = (
    "demo-learning",
    "400-inference",
    "demo-trained",
    "tiny-learning",
    "packed-bitmask",
    "spram",
    "policy-constant",
    "lift",
    "events",
    "refractory",
    "groups",
    "groups-refractory-8",
    "groups-lift",
    "groups-packed",
    "encoder-16",
    "sweep-8",
    "sweep-lift-4",
    "odd-size",
    "saturation",
    "loaded",
    "load-only",
    "load-only-packed",
    "no-access",
    "reset",
    "back-to-back",
    "random-0",
    "feedforward",
    "feedforward-subtract",
    "feedforward-saturation",
)
