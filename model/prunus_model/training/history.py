"""How training went, interval by interval."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

__all__ = ["HISTORY_FIELDS", "QUANTILES", "UNKNOWN", "History", "percentiles"]

#: Percentiles of the pruning thresholds over the neurons that are kept.
QUANTILES = (0, 10, 25, 50, 75, 90, 100)
#: ``correct`` of the first interval, before which no neuron has a class.
UNKNOWN = -1


@dataclass(slots=True, kw_only=True)
class History:
    """Records of a training, one row per interval.

    Attributes
    ----------
    presentations : ndarray of int64, shape (k,)
        Presentations in this interval.
    correct : ndarray of int64, shape (k,)
        Those whose class was predicted by the votes of the intervals before: the running
        accuracy, on images that the votes have not seen. :data:`UNKNOWN` in the first.
    plastic : ndarray of int64, shape (k,)
        Synapses neither pruned nor frozen, at the end of the interval.
    output_spikes, forward_sops, forward_dense, update_sops, update_dense : ndarray of int64, (k,)
        As in :class:`prunus_model.spec.counters.Counters`.
    w_prune : ndarray of int64, shape (k, len(QUANTILES))
        Percentiles of the pruning thresholds over the neurons, at the end of the interval.
    """

    presentations: npt.NDArray[np.int64]
    correct: npt.NDArray[np.int64]
    plastic: npt.NDArray[np.int64]
    output_spikes: npt.NDArray[np.int64]
    forward_sops: npt.NDArray[np.int64]
    forward_dense: npt.NDArray[np.int64]
    update_sops: npt.NDArray[np.int64]
    update_dense: npt.NDArray[np.int64]
    w_prune: npt.NDArray[np.int64]

    @classmethod
    def empty(cls) -> History:
        """Return a history without rows."""
        return cls(
            **{
                name: np.empty((0, len(QUANTILES)) if name == "w_prune" else 0, dtype=np.int64)
                for name in HISTORY_FIELDS
            }
        )

    def __len__(self) -> int:
        return len(self.presentations)

    def extended(self, row: dict[str, int | list[int]]) -> History:
        """Return the history with one more row, given by attribute."""
        return History(
            **{
                name: np.concatenate([getattr(self, name), np.array([row[name]], dtype=np.int64)])
                for name in HISTORY_FIELDS
            }
        )

    def check(self) -> None:
        """Check shapes, types and ranges.

        Raises
        ------
        ValueError
            If an array is of another shape or type, or a value cannot be.
        """
        for name in HISTORY_FIELDS:
            array = getattr(self, name)
            shape = (len(self), len(QUANTILES)) if name == "w_prune" else (len(self),)
            if array.shape != shape or array.dtype != np.int64:
                raise ValueError(
                    f"history of {name} must be int64 of shape {shape}, "
                    f"not {array.dtype} of shape {array.shape}"
                )
            low = {"presentations": 1, "correct": UNKNOWN}.get(name, 0)
            if array.size and array.min() < low:
                raise ValueError(f"history of {name} must be at least {low}, not {array.min()}")
        if np.any(self.correct > self.presentations):
            raise ValueError("history of correct must be at most that of presentations")


def percentiles(values: npt.NDArray[np.int64]) -> list[int]:
    """Return the :data:`QUANTILES` of some integers, each one of them (rank rounded down)."""
    ordered = np.sort(values)
    return [int(ordered[(len(ordered) - 1) * q // 100]) for q in QUANTILES]


#: Names of the records.
HISTORY_FIELDS = tuple(field.name for field in fields(History))
