"""The page of `prunus live`, served in a thread of this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from prunus_boards.driver.device import Device
from prunus_boards.live.drawing import Shower
from prunus_boards.live.learning import Learning
from prunus_boards.live.serving import emulated
from prunus_boards.live.serving import serving as _serving
from prunus_model.training.artifact import Artifact


class Frames:
    """A training that makes what frames it is told to."""

    def __init__(self) -> None:
        self.newest: tuple[int, bytes] = (0, b"")
        self.error = ""
        self.listeners: list[Callable[[], object]] = []

    @contextmanager
    def telling(self, listener: Callable[[], object]) -> Iterator[None]:
        self.listeners.append(listener)
        try:
            yield
        finally:
            self.listeners.remove(listener)

    def make(self, data: bytes) -> None:
        self.newest = (self.newest[0] + 1, data)
        for listener in self.listeners:
            listener()

    def wait_for(self, clients: int) -> None:
        """Wait until so many clients are fed."""
        until = time.monotonic() + 60
        while len(self.listeners) != clients:
            assert time.monotonic() < until
            time.sleep(0.01)


FACTS = {"network": "demo, 100 neurons", "device": "a test", "training": ""}


@contextmanager
def shower(artifact: Artifact) -> Iterator[tuple[Shower, Device]]:
    with emulated(artifact) as device:
        yield Shower(device), device


@contextmanager
def serving(artifact: Artifact, learning: Learning | Frames | None = None) -> Iterator[int]:
    """Serve; yield the port."""
    with _serving(artifact, cast(Learning | None, learning), facts=FACTS) as port:
        yield port
