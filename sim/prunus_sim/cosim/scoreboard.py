"""What the golden model expects of the core, and the first place where the two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network, Step
from prunus_model.reference.readout import UNDECIDED, Readout, predict_vote
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.presentation import Presentation
from prunus_model.spec.state import State
from prunus_rtl.bus.memory_port import spaces
from prunus_rtl.counts.accesses import Accesses, presentation_accesses
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.driver import Outcome, StateArrays

__all__ = [
    "UNITS",
    "Difference",
    "Judge",
    "Stimulus",
    "cycle_bounds",
    "state_arrays",
    "store_words",
]

#: Which unit of the hardware answers for what.
UNITS = {
    "weights": "stdp",
    "alive": "pruning",
    "theta": "homeostasis",
    "strength": "homeostasis",
    "post_count": "homeostasis",
    "v_fire": "homeostasis",
    "v": "membrane",
    "last_step": "last_step",
    "coactivity": "redundancy",
    "presentation": "core",
    "votes": "readout",
    "store": "packed_store",
    "prediction": "readout",
    "spikes": "membrane",
    "cycles": "core",
    "accesses": "core",
}

#: Levels of an image, or for each step the inputs that spike.
Stimulus = npt.NDArray[np.uint8] | list[list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first difference of a presentation.

    Attributes
    ----------
    presentation : int
        Number of the presentation.
    step : int
        Step in which it arose, as far as it can be told: for a state variable the step in which the
        model last changed it; -1 for what is done before the first step.
    unit, what : str
        Unit of the hardware, and what differs, with its index.
    expected, got
        Values.
    """

    presentation: int
    step: int
    unit: str
    what: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return (
            f"presentation {self.presentation}, step {self.step}, unit {self.unit}: {self.what} "
            f"must be {self.expected}, not {self.got}"
        )


def state_arrays(state: State, shapes: Shapes, readout: Readout | None) -> StateArrays:
    """Return those state variables that the core has, as int64."""
    # Causes before effects: of what differs in one step, the first is told.
    names = ["weights", "alive"] if shapes.hardware.store == "learning" else []
    if shapes.hardware.learn:
        names += ["coactivity"] if shapes.redundancy else []
        names += ["last_step", "theta", "post_count", "strength"]
    names += ["v_fire", "v"]
    arrays = {name: getattr(state, name).astype(np.int64) for name in names}
    arrays["presentation"] = np.array([state.presentation], dtype=np.int64)
    size = (shapes.network.neurons, shapes.network.readout.classes)
    votes = np.zeros(size) if readout is None else readout.votes
    arrays["votes"] = votes.astype(np.int64)
    return arrays


def store_words(state: State, layout: StoreLayout) -> npt.NDArray[np.int64]:
    """Return all words of the packed store of a core, in the order of their addresses."""
    image = layout.pack(state.weights, state.alive)
    return np.array([word for _, word in layout.writes(image)], dtype=np.int64)


class Judge:
    """The engine, presentation by presentation beside the core.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    state : State
        Where both begin.
    readout : Readout, optional
        Votes. Default: all 0.

    Attributes
    ----------
    engine : Engine
    compared : int
        Values that were compared so far.
    """

    def __init__(self, shapes: Shapes, state: State, readout: Readout | None) -> None:
        self._shapes = shapes
        self._readout = readout
        self.engine = Engine(shapes.network, state)
        self.compared = 0
        # A core with a packed store does not learn: its words stay what they are.
        self._store = StateArrays()
        if shapes.store is not None and Space.STORE in spaces(shapes):
            self._store["store"] = store_words(state, shapes.store)

    def restart(self, state: State) -> None:
        """Begin anew from a state."""
        self.engine = Engine(self._shapes.network, state)

    def expected(self) -> StateArrays:
        """Return all that the core must hold now."""
        return state_arrays(self.engine.state, self._shapes, self._readout) | self._store

    def present(self, stimulus: Stimulus, *, learn: bool, stop_after: int) -> Presentation:
        """Show the engine what the core is shown."""
        if isinstance(stimulus, np.ndarray):
            return self.engine.present(stimulus, learn=learn, stop_after=stop_after)
        return self.engine.present_events(stimulus, learn=learn, stop_after=stop_after)

    def compare_outcome(
        self, number: int, expected: Presentation, got: Outcome, *, learn: bool
    ) -> Difference | None:
        """Compare spikes, counters, prediction, and accesses if they were counted."""
        want = list(zip(expected.spike_steps.tolist(), expected.spike_posts.tolist(), strict=True))
        have = list(zip(got.spike_steps, got.spike_posts, strict=True))
        self.compared += 2 * len(want) + len(COUNTERS) + 1
        for k in range(max(len(want), len(have))):
            pair = [spikes[k] if k < len(spikes) else None for spikes in (want, have)]
            if pair[0] != pair[1]:
                steps = [spike[0] for spike in pair if spike is not None]
                return Difference(
                    presentation=number,
                    step=min(steps),
                    unit=UNITS["spikes"],
                    what=f"output spike {k} (step, post)",
                    expected=pair[0],
                    got=pair[1],
                )
        return (
            self._compare_counters(number, expected.counters, got.counters)
            or self._compare_prediction(number, expected, got)
            or self._compare_accesses(number, expected.counters, got.accesses, learn=learn)
        )

    def _compare_counters(
        self, number: int, expected: Counters, got: Counters
    ) -> Difference | None:
        for name in COUNTERS:
            # The hardware cannot tell a frozen synapse from another.
            want, have = getattr(expected, name), getattr(got, name)
            if name != "frozen_sops" and want != have:
                return Difference(
                    presentation=number,
                    step=expected.steps - 1,
                    unit="counters",
                    what=name,
                    expected=want,
                    got=have,
                )
        return None

    def _compare_accesses(
        self, number: int, counters: Counters, got: Accesses | None, *, learn: bool
    ) -> Difference | None:
        if got is None:
            return None
        expected = presentation_accesses(
            self._shapes, counters, learn=learn, number=number & max_of(PRESENTATION_BITS)
        )
        have = got.as_dict()
        self.compared += len(have)
        for name, want in expected.as_dict().items():
            if want != have[name]:
                return Difference(
                    presentation=number,
                    step=counters.steps - 1,
                    unit=UNITS["accesses"],
                    what=name,
                    expected=want,
                    got=have[name],
                )
        return None

    def _compare_prediction(
        self, number: int, expected: Presentation, got: Outcome
    ) -> Difference | None:
        counts = expected.spike_counts(self._shapes.network.neurons)[np.newaxis]
        want = UNDECIDED
        if self._readout is not None:
            want = int(predict_vote(counts, self._readout)[0])
        elif counts.any():
            want = 0
        if want == got.prediction:
            return None
        return Difference(
            presentation=number,
            step=expected.counters.steps - 1,
            unit=UNITS["prediction"],
            what="prediction",
            expected=want,
            got=got.prediction,
        )

    def compare_state(
        self, number: int, got: StateArrays, where: str, replay: Replay | None = None
    ) -> Difference | None:
        """Compare all state variables of the core with those of the engine."""
        expected = self.expected()
        if expected.keys() != got.keys():
            raise AssertionError(f"state must be {sorted(expected)}, not {sorted(got)}")
        first: Difference | None = None
        for name, want in expected.items():
            have = got[name]
            self.compared += want.size
            if want.shape != have.shape:
                raise AssertionError(f"{name} must have shape {want.shape}, not {have.shape}")
            if np.array_equal(want, have):
                continue
            differs = want != have
            if name == "weights":
                # Where a synapse was pruned by mistake, or not pruned, `alive` will tell.
                differs &= expected["alive"] == got["alive"]
            for at in map(tuple, np.argwhere(differs)[:64].tolist()):
                step = -1 if replay is None else replay.last_change(name, at)
                if first is None or step < first.step:
                    first = Difference(
                        presentation=number,
                        step=step,
                        unit=UNITS[name],
                        what=f"{name}[{', '.join(map(str, at))}] ({where})",
                        expected=int(want[at]),
                        got=int(have[at]),
                    )
        return first


class Replay:
    """One presentation by the reference, step by step.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    before : State
        State before it.
    stimulus, learn, stop_after
        What is shown.
    """

    def __init__(
        self, shapes: Shapes, before: State, stimulus: Stimulus, *, learn: bool, stop_after: int
    ) -> None:
        #: Whether the encoder must wait for each step, because any spike may be the last.
        self.held = stop_after > 0 and shapes.hardware.source == "levels"
        network = Network(shapes.network, before.copy())
        if isinstance(stimulus, np.ndarray):
            steps = network.steps(stimulus, learn=learn, stop_after=stop_after)
        else:
            steps = network.steps_events(stimulus, learn=learn, stop_after=stop_after)
        self.steps: list[Step] = []
        self._changed: dict[str, npt.NDArray[np.int64]] = {}
        #: For each step and lane, the live synapses of its spikes.
        self.loads: list[npt.NDArray[np.int64]] = []
        lanes = shapes.hardware.lanes
        lane = np.arange(shapes.network.neurons) % lanes
        old = state_arrays(network.state, shapes, None)
        alive = network.state.alive.copy()
        while True:
            try:
                step = next(steps)
            except StopIteration:
                break
            self.steps.append(step)
            per_post = alive[step.spikes].sum(axis=0)
            self.loads.append(np.bincount(lane, per_post, lanes).astype(np.int64))
            if step.post >= 0 and learn:
                alive = network.state.alive.copy()
            new = state_arrays(network.state, shapes, None)
            for name, array in new.items():
                changed = self._changed.setdefault(name, np.full(array.shape, -1))
                changed[array != old[name]] = step.step
            old = new

    def last_change(self, name: str, at: tuple[int, ...]) -> int:
        """Return the step in which a value last changed, or should have been left alone.

        A value of a neuron that did not change in the model can only have been touched when the
        neuron fired: then it is the first such step. -1 if there is none.
        """
        found = self._changed.get(name)
        step = -1 if found is None else int(found[at])
        if step < 0 and name not in ("last_step", "coactivity", "presentation", "votes", "store"):
            step = next((step.step for step in self.steps if step.post == at[-1]), -1)
        return step


def cycle_bounds(shapes: Shapes, replay: Replay, *, learn: bool) -> tuple[int, int]:
    """Return the least and the most cycles that the core's docstring allows.

    Without stalls on the outputs, and with the input there in time.

    Parameters
    ----------
    shapes : Shapes
        Of the core.
    replay : Replay
        What happens in the presentation.
    learn : bool
        Whether the core learns in it.

    Notes
    -----
    A list in SPRAM takes 2 cycles more per spike, which the bound allows; any other list takes 2
    for an input of fewer synapses.
    """
    network, hardware = shapes.network, shapes.hardware
    words = -(-network.inputs // 4)
    classes = network.readout.classes
    # In this format a pruned synapse costs a cycle.
    dense = shapes.store is not None and shapes.store.format == "dense"
    least = shapes.prepare_cycles
    # Seeding the encoder's stream and filling its queue, if that takes longer.
    most = max(least, 12) + 12
    fired = 0
    for step, load in zip(replay.steps, replay.loads, strict=True):
        spikes = int(np.count_nonzero(step.spikes))
        events = spikes + 1
        busiest = int(load.max())
        if dense:
            busiest = shapes.slots * spikes
        lag = events + words if hardware.source == "levels" else 0
        # Held, the encoder cannot hide behind the step before.
        wait = lag + 3 if replay.held else 0
        if step.inhibited:
            least += events
            most += max(events, lag) + wait
        else:
            least += max(events, busiest) + shapes.compare_cycles
            most += max(busiest + 2 * spikes + 11, events + 11, lag) + wait + shapes.compare_cycles
        if step.post >= 0:
            fired += 1
            sweep = shapes.learn_cycles if learn else 1
            least += sweep
            most += sweep + classes + 1 + shapes.multiply_cycles + 4
    least += classes + 3 if fired else 2
    most += classes + 3 + classes + 1 + shapes.multiply_cycles + 4
    return least, most
