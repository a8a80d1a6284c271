"""Identification: which core is behind a link, and which network it says that it holds."""

from __future__ import annotations

from prunus_boards.driver.requests import NO_NETWORK, DeviceError, Requests
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.records import Identity

__all__ = ["Identification"]


class Identification:
    """What a device says of itself, which is asked when this is made: the core that is described.

    Parameters
    ----------
    requests : Requests
        Requests to the device.
    core : CoreDescription, optional
        What it must be. Default: what was built on this machine under the digest it tells.

    Raises
    ------
    DeviceError
        If it is another core than that.
    DescriptionError
        If there is no description of it.
    """

    def __init__(self, requests: Requests, core: CoreDescription | None) -> None:
        self._requests = requests
        self._identity = requests.identify()
        self._core = CoreDescription.find(self._identity.core) if core is None else core
        self._check(self._identity)

    @property
    def core(self) -> CoreDescription:
        """Description of the core."""
        return self._core

    @property
    def identity(self) -> Identity:
        """What it has said of itself last."""
        return self._identity

    def repeat(self) -> None:
        """Ask again what it is.

        Raises
        ------
        DeviceError
            If it is not the same core any more.
        """
        identity = self._requests.identify()
        self._check(identity)
        self._identity = identity

    def forget_network(self) -> None:
        """Make the device forget which network it holds."""
        if self._identity.network != NO_NETWORK:
            self.name_network(NO_NETWORK)

    def name_network(self, network: bytes) -> None:
        """Tell the device which network it holds: the content hash, of 32 bytes.

        Raises
        ------
        DeviceError
            If it does not say so then, or is not the same core any more.
        """
        self._requests.name_network(network)
        self.repeat()
        if self._identity.network != network:
            raise DeviceError(
                f"Device at {self._requests.name} must say that it holds network "
                f"{network.hex()[:16]} when it is told so, not {self._identity.network.hex()[:16]}"
            )

    def _check(self, got: Identity) -> None:
        """Refuse a core that is not the one described."""
        core = self._core
        if got.core != core.digest:
            raise DeviceError(
                f"Device at {self._requests.name} must be core {core.digest.hex()}, "
                f"not {got.core.hex()}"
            )
        want = core.identity(got.network)
        # The model has no clock, nor have cores whose description leaves it open.
        timed = ("clock_hz",) if got.clock_hz and core.clock_hz else ()
        for name in ("lanes", "learn", "neurons", "inputs", "steps", *timed):
            if getattr(got, name) != getattr(want, name):
                raise DeviceError(
                    f"Device at {self._requests.name} must have {name} {getattr(want, name)}, "
                    f"not {getattr(got, name)}"
                )
