"""A serial line with a latency, and an emulated device behind it, in a time of their own.

Nothing waits: time passes for driver and device while bytes are on the line, while an image is
shown, and while the driver has nothing to do but wait. So what is measured here is the same on
every machine, however busy it is.
"""

from __future__ import annotations

from collections import deque

from prunus_boards.driver.transports.base import PRESENTATION_PATIENCE, Transport
from prunus_boards.driver.transports.emulator import Emulator
from prunus_rtl.link.protocol.protocol import (
    BUFFER_BYTES,
    DELIMITER,
    QUEUE_BYTES,
    RESPONSE_HEADER,
    STARTED,
    Opcode,
    Status,
    decode,
)

__all__ = ["SlowLine"]

#: Bits on the line for each byte.
_BITS = 10
#: Cycles of the link for each byte of a request and of its response, and for each level.
_REQUEST_CYCLES, _RESPONSE_CYCLES, _LEVEL_CYCLES = 4, 4, 1


class SlowLine(Transport):
    """An emulated device behind a serial line.

    Parameters
    ----------
    emulator : Emulator
        The device.
    baud : float
        Bits per second, each way.
    latency : float
        Seconds from the end of a byte on one side to its arrival on the other, each way.
    clock_hz : int
        Clock of the device.
    cycles : int
        Cycles in which it shows an image.

    Attributes
    ----------
    now : float
        Seconds that have passed.
    written, received : int
        Bytes to the device, and from it.
    round_trips : int
        How often the driver had to wait for something after it had sent something.
    lost : int
        Frames that found the queue of the device full.
    """

    def __init__(
        self, emulator: Emulator, *, baud: float, latency: float, clock_hz: int, cycles: int
    ) -> None:
        self.name = "line"
        self._byte = _BITS / baud
        self.patience = 0.5 + 2 * latency + 2 * BUFFER_BYTES * self._byte
        self.presentation_patience = PRESENTATION_PATIENCE
        self.clock = lambda: self.now
        self.now = 0.0
        self.written = self.received = self.round_trips = self.lost = 0
        self._emulator = emulator
        self._latency = latency
        self._clock_hz = clock_hz
        self._cycles = cycles
        # When the line to the device is free, and when the device is; frames that wait there, by
        # the time at which they are begun; answers, by the time at which they arrive.
        self._line_free = self._device_free = 0.0
        self._queue: list[tuple[float, int]] = []
        self._answers: deque[tuple[float, bytes]] = deque()
        self._asked = False

    def write(self, octets: bytes) -> None:
        """Send bytes; only whole frames."""
        self._asked = True
        self.written += len(octets)
        sent = max(self.now, self._line_free)
        self._line_free = sent + len(octets) * self._byte
        frame = bytearray()
        for octet in octets:
            frame.append(octet)
            sent += self._byte
            if octet == DELIMITER and len(frame) > 1:
                self._arrive(bytes(frame), sent + self._latency)
                frame.clear()

    def _arrive(self, frame: bytes, at: float) -> None:
        """Carry out a frame that comes to the device at a time."""
        begin = max(at, self._device_free)
        self._queue = [(time, size) for time, size in self._queue if time > at]
        if begin > at:
            if sum(size for _, size in self._queue) + len(frame) > QUEUE_BYTES:
                self.lost += 1
                return
            self._queue.append((begin, len(frame)))
        answer = self._emulator.feed(frame)
        cycles = len(frame) * _REQUEST_CYCLES + len(answer) * _RESPONSE_CYCLES
        message = decode(answer.strip(bytes([DELIMITER])))
        whole = len(message) > RESPONSE_HEADER + STARTED.size
        if message[1] == Opcode.INFER and message[2] == Status.OK and whole:
            network = self._emulator.description.network
            cycles += self._cycles + _LEVEL_CYCLES * network.image_levels
        end = begin + cycles / self._clock_hz + len(answer) * self._byte
        self._device_free = end
        self._answers.append((end + self._latency, answer))

    def read(self, timeout: float) -> bytes:
        """Return what has come."""
        if not self._answers or self._answers[0][0] > self.now + timeout:
            self.now += timeout
            return b""
        if self._answers[0][0] > self.now:
            self.now = self._answers[0][0]
            self.round_trips += self._asked
            self._asked = False
        octets = b""
        while self._answers and self._answers[0][0] <= self.now:
            octets += self._answers.popleft()[1]
        self.received += len(octets)
        return octets

    def close(self) -> None:
        """Do nothing."""
