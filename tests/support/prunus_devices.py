"""Devices for tests: a small trained network, and transports that lose and corrupt bytes."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from prunus_boards.driver.checking import Checked, check
from prunus_boards.driver.device import Device
from prunus_boards.driver.requests import DeviceError
from prunus_boards.driver.transports.base import Transport
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_cli import digits, tiny
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

#: A core that learns, and the smallest one that does not.
LEARNING = ExportOptions(mode="learning", lanes=4)
PACKED = ExportOptions(lanes=4, store="csr")


@cache
def network(presentations: int = 600) -> Artifact:
    """Ten neurons that have pruned some of their synapses, fewer the less they were trained."""
    return train(tiny("adaptive"), digits(presentations), epochs=1)


def shown(count: int, *, seed: int = 3) -> npt.NDArray[np.uint8]:
    """Levels of images that the network has not seen."""
    return levels(digits(count, seed=seed).images, tiny().encoder)


def golden(
    options: ExportOptions = PACKED, artifact: Artifact | None = None, *, clock_hz: int = 0
) -> tuple[GoldenTransport, CoreDescription]:
    """Return an emulated device, and what it is."""
    transport = GoldenTransport(link_plan(artifact or network(), options), clock_hz=clock_hz)
    return transport, transport.emulator.description


def device(options: ExportOptions = PACKED, artifact: Artifact | None = None) -> Device:
    """Return an emulated device that holds the network, or another one, opened."""
    held = artifact or network()
    transport, core = golden(options, held)
    opened = Device(transport, core=core)
    opened.attach(held)
    return opened


class Tampering(Transport):
    """A transport on which something happens to what is sent, or to what comes."""

    def __init__(
        self,
        inner: Transport,
        *,
        sent: Callable[[bytes], bytes] = lambda octets: octets,
        come: Callable[[bytes], bytes] = lambda octets: octets,
    ) -> None:
        self._inner = inner
        self.sent = sent
        self.come = come
        self.frames: list[bytes] = []
        self.closed = False
        self.name = inner.name
        self.patience = inner.patience
        self.presentation_patience = inner.presentation_patience
        self.attempts = inner.attempts
        self.clock = inner.clock

    def write(self, octets: bytes) -> None:
        self.frames.append(octets)
        self._inner.write(self.sent(octets))

    def read(self, timeout: float) -> bytes:
        return self.come(self._inner.read(timeout))

    def close(self) -> None:
        self.closed = True
        self._inner.close()


def message(call: Callable[[], object], kind: type[Exception] = DeviceError) -> str:
    """Return what is said when a call fails."""
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def last(device: Device, count: int, **options: Any) -> Checked:
    """Check images, with options as of `check`; return what was found up to the last."""
    *_, found = check(device, shown(count), **options)
    return found
