"""What a network keeps of its training data, by which other data are read for it.

Numbers of classes mean nothing by themselves: a table whose labels are `fig` and `plum` has the
classes 0 and 1, also if the network has learned `apple`, `fig` and `plum`. So a network keeps the
names of its classes, if they had names, and labels of other data are numbered by these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.scaling import BYTES, Scale

__all__ = ["TrainedOn"]

#: Under which names a network's provenance has them.
_SCALE, _NAMES = "scale", "class_names"
#: Classes that labels of 8 bits can tell apart.
_CLASSES = 256
#: Characters of a name, or of a list of names, in a message.
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """What a network keeps of its training data.

    Parameters
    ----------
    scale : Scale
        Which values are black and white; of events, and of the usual ranges, the default.
    class_names : tuple of str
        What its classes 0, 1, ... are called; empty if they have no names.
    """

    scale: Scale = BYTES
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> TrainedOn:
        """Return what a network has kept, from its provenance.

        Raises
        ------
        DataError
            If it is damaged.
        """
        names = provenance.get(_NAMES, [])
        if not (
            isinstance(names, list)
            and all(isinstance(name, str) and name for name in names)
            and len({*names}) == len(names) <= _CLASSES
        ):
            raise DataError(
                f"provenance.{_NAMES} must be at most {_CLASSES} different words, "
                f"not {names!r:.{_SHOWN}}"
            )
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

    def numbered(
        self, labels: npt.NDArray[np.uint8], names: tuple[str, ...], what: str
    ) -> tuple[npt.NDArray[np.uint8], tuple[str, ...], tuple[str, ...]]:
        """Return labels of other data as numbered by the classes of the network.

        A network without names of classes has seen numbers: then names that are all whole numbers
        are their own numbers, and others stay in their order, of which a note tells.

        Parameters
        ----------
        labels : ndarray of uint8, shape (n,)
            Classes, by the order of ``names``.
        names : tuple of str
            What these are called; empty if they have no names: then they stay, unless the names of
            the network are whole numbers, which they are then.
        what : str
            What the data are called in messages.

        Returns
        -------
        tuple
            Labels, the names of the network's classes, and notes, one line each.

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
        if not names:
            if not self.class_names or not all(name.isdecimal() for name in self.class_names):
                return labels, names, ()
            # The folders of the training were called by numbers, which need not begin with 0.
            names = tuple(map(str, range(_CLASSES)))
        if self.class_names:
            numbers = {_composed(name): number for number, name in enumerate(self.class_names)}
            allowed = f"of the network: {', '.join(self.class_names)}"
        elif all(name.isdecimal() for name in names):
            numbers = {name: int(name) for name in names if int(name) < _CLASSES}
            allowed = f"in 0..{_CLASSES - 1}"
        else:
            order = ", ".join(f"{k} {name}" for k, name in enumerate(names))
            note = f"Classes of {what} are numbered in the order of their names: {_cut(order)}"
            return labels, names, (f"{note}; the network keeps no names",)
        found = np.array([numbers.get(_composed(name), -1) for name in names])[labels]
        if (found < 0).any():
            wrong = names[labels[found < 0][0]]
            raise DataError(f"Class {_cut(wrong)!r} of {what} must be one {_cut(allowed)}")
        ours = self.class_names or tuple(map(str, range(int(found.max()) + 1)))
        return found.astype(np.uint8), ours, ()


def _scale(kept: Any) -> Scale:
    if kept is None:
        return BYTES
    try:
        black, white = (float(kept[name]) for name in ("black", "white"))
        return Scale(black=black, white=white, measured=True)
    except (TypeError, KeyError, ValueError) as e:
        raise DataError(f"provenance.{_SCALE} must have black below white, not {kept!r}") from e


def _composed(name: str) -> str:
    """Return a name in the one form of characters with accents, of which folders have two."""
    return normalize("NFC", name)


def _cut(text: str) -> str:
    return text if len(text) <= 3 * _SHOWN else f"{text[: 3 * _SHOWN]} ..."
