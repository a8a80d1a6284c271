"""The page of `prunus live`, served in a thread of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_boards.live.drawing import Shower
from prunus_boards.live.learning import Learning
from prunus_boards.live.server import application, listening, server
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

FACTS = {"network": "demo, 100 neurons", "device": "a test", "training": ""}


@contextmanager
def shower(artifact: Artifact) -> Iterator[tuple[Shower, Device]]:
    plan = link_plan(artifact, ExportOptions())
    with Device(GoldenTransport(plan), core=CoreDescription.of(plan)) as device:
        device.attach(artifact)
        yield Shower(device), device


@contextmanager
def serving(artifact: Artifact, learning: Learning | None = None) -> Iterator[int]:
    """Serve; yield the port."""
    with listening(0) as listener, shower(artifact) as (made, _):
        port = listener.getsockname()[1]
        served = server(application(made, learning, port, facts=FACTS))
        thread = Thread(target=served.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield port
        finally:
            served.should_exit = True
            thread.join()
