# amaranth: UnusedElaboratable=no
"""Parts of the endpoint on their own: what each tells, and how long it takes."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import EncoderParams, NetworkConfig, ReadoutParams
from prunus_rtl.core.core import control_layout, result_layout
from prunus_rtl.core.result import counter_widths, pack, result_widths, unpack
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions, Ram
from prunus_rtl.link.endpoint.check import RequestCheck
from prunus_rtl.link.endpoint.decoder import RequestDecoder
from prunus_rtl.link.endpoint.duplicate import DuplicateCheck
from prunus_rtl.link.endpoint.image import ImageLoader
from prunus_rtl.link.endpoint.log import LAST_AT, SPIKES_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.endpoint.presenter import Presenter
from prunus_rtl.link.endpoint.report import Report
from prunus_rtl.link.protocol.protocol import READ_WRITE, Condition, Opcode, Status
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import simulate

SHAPES = Shapes(
    network=NetworkConfig(
        inputs=6, neurons=4, encoder=EncoderParams(steps=4), readout=ReadoutParams(classes=2)
    ),
    hardware=HardwareConfig(lanes=1),
)


class WithMemory(wiring.Component):
    """A part beside the memory of a request, and one that stands for the log RAM."""

    def __init__(self, part: Any, request: bytes, log: bytes = bytes(SPIKES_AT)) -> None:
        self.part = part
        self.request = Ram(shape=8, depth=256, init=list(request))
        self.log = Ram(shape=8, depth=len(log), init=list(log))
        super().__init__({"write_ready": In(1, init=1), "read": In(range(256)), "value": Out(8)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.part = part = self.part
        m.submodules.request = request = self.request
        m.submodules.log = log = self.log
        m.d.comb += [request.read.eq(1), log.read.eq(1), self.value.eq(log.read_data)]
        if hasattr(part, "octet_address"):
            m.d.comb += [
                request.read_address.eq(part.octet_address),
                part.octet.eq(request.read_data),
            ]
        m.d.comb += log.read_address.eq(self.read)
        if hasattr(part, "log_address"):
            with m.If(self.read == 0):
                m.d.comb += log.read_address.eq(part.log_address)
            m.d.comb += part.log_data.eq(log.read_data)
        if hasattr(part, "write"):
            m.d.comb += [
                part.write_ready.eq(self.write_ready),
                log.write.eq(part.write & self.write_ready),
                log.write_address.eq(part.write_address),
                log.write_data.eq(part.write_data),
            ]
        return m


def run(dut: Any, bench: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    simulate(dut, bench, platform=Collisions(), cycles=10_000)


async def start(ctx: Any, part: Any, name: str = "start") -> None:
    ctx.set(getattr(part, name), 1)
    await ctx.tick()
    ctx.set(getattr(part, name), 0)


async def served(ctx: Any, part: Any, *, octets: bool = True) -> tuple[bytes, int]:
    """Start a part; return its octets, all taken at once, and the cycles from start to done."""
    if octets:
        ctx.set(part.octets.ready, 1)
    await start(ctx, part)
    taken, cycles = bytearray(), 1
    while not ctx.get(part.done):
        if octets and ctx.get(part.octets.valid):
            taken.append(ctx.get(part.octets.payload))
        await ctx.tick()
        cycles += 1
        assert cycles < 2000
    if octets and ctx.get(part.octets.valid):
        taken.append(ctx.get(part.octets.payload))
    return bytes(taken), cycles


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
        log[LAST_AT + change] ^= 0x10
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
                if cycles == 2 + stalls:
                    ctx.set(dut.write_ready, 1)
                await ctx.tick()
                cycles += 1
            assert cycles == 11 + stalls
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
        RequestDecoder(address_bits=address_bits),
        bytes([200, Opcode.READ]) + READ_WRITE.pack(7, 33, base),
    )

    async def bench(ctx: Any) -> None:
        head, cycles = await served(ctx, dut.part)
        assert (head, cycles) == (bytes([200, Opcode.READ]), 16)
        await ctx.tick()
        request = dut.part.request
        words = request.arguments.words
        assert ctx.get(request.opcode) == Opcode.READ
        assert (ctx.get(words.space), ctx.get(words.count)) == (7, 33)
        assert (ctx.get(request.base), ctx.get(request.beyond)) == (base, 0)
        assert ctx.get(request.arguments.image.offset) == 33 << 8 | 7
        assert ctx.get(request.arguments.present.learn) == 33

    run(dut, bench)


def test_decoder_forgets_that_an_address_was_beyond() -> None:
    dut = RequestDecoder(address_bits=7)

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
        dut = WithMemory(RequestDecoder(address_bits=7), content)

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


def test_check_finds_the_first_fault() -> None:
    dut = RequestCheck(address_bits=7, spaces=(0, 4), inputs=6, learn=True)

    async def bench(ctx: Any) -> None:
        def status(opcode: int, length: int, low: int = 0, high: int = 0, **facts: int) -> Status:
            ctx.set(dut.request.opcode, opcode)
            ctx.set(dut.length, length)
            ctx.set(dut.request.arguments.words.space, low)
            ctx.set(dut.request.arguments.words.count, high)
            given = {"running": 0, "known": 0, "room": 1, "position": 0, "images": 0} | facts
            for name, value in given.items():
                ctx.set(getattr(dut, name), value)
            return Status(ctx.get(dut.status))

        assert status(0, 2) is Status.OPCODE
        assert status(Opcode.STATUS, 2, running=1) is Status.OK
        assert status(Opcode.STATUS, 3) is Status.LENGTH
        assert status(Opcode.READ, 9, 1, 0, running=1) is Status.LENGTH
        assert status(Opcode.READ, 8, 1, 0, running=1) is Status.ADDRESS
        assert status(Opcode.READ, 8, 4, 0, running=1) is Status.VALUE
        assert status(Opcode.READ, 8, 4, 1, running=1) is Status.BUSY
        assert status(Opcode.WRITE, 9, 15, 1, running=1) is Status.OK
        assert status(Opcode.IMAGE, 10, 0, 0, room=0) is Status.FULL
        assert status(Opcode.IMAGE, 10, 1, 0) is Status.POSITION
        assert status(Opcode.IMAGE, 10, 1, 0, position=1) is Status.VALUE
        assert status(Opcode.IMAGE, 9, 1, 0, position=1) is Status.OK
        assert status(Opcode.PRESENT, 4, 0, 2, running=1) is Status.VALUE
        assert status(Opcode.PRESENT, 4, 0, 1, running=1) is Status.BUSY
        assert status(Opcode.PRESENT, 4, 0, 1) is Status.NO_IMAGE
        assert status(Opcode.PRESENT, 4, 0, 1, images=2) is Status.OK
        assert status(Opcode.RESULT, 2, running=1, known=1) is Status.BUSY
        assert status(Opcode.SPIKES, 3) is Status.NO_RESULT
        assert status(Opcode.SPIKES, 3, known=1) is Status.OK

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
    dut = Presenter(control=control_layout(SHAPES), result=result_layout(SHAPES))

    async def bench(ctx: Any) -> None:
        def facts() -> tuple[int, ...]:
            return tuple(ctx.get(signal) for signal in (dut.running, dut.known, dut.started))

        ctx.set(dut.stop_after, 5)
        ctx.set(dut.learn, 1)
        await start(ctx, dut)
        for _ in range(3):
            assert (ctx.get(dut.control.valid), ctx.get(dut.done)) == (1, 0)
            assert (ctx.get(dut.control.p.stop_after), ctx.get(dut.control.p.learn)) == (5, 1)
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


@pytest.mark.parametrize("first", [0, 1, 2, 3, 4, 255])
def test_report_gives_spikes_from_any_on(first: int) -> None:
    log = bytes(k * 7 % 256 for k in range(SPIKES_AT + 12))
    end = SPIKES_AT + 9
    part = Report(depth=len(log), result_bits=20)
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
    part = Report(depth=90, result_bits=result_bits)
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
    heads = {name: values[name] for name in ("prediction", "undecided")}
    word = layout.const(heads | {"counters": counts}).as_bits()
    assert pack(fields, values) == word
    assert unpack(fields, word) == values
