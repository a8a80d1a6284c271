"""The transport over a Unix socket: what a silent device and one that is gone have to tell."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.simulator import SocketTransport


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[SocketTransport, socket.socket]]:
    """The transport, and the device's end."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        with SocketTransport(path) as transport, listener.accept()[0] as device:
            transport.patience = 0.02
            yield transport, device


def test_what_is_there_is_read_without_waiting(
    ends: tuple[SocketTransport, socket.socket],
) -> None:
    transport, device = ends
    assert transport.read(0) == b""
    device.sendall(b"answer")
    assert transport.read(0) == b"answer"


def test_device_that_takes_nothing_is_silent_until_it_hangs_up(
    ends: tuple[SocketTransport, socket.socket],
) -> None:
    transport, device = ends
    transport.write(bytes(1 << 24))
    assert transport.read(0.02) == b""
    device.close()
    lost = f"^Device at {transport.name} must stay connected"
    with pytest.raises(TransportError, match=lost):
        transport.write(b"x")
    with pytest.raises(TransportError, match=lost):
        transport.read(0)


def test_device_that_hangs_up_is_told(ends: tuple[SocketTransport, socket.socket]) -> None:
    transport, device = ends
    device.close()
    with pytest.raises(TransportError, match=r"must stay connected, but hung up$"):
        transport.read(0)


def test_socket_that_nobody_serves_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match=r" must be one that is served: No such file"):
        SocketTransport(tmp_path / "s")
