"""The reference: a presentation and a run, composed of views, as readable as the equations.

It is slow, and it decides: the engine and the hardware equal it bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.reference import encoder, pruning
from prunus_model.reference.feedforward import feedforward_steps
from prunus_model.reference.readout import elect, lead
from prunus_model.reference.view import Shown, Step, begin, clear, view_steps
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.groups import DARK
from prunus_model.spec.packed_events import PackedEvents, check_stimuli
from prunus_model.spec.presentation import (
    Presentation,
    Request,
    check_events,
    check_exits,
    check_learning,
    check_levels,
    check_votes,
)
from prunus_model.spec.pruning import PostPruning
from prunus_model.spec.random_streams import ENCODER, LEARNING, words
from prunus_model.spec.state import State, strengths

__all__ = ["Network"]


class Network:
    """A network, presentation by presentation or step by step.

    A :class:`prunus_model.spec.golden_model.GoldenModel`.

    Parameters
    ----------
    config : NetworkConfig
        All parameters.
    state : State, optional
        Where to start; it is copied. Default: before training.
    votes : ndarray of uint8, shape (neurons, classes), optional
        Votes of one output spike of each neuron. Default: 0.

    Raises
    ------
    TypeError, ValueError
        If the votes are of the wrong type, shape or range.

    See Also
    --------
    prunus_model.engine.engine.Engine : The same, compiled.

    Examples
    --------
    >>> network = Network(NetworkConfig.named("tiny"))
    >>> image = np.full(49, 90, dtype=np.uint8)
    >>> result = network.present(image, learn=True)
    >>> result.counters.output_spikes == len(result.spike_posts)
    True
    """

    def __init__(
        self,
        config: NetworkConfig,
        state: State | None = None,
        votes: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        self._config = config
        # But for their seeds all views are alike.
        self._view = config.view(0)
        self._indices = config.view_indices
        self._state = State.initial(config) if state is None else state.copy()
        self._votes = check_votes(votes, config)
        self._scores = np.zeros(config.readout.classes, dtype=np.int64)

    @property
    def config(self) -> NetworkConfig:
        """All parameters."""
        return self._config

    @property
    def presentation(self) -> int:
        """Number of the next presentation."""
        return self._state.presentation

    @property
    def state(self) -> State:
        """All state variables, not a copy: they may be read and changed between steps."""
        return self._state

    @property
    def scores(self) -> npt.NDArray[np.int64]:
        """Sums of votes by class, at the end of the last presentation; shape (classes,)."""
        return self._scores

    @scores.setter
    def scores(self, scores: npt.NDArray[np.int64]) -> None:
        self._scores = scores.copy()

    def present(
        self,
        levels: npt.NDArray[np.uint8],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show one image (:meth:`GoldenModel.present`)."""
        request = Request(learn=learn, stop_after=stop_after, margin=margin, keep=keep)
        counters = Counters()
        return self._collect(self.steps(levels, counters=counters, **request), counters)

    def present_events(
        self,
        events: Sequence[Sequence[int]],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show address events in place of an image (:meth:`GoldenModel.present_events`)."""
        request = Request(learn=learn, stop_after=stop_after, margin=margin, keep=keep)
        counters = Counters()
        return self._collect(self.steps_events(events, counters=counters, **request), counters)

    def steps(
        self,
        levels: npt.NDArray[np.uint8],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
        counters: Counters | None = None,
    ) -> Iterator[Step]:
        """Show one image and pause after each step, so that every state can be read.

        Parameters
        ----------
        levels, learn, stop_after, margin, keep
            As in :meth:`present`.
        counters : Counters, optional
            Counted up on the way.

        Yields
        ------
        Step
            The presentation counts only once all steps have been taken.

        Raises
        ------
        TypeError, ValueError
            As :meth:`present`.
        """
        check_levels(levels, self.config, many=False)
        counters = Counters() if counters is None else counters

        def spikes_of_view(view: int) -> Callable[[int], npt.NDArray[np.bool_]]:
            config, indices = self._view, self._indices[view]
            seen = np.where(indices == DARK, 0, levels[indices]).astype(np.uint8)
            stream = self._stream(ENCODER, view)

            def spikes_of(step: int) -> npt.NDArray[np.bool_]:
                counters.encoder_draws += words(config.inputs)
                return encoder.spikes(
                    encoder.draw(stream, step, config.inputs, config.encoder), seen
                )

            return spikes_of

        return self._steps(spikes_of_view, learn, stop_after, margin, keep, counters)

    def steps_events(
        self,
        events: Sequence[Sequence[int]],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
        counters: Counters | None = None,
    ) -> Iterator[Step]:
        """Show address events as :meth:`present_events`, with a pause after each step."""
        arrays = check_events(events, self.config)

        def spikes_of_view(view: int) -> Callable[[int], npt.NDArray[np.bool_]]:
            return lambda step: np.isin(self._indices[view], arrays[step])

        counters = Counters() if counters is None else counters
        return self._steps(spikes_of_view, learn, stop_after, margin, keep, counters)

    def train(
        self, levels: npt.NDArray[np.uint8] | PackedEvents
    ) -> tuple[Counters, npt.NDArray[np.uint8]]:
        """Learn from images or events, one by one, in order (:meth:`GoldenModel.train`)."""
        check_stimuli(levels, self.config)
        check_learning(True, self.config)
        shown = [self._present_of(levels, n, learn=True) for n in range(len(levels))]
        return sum((one.counters for one in shown), Counters()), self._spikes(shown)

    def infer(
        self,
        levels: npt.NDArray[np.uint8] | PackedEvents,
        *,
        first: int = 0,
        stop_after: int = 0,
        margin: int = 0,
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Show images or events without learning, on one thread (:meth:`GoldenModel.infer`)."""
        check_stimuli(levels, self.config)
        check_exits(stop_after, margin)
        if threads is not None and threads < 1:
            raise ValueError(f"Threads must be 1 or more, not {threads}")
        shown = []
        for n in range(len(levels)):
            network = Network(self.config, self.state, self._votes)
            network.state.presentation = first + n & max_of(PRESENTATION_BITS)
            shown.append(
                network._present_of(levels, n, learn=False, stop_after=stop_after, margin=margin)
            )
        counts = np.array([one.counters.to_array() for one in shown], dtype=np.int64)
        return counts.reshape(len(shown), len(COUNTERS)), self._spikes(shown)

    def finish(self) -> int:
        """End the training (:meth:`GoldenModel.finish`)."""
        policy, state = self.config.pruning, self.state
        pruned = np.zeros(state.alive.shape, dtype=np.bool_)
        if isinstance(policy, PostPruning):
            pruned = state.alive & ~pruning.kept_by_post(state.weights, policy)
            state.alive &= ~pruned
            state.weights[pruned] = 0
            state.strength[:] = strengths(state.weights, self.config)
        if self.config.feedforward:
            clear(state)
            return 0
        for group in range(self.config.group_count):
            begin(state.group(group, self.config), self.config.homeostasis, learn=False)
        return int(np.count_nonzero(pruned))

    def _steps(
        self,
        spikes_of_view: Callable[[int], Callable[[int], npt.NDArray[np.bool_]]],
        learn: bool,
        stop_after: int,
        margin: int,
        keep: bool,
        counters: Counters,
    ) -> Iterator[Step]:
        """Show all views of an image (semantics, 4.7)."""
        check_exits(stop_after, margin)
        check_learning(learn, self.config)
        state = self.state
        # Not in place: what was given away stays as it is.
        self._scores = self._scores.copy() if keep else np.zeros_like(self._scores)
        groups, neurons = self.config.group_count, self.config.neurons
        for view in range(groups if learn else self.config.view_count):
            group = view % groups
            shown = Shown(
                number=view,
                config=self._view,
                first_post=group * neurons,
                votes=self._votes[group * neurons : (group + 1) * neurons],
                score_max=max_of(self.config.score_bits),
                learning=self._stream(LEARNING, view),
            )
            part, spikes_of = state.group(group, self.config), spikes_of_view(view)
            if self.config.feedforward:
                yield from feedforward_steps(
                    shown,
                    self.config.feedforward,
                    spikes_of,
                    part,
                    self._scores,
                    counters,
                    stop_after=stop_after,
                    margin=margin,
                )
                continue
            yield from view_steps(
                shown,
                spikes_of,
                part,
                self._scores,
                counters,
                learn=learn,
                stop_after=stop_after,
                margin=margin,
            )
            if margin and lead(self._scores) >= margin:
                break
        counters.presentations += 1
        state.presentation = state.presentation + 1 & max_of(PRESENTATION_BITS)

    def _present_of(
        self, stimuli: npt.NDArray[np.uint8] | PackedEvents, n: int, **request: Any
    ) -> Presentation:
        """Show one of many."""
        if isinstance(stimuli, PackedEvents):
            return self.present_events([pres.tolist() for pres in stimuli.lists(n)], **request)
        return self.present(stimuli[n], **request)

    def _collect(self, steps: Iterator[Step], counters: Counters) -> Presentation:
        """Take all steps and gather the output spikes."""
        fired = [(step.step, post) for step in steps for post in step.fired]
        spike_steps, spike_posts = np.array(fired, dtype=np.int64).reshape(-1, 2).T
        return Presentation(
            spike_steps=spike_steps,
            spike_posts=spike_posts,
            counters=counters,
            prediction=elect(self._scores),
            lead=lead(self._scores),
        )

    def _spikes(self, shown: Sequence[Presentation]) -> npt.NDArray[np.uint8]:
        """Count the output spikes of each neuron in each presentation."""
        counts = [np.bincount(one.spike_posts, minlength=self.config.all_neurons) for one in shown]
        return np.array(counts, dtype=np.uint8).reshape(len(shown), self.config.all_neurons)

    def _stream(self, constant: int, view: int) -> Stream:
        return Stream(
            seed=self.config.view_seed(view),
            presentation=self.state.presentation,
            constant=constant,
        )
