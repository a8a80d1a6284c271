"""Compares what a core did with the golden model, and names the first mismatch and its unit.

The scoreboard needs no simulator: it takes outcomes and state arrays, wherever they come from.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import Readout
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.state import State
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.backdoor import StateArrays
from prunus_sim.cosim.mismatch import UNITS, Mismatch
from prunus_sim.cosim.outcome import Outcome
from prunus_sim.cosim.outcome_mismatches import outcome_mismatches
from prunus_sim.cosim.replay import Replay, state_arrays
from prunus_sim.cosim.stimulus import Stimulus

__all__ = ["Scoreboard", "Start", "store_words"]


def store_words(state: State, layout: StoreLayout) -> npt.NDArray[np.int64]:
    """Return all words of the packed store of a core, in the order of their addresses."""
    image = layout.pack(state.weights, state.alive)
    return np.array([word for _, word in layout.writes(image)], dtype=np.int64)


class Start(NamedTuple):
    """What a presentation begins with: the state of the model, and the scores that may be kept."""

    state: State
    scores: npt.NDArray[np.int64]


class Scoreboard:
    """Runs the engine, presentation by presentation, and compares the core with it.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    state : State
        State before the first presentation.
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
        self._votes = None if readout is None else readout.votes
        self.engine = Engine(shapes.network, state, self._votes)
        self.compared = 0
        # A core with a packed store does not learn: its words stay as they are.
        self._store = StateArrays()
        if shapes.store is not None and Space.STORE in spaces(shapes):
            self._store["store"] = store_words(state, shapes.store)

    @property
    def start(self) -> Start:
        """Where the engine is."""
        return Start(self.engine.state, self.engine.scores)

    def restart(self, state: State) -> None:
        """Set the state of the engine; its scores are 0."""
        self.engine = Engine(self._shapes.network, state, self._votes)

    def expected(self) -> StateArrays:
        """Return the state that the core must hold now."""
        return state_arrays(self.engine.state, self._shapes, self._readout) | self._store

    def present(self, stimulus: Stimulus, request: Request) -> Presentation:
        """Present a stimulus to the engine."""
        if isinstance(stimulus, np.ndarray):
            return self.engine.present(stimulus, **request)
        return self.engine.present_events(stimulus, **request)

    def compare_outcome(
        self,
        number: int,
        expected: Presentation,
        got: Outcome,
        *,
        learn: bool,
        views: int = 1,
        recomputed: int | None = None,
    ) -> Mismatch | None:
        """Compare spikes, counters, prediction, lead, and accesses if they were counted.

        The mismatch is the first of
        :func:`prunus_sim.cosim.outcome_mismatches.outcome_mismatches`.

        Parameters
        ----------
        number : int
            Number of the presentation.
        expected : Presentation
            Of the engine.
        got : Outcome
            Of the core.
        learn : bool
            Whether the core learned.
        views : int
            Views that were shown, if accesses were counted.
        recomputed : int, optional
            Those of them in which all thresholds were computed. Default: no more than the decay of
            ``theta`` demands.
        """
        self.compared += 2 * len(expected.spike_steps) + len(COUNTERS) + 2
        if got.accesses is not None:
            self.compared += len(got.accesses.as_dict())
        return next(
            outcome_mismatches(
                self._shapes,
                number,
                expected,
                got,
                learn=learn,
                views=views,
                recomputed=recomputed,
            ),
            None,
        )

    def compare_thresholds(
        self, number: int, got: StateArrays, replay: Replay, *, but: Mismatch
    ) -> Mismatch | None:
        """Compare the thresholds of all neurons but those of a spike that is wrong.

        Parameters
        ----------
        number, got, replay
            As of :meth:`compare_state`; read by the backdoor.
        but : Mismatch
            Of the spike, from
            :func:`prunus_sim.cosim.outcome_mismatches.spike_mismatch`.
        """
        expected = self.expected()
        v_fire = got["v_fire"].copy()
        posts = [spike[1] for spike in (but.expected, but.got) if spike is not None]
        v_fire[posts] = expected["v_fire"][posts]
        return self.compare_state(number, expected | {"v_fire": v_fire}, "backdoor", replay)

    def compare_state(
        self,
        number: int,
        got: StateArrays,
        where: str,
        replay: Replay | None = None,
        *,
        unit: str | None = None,
    ) -> Mismatch | None:
        """Compare all state variables of the core with those of the engine.

        Parameters
        ----------
        number : int
            Number of the last presentation.
        got : StateArrays
            State of the core.
        where : str
            How it was read, for the message.
        replay : Replay, optional
            The presentation step by step, which gives the step of a mismatch. Default: step -1.
        unit : str, optional
            Unit to name. Default: the one that computes the state variable.

        Raises
        ------
        AssertionError
            If state variables are missing, or of other shapes.
        """
        expected = self.expected()
        if where == "port":
            # What the memory port does not show is compared by the backdoor.
            shown = {space.name.lower() for space in readable(self._shapes)}
            if Space.SYNAPSES.name.lower() in shown:
                shown |= {"weights", "alive"}
            expected = StateArrays({name: expected[name] for name in expected if name in shown})
        if expected.keys() != got.keys():
            raise AssertionError(f"state must be {sorted(expected)}, not {sorted(got)}")
        first: Mismatch | None = None
        for name, want in expected.items():
            have = got[name]
            self.compared += want.size
            if want.shape != have.shape:
                raise AssertionError(f"{name} must have shape {want.shape}, not {have.shape}")
            if np.array_equal(want, have):
                continue
            differs = want != have
            if name == "weights":
                # Where a synapse was pruned by mistake, or not pruned, `alive` is the cause.
                differs &= expected["alive"] == got["alive"]
            for at in map(tuple, np.argwhere(differs)[:64].tolist()):
                step = -1 if replay is None else replay.last_change(name, at)
                if first is None or step < first.step:
                    first = Mismatch(
                        presentation=number,
                        step=step,
                        unit=unit or UNITS[name],
                        what=f"{name}[{', '.join(map(str, at))}] ({where})",
                        expected=int(want[at]),
                        got=int(have[at]),
                    )
        return first
