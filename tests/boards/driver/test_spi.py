"""The SPI transport: the kernel's interface is a stand-in, with an emulated board behind it."""

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from prunus_boards.driver.checking import check
from prunus_boards.driver.device import Device
from prunus_boards.driver.link import Link
from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.driver.transports.spi import SpiTransport
from prunus_devices import LEARNING, network, shown
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, CRC_BYTES, Opcode, decode, encode

#: Seconds after which a test that hangs is given up.
LONG = 600.0
#: `spi_ioc_transfer` of the kernel: addresses, length, frequency, and how words are sent.
TRANSFER = struct.Struct("=QQIIHBBBBBB")


class Bus:
    """The kernel's end of a device file: an SPI controller, and a board.

    Attributes
    ----------
    sent : list of bytes
        What each transfer sent.
    settings : dict of int to bytes
        What was set, by code.
    """

    def __init__(self, board: Callable[[bytes], bytes]) -> None:
        self._board = board
        self._due = bytearray()
        self.sent: list[bytes] = []
        self.settings: dict[int, bytes] = {}
        self.speeds: set[int] = set()
        self.fail_after = 1 << 60
        self.error = errno.ESHUTDOWN

    def ioctl(self, _file: int, code: int, argument: bytes) -> int:
        if code != 0x40206B00:
            if len(self.settings) >= self.fail_after:
                raise OSError(self.error, "it failed")
            self.settings[code] = argument
            return 0
        if len(self.sent) >= self.fail_after:
            raise OSError(self.error, "it failed")
        length: int
        tx, rx, length, speed, delay, bits, *rest = TRANSFER.unpack(argument)
        assert (delay, bits, rest) == (0, 8, [0] * 5)
        assert 0 < length <= 4096
        self.speeds.add(speed)
        octets = ctypes.string_at(tx, length)
        self.sent.append(octets)
        came = bytearray()
        for octet in octets:
            # What is sent now was there before.
            came.append(self._due.pop(0) if self._due else 0)
            self._due += self._board(bytes([octet]))
        ctypes.memmove(rx, bytes(came), length)
        return length


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "spidev0.0"
    file.touch()
    return str(file)


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(link_plan(network(), LEARNING))


@pytest.fixture
def bus(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Bus:
    bus = Bus(emulator.feed)
    monkeypatch.setattr(fcntl, "ioctl", bus.ioctl)
    return bus


def connect(path: str, patience: float = LONG) -> SpiTransport:
    """Open the bus, and wait for each answer until it comes."""
    transport = SpiTransport(path, baud=2_000_000)
    transport.patience = patience
    return transport


@pytest.mark.usefixtures("bus")
def test_board_is_driven_over_the_bus(emulator: Emulator, path: str) -> None:
    with Device(connect(path), core=emulator.description) as device:
        device.attach(network())
        *_, found = check(device, shown(5))
        assert (found.images, found.difference) == (5, "")
        *_, found = check(device, shown(5), learn=True)
        assert (found.images, found.difference) == (5, "")
        assert device.requests.link.repetitions == 0
        # Fillers are no broken frames.
        assert device.condition().broken == 0


def test_bus_is_set_up_in_mode_0_with_words_of_8_bits(bus: Bus, path: str) -> None:
    with connect(path) as transport:
        transport.write(b"\0")
    # _IOW('k', number, type) of linux/spi/spidev.h, numbers 1, 3 and 4.
    assert bus.settings == {
        1 << 30 | size << 16 | ord("k") << 8 | number: value.to_bytes(size, "little")
        for number, size, value in ((1, 1, 0), (3, 1, 8), (4, 4, 2_000_000))
    }
    assert bus.speeds == {2_000_000}


@pytest.mark.usefixtures("bus")
def test_answers_that_come_while_something_is_sent_are_kept(path: str) -> None:
    """Two requests in one piece: the answer to the first one comes with the second."""
    frames = [encode(bytes([k, Opcode.STATUS])) for k in (1, 2)]
    with connect(path) as transport:
        transport.write(b"".join(frames) + bytes(40))
        found = transport.read(0)
        assert [decode(f)[:2] for f in found.split(b"\0") if f] == [
            bytes([k, Opcode.STATUS]) for k in (1, 2)
        ]
        assert b"\0\0" not in found


def test_read_returns_nothing_if_nothing_comes_in_time(bus: Bus, path: str) -> None:
    with connect(path) as transport:
        assert transport.read(0) == b""
        asked = len(bus.sent)
        assert asked >= 1
        assert transport.read(0.01) == b""
        assert len(bus.sent) > asked
        # Polls are fillers alone.
        assert not any(map(any, bus.sent))


@pytest.mark.usefixtures("bus")
def test_read_without_patience_polls_once(path: str) -> None:
    with connect(path) as transport:
        transport.write(encode(bytes([1, Opcode.STATUS])))
        assert transport.read(0) != b""


def test_zeros_of_an_answer_are_kept_and_fillers_are_dropped(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    answers = [b"\0\0\5\0\0\6\7\0\0\0\0\0\0", b"\0\0\1\2"]
    bus = Bus(lambda _octet: answers.pop(0) if answers else b"")
    monkeypatch.setattr(fcntl, "ioctl", bus.ioctl)
    with connect(path) as transport:
        transport.write(b"\0" + bytes(20))
        assert transport.read(0) == b"\5\0\6\7\0\1\2\0"
        assert transport.read(0) == b""


def test_long_writes_go_in_pieces(bus: Bus, path: str) -> None:
    with connect(path) as transport:
        transport.write(bytes(4096) + b"\0")
    assert [len(octets) for octets in bus.sent] == [4096, 1]


def test_write_ends_when_patience_is_over(bus: Bus, path: str) -> None:
    with connect(path, patience=0) as transport:
        transport.write(bytes(10 * 4096))
    assert len(bus.sent) == 1


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_nothing_at_the_pins_is_told(
    monkeypatch: pytest.MonkeyPatch, path: str, level: int
) -> None:
    bus = Bus(lambda _octet: bytes([level]))
    monkeypatch.setattr(fcntl, "ioctl", bus.ioctl)
    transport = connect(path, patience=0.02)
    with pytest.raises(TransportError) as caught:
        Device(transport)
    text = str(caught.value)
    assert text.startswith(f"Device at spi:{path} must ")
    assert ("nothing came in 0.02 s" if level == 0 else "must be silent until it is asked") in text
    assert "\n" not in text


@pytest.mark.usefixtures("bus")
def test_device_that_has_half_a_request_is_brought_back(path: str) -> None:
    with connect(path) as transport:
        transport.write(b"\0\7\1\2")
        link = Link(transport)
        link.synchronise()
        assert link.ask(Opcode.STATUS)[0] == 0
        assert link.repetitions == 0


def test_missing_bus_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "spidev0.0")
    with pytest.raises(TransportError) as caught:
        SpiTransport(path)
    assert str(caught.value) == (
        f"SPI bus {path} must exist: on a Raspberry Pi, dtparam=spi=on in config.txt"
    )


@pytest.mark.usefixtures("bus")
def test_busy_bus_is_told(path: str) -> None:
    with connect(path), pytest.raises(TransportError) as caught:
        SpiTransport(path)
    assert str(caught.value) == f"SPI bus {path} must not be in use by another program"
    # And it is free again afterwards.
    connect(path).close()


def test_file_that_is_no_bus_is_told(path: str) -> None:
    with pytest.raises(TransportError) as caught:
        SpiTransport(path)
    assert str(caught.value) == f"SPI bus {path} must be a device file such as /dev/spidev0.0"


def test_terminal_in_place_of_a_bus_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A serial port without a carrier would wait for one, and become that of this program."""
    flags = []
    open_ = os.open

    def opens(path: str, how: int, *more: int) -> int:
        flags.append(how)
        return open_(path, how, *more)

    monkeypatch.setattr(os, "open", opens)
    with pytest.raises(TransportError):
        SpiTransport(path)
    wanted = os.O_NONBLOCK | os.O_NOCTTY
    assert [how & wanted for how in flags] == [wanted]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EACCES, "must be open to this user: on Debian, adduser USER spi"),
        (errno.EPERM, "must be open to this user: on Debian, adduser USER spi"),
        (errno.EINVAL, "must be one that can be set up: it failed"),
    ],
)
def test_settings_that_are_refused_are_told(bus: Bus, path: str, number: int, text: str) -> None:
    bus.error = number
    for fail_after in range(3):
        bus.settings.clear()
        bus.fail_after = fail_after
        with pytest.raises(TransportError) as caught:
            SpiTransport(path)
        assert str(caught.value) == f"SPI bus {path} {text}"
    # No file was left open, and none locked.
    bus.settings.clear()
    bus.fail_after = 9
    connect(path).close()


def test_bus_that_goes_is_told(bus: Bus, path: str) -> None:
    with connect(path) as transport:
        bus.fail_after = 0
        for use in (lambda: transport.read(0), lambda: transport.write(b"x")):
            with pytest.raises(TransportError) as caught:
                use()
            assert str(caught.value) == f"SPI bus spi:{path} must stay there: it failed"


@pytest.mark.usefixtures("bus")
def test_can_be_closed_twice(path: str) -> None:
    transport = connect(path)
    transport.close()
    transport.close()


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize("baud", [9_600, 1_000_000])
def test_patience_is_enough_for_the_longest_frames(path: str, baud: int) -> None:
    longest = len(encode(bytes(BUFFER_BYTES - CRC_BYTES)))
    with SpiTransport(path, baud=baud) as transport:
        assert 0.5 + 2 * 8 * longest / baud <= transport.patience < 6
