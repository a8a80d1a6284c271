"""Noisy channel: a transport that corrupts what goes over it."""

from __future__ import annotations

from collections import Counter

import numpy as np

from prunus_boards.driver.transports.base import Transport

__all__ = ["FAULTS", "NoisyChannel"]

#: What can happen to a byte of a frame.
FAULTS = ("flipped", "lost", "doubled", "inserted")
#: Share of the frames to the device that are corrupted, and of those that come from it.
_CORRUPTED = 0.5
#: Most faults in one frame.
_FAULTS = 4
#: Seconds after which the driver repeats a request: simulated devices answer sooner, or not at all.
_PATIENCE = 0.05
#: A request may be corrupted many times.
_ATTEMPTS = 100


class NoisyChannel(Transport):
    """A transport that corrupts frames.

    Parameters
    ----------
    inner : Transport
        Way to the device.
    rng : numpy.random.Generator
        Source of the faults.

    Attributes
    ----------
    frames : int
        Corrupted frames so far.
    faults : Counter of str
        Faults so far, by kind.
    corrupts : bool
        Whether it corrupts frames now.
    """

    def __init__(self, inner: Transport, rng: np.random.Generator) -> None:
        self._inner = inner
        self._rng = rng
        self.name = inner.name
        self.patience = _PATIENCE
        self.presentation_patience = inner.presentation_patience
        self.attempts = _ATTEMPTS
        self.frames = 0
        self.faults: Counter[str] = Counter()
        self.corrupts = False

    def write(self, octets: bytes) -> None:
        """Send a frame."""
        octets = self._corrupted(octets)
        if octets:
            self._inner.write(octets)

    def read(self, timeout: float) -> bytes:
        """Return what has come; nothing if all of it was lost."""
        octets = self._inner.read(timeout)
        # An answer comes in one piece.
        return self._corrupted(octets) or b"\0" if octets else octets

    def close(self) -> None:
        """Close the way to the device."""
        self._inner.close()

    def _corrupted(self, octets: bytes) -> bytes:
        rng = self._rng
        if not self.corrupts or rng.random() >= _CORRUPTED:
            return octets
        corrupted = bytearray(octets)
        for _ in range(int(rng.integers(1, _FAULTS + 1))):
            if not corrupted:
                break
            at, kind = int(rng.integers(len(corrupted))), str(rng.choice(FAULTS))
            # Delimiters more often than chance has it.
            octet = int(rng.choice([0, *rng.integers(0, 256, 3).tolist()]))
            match kind:
                case "flipped":
                    corrupted[at] ^= 1 << int(rng.integers(8))
                case "lost":
                    del corrupted[at : at + int(rng.choice([1, 1, 2, len(corrupted)]))]
                case "doubled":
                    corrupted[at:at] = corrupted[at : at + 1]
                case _:
                    corrupted[at:at] = bytes([octet])
            self.faults[kind] += 1
        self.frames += 1
        return bytes(corrupted)
