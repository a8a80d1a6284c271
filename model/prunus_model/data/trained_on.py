"""What a network keeps of its training data, by which other data are read for it.

Numbers of classes mean nothing by themselves: a table whose labels are `fig` and `plum` has the
classes 0 and 1, also if the network has learned `apple`, `fig` and `plum`. So a network keeps the
names of its classes, if they had names, and labels of other data are numbered by these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.class_names import check_names, is_number, key
from prunus_model.data.scaling import BYTES, Scale
from prunus_model.spec.formats import CLASSES_MAX

__all__ = ["TrainedOn"]

#: Under which names a network's provenance has them.
_SCALE, _NAMES = "scale", "class_names"
#: Characters of a list of names in a message.
_SHOWN = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """What a network keeps of its training data.

    Parameters
    ----------
    scale : Scale
        Which values are black and white; of events, and of the usual ranges, the default.
    class_names : tuple of str, or None
        What its classes 0, 1, ... are called; empty if they have no names. None: labels of other
        data do not matter, and stay as they are.

    Raises
    ------
    DataError
        If two names are equal, or there are too many.
    """

    scale: Scale = BYTES
    class_names: tuple[str, ...] | None = ()

    def __post_init__(self) -> None:
        check_names(self.class_names or (), "Classes of the network")

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> TrainedOn:
        """Return what a network has kept, from its provenance.

        Raises
        ------
        DataError
            If it is damaged.
        """
        names = provenance.get(_NAMES, [])
        if not (isinstance(names, list) and all(isinstance(n, str) and n for n in names)):
            raise DataError(f"provenance.{_NAMES} must be words, not {names!r:.60}")
        return cls(scale=_scale(provenance.get(_SCALE)), class_names=tuple(names))

    def to_provenance(self) -> dict[str, Any]:
        """Return what a network keeps: of the usual ranges, and of classes without names, nothing.

        Examples
        --------
        >>> TrainedOn(class_names=("fig", "plum")).to_provenance()
        {'class_names': ['fig', 'plum']}
        """
        kept: dict[str, Any] = {}
        if self.scale.measured:
            kept[_SCALE] = {"black": self.scale.black, "white": self.scale.white}
        if self.class_names:
            kept[_NAMES] = list(self.class_names)
        return kept

    @property
    def unlabelled(self) -> TrainedOn:
        """The same for data whose labels do not matter: they may be of any classes."""
        return replace(self, class_names=None)

    def numbered(
        self, labels: npt.NDArray[np.uint8], names: tuple[str, ...], what: str
    ) -> tuple[npt.NDArray[np.uint8], tuple[str, ...], tuple[str, ...]]:
        """Return labels of other data as numbered by the classes of the network.

        Names that are numbers and labels that are numbers are the same. What a network of words
        makes of numbers, and one of numbers of words, is told in a note: they are taken in order.

        Parameters
        ----------
        labels : ndarray of uint8, shape (n,)
            Classes, by the order of ``names``.
        names : tuple of str
            What these are called; empty if they are numbers.
        what : str
            What the data are called in messages.

        Returns
        -------
        tuple
            Labels, the names that they stand for now, and notes, one line each.

        Raises
        ------
        DataError
            If a class is none of the network's.

        Examples
        --------
        >>> kept = TrainedOn(class_names=("apple", "fig", "plum"))
        >>> kept.numbered(np.array([1, 0], np.uint8), ("fig", "plum"), "basket.csv")
        (array([2, 1], dtype=uint8), ('apple', 'fig', 'plum'), ())
        """
        own = self.class_names
        if own is None or not (own or names):
            return labels, names, ()
        if not names:
            if not any(map(is_number, own)):
                return labels, own, (f"Labels of {what} are numbers: {_listed(own)}",)
            names = tuple(map(str, range(CLASSES_MAX)))
        if own:
            numbers = {key(name): number for number, name in enumerate(own)}
            allowed = f"of the network: {', '.join(own)}"
        elif all(map(is_number, names)):
            numbers = {key(name): int(name) for name in names if int(name) < CLASSES_MAX}
            allowed = f"in 0..{CLASSES_MAX - 1}"
            own = tuple(map(str, range(max(numbers.values(), default=0) + 1)))
        else:
            return labels, names, (f"The network keeps no names of classes: {_listed(names)}",)
        found = np.array([numbers.get(key(name), -1) for name in names])[labels]
        if (found < 0).any():
            wrong = names[labels[found < 0][0]]
            raise DataError(f"Class {wrong!r:.60} of {what} must be one {_cut(allowed)}")
        return found.astype(np.uint8), own, ()


def _scale(kept: Any) -> Scale:
    if kept is None:
        return BYTES
    try:
        black, white = (float(kept[name]) for name in ("black", "white"))
        return Scale(black=black, white=white, measured=True)
    except (TypeError, KeyError, ValueError) as e:
        raise DataError(f"provenance.{_SCALE} must have black below white, not {kept!r}") from e


def _listed(names: tuple[str, ...]) -> str:
    return _cut(", ".join(f"{number} is taken for {name}" for number, name in enumerate(names)))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
