"""INFER: image in, result and output spikes out, and the queue in front of it."""

# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_endpoint import IDENTITY, IMAGE, condition, model, offset, run
from prunus_infer import coded, infer
from prunus_link import Host, framed, unframed
from prunus_rtl.hardware import Space
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.protocol.protocol import (
    PRESENT,
    READ_WRITE,
    STARTED,
    Opcode,
    Status,
)
from prunus_rtl.link.protocol.records import Condition
from prunus_services import SHAPES
from prunus_services import run as run_part


async def asked(host: Host) -> bytes:
    """Ask for count, result and spikes of the last presentation, one after the other."""
    started = STARTED.pack((await condition(host)).started)
    return started + await host.do(Opcode.RESULT) + await host.do(Opcode.SPIKES, b"\0")


@pytest.mark.parametrize(
    ("flags", "stop_after", "stalls"), [(0, 0, False), (0, 1, True), (1, 0, True), (1, 1, False)]
)
def test_image_in_and_result_out(flags: int, stop_after: int, stalls: bool) -> None:
    expected = model()

    async def bench(host: Host) -> None:
        for _ in range(2):
            body = infer(coded(IMAGE), stop_after=stop_after, flags=flags)
            got = await host.do(Opcode.INFER, body)
            shown = expected.present(
                np.frombuffer(IMAGE, np.uint8), learn=bool(flags), stop_after=stop_after
            )
            spikes = [
                (got[k], got[k + 1])
                for k in range(len(got) - 3 * len(shown.spike_steps), len(got), 3)
            ]
            assert [step for step, _ in spikes] == shown.spike_steps.tolist()
            assert [post for _, post in spikes] == shown.spike_posts.tolist()
            assert len(shown.spike_steps) > 0
            assert got == await asked(host)
            assert not (await condition(host)).image

    run(bench, rng=np.random.default_rng(1) if stalls else None)


def test_image_in_parts_by_either_request() -> None:
    async def bench(host: Host) -> None:
        whole = await host.do(Opcode.INFER, infer(coded(IMAGE)))
        await host.do(Opcode.RESET)
        assert await host.do(Opcode.INFER, infer(coded(IMAGE[:4]))) == offset(4)
        assert (await condition(host)).position == 4
        assert await host.do(Opcode.IMAGE, offset(4) + IMAGE[4:7]) == offset(7)
        parts = await host.do(Opcode.INFER, infer(coded(IMAGE[7:]), 7))
        assert parts[2:] == whole[2:]
        assert parts[:2] == STARTED.pack(2)
        # And an image by IMAGE is completed, but not shown.
        assert await host.do(Opcode.IMAGE, offset(0) + IMAGE) == offset(0)
        assert (await condition(host)).image

    run(bench)


def test_what_is_refused_changes_nothing() -> None:
    async def bench(host: Host) -> None:
        async def status(body: bytes) -> Status:
            before = await condition(host)
            found, content = await host.request(Opcode.INFER, body)
            assert content == b""
            assert await condition(host) == before
            return found

        whole = coded(IMAGE)
        assert await status(infer(b"")) is Status.LENGTH
        assert await status(infer(whole, flags=4)) is Status.VALUE
        assert await status(infer(whole, 1)) is Status.POSITION
        assert await status(infer(coded(IMAGE + b"\1"))) is Status.VALUE
        assert await status(infer(whole[:-1])) is Status.VALUE
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        assert await status(infer(whole)) is Status.FULL
        await host.do(Opcode.PRESENT, PRESENT.pack(0, 0, 0))
        found, _ = await host.request(Opcode.INFER, infer(whole))
        assert found is Status.BUSY
        while (await condition(host)).running:
            pass
        got = await host.do(Opcode.INFER, infer(whole))
        assert got == await asked(host)
        assert got[:2] == STARTED.pack(2)

    run(bench)


def test_repeated_request_is_answered_again_and_carried_out_once() -> None:
    async def bench(host: Host) -> None:
        frame = framed(bytes([77, Opcode.INFER]) + infer(coded(IMAGE)))
        (first,) = unframed(await host.octets(frame, frames=1))
        (second,) = unframed(await host.octets(frame, frames=1))
        assert first == second
        assert (await condition(host)).started == 1

    run(bench)


def test_requests_that_come_while_an_image_is_shown_are_answered_in_order() -> None:
    async def bench(host: Host) -> None:
        bodies = [
            bytes([3, Opcode.INFER]) + infer(coded(IMAGE)),
            bytes([4, Opcode.INFER]) + infer(coded(IMAGE[::-1])),
            bytes([5, Opcode.STATUS]),
            bytes([6, Opcode.RESET]),
            bytes([7, Opcode.READ]) + READ_WRITE.pack(Space.PRESENTATION, 1, 0),
        ]
        got = unframed(await host.octets(b"".join(map(framed, bodies)), frames=len(bodies)))
        assert [answer[:3] for answer in got] == [body[:2] + b"\0" for body in bodies]
        assert [answer[3:5] for answer in got[:2]] == [STARTED.pack(1), STARTED.pack(2)]
        assert Condition.unpack(got[2][3:]).started == 2

    run(bench)


class LateCore(wiring.Component):
    """An endpoint whose core begins in its own time, and tells how many it has begun."""

    def __init__(self) -> None:
        octets = stream.Signature(8)
        super().__init__({"rx": In(octets), "tx": Out(octets)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.submodules.endpoint = endpoint = Endpoint(shapes=SHAPES, identity=IDENTITY)
        wiring.connect(m, wiring.flipped(self.rx), endpoint.rx)
        wiring.connect(m, wiring.flipped(self.tx), endpoint.tx)
        begun = Signal(8)
        wait = Signal(6)
        m.d.comb += [
            endpoint.levels.ready.eq(1),
            endpoint.control.ready.eq(wait == 40),
            endpoint.result.valid.eq(wait == 20),
            endpoint.result.payload.as_value().eq(begun),
        ]
        with m.If((wait != 0) & (wait != 20)):
            m.d.sync += wait.eq(wait - 1)
        with m.If((wait == 0) & endpoint.control.valid):
            m.d.sync += wait.eq(63)
        with m.If(endpoint.control.valid & endpoint.control.ready):
            m.d.sync += begun.eq(begun + 1)
        with m.If(endpoint.result.valid & endpoint.result.ready):
            m.d.sync += wait.eq(19)
        return m


def test_answer_is_of_this_image_however_late_the_core_begins() -> None:
    dut = LateCore()

    async def bench(ctx: Any) -> None:
        host = Host(ctx, dut)
        for image in (1, 2, 3):
            got = await host.do(Opcode.INFER, infer(coded(bytes(range(1, 7)))))
            assert got[:2] == STARTED.pack(image)
            assert got[2] == image

    run_part(dut, bench)


def test_queue_holds_what_it_says_and_loses_nothing() -> None:
    dut = ReceiveQueue(depth=8)
    octets = list(range(100, 130))

    async def bench(ctx: Any) -> None:
        taken: list[int] = []
        todo = list(octets)
        accepted = 0
        for cycle in range(200):
            # Nothing is taken at first; then at every other pace.
            ready = cycle > 40 and cycle % (1 + cycle // 60) == 0
            ctx.set(dut.i.valid, bool(todo))
            ctx.set(dut.i.payload, todo[0] if todo else 0)
            ctx.set(dut.o.ready, ready)
            went_in = bool(todo) and ctx.get(dut.i.ready)
            if ctx.get(dut.o.valid) and ready:
                taken.append(ctx.get(dut.o.payload))
            if cycle == 40:
                accepted = len(octets) - len(todo)
            await ctx.tick()
            if went_in:
                del todo[0]
        # The queue, and the register behind it.
        assert accepted == 9
        assert taken == octets

    run_part(dut, bench)
