"""A simulated device: the gateware in Verilator, in a process of its own, behind a socket."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from prunus_boards.driver.transports.base import PRESENTATION_PATIENCE, Transport, TransportError
from prunus_model.common.owned import owned
from prunus_model.training.artifact import Artifact
from prunus_rtl.link.protocol.description import CoreDescription

__all__ = ["SOCKET_PATIENCE", "SimulatorTransport", "SocketTransport"]

_CHUNK = 1 << 16
#: Seconds after which an answer at a socket is given up: slower than a port, but nothing is lost.
SOCKET_PATIENCE = 4.0
#: Seconds for the building of a simulation, and for an answer of our own simulator, in which it may
#: show an image: netlists are slow, and that it has ended is noticed at once.
_BUILD_PATIENCE, _PATIENCE = 3600.0, 3600.0


class SocketTransport(Transport):
    """A device behind a Unix socket, as ``python -m prunus_sim.link.server`` serves it.

    Parameters
    ----------
    path : Path
        The socket.

    Raises
    ------
    TransportError
        If nobody serves it.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"socket:{path}"
        self.patience = SOCKET_PATIENCE
        self.presentation_patience = PRESENTATION_PATIENCE
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError as e:
            self._socket.close()
            raise TransportError(
                f"Socket {path} must be one that is served: {e.strerror or e}"
            ) from e

    def write(self, octets: bytes) -> None:
        """Send bytes."""
        try:
            self._socket.settimeout(self.patience)
            self._socket.sendall(octets)
        except TimeoutError:
            # It is there and takes nothing: a silent device, as its missing answer tells.
            return
        except OSError as e:
            raise TransportError(f"Device at {self.name} must stay connected: {e}") from e

    def read(self, timeout: float) -> bytes:
        """Return what has come."""
        try:
            self._socket.settimeout(timeout)
            octets = self._socket.recv(_CHUNK)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as e:
            raise TransportError(f"Device at {self.name} must stay connected: {e}") from e
        if not octets:
            raise TransportError(f"Device at {self.name} must stay connected, but hung up")
        return octets

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class SimulatorTransport(Transport):
    """A device that is simulated for as long as this is open.

    Building the simulation takes some ten seconds, for large networks minutes.

    Parameters
    ----------
    artifact : Artifact
        Network that the memories hold first.
    core : CoreDescription
        The core. If it tells no clock, the simulated one does.
    divisor : int, optional
        Reach the core through its pins, those of ``core.link``, with so many cycles per bit.
    netlist : Path, optional
        Folder with the core after synthesis, which is simulated instead.

    Raises
    ------
    TransportError
        If the package ``prunus_sim`` is missing, or the simulation does not start; with its reason.
    """

    def __init__(
        self,
        artifact: Artifact,
        core: CoreDescription,
        *,
        divisor: int | None = None,
        netlist: Path | None = None,
    ) -> None:
        if find_spec("cocotb") is None:
            raise TransportError("Simulator must have cocotb: pip install prunus[sim]")
        with ExitStack() as ends:
            # Not below TMPDIR, whose name may be longer than that of a socket may be.
            scratch = tempfile.TemporaryDirectory(prefix="prunus-", dir="/tmp")
            folder = Path(ends.enter_context(scratch))
            artifact.save(folder / "network.npz")
            core.save(folder / "core.json")
            path, log = folder / "link", folder / "server.log"
            command = [sys.executable, "-m", "prunus_sim.link.server", str(folder / "network.npz")]
            command += ["--core", str(folder / "core.json"), "--socket", str(path), "--once"]
            command += ["--build", str(folder / "build")]
            if divisor is not None:
                command += ["--pins", str(divisor)]
            if netlist is not None:
                command += ["--netlist", str(netlist)]
            output = ends.enter_context(log.open("wb"))
            server = owned(command, scratch=folder, stdout=output, stderr=output)
            self._process = ends.enter_context(server)
            self._await(path, log)
            self._path = path
            self._inner = SocketTransport(path)
            self._ends = ends.pop_all()
        self.name = self._inner.name = "sim"
        self.patience = self._inner.patience = self.presentation_patience = _PATIENCE

    @property
    def cycles(self) -> int:
        """Clock cycles from the beginning of the simulation to the last answer."""
        return int(Path(f"{self._path}.cycles").read_text())

    def _await(self, path: Path, log: Path) -> None:
        deadline = self.deadline(_BUILD_PATIENCE)
        while not path.exists():
            if deadline.over:
                raise TransportError(
                    f"Simulation must start within {deadline.seconds:g} s, but did not"
                )
            if self._process.poll() is not None:
                lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
                raise TransportError(f"Simulation must start: {lines[-1].removeprefix('Error: ')}")
            time.sleep(0.05)

    def write(self, octets: bytes) -> None:
        """Send bytes."""
        self._inner.write(octets)

    def read(self, timeout: float) -> bytes:
        """Return what has come."""
        return self._inner.read(timeout)

    def close(self) -> None:
        """End the simulation."""
        self._inner.close()
        self._ends.close()
