"""The engine: the reference, compiled and fast; equal to it bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from prunus_model.engine import kernels, many
from prunus_model.engine.layout import Count
from prunus_model.engine.prepare import net_of, params_of, workspace_of
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.groups import DARK
from prunus_model.spec.packed_events import PackedEvents, check_stimuli, packed_one
from prunus_model.spec.presentation import (
    Presentation,
    check_exits,
    check_learning,
    check_levels,
    check_votes,
)
from prunus_model.spec.pruning import PostPruning
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import State, state_dtypes

__all__ = ["Engine"]


class Engine:
    """A network that learns and infers at full speed.

    A :class:`prunus_model.spec.golden_model.GoldenModel`: same results as
    :class:`prunus_model.reference.network.Network`, in every state variable and counter, after
    every presentation.

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
        If the state or the votes are of the wrong type, shape or range.

    Examples
    --------
    >>> engine = Engine(NetworkConfig.named("tiny"))
    >>> image = np.full(49, 90, dtype=np.uint8)
    >>> counters, spikes = engine.train(np.stack([image, image]))
    >>> counters.presentations, spikes.shape
    (2, (2, 10))
    """

    def __init__(
        self,
        config: NetworkConfig,
        state: State | None = None,
        votes: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        state = State.initial(config) if state is None else state
        state.check(config)
        self._config = config
        self._no_events = packed_one([], config)[:0]
        votes_of = np.array(check_votes(votes, config), order="C").reshape(
            config.group_count, config.neurons, -1
        )
        self._scores = np.zeros(config.readout.classes, dtype=np.int64)
        self._shown = config.group_count - 1
        self._presentation = state.presentation
        params, groups = params_of(config), range(config.group_count)
        self._parts = many.Parts(
            config=config,
            params=params,
            jump=kernels.jump_tables(params.words),
            views=[
                kernels.View(
                    seed=config.view_seed(number), indices=indices, pre_of=_pre_of(indices, config)
                )
                for number, indices in enumerate(config.view_indices)
            ],
            nets=[net_of(state.group(g, config), votes_of[g], params) for g in groups],
        )
        self._workspaces = []
        for group in groups:
            part = state.group(group, config)
            workspace = workspace_of(config, params)
            workspace.v[: config.neurons] = part.v
            workspace.v_fire[: config.neurons] = part.v_fire
            workspace.last_step[:] = part.last_step
            self._workspaces.append(workspace)

    @property
    def config(self) -> NetworkConfig:
        """All parameters."""
        return self._config

    @property
    def presentation(self) -> int:
        """Number of the next presentation."""
        return self._presentation

    @property
    def state(self) -> State:
        """A copy of all state variables."""
        nets, neurons = self._parts.nets, self._config.neurons
        shown = self._workspaces[self._shown]

        def of_neurons(name: str) -> npt.NDArray[np.int32]:
            return np.concatenate([getattr(net, name) for net in nets])

        status = np.concatenate([net.status.T for net in nets])
        stored = np.concatenate([net.weights[:, :neurons] for net in nets])
        weights = stored.astype(np.int16) - self._parts.params.weight_offset
        return State(
            weights=weights.astype(state_dtypes(self._config)["weights"]),
            alive=status != kernels.PRUNED,
            frozen=status == kernels.FROZEN,
            theta=of_neurons("theta"),
            strength=of_neurons("strength"),
            post_count=of_neurons("post_count"),
            active_count=of_neurons("active_count"),
            v=shown.v[:neurons].copy(),
            v_fire=np.concatenate([w.v_fire[:neurons] for w in self._workspaces]),
            last_step=shown.last_step.copy(),
            input_rate=np.concatenate([net.input_rate for net in nets]),
            bias=of_neurons("bias"),
            presentation=self._presentation,
        )

    @property
    def scores(self) -> npt.NDArray[np.int64]:
        """A copy of the sums of votes by class, at the end of the last presentation."""
        return self._scores.copy()

    @scores.setter
    def scores(self, scores: npt.NDArray[np.int64]) -> None:
        self._scores[:] = scores

    def present(
        self,
        levels: npt.NDArray[np.uint8],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show one image; as :meth:`prunus_model.spec.golden_model.GoldenModel.present`."""
        check_levels(levels, self._config, many=False)
        return self._show(self._stimuli(levels[np.newaxis]), learn, stop_after, margin, keep)

    def present_events(
        self,
        events: Sequence[Sequence[int]],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show address events.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.present_events`.
        """
        packed = packed_one(events, self._config)
        return self._show(self._stimuli(packed), learn, stop_after, margin, keep)

    def train(
        self, levels: npt.NDArray[np.uint8] | PackedEvents
    ) -> tuple[Counters, npt.NDArray[np.uint8]]:
        """Learn from images, or events, one presentation each, in order.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.train`.
        """
        check_stimuli(levels, self._config)
        check_learning(True, self._config)
        given = self._stimuli(levels)
        counts, spikes = many.train(self._parts, self._workspaces, given, self._presentation)
        if len(levels):
            self._shown = self._config.group_count - 1
            together = sum(workspace.scores for workspace in self._workspaces)
            self._scores[:] = np.minimum(together, self._parts.params.score_max)
        self._advance(len(levels))
        return Counters.from_array(counts), spikes

    def infer(
        self,
        levels: npt.NDArray[np.uint8] | PackedEvents,
        *,
        first: int = 0,
        stop_after: int = 0,
        margin: int = 0,
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Show images without learning, on many threads; the network stays as it is.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.infer`. Default of ``threads``: all
        processors that this process may use.
        """
        check_stimuli(levels, self._config)
        check_exits(stop_after, margin)
        if threads is not None and threads < 1:
            raise ValueError(f"Threads must be 1 or more, not {threads}")
        return many.infer(
            self._parts,
            self._stimuli(levels),
            first=first,
            stop_after=stop_after,
            margin=margin,
            threads=threads,
        )

    def finish(self) -> int:
        """End the training; as :meth:`prunus_model.spec.golden_model.GoldenModel.finish`."""
        policy, neurons, count = self._config.pruning, self._config.neurons, 0
        for group, net in enumerate(self._parts.nets):
            if isinstance(policy, PostPruning):
                weights = net.weights[:, :neurons]
                pruned = (net.status.T != kernels.PRUNED) & (weights < policy.w_prune)
                weights[pruned] = 0
                net.columns[pruned.T] = 0
                net.status[pruned.T] = kernels.PRUNED
                net.row_alive[:] -= pruned.sum(axis=1)
                net.strength[:] = weights.sum(axis=0, dtype=np.int32)
                count += int(np.count_nonzero(pruned))
            kernels.begin(
                False, self._presentation, self._parts.params, net, self._workspaces[group]
            )
        self._shown = len(self._parts.nets) - 1
        return count

    def _show(
        self, stimuli: kernels.Stimuli, learn: bool, stop_after: int, margin: int, keep: bool
    ) -> Presentation:
        """Show all views of one image, or of its events (semantics, 4.7)."""
        check_exits(stop_after, margin)
        check_learning(learn, self._config)
        counts = np.zeros(len(COUNTERS), dtype=np.int64)
        steps, posts = [], []
        if not keep:
            self._scores[:] = 0
        views = self._parts.views[: self._config.group_count] if learn else self._parts.views
        for number, view in enumerate(views):
            self._shown = group = number % self._config.group_count
            workspace = self._workspaces[group]
            kernels.begin(
                learn, self._presentation, self._parts.params, self._parts.nets[group], workspace
            )
            workspace.scores[:] = self._scores
            fired = kernels.present(
                stimuli,
                0,
                learn,
                stop_after,
                margin,
                self._presentation,
                self._parts.params,
                self._parts.jump,
                view,
                self._parts.nets[group],
                workspace,
                counts,
            )
            self._scores[:] = workspace.scores
            steps.append(workspace.spike_steps[:fired].copy())
            posts.append(workspace.spike_posts[:fired] + group * self._config.neurons)
            elected = self._elected()
            if 0 < margin <= elected["lead"]:
                break
        counts[Count.PRESENTATIONS] = 1
        self._advance(1)
        return Presentation(
            spike_steps=np.concatenate(steps),
            spike_posts=np.concatenate(posts),
            counters=Counters.from_array(counts),
            **elected,
        )

    def _advance(self, presentations: int) -> None:
        self._presentation = self._presentation + presentations & max_of(PRESENTATION_BITS)

    def _elected(self) -> dict[str, int]:
        """Return class and lead of the scores as they are."""
        scores = self._scores.tolist()
        second, first = sorted([0, *scores])[-2:]
        return {"prediction": scores.index(first) if first else UNDECIDED, "lead": first - second}

    def _stimuli(self, given: npt.NDArray[np.uint8] | PackedEvents) -> kernels.Stimuli:
        """Contiguous and writable, because the kernels are compiled anew for every other kind."""
        events = given if isinstance(given, PackedEvents) else self._no_events
        levels = _NO_LEVELS if isinstance(given, PackedEvents) else given
        return kernels.Stimuli(
            levels=np.require(levels, requirements=["C", "W"]),
            first=np.require(events.first, requirements=["C", "W"]),
            pres=np.require(events.pres, requirements=["C", "W"]),
        )


#: No image.
_NO_LEVELS = np.empty((0, 0), dtype=np.uint8)


def _pre_of(indices: npt.NDArray[np.int64], config: NetworkConfig) -> npt.NDArray[np.int64]:
    """Return the input of a view that sees each level of the image, :data:`DARK` for none."""
    pre_of = np.full(config.image_levels, DARK, dtype=np.int64)
    seen = indices != DARK
    pre_of[indices[seen]] = np.flatnonzero(seen)
    return pre_of
