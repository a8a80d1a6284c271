"""Replays one presentation with the reference, step by step, to find where values last changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.reference.network import Network, Step
from prunus_model.reference.readout import Readout
from prunus_model.spec.counters import Counters
from prunus_model.spec.presentation import check_events
from prunus_model.spec.state import State
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.backdoor import StateArrays
from prunus_sim.cosim.stimulus import Stimulus

__all__ = ["Replay", "state_arrays"]


def state_arrays(state: State, shapes: Shapes, readout: Readout | None) -> StateArrays:
    """Return those state variables that the core has, as int64."""
    # Causes before effects: of what differs in one step, the first is named.
    names = []
    if shapes.hardware.learn:
        names += ["last_step", *(["echo"] if shapes.by_redundancy else [])]
    if shapes.hardware.store == "learning":
        names += ["weights", "alive"]
    if shapes.hardware.learn:
        names += ["theta", "post_count", "strength"]
    names += ["v_fire", "v"]
    arrays = {name: getattr(state, name).astype(np.int64) for name in names}
    arrays["presentation"] = np.array([state.presentation], dtype=np.int64)
    size = (shapes.network.neurons, shapes.network.readout.classes)
    votes = np.zeros(size) if readout is None else readout.votes
    arrays["votes"] = votes.astype(np.int64)
    return arrays


class Replay:
    """One presentation by the reference, step by step.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    before : State
        State before it.
    stimulus, learn, stop_after
        The presentation.
    """

    def __init__(
        self, shapes: Shapes, before: State, stimulus: Stimulus, *, learn: bool, stop_after: int
    ) -> None:
        #: Whether the encoder must wait for each step, because any spike may be the last.
        self.held = stop_after > 0 and shapes.hardware.source == "levels"
        network = Network(shapes.network, before.copy())
        if isinstance(stimulus, np.ndarray):
            walk = network.walk(stimulus, learn, stop_after)
        else:
            arrays = check_events(stimulus, shapes.network)

            def spikes_of(step: int) -> npt.NDArray[np.bool_]:
                return np.isin(np.arange(shapes.network.inputs), arrays[step])

            walk = network._walk(spikes_of, learn, stop_after, Counters())
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
                step = next(walk)
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
        if step < 0 and name not in ("last_step", "echo", "presentation", "votes", "store"):
            step = next((step.step for step in self.steps if step.post == at[-1]), -1)
        return step
