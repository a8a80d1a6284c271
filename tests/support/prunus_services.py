"""A part of the endpoint beside a memory that holds a request, and one with the log."""

# amaranth: UnusedElaboratable=no

from collections.abc import Callable, Coroutine
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.readout import ReadoutParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions, Ram
from prunus_rtl.link.endpoint.log import SPIKES_AT
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

    def elaborate(self, _platform: Any) -> Module:
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
            m.d.sync += part.log_data.eq(log.read_data)
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
