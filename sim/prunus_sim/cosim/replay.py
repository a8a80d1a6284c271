"""Replays one presentation with the reference, step by step, to find where values last changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from prunus_model.reference.network import Network
from prunus_model.reference.readout import Readout
from prunus_model.reference.view import Step
from prunus_model.spec.presentation import Request
from prunus_model.spec.state import State
from prunus_rtl.shapes import Shapes
from prunus_rtl.step_work import StepWork, work_of
from prunus_rtl.timing import Cycles, presentation
from prunus_sim.cosim.backdoor import StateArrays
from prunus_sim.cosim.stimulus import Stimulus

__all__ = ["Replay", "state_arrays"]


def state_arrays(state: State, shapes: Shapes, readout: Readout | None) -> StateArrays:
    """Return those state variables that the core has, as int64."""
    # Causes before effects: of what differs in one step, the first is named.
    names = []
    if shapes.hardware.learn:
        names += ["last_step", *(["input_rate"] if shapes.lift else [])]
    if shapes.hardware.store == "learning":
        names += ["weights", "alive"]
    if shapes.hardware.learn:
        names += ["theta", "post_count", "strength"]
    names += ["v_fire", *(["bias"] if shapes.feedforward else []), "v"]
    arrays = {name: getattr(state, name).astype(np.int64) for name in names}
    arrays["presentation"] = np.array([state.presentation], dtype=np.int64)
    size = (shapes.network.all_neurons, shapes.network.readout.classes)
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
    stimulus, request
        The presentation.
    votes, scores
        Votes of the neurons, and scores before it. Default: 0.
    """

    def __init__(
        self,
        shapes: Shapes,
        before: State,
        stimulus: Stimulus,
        request: Request,
        *,
        votes: npt.NDArray[np.uint8] | None = None,
        scores: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._shapes, self._request = shapes, request
        #: Events that come in altogether; 0 for levels.
        self._events = 0
        network = Network(shapes.network, before, votes)
        if scores is not None:
            network.scores = scores
        if isinstance(stimulus, np.ndarray):
            steps = network.steps(stimulus, **request)
        else:
            self._events = sum(len(pres) + 1 for pres in stimulus)
            steps = network.steps_events(stimulus, **request)
        self.steps: list[Step] = []
        self._changed: dict[str, npt.NDArray[np.int64]] = {}
        #: What each step gives the lanes and the encoder to do.
        self.work: list[StepWork] = []
        old = state_arrays(network.state, shapes, None)
        alive = network.state.alive.copy()
        while True:
            try:
                step = next(steps)
            except StopIteration:
                break
            self.work.append(work_of(shapes, step, alive))
            if step.post >= 0 and request["learn"]:
                alive = network.state.alive.copy()
            new = state_arrays(network.state, shapes, None)
            for name, array in new.items():
                changed = self._changed.setdefault(name, np.full(array.shape, -1))
                changed[array != old[name]] = len(self.steps)
            self.steps.append(step)
            old = new

    def cycles(self, recomputed: Sequence[bool] | bool) -> Cycles:
        """Return the cycles by the formula, without pauses and with the input there in time.

        Parameters
        ----------
        recomputed : bool or sequence of bool
            Whether all thresholds are computed: in all views, or for each.
        """
        taken = sum(step.spikes + 1 for step in self.work)
        return presentation(
            self._shapes,
            self.work,
            learn=self._request["learn"],
            stop_after=self._request["stop_after"],
            margin=self._request["margin"],
            left=max(0, self._events - taken),
            recomputed=recomputed,
        )

    def last_change(self, name: str, at: tuple[int, ...]) -> int:
        """Return the step in which a value last changed, or should have been left alone.

        A value of a neuron that did not change in the model can only have been touched when the
        neuron fired: then it is the first such step; and a rate of an input, which every sweep of
        its group visits, in the last of them. -1 if there is none. Steps are counted through all
        views of the image.
        """
        found = self._changed.get(name)
        number = -1 if found is None else int(found[at])
        if number < 0 and name == "input_rate":
            network = self._shapes.network
            group = at[0] // network.inputs
            swept = [k for k, s in enumerate(self.steps) if s.post // network.neurons == group]
            return max(swept, default=-1)
        if number < 0 and name not in ("last_step", "presentation", "votes", "store"):
            post = self._neuron(name, at)
            fired = [k for k, step in enumerate(self.steps) if post in step.fired]
            number = min(fired, default=-1)
        return number

    def _neuron(self, name: str, at: tuple[int, ...]) -> int:
        """Return the neuron of all groups that a value belongs to."""
        network, group = self._shapes.network, 0
        if name in ("weights", "alive"):
            group = at[0] // network.inputs
        elif name == "v":
            group = self.steps[-1].view % network.group_count
        return group * network.neurons + at[-1]
