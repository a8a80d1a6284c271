"""How a request is taken apart: repetition, fields, faults."""

# amaranth: UnusedElaboratable=no

from typing import Any

import pytest

from prunus_rtl.link.endpoint.check import RequestCheck
from prunus_rtl.link.endpoint.decoder import RequestDecoder
from prunus_rtl.link.endpoint.duplicate import DuplicateCheck
from prunus_rtl.link.endpoint.log import LAST_AT, SPIKES_AT
from prunus_rtl.link.protocol.protocol import READ_WRITE, Opcode, Status
from prunus_services import WithMemory, run, served, start


@pytest.mark.parametrize(
    ("held", "change", "repeated"),
    [(1, None, True), (0, None, False), *((1, k, False) for k in range(5))],
)
def test_duplicate_check_compares_and_writes_the_whole_mark(
    held: int, change: int | None, repeated: bool
) -> None:
    # Sequence 9, a body, and the CRC behind it.
    request = bytes([9, 3, 50, 51]) + b"\x12\x34\x56\x78"
    mark = bytearray(request[:1] + request[4:8])
    log = bytearray(SPIKES_AT)
    log[LAST_AT : LAST_AT + 5] = mark
    if change is not None:
        log[LAST_AT + change] ^= (0x10, 0x01, 0x04, 0x40, 0x80)[change]
    dut = WithMemory(DuplicateCheck(), request, bytes(log))

    async def bench(ctx: Any) -> None:
        part = dut.part
        ctx.set(part.held, held)
        ctx.set(part.length, 4)
        for stalls in (0, 3):
            ctx.set(dut.write_ready, not stalls)
            await start(ctx, part)
            cycles = 1
            while not ctx.get(part.done):
                if cycles == 3 + stalls:
                    ctx.set(dut.write_ready, 1)
                await ctx.tick()
                cycles += 1
            assert cycles == 17 + stalls
            # The second time it is the last request.
            assert ctx.get(part.repeated) == (repeated if not stalls else held)
        for k, octet in enumerate(mark):
            ctx.set(dut.read, LAST_AT + k)
            await ctx.tick()
            assert ctx.get(dut.value) == octet

    run(dut, bench)


@pytest.mark.parametrize("address_bits", [1, 7, 8, 12, 16])
def test_decoder_gives_every_field(address_bits: int) -> None:
    base = (1 << address_bits) - 1
    dut = WithMemory(
        RequestDecoder(address_bits=address_bits, last=Opcode.RESET),
        bytes([200, Opcode.READ]) + READ_WRITE.pack(7, 33, base),
    )

    async def bench(ctx: Any) -> None:
        head, cycles = await served(ctx, dut.part)
        assert (head, cycles) == (bytes([200, Opcode.READ]), 20)
        await ctx.tick()
        request = dut.part.request
        words = request.arguments.words
        assert ctx.get(request.opcode) == Opcode.READ
        assert (ctx.get(words.space), ctx.get(words.count)) == (7, 33)
        assert (ctx.get(request.base), ctx.get(request.beyond)) == (base, 0)
        assert ctx.get(request.arguments.image.offset) == 33 << 8 | 7
        flags = request.arguments.present
        assert (ctx.get(flags.learn), ctx.get(flags.keep), ctx.get(flags.unknown)) == (1, 0, 8)
        assert ctx.get(request.margin) == base & 0xFFFF

    run(dut, bench)


def test_decoder_forgets_that_an_address_was_beyond() -> None:
    dut = RequestDecoder(address_bits=7, last=Opcode.RESET)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.octets.ready, 1)
        for base, beyond in ((1 << 31, 1), (5, 0), (128, 1)):
            content = bytes([1, Opcode.READ]) + READ_WRITE.pack(0, 1, base)
            await start(ctx, dut)
            done = False
            while not done:
                address, done = ctx.get(dut.octet_address), bool(ctx.get(dut.done))
                await ctx.tick()
                ctx.set(dut.octet, content[min(address, 7)])
            assert (ctx.get(dut.request.base), ctx.get(dut.request.beyond)) == (base & 127, beyond)

    run(dut, bench)


@pytest.mark.parametrize("opcode", [10, 16, 255])
def test_decoder_tells_an_address_and_an_opcode_that_do_not_exist(opcode: int) -> None:
    for high in (1 << 7, 1 << 8, 1 << 31):
        content = bytes([1, opcode]) + READ_WRITE.pack(0, 1, high | 5)
        dut = WithMemory(RequestDecoder(address_bits=7, last=Opcode.RESET), content)

        async def bench(ctx: Any, dut: WithMemory = dut) -> None:
            # Twice: what was found is forgotten.
            for _ in range(2):
                head, _ = await served(ctx, dut.part)
                await ctx.tick()
                request = dut.part.request
                assert head[1] == opcode
                assert ctx.get(request.opcode) == 0
                assert (ctx.get(request.base), ctx.get(request.beyond)) == (5, 1)

        run(dut, bench)


@pytest.mark.parametrize("first_bytes", [1, 2])
def test_check_finds_the_first_fault(first_bytes: int) -> None:
    dut = RequestCheck(
        address_bits=7,
        spaces=(0, 4),
        readable=(0, 4),
        source="levels",
        inputs=6,
        first_bytes=first_bytes,
        learn=True,
        score_bits=12,
    )

    async def bench(ctx: Any) -> None:
        async def status(
            opcode: int, length: int, low: int = 0, high: int = 0, **facts: int
        ) -> Status:
            ctx.set(dut.request.opcode, opcode)
            ctx.set(dut.length, length)
            ctx.set(dut.request.arguments.words.space, low)
            ctx.set(dut.request.arguments.words.count, high)
            given = {"running": 0, "known": 0, "room": 1, "position": 0, "images": 0} | facts
            for name, value in given.items():
                ctx.set(getattr(dut, name), value)
            await ctx.tick()
            return Status(ctx.get(dut.status))

        assert await status(0, 2) is Status.OPCODE
        assert await status(Opcode.STATUS, 2, running=1) is Status.OK
        assert await status(Opcode.STATUS, 3) is Status.LENGTH
        assert await status(Opcode.READ, 9, 1, 0, running=1) is Status.LENGTH
        assert await status(Opcode.READ, 8, 1, 0, running=1) is Status.ADDRESS
        assert await status(Opcode.READ, 8, 4, 0, running=1) is Status.VALUE
        assert await status(Opcode.READ, 8, 4, 1, running=1) is Status.BUSY
        assert await status(Opcode.WRITE, 9, 15, 1, running=1) is Status.OK
        assert await status(Opcode.IMAGE, 10, 0, 0, room=0) is Status.FULL
        assert await status(Opcode.IMAGE, 10, 1, 0) is Status.POSITION
        assert await status(Opcode.IMAGE, 10, 1, 0, position=1) is Status.VALUE
        assert await status(Opcode.IMAGE, 9, 1, 0, position=1) is Status.OK
        assert await status(Opcode.PRESENT, 4, 0, 1, running=1) is Status.LENGTH
        assert await status(Opcode.PRESENT, 6, 0, 4, running=1) is Status.VALUE
        assert await status(Opcode.PRESENT, 6, 0, 3, running=1) is Status.BUSY
        assert await status(Opcode.PRESENT, 6, 0, 1) is Status.NO_IMAGE
        assert await status(Opcode.PRESENT, 6, 0, 3, images=2) is Status.OK
        for margin, found in ((1 << 12, Status.VALUE), ((1 << 12) - 1, Status.OK)):
            ctx.set(dut.request.margin, margin)
            assert await status(Opcode.PRESENT, 6, 0, 1, images=1) is found
        assert await status(Opcode.RESULT, 2, running=1, known=1) is Status.BUSY
        assert await status(Opcode.SPIKES, 2 + first_bytes) is Status.NO_RESULT
        assert await status(Opcode.SPIKES, 2 + first_bytes, known=1) is Status.OK
        assert await status(Opcode.SPIKES, 5 - first_bytes, known=1) is Status.LENGTH

    run(dut, bench)
