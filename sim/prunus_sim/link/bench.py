"""Serve a simulated device at a socket: runs in the simulator for the server."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import cocotb

from prunus_sim.link.driver import LinkSimulation
from prunus_sim.link.testbench import RX_OCTETS

#: Seconds without a request before the device is given the cycles to come to rest.
_PAUSE = 0.2


@cocotb.test()
async def serve(tb: Any) -> None:
    """Serve one host after the other, or only one."""
    divisor = int(os.environ["PRUNUS_LINK_DIVISOR"])
    link = LinkSimulation(tb, byte_cycles=12 * divisor + 16)
    path = Path(os.environ["PRUNUS_LINK_SOCKET"])
    with socket.socket(socket.AF_UNIX) as listener:
        # Under its final name only when it listens: who sees it can connect.
        scratch = path.with_name(f"{path.name}.new")
        listener.bind(str(scratch))
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


async def _serve(link: LinkSimulation, host: socket.socket) -> None:
    """Serve a host until it hangs up."""
    octets = b""
    while True:
        if not octets:
            # While an image is shown, or something may be left to do, the device goes on by itself.
            host.settimeout(0 if link.shows else None if link.rests else _PAUSE)
            try:
                octets = host.recv(1 << 16)
                if not octets:
                    return
            except (BlockingIOError, TimeoutError):
                pass
            except OSError:
                return
        answer = await link.run(octets[:RX_OCTETS])
        octets = octets[RX_OCTETS:]
        if answer:
            host.settimeout(None)
            try:
                host.sendall(answer)
            except OSError:
                return
