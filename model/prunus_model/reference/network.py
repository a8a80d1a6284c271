"""The reference: a presentation and a run, composed of the units, as readable as the equations.

It is slow, and it decides: the engine and the hardware equal it bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.reference import encoder, homeostasis, membrane, pruning, refractory
from prunus_model.reference.learning import freeze, learn_spike
from prunus_model.reference.readout import add_votes, elect, lead
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.groups import DARK
from prunus_model.spec.presentation import (
    Presentation,
    Request,
    check_events,
    check_exits,
    check_levels,
    check_votes,
)
from prunus_model.spec.pruning import PostPruning, SoftPruning
from prunus_model.spec.random_streams import ENCODER, LEARNING, words
from prunus_model.spec.state import NO_STEP, State, strengths

__all__ = ["Network", "Step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One time step that has just been executed.

    Attributes
    ----------
    view, step : int
        View of the image, 0 without groups; number of the step in it.
    spikes, kept : ndarray of bool, shape (inputs,)
        Inputs that spiked; those of them whose spike was not dropped.
    inhibited : bool
        Whether nothing was integrated.
    post : int
        The neuron that fired, of all groups; -1 if none.
    w_prune : int
        The pruning threshold of the sweep that it caused; 0 if it caused none.
    """

    view: int
    step: int
    spikes: npt.NDArray[np.bool_]
    kept: npt.NDArray[np.bool_]
    inhibited: bool
    post: int
    w_prune: int


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
        self._views = [config.view(number) for number in range(config.view_count)]
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
            config, indices = self._views[view], self._indices[view]
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

    def train(self, levels: npt.NDArray[np.uint8]) -> tuple[Counters, npt.NDArray[np.uint8]]:
        """Learn from images, one presentation each, in order (:meth:`GoldenModel.train`)."""
        check_levels(levels, self.config, many=True)
        shown = [self.present(image, learn=True) for image in levels]
        return sum((one.counters for one in shown), Counters()), self._spikes(shown)

    def infer(
        self,
        levels: npt.NDArray[np.uint8],
        *,
        first: int = 0,
        stop_after: int = 0,
        margin: int = 0,
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Show images without learning, on one thread (:meth:`GoldenModel.infer`)."""
        check_levels(levels, self.config, many=True)
        check_exits(stop_after, margin)
        if threads is not None and threads < 1:
            raise ValueError(f"Threads must be 1 or more, not {threads}")
        shown = []
        for number, image in enumerate(levels, start=first):
            network = Network(self.config, self.state, self._votes)
            network.state.presentation = number & max_of(PRESENTATION_BITS)
            shown.append(network.present(image, learn=False, stop_after=stop_after, margin=margin))
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
        for group in range(self.config.group_count):
            self._begin(state.group(group, self.config), learn=False)
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
        state = self.state
        if not keep:
            self._scores = np.zeros(self.config.readout.classes, dtype=np.int64)
        for view in range(self.config.group_count if learn else self.config.view_count):
            yield from self._view_steps(
                view, spikes_of_view(view), learn, stop_after, margin, counters
            )
            if margin and lead(self._scores) >= margin:
                break
        counters.presentations += 1
        state.presentation = state.presentation + 1 & max_of(PRESENTATION_BITS)

    def _view_steps(
        self,
        view: int,
        spikes_of: Callable[[int], npt.NDArray[np.bool_]],
        learn: bool,
        stop_after: int,
        margin: int,
        counters: Counters,
    ) -> Iterator[Step]:
        """Show one view (semantics, 4.1 to 4.6)."""
        config, group = self._views[view], view % self.config.group_count
        state, learning = self.state.group(group, self.config), self._stream(LEARNING, view)
        first = group * config.neurons
        spike_counts = np.zeros(config.neurons, dtype=np.int64)
        self._begin(state, learn)
        inhibition = 0
        for step in range(config.encoder.steps):
            spikes = spikes_of(step)
            kept = refractory.kept(spikes, state.last_step, step, config.encoder)
            state.last_step[kept] = step
            counters.steps += 1
            counters.input_spikes += int(np.count_nonzero(spikes))
            if inhibition:
                inhibition -= 1
                counters.inhibited_steps += 1
                yield Step(
                    view=view,
                    step=step,
                    spikes=spikes,
                    kept=kept,
                    inhibited=True,
                    post=-1,
                    w_prune=0,
                )
                continue
            counters.forward_dense += int(np.count_nonzero(spikes)) * config.neurons
            counters.integrated_spikes += int(np.count_nonzero(kept))
            counters.forward_sops += int(np.count_nonzero(state.alive[kept]))
            counters.frozen_sops += int(np.count_nonzero(state.frozen[kept]))
            v = membrane.integrate(state.v.astype(np.int64), state.weights, kept)
            post = membrane.winner(v, state.v_fire.astype(np.int64))
            state.v[:] = membrane.leak(v, config.membrane.leak_shift)
            w_prune = 0
            if post >= 0:
                counters.output_spikes += 1
                spike_counts[post] += 1
                votes = self._votes[first + post]
                self._scores = add_votes(self._scores, votes, config.readout)
                if learn:
                    w_prune = learn_spike(post, step, learning, config, state, counters)
                state.v[:] = 0
                inhibition = config.membrane.inhibition_steps
            yield Step(
                view=view,
                step=step,
                spikes=spikes,
                kept=kept,
                inhibited=False,
                post=first + post if post >= 0 else -1,
                w_prune=w_prune,
            )
            if stop_after and spike_counts.sum() == stop_after:
                break
            if margin and post >= 0 and lead(self._scores) >= margin:
                break
        if learn and isinstance(config.pruning, SoftPruning):
            freeze(spike_counts, config.pruning, state, counters)

    def _collect(self, steps: Iterator[Step], counters: Counters) -> Presentation:
        """Take all steps and gather the output spikes."""
        fired = [(step.step, step.post) for step in steps if step.post >= 0]
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
            seed=self._views[view].seed, presentation=self.state.presentation, constant=constant
        )

    def _begin(self, state: State, learn: bool) -> None:
        """Prepare a group for a presentation (semantics, 4.1)."""
        params = self.config.homeostasis
        if learn and state.presentation > 0:
            state.theta[:] = homeostasis.decay(state.theta.astype(np.int64), params)
        state.v[:] = 0
        state.last_step[:] = NO_STEP
        state.v_fire[:] = homeostasis.fire_threshold(
            state.theta.astype(np.int64), state.strength.astype(np.int64), params
        )
