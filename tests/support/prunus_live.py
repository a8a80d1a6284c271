"""The page of `prunus live`, served in a thread of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prunus_boards.driver.device import Device
from prunus_boards.live.drawing import Shower
from prunus_boards.live.learning import Learning
from prunus_boards.live.serving import emulated
from prunus_boards.live.serving import serving as _serving
from prunus_model.training.artifact import Artifact

FACTS = {"network": "demo, 100 neurons", "device": "a test", "training": ""}


@contextmanager
def shower(artifact: Artifact) -> Iterator[tuple[Shower, Device]]:
    with emulated(artifact) as device:
        yield Shower(device), device


@contextmanager
def serving(artifact: Artifact, learning: Learning | None = None) -> Iterator[int]:
    """Serve; yield the port."""
    with _serving(artifact, learning, facts=FACTS) as port:
        yield port
