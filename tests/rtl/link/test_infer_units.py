"""INFER: runs of levels, and the units of the endpoint that read and answer it."""

# amaranth: UnusedElaboratable=no

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_endpoint import offset
from prunus_infer import coded, infer
from prunus_rtl.link.endpoint.check import RequestCheck
from prunus_rtl.link.endpoint.decoder import RequestDecoder
from prunus_rtl.link.endpoint.image import ImageLoader
from prunus_rtl.link.endpoint.log import SPIKES_AT
from prunus_rtl.link.endpoint.report import Report
from prunus_rtl.link.protocol.protocol import (
    INFER,
    MAX_BODY,
    Opcode,
    Status,
    spikes_beside,
)
from prunus_rtl.link.protocol.records import Condition
from prunus_rtl.link.protocol.runs import pack_levels, unpack_levels
from prunus_services import WithMemory, served, start
from prunus_services import run as run_part

HEAD = bytes([1, Opcode.INFER]) + bytes(INFER.size)


#: Mostly zeros and few other levels, in runs of any length.
runs = st.lists(st.tuples(st.sampled_from([0, 0, 1, 255]), st.integers(1, 300)), min_size=1)


@settings(deadline=None)
@given(runs, st.integers(2, 300))
def test_parts_of_an_image_are_the_image(pieces: list[tuple[int, int]], most: int) -> None:
    levels = b"".join(bytes([level]) * n for level, n in pieces)
    parts = pack_levels(levels, most)
    unpacked = [unpack_levels(code) for _, code in parts]
    assert b"".join(part or b"?" for part in unpacked) == levels
    assert [first for first, _ in parts] == [
        len(b"".join(part or b"?" for part in unpacked[:k])) for k in range(len(parts))
    ]
    assert all(0 < len(code) <= most for _, code in parts)
    # Nothing is as long as it would be without runs, but for an octet before 128 levels.
    if len(parts) == 1:
        assert len(parts[0][1]) <= len(levels) + -(-len(levels) // 128)


def test_zeros_are_shorter_and_half_a_run_is_none() -> None:
    assert [len(code) for _, code in pack_levels(bytes(784), 234)] == [7]
    # Two zeros among others are no run: it would take the two octets that it saves.
    assert [len(coded(levels)) for levels in (b"\1\0\1", b"\1\0\0\1", b"\1\0\0\0\1")] == [4, 5, 5]
    assert unpack_levels(b"\x02\x01\x02") is None
    assert unpack_levels(b"\xff\x00\x07") == bytes(128) + b"\x07"


@pytest.mark.parametrize("stalled", [False, True])
def test_loader_undoes_runs(stalled: bool) -> None:
    levels = bytes([0, 0, 0, 7, 0, 8]) + bytes(133) + bytes([9])
    code = coded(levels)
    dut = WithMemory(ImageLoader(inputs=len(levels)), HEAD + code)

    async def bench(ctx: Any) -> None:
        part = dut.part
        ctx.set(part.coded, 1)
        for image in (1, 2):
            ctx.set(part.length, len(HEAD) + len(code))
            await start(ctx, part, "check")
            while not ctx.get(part.done):
                await ctx.tick()
            await ctx.tick()
            assert Status(ctx.get(part.status)) is Status.OK
            assert (ctx.get(part.position), ctx.get(part.images)) == (0, image - 1)
            await start(ctx, part)
            got, ready = bytearray(), 1
            while not ctx.get(part.done):
                ready ^= stalled
                ctx.set(part.levels.ready, ready)
                if ctx.get(part.levels.valid) and ready:
                    got.append(ctx.get(part.levels.payload))
                assert not ctx.get(part.octets.valid)
                await ctx.tick()
            await ctx.tick()
            assert bytes(got) == levels
            assert (ctx.get(part.position), ctx.get(part.images)) == (0, image)

    run_part(dut, bench)


@pytest.mark.parametrize(
    ("code", "there", "status"),
    [
        (b"\x85", 0, Status.OK),
        (b"\x83", 2, Status.OK),
        (b"\x84", 2, Status.VALUE),
        (b"\xff" * 3, 0, Status.VALUE),
        (b"\x01\x07\x08", 3, Status.OK),
        (b"\x01\x07\x08", 5, Status.VALUE),
        (b"\x01\x07", 0, Status.VALUE),
        (b"\x80\x00", 0, Status.VALUE),
        (b"\x7f\x00", 0, Status.VALUE),
        (b"\x80\x01\x02\x03\x80", 0, Status.OK),
        (b"\x80\x01\x02\x03\x83", 0, Status.VALUE),
    ],
)
def test_loader_checks_runs_before_it_sends_any(code: bytes, there: int, status: Status) -> None:
    first = bytes([there - 1]) + bytes(range(1, there + 1)) if there else b""
    dut = WithMemory(ImageLoader(inputs=6), HEAD + code)

    async def bench(ctx: Any) -> None:
        part = dut.part
        ctx.set(part.levels.ready, 1)
        if there:
            # As if sent by IMAGE: from octet 4 on, whatever it is.
            ctx.set(part.length, 4 + there)
            await served(ctx, part)
            await ctx.tick()
        ctx.set(part.coded, 1)
        ctx.set(part.length, len(HEAD) + len(code))
        await start(ctx, part, "check")
        while not ctx.get(part.done):
            assert not ctx.get(part.levels.valid)
            await ctx.tick()
        await ctx.tick()
        assert Status(ctx.get(part.status)) is status
        assert ctx.get(part.position) == there

    assert len(first) == there + bool(there)
    run_part(dut, bench)


def test_loader_ends_where_the_request_does() -> None:
    """Also where a run leads beyond it, and further on to its end again."""
    dut = WithMemory(ImageLoader(inputs=300), HEAD + b"\x02\x07")

    async def bench(ctx: Any) -> None:
        ctx.set(dut.part.coded, 1)
        ctx.set(dut.part.length, len(HEAD) + 2)
        await start(ctx, dut.part, "check")
        while not ctx.get(dut.part.done):
            await ctx.tick()
        await ctx.tick()
        assert Status(ctx.get(dut.part.status)) is Status.VALUE

    run_part(dut, bench)


def test_loader_tells_the_position_of_an_image_that_is_not_complete() -> None:
    dut = WithMemory(ImageLoader(inputs=300), HEAD + b"\xff\xfe")

    async def bench(ctx: Any) -> None:
        ctx.set(dut.part.coded, 1)
        ctx.set(dut.part.levels.ready, 1)
        ctx.set(dut.part.length, len(HEAD) + 2)
        body, cycles = await served(ctx, dut.part)
        assert body == offset(255)
        # The octets of two runs, their levels, the end, the position.
        assert cycles == (2 + 128) + (1 + 127) + 1 + 2

    run_part(dut, bench)


def test_decoder_gives_arguments_and_offset() -> None:
    content = bytes([9, Opcode.INFER]) + infer(b"", 0x1234, stop_after=7, flags=2, margin=0xABC)
    dut = WithMemory(RequestDecoder(address_bits=7, last=Opcode.INFER), content)

    async def bench(ctx: Any) -> None:
        await served(ctx, dut.part)
        await ctx.tick()
        request = dut.part.request
        present = request.arguments.present
        assert ctx.get(request.opcode) == Opcode.INFER
        assert (ctx.get(request.offset), ctx.get(request.margin)) == (0x1234, 0xABC)
        assert [ctx.get(present[name]) for name in ("stop_after", "learn", "keep")] == [7, 0, 1]

    run_part(dut, bench)


def test_check_finds_the_first_fault() -> None:
    dut = RequestCheck(
        address_bits=7,
        spaces=(0,),
        readable=(0,),
        source="levels",
        inputs=300,
        first_bytes=1,
        learn=False,
        score_bits=12,
    )

    async def bench(ctx: Any) -> None:
        def status(
            length: int, flags: int = 0, at: int = 0, margin: int = 0, **facts: int
        ) -> Status:
            ctx.set(dut.request.opcode, Opcode.INFER)
            ctx.set(dut.length, length)
            ctx.set(dut.request.arguments.words.count, flags)
            ctx.set(dut.request.margin, margin)
            ctx.set(dut.request.offset, at)
            given = {"running": 0, "known": 0, "room": 1, "position": 0, "images": 0} | facts
            for name, value in given.items():
                ctx.set(getattr(dut, name), value)
            return Status(ctx.get(dut.status))

        assert status(9) is Status.OK
        assert status(9, 2, 299, position=299) is Status.OK
        assert status(8, 4, running=1) is Status.LENGTH
        assert status(9, 4, running=1) is Status.VALUE
        assert status(9, 1, running=1) is Status.VALUE
        assert status(9, margin=1 << 12, running=1) is Status.VALUE
        assert status(9, running=1, images=1) is Status.BUSY
        assert status(9, at=1, images=1) is Status.FULL
        assert status(9, at=1, room=0) is Status.FULL
        assert status(9, at=1) is Status.POSITION
        assert status(9, at=256 + 44, position=44) is Status.POSITION

    run_part(dut, bench)


@pytest.mark.parametrize("result_bits", [8, 41, 240])
@pytest.mark.parametrize("spikes", [0, 1, 90])
def test_report_gives_count_result_and_spikes_that_fit(result_bits: int, spikes: int) -> None:
    end = SPIKES_AT + 3 * spikes
    log = bytes(k * 7 % 256 for k in range(end + 3))
    part = Report(depth=len(log), result_bits=result_bits, first_bits=8)
    dut = WithMemory(part, b"", log)
    facts = Condition(
        running=False, image=False, room=True, result=True, broken=1, position=2, started=0x4321
    ).pack()
    value = (1 << result_bits) - 6
    fit = spikes_beside(result_bits)
    assert (
        2 + (result_bits + 7) // 8 + 3 * fit <= MAX_BODY < 2 + (result_bits + 7) // 8 + 3 * fit + 3
    )
    want = b"\x21\x43" + value.to_bytes((result_bits + 7) // 8, "little")
    want += log[SPIKES_AT : min(end, SPIKES_AT + 3 * fit)]

    async def bench(ctx: Any) -> None:
        ctx.set(part.condition, int.from_bytes(facts, "little"))
        ctx.set(part.result, value)
        ctx.set(part.log_end, end)
        for opcode, body in ((Opcode.INFER, want), (Opcode.STATUS, facts), (Opcode.INFER, want)):
            ctx.set(part.opcode, opcode)
            assert (await served(ctx, part))[0] == body
            await ctx.tick()

    run_part(dut, bench)
