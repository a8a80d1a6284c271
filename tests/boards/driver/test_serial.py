"""The serial transport at a pseudo terminal: the real pyserial, and an emulated board."""

import errno
import os
import pty
import select
import termios
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from prunus_boards.driver.checking import check
from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.driver.transports.serial import SerialTransport
from prunus_devices import LEARNING, golden, network, shown
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, CRC_BYTES, encode

#: Seconds after which a test that hangs is given up.
LONG = 600.0


class Board:
    """An emulated board at the other end of a pseudo terminal.

    That end belongs to the thread alone, which closes it last: so nobody ever asks for a terminal
    that is just going away. Its answers take as long as this machine takes to compute them, the
    first presentation many seconds: kernels are compiled then.
    """

    def __init__(self) -> None:
        self.emulator = Emulator(link_plan(network(), LEARNING))
        self._end, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.unplug_after = 1 << 60
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        count = 0
        while count < self.unplug_after:
            ready, _, _ = select.select([self._end, self._stopped], [], [])
            if self._stopped in ready:
                break
            octets = os.read(self._end, 4096)
            count += len(octets)
            os.write(self._end, self.emulator.feed(octets))
        os.close(self._end)

    def connect(self) -> SerialTransport:
        """Open the port, and wait for each answer until it comes."""
        transport = SerialTransport(self.port)
        transport.patience = LONG
        return transport

    def close(self) -> None:
        os.close(self._stop)
        self._thread.join(LONG)
        assert not self._thread.is_alive()
        os.close(self._stopped)
        os.close(self._slave)


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board()
    yield board
    board.close()


def test_board_is_driven_through_the_port(board: Board) -> None:
    with Device(board.connect(), core=board.emulator.description) as device:
        device.attach(network())
        *_, found = check(device, shown(5))
        assert (found.images, found.difference) == (5, "")
        assert device.requests.link.repetitions == 0


def test_port_is_free_again_afterwards(board: Board) -> None:
    for _ in range(2):
        with Device(board.connect(), core=golden(LEARNING)[1]) as device:
            assert device.holds(network())


def test_missing_port_is_told(tmp_path: Path) -> None:
    port = str(tmp_path / "ttyUSB0")
    with pytest.raises(TransportError) as caught:
        SerialTransport(port)
    text = str(caught.value)
    assert text.startswith(f"Serial port {port} must exist; there are: ")
    assert "\n" not in text


def test_busy_port_is_told(board: Board) -> None:
    with SerialTransport(board.port), pytest.raises(TransportError) as caught:
        SerialTransport(board.port)
    assert str(caught.value) == (f"Serial port {board.port} must not be in use by another program")


def test_port_of_somebody_else_is_told(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(TransportError) as caught:
        SerialTransport(board.port)
    assert str(caught.value) == (
        f"Serial port {board.port} must be open to this user: on Debian, adduser USER dialout"
    )


def test_file_that_is_no_port_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(TransportError) as caught:
        SerialTransport(str(path))
    assert str(caught.value).startswith(f"Serial port {path} must be one that can be opened: ")


def test_baud_rate_that_cannot_be_is_told(board: Board) -> None:
    with pytest.raises(TransportError) as caught:
        SerialTransport(board.port, baud=-1)
    assert str(caught.value).startswith(f"Serial port {board.port} must be one that can be opened")


@pytest.mark.parametrize("octets", [1, 40, 400])
def test_board_unplugged_in_the_middle_is_told(octets: int) -> None:
    board = Board()
    board.unplug_after = octets
    try:
        with (
            pytest.raises(TransportError) as caught,
            Device(board.connect(), core=board.emulator.description) as device,
        ):
            device.attach(network())
            list(device.present_many(shown(50)))
        text = str(caught.value)
        assert text.startswith(f"Serial port {board.port} must stay connected: ")
        assert "\n" not in text
    finally:
        board.close()


def test_port_that_takes_nothing_is_silent_until_it_is_unplugged() -> None:
    end, slave = pty.openpty()
    tty.setraw(slave)
    with SerialTransport(os.ttyname(slave)) as transport:
        transport.patience = 0.02
        transport.write(bytes(1 << 20))
        assert transport.read(0) == b""
        os.close(end)
        lost = f"^Serial port {transport.name} must stay connected: "
        with pytest.raises(TransportError, match=lost):
            transport.write(b"x")
        with pytest.raises(TransportError, match=lost):
            transport.read(0)
    os.close(slave)


def test_silent_board_is_told(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board.emulator, "feed", lambda _octets: b"")
    transport = SerialTransport(board.port)
    transport.patience = 0.02
    with pytest.raises(TransportError) as caught:
        Device(transport, core=board.emulator.description)
    assert str(caught.value) == (
        f"Device at {board.port} must answer IDENTIFY, but did not in 5 attempts: "
        "nothing came in 0.02 s"
    )


def test_port_that_vanishes_while_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyserial lets the error of the terminal through, which is no OSError."""

    def gone(*_: object, **__: object) -> None:
        raise termios.error(errno.EIO, "Input/output error")

    monkeypatch.setattr(serial, "Serial", gone)
    message = "Serial port /dev/ttyX must be one that can be opened: Input/output error"
    with pytest.raises(TransportError, match=f"^{message}$"):
        SerialTransport("/dev/ttyX")


@pytest.mark.parametrize("baud", [1_200, 4_800, 1_000_000])
def test_patience_is_enough_for_the_longest_frames_at_the_baud_rate(
    board: Board, baud: int
) -> None:
    """Ten bits a byte, there and back; the buffer holds the CRC, too."""
    longest = len(encode(bytes(BUFFER_BYTES - CRC_BYTES)))
    with SerialTransport(board.port, baud=baud) as transport:
        assert 0.5 + 2 * 10 * longest / baud <= transport.patience < 6
