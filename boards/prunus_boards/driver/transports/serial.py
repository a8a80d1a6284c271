"""A board at a serial port."""

from __future__ import annotations

import errno
from contextlib import suppress

import serial
from serial.tools import list_ports

from prunus_boards.driver.transports.base import (
    PRESENTATION_PATIENCE,
    Transport,
    TransportError,
)
from prunus_rtl.link.protocol.protocol import BAUD, BUFFER_BYTES

__all__ = ["SerialTransport"]

#: Bytes fetched at a time.
_CHUNK = 4096
#: Seconds within which a device answers, beside those that request and answer are on the line.
_PATIENCE = 0.5
#: Bits on the line for each byte, and bytes of the longest frame with its delimiters.
_BITS, _FRAME_BYTES = 10, BUFFER_BYTES + 4
_ERRORS: tuple[type[Exception], ...] = (serial.SerialException, OSError)
try:
    import termios
except ImportError:  # Windows has none.
    pass
else:
    # pyserial lets it through if a port vanishes while it is opened; it is no OSError.
    _ERRORS += (termios.error,)
#: Also what pyserial says of settings.
_REFUSED: tuple[type[Exception], ...] = (*_ERRORS, ValueError)
#: What pyserial says where there is no low latency: Linux has it, and not for every port.
_UNABLE: tuple[type[Exception], ...] = (*_REFUSED, AttributeError, NotImplementedError)


class SerialTransport(Transport):
    """A board at a serial port: 8 data bits, no parity, 1 stop bit, no flow control.

    Parameters
    ----------
    port : str
        Name of the port, e.g. ``/dev/ttyUSB0``.
    baud : int
        Baud rate that the board was built for.

    Raises
    ------
    TransportError
        If there is no such port, if it is in use, or if it can't be opened.
    """

    def __init__(self, port: str, *, baud: int = BAUD) -> None:
        self.name = port
        self.presentation_patience = PRESENTATION_PATIENCE
        try:
            # Exclusive: two programs at one port would tear each other's frames apart.
            self._port = serial.Serial(port, baud, timeout=0, exclusive=True)
        except _REFUSED as e:
            raise TransportError(_reason(port, e)) from e
        self._ask_for_low_latency()
        self.patience = _PATIENCE + 2 * _BITS * _FRAME_BYTES / baud

    def _ask_for_low_latency(self) -> None:
        """Ask for answers as soon as they come: FTDI chips keep short ones back for 16 ms."""
        # Everything works without it, if slower.
        with suppress(*_UNABLE):
            self._port.set_low_latency_mode(True)

    def write(self, octets: bytes) -> None:
        """Send bytes."""
        try:
            self._port.write_timeout = self.patience
            self._port.write(octets)
        except serial.SerialTimeoutException:
            # It is there and takes nothing: a silent device, as its missing answer tells.
            return
        except _ERRORS as e:
            raise TransportError(f"Serial port {self.name} must stay connected: {_text(e)}") from e

    def read(self, timeout: float) -> bytes:
        """Return what has come."""
        try:
            self._port.timeout = timeout
            first: bytes = self._port.read(1)
            self._port.timeout = 0
            rest: bytes = self._port.read(_CHUNK) if first else b""
        except _ERRORS as e:
            raise TransportError(f"Serial port {self.name} must stay connected: {_text(e)}") from e
        return first + rest

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def _reason(port: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        there = ", ".join(sorted(p.device for p in list_ports.comports())) or "none"
        return f"Serial port {port} must exist; there are: {there}"
    if number == errno.EACCES:
        return f"Serial port {port} must be open to this user: on Debian, adduser USER dialout"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return f"Serial port {port} must not be in use by another program"
    return f"Serial port {port} must be one that can be opened: {_text(error)}"


def _text(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error.args[-1] if error.args else error)
