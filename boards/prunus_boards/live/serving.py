"""The page served in a thread of this process, for measurements, pictures and tests."""

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

__all__ = ["emulated", "serving"]


@contextmanager
def emulated(artifact: Artifact) -> Iterator[Device]:
    """Open an emulated device that holds a network."""
    plan = link_plan(artifact, ExportOptions())
    with Device(GoldenTransport(plan), core=CoreDescription.of(plan)) as device:
        device.attach(artifact)
        yield device


@contextmanager
def serving(
    artifact: Artifact,
    learning: Learning | None = None,
    *,
    margin: int | None = None,
    facts: dict[str, str],
) -> Iterator[int]:
    """Serve the page under a free port, which is what ``with`` gives, until ``with`` ends.

    Parameters
    ----------
    artifact : Artifact
        What is drawn for, in an emulated device.
    learning, facts
        As of :func:`prunus_boards.live.server.application`.
    margin : int, optional
        As of :class:`prunus_boards.live.drawing.Shower`.
    """
    with listening(0) as listener, emulated(artifact) as device:
        port = listener.getsockname()[1]
        app = application(Shower(device, margin=margin), learning, port, facts=facts)
        served = server(app)
        thread = Thread(target=served.run, kwargs={"sockets": [listener]}, name="page")
        thread.start()
        try:
            yield port
        finally:
            served.should_exit = True
            thread.join()
