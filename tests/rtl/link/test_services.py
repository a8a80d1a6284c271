"""Parts of the endpoint on their own: what each tells, and how long it takes."""

# amaranth: UnusedElaboratable=no

from typing import Any

import pytest

from prunus_rtl.core.core import result_layout
from prunus_rtl.core.result import counter_widths, pack, result_widths, unpack
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.link.endpoint.image import ImageLoader
from prunus_rtl.link.endpoint.log import SPIKES_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.endpoint.presenter import Presenter
from prunus_rtl.link.endpoint.report import Report
from prunus_rtl.link.protocol.protocol import Opcode
from prunus_rtl.link.protocol.records import Condition
from prunus_rtl.shapes import Shapes
from prunus_services import SHAPES, WithMemory, run, served, start


def test_pointer_is_valid_from_the_second_cycle_of_an_address_on() -> None:
    dut = ReadPointer(end=100, stride=3)

    async def bench(ctx: Any) -> None:
        seen = []
        for load, advance, stride in ((1, 0, 1), (0, 0, 1), (0, 1, 3), (0, 0, 1), (1, 1, 1)):
            ctx.set(dut.load, load)
            ctx.set(dut.target, 40)
            ctx.set(dut.advance, advance)
            ctx.set(dut.stride, stride)
            await ctx.tick()
            seen.append((ctx.get(dut.address), ctx.get(dut.valid)))
        assert seen == [(40, 0), (40, 1), (43, 0), (43, 1), (40, 0)]

    run(dut, bench)


def test_image_loader_counts_levels_and_images() -> None:
    levels = bytes([7, 0, 255, 8, 9, 10])
    dut = WithMemory(ImageLoader(inputs=6), bytes([1, Opcode.IMAGE, 0, 0]) + levels)

    async def bench(ctx: Any) -> None:
        part = dut.part
        ctx.set(part.levels.ready, 1)
        for k, (count, position, images) in enumerate(((2, 2, 0), (4, 0, 1), (6, 0, 2))):
            ctx.set(part.length, 4 + count)
            ctx.set(part.octets.ready, 1)
            await start(ctx, part)
            got, body = [], bytearray()
            while not ctx.get(part.done):
                if ctx.get(part.levels.valid):
                    got.append(ctx.get(part.levels.payload))
                if ctx.get(part.octets.valid):
                    body.append(ctx.get(part.octets.payload))
                await ctx.tick()
            body.append(ctx.get(part.octets.payload))
            await ctx.tick()
            assert (k, bytes(got)) == (k, levels[:count])
            assert bytes(body) == bytes([position, 0])
            assert (ctx.get(part.position), ctx.get(part.images)) == (position, images)
        await start(ctx, part, "present")
        assert ctx.get(part.images) == 1
        await start(ctx, part, "clear")
        assert (ctx.get(part.position), ctx.get(part.images)) == (0, 0)

    run(dut, bench)


def test_presenter_knows_what_runs() -> None:
    dut = Presenter(
        control=SHAPES.control,
        result=result_layout(SHAPES),
    )

    async def bench(ctx: Any) -> None:
        def facts() -> tuple[int, ...]:
            return tuple(ctx.get(signal) for signal in (dut.running, dut.known, dut.started))

        want = {"stop_after": 5, "margin": 77, "keep": 1, "learn": 1}
        for name, value in want.items():
            ctx.set(getattr(dut, name), value)
        await start(ctx, dut)
        for _ in range(3):
            assert (ctx.get(dut.control.valid), ctx.get(dut.done)) == (1, 0)
            assert {name: ctx.get(dut.control.p[name]) for name in want} == want
            await ctx.tick()
        assert facts() == (0, 0, 0)
        ctx.set(dut.control.ready, 1)
        assert ctx.get(dut.done) == 1
        await ctx.tick()
        assert (ctx.get(dut.control.valid), *facts()) == (0, 1, 0, 1)
        ctx.set(dut.result.valid, 1)
        ctx.set(dut.hold, 1)
        await ctx.tick()
        assert facts() == (1, 0, 1)
        ctx.set(dut.hold, 0)
        await ctx.tick()
        ctx.set(dut.result.valid, 0)
        assert facts() == (0, 1, 1)
        await start(ctx, dut, "clear")
        assert facts() == (0, 0, 1)

    run(dut, bench)


@pytest.mark.parametrize(
    ("first", "spikes"),
    [(0, 3), (1, 3), (2, 3), (3, 3), (4, 3), (255, 3), (256, 300), (297, 300), (1000, 300)],
)
def test_report_gives_spikes_from_any_on(first: int, spikes: int) -> None:
    end = SPIKES_AT + 3 * spikes
    log = bytes(k * 7 % 256 for k in range(end + 3))
    part = Report(depth=len(log), result_bits=20, first_bits=8 if spikes == 3 else 16)
    dut = WithMemory(part, b"", log)

    async def bench(ctx: Any) -> None:
        ctx.set(part.log_end, end)
        ctx.set(part.first, first)
        for opcode, body in (
            (Opcode.SPIKES, log[min(end, SPIKES_AT + 3 * first) : end]),
            (Opcode.IDENTIFY, log[:64]),
        ):
            ctx.set(part.opcode, opcode)
            assert (await served(ctx, part))[0] == body
            await ctx.tick()

    run(dut, bench)


@pytest.mark.parametrize("result_bits", [1, 8, 9, 24])
def test_report_gives_registers(result_bits: int) -> None:
    part = Report(depth=90, result_bits=result_bits, first_bits=8)
    dut = WithMemory(part, b"")
    condition = Condition(
        running=True, image=False, room=True, result=True, broken=515, position=70, started=1000
    ).pack()
    value = 0xABCDEF & (1 << result_bits) - 1
    result = value.to_bytes((result_bits + 7) // 8, "little")

    async def bench(ctx: Any) -> None:
        ctx.set(part.condition, int.from_bytes(condition, "little"))
        ctx.set(part.result, value)
        for opcode, body in ((Opcode.STATUS, condition), (Opcode.RESULT, result)) * 2:
            ctx.set(part.opcode, opcode)
            got, cycles = await served(ctx, part)
            assert (got, cycles) == (body, len(body))
            await ctx.tick()

    run(dut, bench)


@pytest.mark.parametrize("learn", [False, True])
def test_result_is_packed_as_the_layout_of_the_core(learn: bool) -> None:
    shapes = Shapes(network=SHAPES.network, hardware=HardwareConfig(lanes=2, learn=learn))
    layout, fields = result_layout(shapes), result_widths(shapes)
    assert sum(fields.values()) == layout.size
    values = {name: (1 << bits) - 1 - (k % 2) for k, (name, bits) in enumerate(fields.items())}
    counts = {name: values[name] for name in counter_widths(shapes)}
    heads = {name: values[name] for name in ("prediction", "undecided", "lead")}
    word = layout.const(heads | {"counters": counts}).as_bits()
    assert pack(fields, values) == word
    assert unpack(fields, word) == values
