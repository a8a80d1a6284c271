"""Groups: independent networks, each on a part of the image, whose votes are added."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass

from prunus_model.common.validation import STRICT
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.formats import INPUTS_MAX, NEURONS_MAX, STEP_BITS, max_of

__all__ = ["DARK", "VIEWS_MAX", "GroupsParams"]

#: In place of the index of a level: nothing is seen there.
DARK = -1
#: Views of an image; what is kept for all of them is small.
VIEWS_MAX = 4096

_Side = Annotated[int, Field(ge=1, le=INPUTS_MAX)]
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GroupsParams:
    """Which part of the image each group sees, and in which order (semantics, 4.7).

    Exactly one of ``stride``, ``count``, ``positions`` and ``indices`` says where groups are.

    Parameters
    ----------
    image_width, image_height : int
        Pixels of a row, and rows, of the image. 1..65536.
    window_width, window_height : int
        Pixels of a row, and rows, of the part of the image that a group sees. 1..65536. Not used
        with ``indices``.
    stride : int, optional
        Windows stand on a grid, so many pixels apart, from the upper left corner on.
    count : int, optional
        Windows stand on a grid of ``count`` by ``count``, from edge to edge of the image.
    positions : sequence of (row, column), optional
        Upper left pixel of each window.
    indices : sequence of sequences of int, optional
        For images without geometry: which levels each group sees, equally many in each group;
        :data:`DARK` where there is none. With contrasts, levels are twice as many as pixels.
    order : "given" or "centre"
        Groups are numbered, and evaluated, as given (a grid row by row), or from the centre of the
        image outwards. Default: as given.
    looks : sequence of (down, right)
        By how many pixels the windows are shifted when an image is looked at again in inference;
        the first look is not shifted. Beyond the image nothing is seen.

    Raises
    ------
    ValueError
        If a value is out of range, windows lie outside of the image, or parameters contradict each
        other.

    Examples
    --------
    >>> groups = GroupsParams(window_width=12, window_height=12, stride=4)
    >>> len(groups.places()), groups.places()[:2]
    (25, [(0, 0), (0, 4)])
    """

    image_width: _Side = 28
    image_height: _Side = 28
    window_width: _Side = 28
    window_height: _Side = 28
    stride: Annotated[int, Field(ge=1, le=INPUTS_MAX)] | None = None
    count: Annotated[int, Field(ge=1, le=VIEWS_MAX)] | None = None
    positions: Annotated[tuple[_Place, ...], Field(min_length=1)] | None = None
    indices: (
        Annotated[tuple[Annotated[tuple[int, ...], Field(min_length=1)], ...], Field(min_length=1)]
        | None
    ) = None
    order: Literal["given", "centre"] = "given"
    looks: Annotated[tuple[_Place, ...], Field(min_length=1)] = ((0, 0),)

    def __post_init__(self) -> None:
        kinds = {
            name: getattr(self, name)
            for name in ("stride", "count", "positions", "indices")
            if getattr(self, name) is not None
        }
        if len(kinds) != 1:
            raise ValueError(
                "groups must have one of stride, count, positions and indices, "
                f"not {' and '.join(kinds) or 'none'}"
            )
        if self.image_width * self.image_height > INPUTS_MAX:
            raise ValueError(
                f"groups.image_width times image_height must be at most {INPUTS_MAX}, "
                f"not {self.image_width * self.image_height}"
            )
        if self.looks[0] != (0, 0):
            raise ValueError(f"groups.looks must begin with [0, 0], not {list(self.looks[0])}")
        if self.indices is not None:
            self._check_indices(self.indices)
        else:
            self._check_windows()
        if self.group_count * len(self.looks) > VIEWS_MAX:
            raise ValueError(
                f"groups must have at most {VIEWS_MAX} views (groups times looks), "
                f"not {self.group_count * len(self.looks)}"
            )

    @property
    def group_count(self) -> int:
        """How many groups there are."""
        if self.indices is not None:
            return len(self.indices)
        if self.positions is not None:
            return len(self.positions)
        return len(self._grid(0)) * len(self._grid(1))

    @property
    def window_inputs(self) -> int:
        """Indices that a group has, or pixels of its window."""
        if self.indices is not None:
            return len(self.indices[0])
        return self.window_width * self.window_height

    def check(self, encoder: EncoderParams, *, inputs: int, neurons: int) -> None:
        """Check what the rest of a configuration must be.

        Parameters
        ----------
        encoder : EncoderParams
            The encoder.
        inputs, neurons : int
            Inputs and neurons of one group.

        Raises
        ------
        ValueError
            If contrasts are those of other images, steps or sizes of all groups and looks together
            are too many, indices are of no level, or a group sees another number of inputs.
        """
        if (contrast := encoder.contrast) and contrast.image_width != self.image_width:
            raise ValueError(
                f"encoder.contrast.image_width must be groups.image_width, {self.image_width}, "
                f"not {contrast.image_width}"
            )
        looks = len(self.looks)
        if encoder.steps * looks > max_of(STEP_BITS):
            raise ValueError(
                f"encoder.steps must be at most {max_of(STEP_BITS) // looks} for {looks} looks, "
                f"not {encoder.steps}"
            )
        if self.indices is not None:
            # The levels that they name must be there.
            self.view_indices(encoder.channels)
        seen = self.inputs(encoder.channels)
        if inputs != seen:
            raise ValueError(f"inputs must be {seen}, which a group sees, not {inputs}")
        for name, count, most in (
            ("inputs", self.group_count * inputs, INPUTS_MAX),
            ("neurons", self.group_count * neurons, NEURONS_MAX),
        ):
            if count > most:
                raise ValueError(f"{name} must be at most {most} in all groups, not {count}")

    def inputs(self, channels: int) -> int:
        """Return how many levels a group sees of an image with so many channels."""
        return self.window_inputs if self.indices is not None else channels * self.window_inputs

    def places(self) -> list[_Place]:
        """Return row and column of the upper left pixel of each window, in the order of groups.

        Raises
        ------
        ValueError
            If groups are given by indices.
        """
        if self.indices is not None:
            raise ValueError("groups that are given by indices have no windows")
        given = self.positions or [(row, col) for row in self._grid(0) for col in self._grid(1)]
        if self.order == "given":
            return list(given)
        # Twice the distance of the middle of the window from that of the image: an integer.
        down = self.window_height - self.image_height
        right = self.window_width - self.image_width
        return sorted(given, key=lambda at: (2 * at[0] + down) ** 2 + (2 * at[1] + right) ** 2)

    def view_indices(self, channels: int) -> npt.NDArray[np.int64]:
        """Return which level of the image each input of each view sees, :data:`DARK` if none.

        Parameters
        ----------
        channels : int
            Channels of the image, one after the other in its levels: 1, or 2 for contrasts.

        Returns
        -------
        ndarray of int64, shape (groups * looks, inputs(channels))
            All groups as they are, then all of them by the second look, and so on.

        Raises
        ------
        ValueError
            If indices are beyond the levels of such an image.
        """
        levels = channels * self.image_width * self.image_height
        if self.indices is not None:
            indices = np.array(self.indices, dtype=np.int64)
            if indices.max() >= levels:
                raise ValueError(f"groups.indices must be below {levels}, not {indices.max()}")
            return indices
        places = np.array(self.places(), dtype=np.int64)
        looks = np.array(self.looks, dtype=np.int64)
        corner = (looks[:, np.newaxis] + places[np.newaxis]).reshape(-1, 2)
        rows = corner[:, 0, np.newaxis] + np.arange(self.window_height)
        columns = corner[:, 1, np.newaxis] + np.arange(self.window_width)
        inside = ((rows >= 0) & (rows < self.image_height))[:, :, np.newaxis] & (
            (columns >= 0) & (columns < self.image_width)
        )[:, np.newaxis]
        pixels = rows[:, :, np.newaxis] * self.image_width + columns[:, np.newaxis]
        one = np.where(inside, pixels, DARK).reshape(len(corner), -1)
        size = self.image_width * self.image_height
        return np.concatenate(
            [np.where(one == DARK, DARK, one + c * size) for c in range(channels)], axis=1
        )

    def _grid(self, axis: int) -> list[int]:
        """Return the rows (axis 0) or columns of a grid of windows."""
        room = (
            self.image_height - self.window_height
            if axis == 0
            else self.image_width - self.window_width
        )
        if self.stride is not None:
            return list(range(0, room + 1, self.stride))
        count = self.count or 1
        return [room // 2] if count == 1 else [room * i // (count - 1) for i in range(count)]

    def _check_windows(self) -> None:
        sides = (self.image_height, self.image_width)
        window = (self.window_height, self.window_width)
        if window[0] > sides[0] or window[1] > sides[1]:
            raise ValueError(
                f"groups.window must lie in the image of {sides[1]} x {sides[0]} pixels "
                f"(width x height), but is {window[1]} x {window[0]}"
            )
        for place in self.positions or ():
            if any(not 0 <= at <= sides[a] - window[a] for a, at in enumerate(place)):
                raise ValueError(
                    f"groups.positions must be rows 0..{sides[0] - window[0]} and columns "
                    f"0..{sides[1] - window[1]} for the window to lie in the image, "
                    f"not {list(place)}"
                )
        for look in self.looks:
            if any(abs(by) >= sides[a] for a, by in enumerate(look)):
                raise ValueError(
                    f"groups.looks must be shifted by less than the image, not {list(look)}"
                )

    def _check_indices(self, indices: tuple[tuple[int, ...], ...]) -> None:
        if len(self.looks) > 1 or self.order != "given":
            raise ValueError(
                "groups.looks and order need windows; groups that are given by indices have none"
            )
        for group, seen in enumerate(indices):
            if len(seen) != len(indices[0]):
                raise ValueError(
                    f"groups.indices must be equally many for each group, {len(indices[0])} as for "
                    f"the first, but group {group} has {len(seen)} (fill up with {DARK})"
                )
            lit = [index for index in seen if index != DARK]
            if not lit:
                raise ValueError(f"groups.indices must let group {group} see something")
            if min(lit) < 0 or len(set(lit)) != len(lit):
                raise ValueError(
                    f"groups.indices of group {group} must be 0 or more, each once, "
                    f"or {DARK} for none"
                )
