"""Finds the device that the user names."""

from __future__ import annotations

from pathlib import Path

from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_boards.driver.transports.simulator import SimulatorTransport, SocketTransport
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import BAUD

__all__ = ["SOCKET", "description", "open_device"]

#: What the name of a socket begins with.
SOCKET = "socket:"


def description(on: str) -> str:
    """Return what the name of a device stands for, in words for a person."""
    match on:
        case "golden":
            return "the emulated device (the same model behind driver and protocol, no hardware)"
        case "sim":
            return "the simulated gateware"
        case _:
            return f"the device at {on}"


def open_device(
    on: str,
    artifact: Artifact,
    *,
    options: ExportOptions,
    core: CoreDescription | None = None,
    baud: int = BAUD,
) -> Device:
    """Open the device that the user names.

    Parameters
    ----------
    on : str
        ``golden``: the model, in this process. ``sim``: the gateware, simulated. ``socket:PATH``:
        what is served there. Otherwise the name of a serial port.
    artifact : Artifact
        Network that ``golden`` and ``sim`` hold from the beginning.
    options : ExportOptions
        What they are built like, if there is no ``core``.
    core : CoreDescription, optional
        What they are built like; and what another device must be. Default for other devices: what
        was built on this machine.
    baud : int
        Baud rate of a serial port.

    Raises
    ------
    PrunusError
        If there is no such device, or it is another one.
    """
    if on in ("golden", "sim"):
        core = CoreDescription.of(link_plan(artifact, options)) if core is None else core
        if on == "golden":
            return Device(GoldenTransport(core.plan(artifact)), core=core)
        return Device(SimulatorTransport(artifact, core), core=core)
    if on.startswith(SOCKET):
        return Device(SocketTransport(Path(on.removeprefix(SOCKET))), core=core)
    if "/" not in on and not on.upper().startswith("COM"):
        raise TransportError(
            f"Device must be golden, sim, {SOCKET}PATH or a serial port such as /dev/ttyUSB0, "
            f"not {on!r}"
        )
    try:
        # Only here: nothing else needs pyserial.
        from prunus_boards.driver.transports.serial import SerialTransport
    except ModuleNotFoundError as e:
        raise TransportError(f"Serial port {on} needs pip install 'prunus[driver]'") from e
    return Device(SerialTransport(on, baud=baud), core=core)
