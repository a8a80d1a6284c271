"""Bench that runs in the simulator for the server: serves a device at a socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import cocotb

from prunus_sim.link.driver import LinkDriver
from prunus_sim.link.testbench import RX_OCTETS

#: Seconds without a request before the device is given the cycles to come to rest.
_PAUSE = 0.2


@cocotb.test()
async def serve(tb: Any) -> None:
    """Serve one host after the other, or only one."""
    divisor = int(os.environ["PRUNUS_LINK_DIVISOR"])
    link = LinkDriver(tb, byte_cycles=12 * divisor + 16)
    path = Path(os.environ["PRUNUS_LINK_SOCKET"])
    with socket.socket(socket.AF_UNIX) as listener:
        # It gets its final name when it listens, so that whoever sees it can connect.
        scratch = path.with_name(f"{path.name}.new")
        listener.bind(str(scratch))
        # Its owner alone, whatever the umask; before it listens, nobody can connect.
        scratch.chmod(0o600)
        listener.listen(1)
        scratch.rename(path)
        try:
            while True:
                host, _ = listener.accept()
                with host:
                    await _serve(link, host)
                if os.environ["PRUNUS_LINK_ONCE"] == "1":
                    break
        finally:
            path.unlink(missing_ok=True)
            _cycles_file().unlink(missing_ok=True)


def _cycles_file() -> Path:
    """Return where a host finds how many cycles there were up to the last answer."""
    return Path(os.environ["PRUNUS_LINK_SOCKET"] + ".cycles")


async def _serve(link: LinkDriver, host: socket.socket) -> None:
    """Serve a host until it hangs up."""
    octets = b""
    while True:
        if not octets:
            # While a presentation runs, or an answer is due, simulated time goes on.
            busy = link.presenting or link.due > 0
            host.settimeout(0 if busy else None if link.idle else _PAUSE)
            try:
                octets = host.recv(1 << 16)
                if not octets:
                    return
            except (BlockingIOError, TimeoutError):
                pass
            except OSError:
                return
        answer = await link.run(octets[:RX_OCTETS])
        octets = octets[link.taken :]
        if answer:
            _cycles_file().write_text(f"{link.cycles}\n")
            host.settimeout(None)
            try:
                host.sendall(answer)
            except OSError:
                return
