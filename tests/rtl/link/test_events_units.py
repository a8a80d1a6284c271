"""Events behind the link: items, and the units of the endpoint that read them."""

# amaranth: UnusedElaboratable=no

import struct
from collections.abc import Sequence
from typing import Any

import pytest

from prunus_endpoint import offset
from prunus_rtl.link.endpoint.check import RequestCheck
from prunus_rtl.link.endpoint.decoder import RequestDecoder
from prunus_rtl.link.endpoint.events import EventLoader
from prunus_rtl.link.protocol.items import END_OF_STEP, pack_items
from prunus_rtl.link.protocol.protocol import READ_WRITE, Opcode, Status
from prunus_rtl.streams import event_layout
from prunus_services import WithMemory, served
from prunus_services import run as run_part


def test_items_of_a_presentation() -> None:
    assert pack_items([[2, 0, 1], [], [65534]]) == bytes.fromhex("000001000200fffffffffeffffff")
    assert pack_items([]) == b""


class Loader:
    """An event loader, with the memory of the request and a core that takes what comes."""

    def __init__(self, ctx: Any, part: Any) -> None:
        self.ctx = ctx
        self.part = part
        self.request = b""
        self.body = bytearray()
        self.taken: list[int] = []
        ctx.set(part.octets.ready, 1)

    async def tick(self) -> None:
        ctx, part = self.ctx, self.part
        address = ctx.get(part.octet_address)
        if ctx.get(part.octets.valid):
            self.body.append(ctx.get(part.octets.payload))
        if ctx.get(part.events.valid) and ctx.get(part.events.ready):
            event = ctx.get(part.events.p)
            self.taken.append(END_OF_STEP if event["end"] else event["pre"])
        await ctx.tick()
        ctx.set(part.octet, self.request[address] if address < len(self.request) else 0xAA)

    async def run(self, name: str) -> None:
        ctx, part = self.ctx, self.part
        ctx.set(getattr(part, name), 1)
        await self.tick()
        ctx.set(getattr(part, name), 0)
        while not ctx.get(part.done):
            await self.tick()
        await self.tick()

    async def check(self, items: Sequence[int]) -> Status:
        self.request = bytes(4) + struct.pack(f"<{len(items)}H", *items)
        self.ctx.set(self.part.length, len(self.request))
        await self.run("check")
        return Status(self.ctx.get(self.part.status))

    async def drain(self) -> None:
        self.ctx.set(self.part.events.ready, 1)
        while self.ctx.get(self.part.waiting):
            await self.tick()
        self.ctx.set(self.part.events.ready, 0)


@pytest.mark.parametrize("inputs", [1, 6, 300, 65535])
def test_loader_takes_whole_requests(inputs: int) -> None:
    top = inputs - 1
    items = [*sorted({0, top}), END_OF_STEP, top, END_OF_STEP, END_OF_STEP]
    part = EventLoader(event=event_layout(inputs=inputs), inputs=inputs, steps=3)

    async def bench(ctx: Any) -> None:
        loader = Loader(ctx, part)
        # Twice: what is complete is followed by another presentation.
        for k in (1, 2):
            assert await loader.check(items) is Status.OK
            # Nothing of it is there before it is begun.
            assert (ctx.get(part.waiting), ctx.get(part.position)) == (0, 0)
            await loader.run("start")
            assert loader.body == offset(0) * k
            assert ctx.get(part.waiting) == 1
            await loader.drain()
            assert loader.taken == items * k

    run_part(part, bench)


#: Requests in a row of a presentation of 6 inputs and 3 steps, and what becomes of each.
E = END_OF_STEP
REFUSED: dict[str, list[tuple[list[int], Status, int]]] = {
    "no such input": [([6], Status.VALUE, 0), ([5], Status.OK, 1)],
    "no such input, the last": [([0, 1, E, 2, E, 6], Status.VALUE, 0)],
    "a high bit too many": [([256], Status.VALUE, 0), ([E - 1], Status.VALUE, 0)],
    "twice in a step": [([0, 3, 3], Status.VALUE, 0), ([0, 3, E, 3], Status.OK, 4)],
    "input 0 twice": [([0, 0], Status.VALUE, 0)],
    "backwards": [([4, 3], Status.VALUE, 0)],
    "twice in a step of two requests": [
        ([1, 4], Status.OK, 2),
        ([4], Status.VALUE, 2),
        ([3], Status.VALUE, 2),
        ([5], Status.OK, 3),
    ],
    "what was refused is forgotten": [
        ([2], Status.OK, 1),
        ([4, E, 5, E, 6], Status.VALUE, 1),
        ([3, E, E], Status.OK, 4),
        ([0, E], Status.OK, 0),
    ],
    "too many steps": [([E, E, E, E], Status.VALUE, 0), ([E, E, E], Status.OK, 0)],
    "an input behind the last step": [
        ([E, E, E, 0], Status.VALUE, 0),
        ([0, E, E, E], Status.OK, 0),
    ],
    "too many steps in two requests": [
        ([E, E], Status.OK, 2),
        ([E, E], Status.VALUE, 2),
        ([E], Status.OK, 0),
        ([0, E], Status.OK, 2),
    ],
}


@pytest.mark.parametrize("name", REFUSED)
def test_loader_refuses_requests_as_a_whole(name: str) -> None:
    part = EventLoader(event=event_layout(inputs=6), inputs=6, steps=3)

    async def bench(ctx: Any) -> None:
        loader, want = Loader(ctx, part), []
        for items, status, position in REFUSED[name]:
            assert await loader.check(items) is status
            if status is Status.OK:
                await loader.run("start")
                want += items
            await loader.drain()
            assert ctx.get(part.position) == position
            assert loader.taken == want

    run_part(part, bench)


def test_check_finds_the_first_fault_of_events() -> None:
    dut = RequestCheck(
        address_bits=7,
        spaces=(0, 4),
        readable=(0, 4),
        source="events",
        inputs=6,
        first_bytes=1,
        learn=True,
        score_bits=12,
    )

    async def bench(ctx: Any) -> None:
        def status(opcode: int, length: int, low: int = 0, **facts: int) -> Status:
            ctx.set(dut.request.opcode, opcode)
            ctx.set(dut.length, length)
            ctx.set(dut.request.arguments.image.offset, low)
            for name, value in ({"running": 0, "room": 1, "position": 0} | facts).items():
                ctx.set(getattr(dut, name), value)
            return Status(ctx.get(dut.status))

        assert status(Opcode.IMAGE, 10) is Status.OPCODE
        for length in (2, 3, 4, 5, 7):
            assert status(Opcode.EVENTS, length, 1, room=0) is Status.LENGTH
        assert status(Opcode.EVENTS, 6, 1, room=0) is Status.FULL
        assert status(Opcode.EVENTS, 6, 1) is Status.POSITION
        assert status(Opcode.EVENTS, 252, 0xFFFF, position=0xFFFF, running=1) is Status.OK
        assert status(Opcode.EVENTS, 252, 0x7FFF, position=0xFFFF) is Status.POSITION
        # There is no need of anything to be shown.
        assert status(Opcode.PRESENT, 6) is Status.OK
        assert status(Opcode.PRESENT, 6, running=1) is Status.BUSY

    run_part(dut, bench)


@pytest.mark.parametrize(("opcode", "found"), [(10, 10), (11, 0), (16, 0), (26, 0)])
def test_decoder_knows_the_opcode_of_events(opcode: int, found: int) -> None:
    content = bytes([1, opcode]) + READ_WRITE.pack(0, 1, 5)
    dut = WithMemory(RequestDecoder(address_bits=7, last=Opcode.EVENTS), content)

    async def bench(ctx: Any) -> None:
        await served(ctx, dut.part)
        await ctx.tick()
        assert ctx.get(dut.part.request.opcode) == found

    run_part(dut, bench)


def test_position_goes_round() -> None:
    """A presentation of more than 65,536 items."""
    part = EventLoader(event=event_layout(inputs=6), inputs=6, steps=255)

    async def bench(ctx: Any) -> None:
        loader = Loader(ctx, part)
        # As after so many items.
        ctx.set(part.position, 0xFFFE)
        assert await loader.check([0, E, E]) is Status.OK
        await loader.run("start")
        assert loader.body == b"\1\0"

    run_part(part, bench)
