"""Several requests under way at once: what is sent without waiting for answers, and their answers.

Answers come in the order of the requests. If one is missing or broken, all requests under way are
given up: what of them was carried out is not known, so whoever sent them must make it not matter.
"""

from __future__ import annotations

from collections import deque

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.link import REQUEST_SECONDS, Link, Seen
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES, Opcode, Status, encode

__all__ = ["Pipeline"]


class Pipeline:
    """Requests under way, as many as the device queues.

    Parameters
    ----------
    link : Link
        Link to the device.
    opcode : Opcode
        That of all requests.
    seconds : float
        How long the device may be at one.
    """

    def __init__(self, link: Link, opcode: Opcode, *, seconds: float) -> None:
        self._link = link
        self._opcode = opcode
        self._seconds = seconds
        self._due: deque[tuple[bytes, int]] = deque()
        self._failures = 0
        self._whole: Deadline | None = None
        self._seen = Seen()

    @property
    def under_way(self) -> bool:
        """Whether answers are due."""
        return bool(self._due)

    def send(self, bodies: deque[bytes]) -> None:
        """Send requests in one piece, as many as fit; take them from the left of ``bodies``."""
        frames = []
        room = QUEUE_BYTES - sum(size for _, size in self._due)
        while bodies:
            request = self._link.numbered(self._opcode, bodies[0])
            frame = encode(request)
            room -= len(frame)
            if room < 0:
                break
            bodies.popleft()
            self._due.append((request, len(frame)))
            frames.append(frame)
        if frames:
            self._link.transport.write(b"".join(frames))

    def take(self) -> tuple[Status, bytes] | None:
        """Wait for the answer that is due next; None if all requests under way were given up.

        Raises
        ------
        TransportError
            If the device is gone, or answers in no attempt, or only when it is asked again.
        """
        transport = self._link.transport
        if self._whole is None:
            self._whole = transport.deadline(max(self._seconds, REQUEST_SECONDS))
        (request, _), *others = self._due
        deadline = transport.deadline(min(transport.patience * 2**self._failures, self._whole.left))
        later = [other for other, _ in others]
        answer = self._link.receive(request, deadline, self._seen, later=later)
        if answer is None:
            self._failures += 1
            if self._failures == transport.attempts or self._whole.over:
                raise self._link.unanswered(self._opcode, self._failures, self._seen)
            self._link.repetitions += 1
            self.give_up()
        else:
            self._due.popleft()
        return answer

    def give_up(self) -> None:
        """Give up all requests under way."""
        self._due.clear()

    def went_on(self) -> None:
        """Note that something was achieved: attempts are counted anew."""
        if self._whole is not None:
            self._link.check_pace(self._whole, self._seen, repeated=self._failures > 0)
        self._failures, self._whole, self._seen = 0, None, Seen()
