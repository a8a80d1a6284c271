"""Start of presentations behind a bus: it waits for its input, or is withdrawn."""

from typing import Any

import pytest
from amaranth.lib import data

from prunus_rtl.bus.presenter import BusPresenter
from prunus_sim.simulator.amaranth import simulate

CONTROL = data.StructLayout({"stop_after": 8, "keep": 1})
RESULT = data.StructLayout({"prediction": 4})
FLAGS = ("waiting", "busy", "running", "known")


def _flags(ctx: Any, dut: BusPresenter) -> dict[str, int]:
    return {name: ctx.get(getattr(dut, name)) for name in FLAGS}


async def _pulse(ctx: Any, signal: Any) -> None:
    ctx.set(signal, 1)
    await ctx.tick()
    ctx.set(signal, 0)


@pytest.mark.parametrize("wait", [0, 3])
def test_a_presentation_from_its_start_to_its_result(wait: int) -> None:
    dut = BusPresenter(control=CONTROL, result=RESULT)

    async def bench(ctx: Any) -> None:
        for known in (0, 1):
            assert _flags(ctx, dut) == {"waiting": 0, "busy": 0, "running": 0, "known": known}
            ctx.set(dut.request, {"stop_after": 7, "keep": 1})
            await _pulse(ctx, dut.start)
            ctx.set(dut.request, {"stop_after": 0, "keep": 0})
            for _ in range(wait):
                assert _flags(ctx, dut) == {"waiting": 1, "busy": 1, "running": 0, "known": known}
                assert not ctx.get(dut.control.valid)
                await ctx.tick()
            await _pulse(ctx, dut.ready)
            # Offered, and not withdrawn any more.
            for _ in range(3):
                assert _flags(ctx, dut) == {"waiting": 0, "busy": 1, "running": 0, "known": known}
                assert ctx.get(dut.control.valid)
                assert ctx.get(dut.control.payload) == CONTROL.const({"stop_after": 7, "keep": 1})
                ctx.set(dut.withdraw, 1)
                assert not ctx.get(dut.withdrawn)
                assert not ctx.get(dut.began)
                await ctx.tick()
                ctx.set(dut.withdraw, 0)
            ctx.set(dut.control.ready, 1)
            assert ctx.get(dut.began)
            await ctx.tick()
            ctx.set(dut.control.ready, 0)
            assert _flags(ctx, dut) == {"waiting": 0, "busy": 1, "running": 1, "known": 0}
            assert not ctx.get(dut.control.valid)
            ctx.set(dut.hold, 1)
            ctx.set(dut.result.valid, 1)
            await ctx.tick().repeat(2)
            assert not ctx.get(dut.done)
            ctx.set(dut.hold, 0)
            assert ctx.get(dut.result.ready)
            assert ctx.get(dut.done)
            await ctx.tick()
            ctx.set(dut.result.valid, 0)
        assert _flags(ctx, dut) == {"waiting": 0, "busy": 0, "running": 0, "known": 1}

    simulate(dut, bench)


def test_a_start_that_waits_can_be_withdrawn_unless_its_input_comes() -> None:
    dut = BusPresenter(control=CONTROL, result=RESULT)

    async def bench(ctx: Any) -> None:
        await _pulse(ctx, dut.withdraw)
        await _pulse(ctx, dut.start)
        ctx.set(dut.withdraw, 1)
        assert ctx.get(dut.withdrawn)
        await ctx.tick()
        ctx.set(dut.withdraw, 0)
        assert _flags(ctx, dut) == dict.fromkeys(FLAGS, 0)
        await _pulse(ctx, dut.start)
        ctx.set(dut.ready, 1)
        ctx.set(dut.withdraw, 1)
        assert not ctx.get(dut.withdrawn)
        await ctx.tick()
        assert ctx.get(dut.control.valid)

    simulate(dut, bench)
