"""Finds the device that the user names."""

from __future__ import annotations

from pathlib import Path

from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.base import Transport, TransportError
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_boards.driver.transports.simulator import SimulatorTransport, SocketTransport
from prunus_model.cli.common import note
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import BAUD

__all__ = ["SOCKET", "SPI", "description", "is_board", "open_device", "open_transport"]

#: What the names of a socket and of an SPI bus begin with.
SOCKET, SPI = "socket:", "spi:"


def description(on: str) -> str:
    """Return what the name of a device stands for, in words for a person."""
    match on:
        case "golden":
            return "the emulated device (the same model behind driver and protocol, no hardware)"
        case "sim":
            return "the simulated gateware"
        case _:
            return f"the device at {on}"


def is_board(on: str) -> bool:
    """Return whether a name stands for a serial port or SPI. What a socket serves is a simulation.

    Examples
    --------
    >>> [is_board(on) for on in ("golden", "sim", "socket:link", "/dev/ttyUSB0")]
    [False, False, False, True]
    >>> is_board("spi:/dev/spidev0.0")
    True
    """
    return on not in ("golden", "sim") and not on.startswith(SOCKET)


def open_device(
    on: str,
    artifact: Artifact,
    *,
    options: ExportOptions,
    core: CoreDescription | None = None,
    baud: int | None = None,
    patience: float | None = None,
) -> Device:
    """Open the device that the user names.

    Parameters
    ----------
    on : str
        ``golden``: the model, in this process. ``sim``: the gateware, simulated. ``socket:PATH``:
        what is served there. ``spi:PATH``: an SPI bus of Linux. Otherwise the name of a serial
        port.
    artifact : Artifact
        Network that ``golden`` and ``sim`` hold from the beginning.
    options : ExportOptions
        What they are built like, if there is no ``core``.
    core : CoreDescription, optional
        What they are built like; and what another device must be. Default for other devices: what
        was built on this machine.
    baud : int, optional
        Baud rate of a serial port, or bit rate of SPI. Default: that of ``core``, or
        :data:`prunus_rtl.link.protocol.protocol.BAUD`.
    patience : float, optional
        Seconds after which an answer or a presentation is given up. Default: those of the way.

    Raises
    ------
    PrunusError
        If there is no such device, or it is another one.
    """
    transport, core = open_transport(
        on, artifact, options=options, core=core, baud=baud, patience=patience
    )
    return Device(transport, core=core)


def open_transport(
    on: str,
    artifact: Artifact | None,
    *,
    options: ExportOptions,
    core: CoreDescription | None = None,
    baud: int | None = None,
    patience: float | None = None,
) -> tuple[Transport, CoreDescription | None]:
    """Open the way to the device that the user names; what is at its end is not asked.

    Parameters
    ----------
    on, artifact, options, core, baud, patience
        As of :func:`open_device`. Only ``golden`` and ``sim`` need a network.

    Returns
    -------
    transport : Transport
        The way.
    core : CoreDescription or None
        What must be at its end, if that is known.

    Raises
    ------
    PrunusError
        If there is no such way.
    """
    if on in ("golden", "sim") and artifact is not None:
        core = CoreDescription.of(link_plan(artifact, options)) if core is None else core
    transport = _transport(on, artifact, core, baud)
    if patience is not None:
        transport.patience = transport.presentation_patience = patience
    return transport, core


def _transport(
    on: str, artifact: Artifact | None, core: CoreDescription | None, baud: int | None
) -> Transport:
    """Return the way to a device; there are core and network for those that are built here."""
    if on == "golden" and core is not None and artifact is not None:
        return GoldenTransport(core.plan(artifact))
    if on == "sim" and core is not None and artifact is not None:
        note("Building the simulation ...")
        return SimulatorTransport(artifact, core)
    if on.startswith(SOCKET):
        return SocketTransport(Path(on.removeprefix(SOCKET)))
    if "/" not in on and not on.upper().startswith("COM"):
        raise TransportError(
            f"Device must be golden, sim, {SOCKET}PATH, {SPI}/dev/spidev0.0 or a serial port such "
            f"as /dev/ttyUSB0, not {on!r}"
        )
    line = "spi" if on.startswith(SPI) else "uart"
    if core is not None and core.link != line:
        raise TransportError(
            f"Core must be one that was built with --link {line} for {on}, not with {core.link}"
        )
    baud = baud or (core and core.baud) or BAUD
    if line == "spi":
        try:
            # Only here: only where there are device files.
            from prunus_boards.driver.transports.spi import SpiTransport
        except ModuleNotFoundError as e:
            raise TransportError(f"SPI bus {on} needs Linux") from e
        return SpiTransport(on.removeprefix(SPI), baud=baud)
    try:
        # Only here: nothing else needs pyserial.
        from prunus_boards.driver.transports.serial import SerialTransport
    except ModuleNotFoundError as e:
        raise TransportError(f"Serial port {on} needs pip install 'prunus[driver]'") from e
    return SerialTransport(on, baud=baud)
