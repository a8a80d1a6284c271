"""A board at an SPI bus of Linux: ``/dev/spidev*``.

The host drives the clock, so it polls: what it has nothing to say in is filled with bytes 0, which
are empty frames for the device. The interface of the kernel is one structure and four numbers
(``linux/spi/spidev.h``), so no package is needed.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os

from prunus_boards.driver.transports.base import (
    PRESENTATION_PATIENCE,
    Transport,
    TransportError,
)
from prunus_rtl.link.protocol.protocol import BAUD, BUFFER_BYTES, DELIMITER

__all__ = ["SpiTransport"]

#: A terminal at that path is not waited for, and does not become that of this program.
_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
#: Most bytes of a transfer: what the kernel takes at a time unless it was told otherwise.
_CHUNK = 4096
#: Bytes of a transfer that asks whether an answer comes; and of one that fetches the rest of it.
_POLL, _FETCH = 16, 64
#: Seconds within which a device answers, beside those that request and answer are on the line.
_PATIENCE = 0.5
#: Bits on the line for each byte, and bytes of the longest frame with its delimiters.
_BITS, _FRAME_BYTES = 8, BUFFER_BYTES + 4
#: Codes of ``ioctl`` to write: mode, bits of a word, highest frequency.
_MODE, _WORD_BITS, _SPEED = 0x40016B01, 0x40016B03, 0x40046B04
#: The same: a message of one transfer.
_TRANSFER = 0x40206B00


class _Transfer(ctypes.Structure):
    """``spi_ioc_transfer``: a transfer, for which chip select is low."""

    _fields_ = (
        ("tx_buf", ctypes.c_uint64),
        ("rx_buf", ctypes.c_uint64),
        ("len", ctypes.c_uint32),
        ("speed_hz", ctypes.c_uint32),
        ("delay_usecs", ctypes.c_uint16),
        ("bits_per_word", ctypes.c_uint8),
        ("cs_change", ctypes.c_uint8),
        ("tx_nbits", ctypes.c_uint8),
        ("rx_nbits", ctypes.c_uint8),
        ("word_delay_usecs", ctypes.c_uint8),
        ("pad", ctypes.c_uint8),
    )


class SpiTransport(Transport):
    """A board at an SPI bus: mode 0, 8 bits, most significant bit first, chip select active low.

    What comes while something is sent is kept for the next :meth:`read`; bytes 0 behind a 0 are
    not, as they say nothing. A transfer takes as long as its bits take, whatever the device does.

    Parameters
    ----------
    path : str
        Device file of bus and chip select, e.g. ``/dev/spidev0.0``.
    baud : int
        Bits per second, at most an eighth of the clock of the core. The controller may take a lower
        rate that it can make.

    Raises
    ------
    TransportError
        If there is no such bus, if it is in use, or if it does not take the settings.
    """

    def __init__(self, path: str, *, baud: int = BAUD) -> None:
        self.name = f"spi:{path}"
        self.presentation_patience = PRESENTATION_PATIENCE
        self.patience = _PATIENCE + 2 * _BITS * _FRAME_BYTES / baud
        self._baud = baud
        self._come = bytearray()
        # Whether the device is between two frames: what came last is a 0.
        self._between = True
        try:
            self._file = os.open(path, _OPEN)
        except OSError as e:
            raise TransportError(_reason(path, e)) from e
        try:
            # Two programs at one bus would tear each other's frames apart.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.ioctl(self._file, _MODE, bytes([0]))
            fcntl.ioctl(self._file, _WORD_BITS, bytes([8]))
            fcntl.ioctl(self._file, _SPEED, bytes(ctypes.c_uint32(baud)))
        except OSError as e:
            os.close(self._file)
            raise TransportError(_reason(path, e)) from e

    def write(self, octets: bytes) -> None:
        """Send bytes; keep what comes meanwhile."""
        deadline = self.deadline(self.patience)
        for k in range(0, len(octets), _CHUNK):
            self._exchange(octets[k : k + _CHUNK])
            if deadline.over:
                return

    def read(self, timeout: float) -> bytes:
        """Return what has come."""
        deadline = self.deadline(timeout)
        while not self._come:
            late = deadline.over
            self._exchange(bytes(_POLL if self._between else _FETCH))
            if late:
                break
        came = bytes(self._come)
        self._come.clear()
        return came

    def _exchange(self, octets: bytes) -> None:
        sent = ctypes.create_string_buffer(octets, len(octets))
        received = ctypes.create_string_buffer(len(octets))
        transfer = _Transfer(
            tx_buf=ctypes.addressof(sent),
            rx_buf=ctypes.addressof(received),
            len=len(octets),
            speed_hz=self._baud,
            bits_per_word=8,
        )
        try:
            fcntl.ioctl(self._file, _TRANSFER, bytes(transfer))
        except OSError as e:
            raise TransportError(f"SPI bus {self.name} must stay there: {e.strerror or e}") from e
        for octet in received.raw:
            if octet != DELIMITER or not self._between:
                self._come.append(octet)
            self._between = octet == DELIMITER

    def close(self) -> None:
        """Close the device file."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


def _reason(path: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return f"SPI bus {path} must exist: on a Raspberry Pi, dtparam=spi=on in config.txt"
        case errno.EACCES | errno.EPERM:
            return f"SPI bus {path} must be open to this user: on Debian, adduser USER spi"
        case errno.EAGAIN:
            return f"SPI bus {path} must not be in use by another program"
        case errno.ENOTTY:
            return f"SPI bus {path} must be a device file such as /dev/spidev0.0"
        case _:
            return f"SPI bus {path} must be one that can be set up: {error.strerror or error}"
