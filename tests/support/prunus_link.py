"""The host's end of the link, in Amaranth's simulator: octets in, frames out."""

import struct
import zlib
from typing import Any

import numpy as np
from cobs import cobs

from prunus_rtl.link.protocol.protocol import Opcode, Status

#: Probability per cycle of not offering an octet, or of not taking one.
STALL = 0.3


def framed(message: bytes) -> bytes:
    """Stuff a message, independently of the product."""
    content = message + struct.pack("<I", zlib.crc32(message))
    stuffed: bytes = cobs.encode(content)
    return b"\0" + stuffed + b"\0"


def unframed(octets: bytes) -> list[bytes]:
    """Return the messages of whole frames; every octet must belong to one."""
    if not octets:
        return []
    assert octets[0] == 0
    assert octets[-1] == 0
    messages = []
    for frame in octets.split(b"\0"):
        if frame:
            content = cobs.decode(frame)
            assert zlib.crc32(content[:-4]) == int.from_bytes(content[-4:], "little")
            messages.append(content[:-4])
    return messages


class Host:
    """Sends octets to something with streams `rx` and `tx`, and collects what comes back."""

    def __init__(self, ctx: Any, dut: Any, *, rng: np.random.Generator | None = None) -> None:
        self.ctx = ctx
        self.dut = dut
        self.rng = rng
        self.sequence = 0
        self.cycles = 0

    def _willing(self) -> bool:
        return self.rng is None or bool(self.rng.random() >= STALL)

    async def octets(self, octets: bytes, *, frames: int | None = None, quiet: int = 40) -> bytes:
        """Send octets; return what comes back, until so many frames are whole, or all is quiet."""
        ctx, dut = self.ctx, self.dut
        received = bytearray()
        todo = list(octets)
        offered = taken = False
        silence = delimiters = 0
        held: int | None = None
        while True:
            if frames is not None and not todo and delimiters == 2 * frames:
                break
            if frames is None and not todo and silence > quiet:
                break
            if not offered and todo and self._willing():
                ctx.set(dut.rx.payload, todo[0])
                ctx.set(dut.rx.valid, 1)
                offered = True
            ready = self._willing()
            ctx.set(dut.tx.ready, ready)
            *_, taken, valid, octet = await ctx.tick().sample(
                dut.rx.ready, dut.tx.valid, dut.tx.payload
            )
            self.cycles += 1
            silence += 1
            if held is not None:
                assert valid
                assert octet == held
            held = octet if valid and not ready else None
            if valid and ready:
                received.append(octet)
                delimiters += octet == 0
            if valid:
                silence = 0
            if offered and taken:
                ctx.set(dut.rx.valid, 0)
                del todo[0]
                offered = False
                silence = 0
        ctx.set(dut.tx.ready, 0)
        return bytes(received)

    async def exchange(self, message: bytes) -> bytes:
        """Send a message as a frame; return the one that answers it."""
        (answer,) = unframed(await self.octets(framed(message), frames=1))
        return answer

    async def request(self, opcode: int, body: bytes = b"") -> tuple[Status, bytes]:
        """Make a request; return status and body of the answer."""
        self.sequence = self.sequence % 255 + 1
        answer = await self.exchange(bytes([self.sequence, opcode]) + body)
        assert answer[:2] == bytes([self.sequence, opcode])
        return Status(answer[2]), answer[3:]

    async def do(self, opcode: int, body: bytes = b"") -> bytes:
        """Make a request that succeeds; return the body of the answer."""
        status, content = await self.request(opcode, body)
        assert status is Status.OK, f"{Opcode(opcode).name}: {status.name}"
        return content
