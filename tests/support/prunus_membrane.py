"""Membranes of a core in a simulation: sweeps, and the access of the memory port."""

from typing import Any


async def strobe(ctx: Any, dut: Any, name: str) -> int:
    """Start a sweep of membranes, wait for its end, and return the cycles to ``done``."""
    ctx.set(getattr(dut, name), 1)
    await ctx.tick()
    ctx.set(getattr(dut, name), 0)
    cycles = 1
    while not ctx.get(dut.done):
        assert not ctx.get(dut.idle)
        await ctx.tick()
        cycles += 1
        assert cycles < 200
    return cycles


async def access(ctx: Any, port: Any, post: int, data: int | None = None) -> int:
    """Read, or write, the word of a neuron; return what the port gives."""
    ctx.set(port.address, post)
    ctx.set(port.write, data is not None)
    ctx.set(port.data, data or 0)
    ctx.set(port.strobe, 1)
    await ctx.tick()
    ctx.set(port.strobe, 0)
    for _ in range(20):
        if ctx.get(port.done):
            value = int(ctx.get(port.value))
            await ctx.tick()
            return value
        await ctx.tick()
    raise AssertionError("Access was never done")
