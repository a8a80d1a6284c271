r"""Lane balancing: which neuron sits at which position, so that all lanes finish a step together.

Lanes wait for each other at the end of a step only, so a step takes as long as its busiest lane. In
lane ``l`` an input spike of ``pre`` costs as many cycles as ``pre`` has unpruned synapses there,
``n[pre, l]``. The balancer minimises the expected sum over lanes of the square of the cycles of a
step,

.. math::

    \sum_l E[(\sum_{pre} s_{pre} n_{pre,l})^2] = \sum_l \sum_{i, j \in l} g_{ij},
    \qquad g_{ij} = \sum_{pre, pre'} E[s_{pre} s_{pre'}] \, a_{pre,i} a_{pre',j}

Since the sum over lanes of the cycles is given, that is the expected square deviation from the
mean. It sees more than the mean work of a neuron: neurons that are busy in the same images are
kept apart (the part ``E[s] E[s']``), and so are synapses of the same pre (the variance of ``s``).

**What the hardware must do.** Ties of the winner go to the lowest *post* (semantics, 4.4), not to
the lowest position, and what leaves the core is a post. Within each lane the posts ascend with the
slot (that costs nothing: the work of a lane does not depend on the order of its slots), so

* within a lane: keep the first of equal margins while slots ascend; no post is compared;
* between lanes: of equal margins take the lowest post, looked up in :func:`post_of_position`, that
  is ``post_of_position[slot * lanes + lane]``. In an inference core this table lies next to
  ``v_fire``, which has the same addresses and is constant too: 23 + 10 bits are one word of a
  36-bit block RAM.

Tables with one entry per neuron (``v_fire``, votes) are ordered by position with the same table. No
permutation other than the identity makes ties come out right without posts, because any two neurons
can tie; that is why posts are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import LEVEL_BITS
from prunus_rtl.memory_image.image import by_lane, check_position

__all__ = ["LaneCycles", "balance", "lane_cycles", "post_of_position"]


def balance(
    alive: npt.NDArray[np.bool_],
    *,
    lanes: int,
    levels: npt.NDArray[np.uint8] | None = None,
    groups: int = 1,
) -> npt.NDArray[np.int64]:
    """Distribute neurons over lanes, those of each group on their own.

    Greedy start (the neuron with the most work first, into the lane with room where it adds least),
    then swaps of two neurons for as long as one lowers the sum. Deterministic, exact integers.

    Parameters
    ----------
    alive : ndarray of bool, shape (rows, neurons)
        Which synapses are unpruned; rows are the inputs of all groups, one group after the other.
    lanes : int
        Lanes of the core. Positive.
    levels : ndarray of uint8, shape (images, rows), optional
        Levels of typical images (:func:`prunus_model.spec.levels.levels`), as each group sees them;
        some hundred are enough. Default: one image, in which all inputs spike in every other step.
    groups : int
        Number of groups.

    Returns
    -------
    ndarray of int64, shape (groups * neurons,)
        Position of each neuron, numbered through all groups as neurons are. A group keeps its
        positions, and within a lane, its posts ascend with the slot.

    Raises
    ------
    TypeError
        If ``lanes`` is not a positive integer.
    ValueError
        If ``levels`` has the wrong shape.

    Examples
    --------
    >>> alive = np.array([[1, 0, 1, 0], [1, 0, 1, 0]], dtype=np.bool_)
    >>> position = balance(alive, lanes=2)
    >>> (position % 2).tolist(), post_of_position(position).tolist()
    ([0, 0, 1, 1], [0, 2, 1, 3])
    """
    rows, neurons = alive.shape
    if levels is None:
        levels = np.full((1, rows), 1 << LEVEL_BITS - 1, dtype=np.uint8)
    if levels.ndim != 2 or levels.shape[1] != rows or len(levels) == 0:
        raise ValueError(f"Levels must have shape (images, {rows}), not {levels.shape}")
    parts = zip(np.split(alive, groups), np.split(levels, groups, axis=1), strict=True)
    return np.concatenate(
        [
            group * neurons + _balance_group(part, lanes, seen)
            for group, (part, seen) in enumerate(parts)
        ]
    )


def _balance_group(
    alive: npt.NDArray[np.bool_], lanes: int, levels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    """Return the positions of one group; as :func:`balance`."""
    neurons = alive.shape[1]
    room = by_lane(np.ones((1, neurons), dtype=np.int64), lanes).sum(axis=(0, 1))
    moments = _moments(alive.astype(np.int64), levels.astype(np.int64))
    # cross[j, l]: what neuron j shares with the neurons of lane l, that is sum of moments[j, l's].
    cross = np.zeros((neurons, lanes), dtype=np.int64)
    lane = np.empty(neurons, dtype=np.int64)
    most = np.iinfo(np.int64).max
    for j in np.argsort(-np.diagonal(moments), kind="stable").tolist():
        best = int(np.argmin(np.where(room > 0, cross[j], most)))
        lane[j] = best
        room[best] -= 1
        cross[:, best] += moments[:, j]
    _swap(lane, cross, moments)
    # Stable: posts ascend within a lane.
    order = np.argsort(lane, kind="stable")
    sizes = np.bincount(lane, minlength=lanes)
    slot = np.arange(neurons) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    position = np.empty(neurons, dtype=np.int64)
    position[order] = slot * lanes + lane[order]
    return position


def post_of_position(position: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the neuron at each position: the inverse permutation."""
    posts: npt.NDArray[np.int64] = np.argsort(check_position(position, len(position)))
    return posts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LaneCycles:
    """Cycles that lanes spend on fetching, one unpruned synapse per cycle.

    Attributes
    ----------
    busy : ndarray of int64, shape (steps, lanes)
        Unpruned synapses that each lane fetches in each step.
    barrier : ndarray of int64, shape (steps,)
        Cycles of each step if lanes waited for each other after every input spike.
    """

    busy: npt.NDArray[np.int64]
    barrier: npt.NDArray[np.int64]

    @property
    def cycles(self) -> npt.NDArray[np.int64]:
        """Cycles of each step: those of its busiest lane."""
        cycles: npt.NDArray[np.int64] = self.busy.max(axis=1)
        return cycles

    @property
    def utilisation(self) -> float:
        """Share of the lane-cycles in which a synapse is fetched; 1 if there are none."""
        total = int(self.cycles.sum()) * self.busy.shape[1]
        return int(self.busy.sum()) / total if total else 1.0


def lane_cycles(
    spikes: npt.NDArray[np.bool_],
    alive: npt.NDArray[np.bool_],
    *,
    lanes: int,
    position: npt.NDArray[np.int64] | None = None,
) -> LaneCycles:
    """Count what each lane fetches in each step, exactly.

    Parameters
    ----------
    spikes : ndarray of bool, shape (steps, inputs)
        Input spikes of steps that are integrated.
    alive : ndarray of bool, shape (inputs, neurons)
        Which synapses are unpruned.
    lanes : int
        Lanes of the core. Positive.
    position : ndarray of int64, shape (neurons,), optional
        Position of each post. Default: position is post.

    Returns
    -------
    LaneCycles
    """
    unpruned = by_lane(alive, lanes, position).sum(axis=1)
    trains = spikes.astype(np.int64)
    return LaneCycles(busy=trains @ unpruned, barrier=trains @ unpruned.max(axis=1))


def _moments(alive: npt.NDArray[np.int64], levels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return ``g``: expected products of the work of two neurons in one step, times 2**16."""
    work = levels @ alive
    # Given the image, inputs spike independently, with probability level / 256.
    variance = (levels * ((1 << LEVEL_BITS) - levels)).sum(axis=0)
    total: npt.NDArray[np.int64] = work.T @ work + alive.T @ (variance[:, np.newaxis] * alive)
    return total // len(levels)


def _swap(
    lane: npt.NDArray[np.int64], cross: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]
) -> None:
    """Swap neurons of two lanes, in place, until no swap lowers the sum of squares."""
    everyone = np.arange(len(lane))
    own = np.diagonal(moments)
    unchecked = len(lane)
    a = 0
    while unchecked:
        here = int(lane[a])
        # Half of what the sum of squares gains if a and b change places; 0 within one lane.
        gain = (
            own[a] + own - 2 * moments[a]
            + cross[a, lane] - cross[a, here]
            + cross[:, here] - cross[everyone, lane]
        )  # fmt: skip
        b = int(np.argmin(np.where(lane == here, 0, gain)))
        if lane[b] != here and gain[b] < 0:
            there = int(lane[b])
            lane[a], lane[b] = there, here
            change = moments[:, b] - moments[:, a]
            cross[:, here] += change
            cross[:, there] -= change
            unchecked = len(lane)
        unchecked -= 1
        a = (a + 1) % len(lane)
