"""What is sent to an emulated core before it is shown: images, or events."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.link.protocol.items import END_OF_STEP, ITEM_BYTES
from prunus_rtl.link.protocol.protocol import OFFSET, Opcode

__all__ = ["EmulatedEvents", "EmulatedImages", "Inputs", "inputs_of"]

#: Images that a core has room for.
_IMAGES = 2
#: Positions go round.
_MASK = (1 << 8 * OFFSET.size) - 1


class Inputs(Protocol):
    """What a core is sent.

    Attributes
    ----------
    opcode : Opcode
        How it is sent.
    unit : int
        Bytes of a level or an item.
    """

    opcode: Opcode
    unit: int

    @property
    def position(self) -> int:
        """As in :class:`prunus_rtl.link.protocol.records.Condition`."""

    @property
    def waiting(self) -> bool:
        """Whether something waits for the core to take it."""

    @property
    def room(self) -> bool:
        """Whether more can be sent."""

    def add(self, content: bytes) -> bool:
        """Take content from ``position`` on; return whether it can be, else nothing is taken."""

    def take(self) -> npt.NDArray[np.uint8] | list[list[int]] | None:
        """Return what is presented, levels or events; None if that is not complete."""

    def clear(self) -> None:
        """Forget everything."""


class EmulatedImages:
    """Images that were sent, and the one that is being sent.

    Parameters
    ----------
    levels : int
        Levels of an image.
    """

    opcode = Opcode.IMAGE
    unit = 1

    def __init__(self, levels: int) -> None:
        self._levels = levels
        self._begun = bytearray()
        self._whole: list[bytes] = []

    @property
    def position(self) -> int:
        """Levels that are there of an image that is not complete."""
        return len(self._begun)

    @property
    def waiting(self) -> bool:
        """Whether there is a whole image."""
        return bool(self._whole)

    @property
    def room(self) -> bool:
        """Whether there is room for a further image."""
        return len(self._whole) < _IMAGES

    def add(self, content: bytes) -> bool:
        """Take levels, unless they are too many."""
        if len(self._begun) + len(content) > self._levels:
            return False
        self._begun += content
        if len(self._begun) == self._levels:
            self._whole.append(bytes(self._begun))
            self._begun.clear()
        return True

    def take(self) -> npt.NDArray[np.uint8] | None:
        """Return the levels of the first image."""
        return np.frombuffer(self._whole.pop(0), np.uint8) if self._whole else None

    def clear(self) -> None:
        """Forget all images."""
        self._begun.clear()
        self._whole.clear()


class EmulatedEvents:
    """Events that were sent: those in the queue, and those that the core has taken.

    Parameters
    ----------
    inputs, steps : int
        Inputs, and steps of a presentation.
    """

    opcode = Opcode.EVENTS
    unit = ITEM_BYTES

    def __init__(self, inputs: int, steps: int) -> None:
        self._inputs = inputs
        self._steps = steps
        self._queue: list[int] = []
        self._taken: list[list[int]] = [[]]
        # Of the presentation that is being sent: steps that are over, and the last input.
        self._ended, self._last = 0, -1
        self.position = 0

    @property
    def waiting(self) -> bool:
        """Whether there are items in the queue."""
        return bool(self._queue)

    @property
    def room(self) -> bool:
        """Whether there are none."""
        return not self._queue

    def add(self, content: bytes) -> bool:
        """Take items, unless one is no input, out of order, or of another presentation."""
        items: list[int] = np.frombuffer(content, "<u2").tolist()
        ended, last = self._ended, self._last
        for item in items:
            if ended == self._steps:
                return False
            if item == END_OF_STEP:
                ended, last = ended + 1, -1
            elif last < item < self._inputs:
                last = item
            else:
                return False
        self._queue = items
        self.position = self.position + len(items) & _MASK
        if ended == self._steps:
            ended, self.position = 0, 0
        self._ended, self._last = ended, last
        return True

    def take(self) -> list[list[int]] | None:
        """Take what is in the queue; return the inputs of each step if these are all."""
        for item in self._queue:
            if item == END_OF_STEP:
                self._taken.append([])
            else:
                self._taken[-1].append(item)
        self._queue = []
        if len(self._taken) <= self._steps:
            return None
        *steps, _ = self._taken
        self._taken = [[]]
        return steps

    def clear(self) -> None:
        """Forget all events."""
        self._queue, self._taken = [], [[]]
        self._ended, self._last = 0, -1
        self.position = 0


def inputs_of(hardware: HardwareConfig, network: NetworkConfig) -> Inputs:
    """Return what is sent to a core of that kind."""
    if hardware.source == "events":
        return EmulatedEvents(network.image_levels, network.encoder.steps)
    return EmulatedImages(network.image_levels)
