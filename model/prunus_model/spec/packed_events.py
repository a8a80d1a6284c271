"""Address events of many presentations in two arrays, as kernels and data sets take them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presentation import check_events, check_levels

__all__ = ["PackedEvents", "check_stimuli", "packed_one"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedEvents:
    """Address events of many presentations.

    Parameters
    ----------
    first : ndarray of int64, shape (n, steps + 1)
        The events of step ``s`` of presentation ``i`` are ``pres[first[i, s] : first[i, s + 1]]``.
    pres : ndarray of uint16 (of uint32 if there are more than 65,536 inputs), one dimension
        Inputs that spike; in a step each at most once.
    inputs : int
        Inputs that there are; with groups, those of the whole image.

    Raises
    ------
    TypeError
        If an array has another type or number of dimensions.
    ValueError
        If bounds of steps are not in order or not in ``pres``, an input does not exist, or one
        stands twice in a step.

    Examples
    --------
    >>> events = PackedEvents.of([[[4, 0], [2]], [[], []]], inputs=5, steps=2)
    >>> len(events), events.steps, [pres.tolist() for pres in events.lists(0)]
    (2, 2, [[4, 0], [2]])
    """

    first: npt.NDArray[np.int64]
    pres: npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
    inputs: int

    def __post_init__(self) -> None:
        kind = pres_dtype(self.inputs)
        if self.first.dtype != np.int64 or self.first.ndim != 2 or self.first.shape[1] < 2:
            raise TypeError(
                "Array first must be int64 of shape (n, steps + 1), "
                f"not {self.first.dtype} of {self.first.shape}"
            )
        if self.pres.dtype != kind or self.pres.ndim != 1:
            raise TypeError(
                f"Array pres must be {kind} with 1 dimension, "
                f"not {self.pres.dtype} with {self.pres.ndim}"
            )
        bounds = self.first.ravel()
        if len(bounds) and not 0 <= bounds.min() <= bounds.max() <= len(self.pres):
            raise ValueError(
                f"Bounds of steps must be in 0..{len(self.pres)}, "
                f"not {bounds.min()}..{bounds.max()}"
            )
        if (np.diff(self.first, axis=1) < 0).any():
            raise ValueError("Bounds of steps must be in order")
        for number in range(len(self)):
            self._check(number)

    def _check(self, number: int) -> None:
        """Check the inputs of one presentation."""
        bounds = self.first[number]
        pres = self.pres[bounds[0] : bounds[-1]].astype(np.int64)
        if len(pres) and pres.max() >= self.inputs:
            raise ValueError(
                f"Events of presentation {number} must be inputs 0..{self.inputs - 1}, "
                f"but got {pres.max()}"
            )
        keys = np.repeat(np.arange(self.steps), np.diff(bounds)) * self.inputs + pres
        # Most are in order, which is seen at once.
        if (np.diff(keys) <= 0).any() and len(np.unique(keys)) != len(keys):
            raise ValueError(
                f"Events of presentation {number} must name each input at most once in a step"
            )

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, chosen: slice | npt.NDArray[np.int64]) -> PackedEvents:
        """Return some presentations, with the same ``pres``, which are not checked again."""
        return _made(np.ascontiguousarray(self.first[chosen]), self.pres, self.inputs)

    def view(self, indices: npt.NDArray[np.int64]) -> PackedEvents:
        """Return the events that a view sees, by its own inputs.

        Parameters
        ----------
        indices : ndarray of int64, one dimension
            Which input here each input of the view is, -1 for none
            (:attr:`prunus_model.spec.config.NetworkConfig.view_indices`).
        """
        pre_of = np.full(self.inputs, -1)
        (seen,) = np.nonzero(indices >= 0)
        pre_of[indices[seen]] = seen
        pres = pre_of[self.pres]
        ends = np.concatenate([[0], np.cumsum(pres >= 0)])
        own = pres[pres >= 0].astype(pres_dtype(len(indices)))
        return _made(ends[self.first], own, len(indices))

    @property
    def steps(self) -> int:
        """Steps of a presentation."""
        return int(self.first.shape[1]) - 1

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Events of each step, int64, shape (n, steps)."""
        return np.diff(self.first, axis=1)

    def spikes_of_inputs(self) -> npt.NDArray[np.uint8]:
        """Return in how many steps each input spikes: uint8, shape (n, inputs)."""
        return np.stack(
            [
                np.bincount(self.pres[row[0] : row[-1]], minlength=self.inputs).astype(np.uint8)
                for row in self.first
            ]
        )

    def lists(self, number: int) -> list[npt.NDArray[np.int64]]:
        """Return one presentation as ``present_events`` takes it: the inputs of each step."""
        bounds = self.first[number].tolist()
        return [self.pres[start:end].astype(np.int64) for start, end in pairwise(bounds)]

    @classmethod
    def joined(
        cls, parts: Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]], *, inputs: int
    ) -> PackedEvents:
        """Pack presentations, each given by the events of each step and all of its inputs.

        Parameters
        ----------
        parts : iterable of (ndarray of int, shape (steps,); ndarray of int, shape (events,))
            For each presentation the number of events in each step, and its inputs, step by step.
        inputs : int
            Inputs that there are.
        """
        kind = pres_dtype(inputs)
        counts, pres = [], []
        for count, one in parts:
            counts.append(count)
            pres.append(one.astype(kind))
        ends = np.concatenate([[0], *counts]).cumsum(dtype=np.int64)
        steps = len(counts[0])
        starts = np.arange(len(counts))[:, np.newaxis] * steps
        return cls(
            first=ends[starts + np.arange(steps + 1)], pres=np.concatenate(pres), inputs=inputs
        )

    @classmethod
    def of(
        cls, presentations: Sequence[Sequence[Sequence[int]]], *, inputs: int, steps: int
    ) -> PackedEvents:
        """Pack presentations that have, for each step, the inputs that spike; at least one."""
        return cls.joined(
            (
                (
                    np.array([len(pres) for pres in one], dtype=np.int64),
                    np.concatenate([np.asarray(pres, dtype=np.int64) for pres in one]),
                )
                for one in ([*given, *[[]] * (steps - len(given))] for given in presentations)
            ),
            inputs=inputs,
        )


def pres_dtype(inputs: int) -> np.dtype[np.uint16] | np.dtype[np.uint32]:
    """Return the type of the smallest integers that hold every input."""
    return np.dtype(np.uint16) if inputs <= 1 << 16 else np.dtype(np.uint32)


def check_stimuli(given: npt.NDArray[np.uint8] | PackedEvents, config: NetworkConfig) -> None:
    """Check the levels of many images (:func:`check_levels`), or the events of many presentations.

    Raises
    ------
    TypeError
        If they are neither.
    ValueError
        If levels are of another shape, or events of another number of inputs or steps.
    """
    if not isinstance(given, PackedEvents):
        check_levels(given, config, many=True)
        return
    for what, got, wanted in (
        ("inputs", given.inputs, config.image_levels),
        ("steps", given.steps, config.encoder.steps),
    ):
        if got != wanted:
            raise ValueError(f"Events must be of {wanted} {what}, not {got}")


def packed_one(events: Sequence[Sequence[int]], config: NetworkConfig) -> PackedEvents:
    """Check the events of one presentation (:func:`check_events`) and pack them."""
    arrays = check_events(events, config)
    return _made(
        np.cumsum([0, *map(len, arrays)], dtype=np.int64)[np.newaxis],
        np.concatenate(arrays).astype(pres_dtype(config.image_levels)),
        config.image_levels,
    )


def _made(first: npt.NDArray[np.int64], pres: npt.NDArray[Any], inputs: int) -> PackedEvents:
    """Return what is known to be right, without checking it again."""
    events = object.__new__(PackedEvents)
    for name, value in (("first", first), ("pres", pres), ("inputs", inputs)):
        object.__setattr__(events, name, value)
    return events
