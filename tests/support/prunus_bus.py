"""A core behind a bus in Amaranth's simulator: register accesses, streams, presentations."""

# amaranth: UnusedElaboratable=no

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prunus_core import SHOWS, Show, comparable, events_of, image, run
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presentation import Request
from prunus_model.spec.readout import UNDECIDED
from prunus_rtl.bus.registers import COUNTS, register
from prunus_rtl.bus.system import AxiSystem, WishboneSystem
from prunus_rtl.core.core import Core
from prunus_rtl.core.result import counter_widths, expanded
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.simulator.amaranth import CoreDriver

#: Hash of the networks of these tests.
HASH = bytes(range(32))
SYSTEMS = {"axi": AxiSystem, "wishbone": WishboneSystem}
#: Cycles in which every access is answered.
ANSWERED = 64


def system_of(bus: str, network: NetworkConfig, hardware: HardwareConfig, **contents: Any) -> Any:
    """Return a core behind a bus."""
    return SYSTEMS[bus](core=Core(network=network, hardware=hardware, **contents), network=HASH)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Outcome of a presentation, as a program reads it."""

    spikes: list[tuple[int, int]]
    prediction: int
    undecided: bool
    lead: int
    counts: dict[str, int]


class Bus:
    """A program on the bus of a system; with a generator it dawdles on every channel."""

    def __init__(self, ctx: Any, dut: Any, rng: np.random.Generator | None = None) -> None:
        self.ctx, self.dut, self.rng = ctx, dut, rng

    async def _dawdle(self) -> None:
        while self.rng is not None and self.rng.random() < 0.3:
            await self.ctx.tick()

    async def access(
        self, offset: int, data: int | None = None, strobe: int = 15
    ) -> tuple[int, bool]:
        """Read a register, or write it; return what was read, and whether there was an error."""
        if hasattr(self.dut, "wb_cyc"):
            return await self._wishbone(offset, data, strobe)
        return await self._axi(offset, data, strobe)

    async def _wishbone(self, offset: int, data: int | None, strobe: int) -> tuple[int, bool]:
        ctx, dut = self.ctx, self.dut
        await self._dawdle()
        for name, value in {
            "cyc": 1,
            "stb": 1,
            "adr": offset >> 2,
            "sel": strobe,
            "we": data is not None,
            "dat_w": data or 0,
        }.items():
            ctx.set(getattr(dut, f"wb_{name}"), value)
        for _ in range(ANSWERED):
            *_, ack, err, found = await ctx.tick().sample(dut.wb_ack, dut.wb_err, dut.wb_dat_r)
            if ack or err:
                ctx.set(dut.wb_stb, 0)
                ctx.set(dut.wb_cyc, 0)
                return found, bool(err)
        raise AssertionError(f"access of {offset:#x} must be answered")

    async def _offer(self, channel: str, **payload: int) -> None:
        ctx, dut = self.ctx, self.dut
        await self._dawdle()
        for name, value in payload.items():
            ctx.set(getattr(dut, f"s_axi_{channel}{name}"), value)
        ctx.set(getattr(dut, f"s_axi_{channel}valid"), 1)
        await ctx.tick().until(getattr(dut, f"s_axi_{channel}ready"))
        ctx.set(getattr(dut, f"s_axi_{channel}valid"), 0)

    async def _take(self, channel: str, *names: str) -> list[int]:
        ctx, dut = self.ctx, self.dut
        await self._dawdle()
        ctx.set(getattr(dut, f"s_axi_{channel}ready"), 1)
        valid = getattr(dut, f"s_axi_{channel}valid")
        fields = [getattr(dut, f"s_axi_{channel}{name}") for name in names]
        for _ in range(ANSWERED):
            _, _, there, *values = await ctx.tick().sample(valid, *fields)
            if there:
                ctx.set(getattr(dut, f"s_axi_{channel}ready"), 0)
                return list(values)
        raise AssertionError(f"channel {channel} must answer")

    async def _axi(self, offset: int, data: int | None, strobe: int) -> tuple[int, bool]:
        if data is None:
            await self._offer("ar", addr=offset)
            found, resp = await self._take("r", "data", "resp")
            return found, resp != 0
        halves = [("aw", {"addr": offset}), ("w", {"data": data, "strb": strobe})]
        if self.rng is not None and self.rng.random() < 0.5:
            halves.reverse()
        for channel, payload in halves:
            await self._offer(channel, **payload)
        (resp,) = await self._take("b", "resp")
        return 0, resp != 0

    async def read(self, name: str) -> int:
        """Read a register that can be read."""
        value, error = await self.access(register(name).offset)
        assert not error, name
        return value

    async def write(self, name: str, value: int) -> None:
        """Write a register that can be written."""
        _, error = await self.access(register(name).offset, value)
        assert not error, name

    async def refused(self, name: str, value: int | None = None, **options: int) -> bool:
        """Return whether an access of a register is an error."""
        return (await self.access(register(name).offset, value, **options))[1]

    async def field(self, name: str, field: str) -> int:
        """Read a field of a register."""
        at = register(name).field(field)
        return await self.read(name) >> at.lsb & (1 << at.width) - 1

    async def memory(self, space: int, address: int, data: int | None = None) -> tuple[int, bool]:
        """Read or write a word of the memory port."""
        await self.write("MEMORY_ADDRESS", word("MEMORY_ADDRESS", space=space, address=address))
        return await self.access(register("MEMORY_DATA").offset, data)

    async def start(self, request: Request, **control: int) -> None:
        """Start a presentation."""
        await self.write("MARGIN", request["margin"])
        value = word(
            "CONTROL",
            start=1,
            learn=int(request["learn"]),
            keep=int(request["keep"]),
            stop_after=request["stop_after"],
            **control,
        )
        await self.write("CONTROL", value)

    async def send_levels(self, levels: Any) -> None:
        """Write an image to its register, once there is room for it."""
        while not await self.read("ROOM"):
            pass
        padded = np.pad(levels, (0, -len(levels) % 4), constant_values=255)
        for four in padded.reshape(-1, 4).tolist():
            await self.write("LEVELS", int.from_bytes(bytes(four), "little"))

    async def send_events(self, items: Sequence[tuple[int, bool]]) -> None:
        """Write events to their register as there is room for them."""
        for pre, last in items:
            while not await self.read("ROOM"):
                pass
            await self.write("EVENT", word("EVENT", input=pre, last=last))

    async def send_packet(self, name: str, items: Sequence[tuple[int, bool]]) -> None:
        """Send transfers over a stream."""
        for value, last in items:
            await self._dawdle()
            for part, found in (("tdata", value), ("tlast", last), ("tvalid", 1)):
                self.ctx.set(getattr(self.dut, f"{name}_{part}"), int(found))
            await self.ctx.tick().until(getattr(self.dut, f"{name}_tready"))
            self.ctx.set(getattr(self.dut, f"{name}_tvalid"), 0)

    async def receive_packet(self) -> list[int]:
        """Receive a packet of spikes."""
        found, dut = [], self.dut
        while True:
            await self._dawdle()
            self.ctx.set(dut.m_axis_spikes_tready, 1)
            sampled = self.ctx.tick().sample(dut.m_axis_spikes_tdata, dut.m_axis_spikes_tlast)
            *_, value, last = await sampled.until(dut.m_axis_spikes_tvalid)
            self.ctx.set(dut.m_axis_spikes_tready, 0)
            found.append(value)
            if last:
                return found

    async def finish(self, packet: Sequence[int] | None = None) -> Shown:
        """Wait for the end of a presentation, and read everything."""
        while not await self.field("INTERRUPT_STATUS", "done"):
            pass
        await self.write("INTERRUPT_STATUS", word("INTERRUPT_STATUS", done=1))
        counts = {count: await self.read(name) for count, name in COUNTS.items()}
        if packet is None:
            packet = [await self.read("SPIKE") for _ in range(counts["output_spikes"] + 1)]
        *spikes, end = packet
        shown = Shown(
            spikes=[(spike & 255, spike >> 8) for spike in spikes],
            prediction=await self.field("RESULT", "prediction"),
            undecided=bool(await self.field("RESULT", "undecided")),
            lead=await self.read("LEAD"),
            counts=counts,
        )
        assert end == 1 << 31 | shown.undecided << 30 | shown.prediction
        return shown


def word(name: str, **fields: int) -> int:
    """Return what to write to a register."""
    return sum(int(value) << register(name).field(field).lsb for field, value in fields.items())


def items_of(events: Sequence[Sequence[int]], steps: int) -> list[tuple[int, bool]]:
    """Return the events of a presentation: input and whether a step ends, for each of its steps."""
    found: list[tuple[int, bool]] = []
    for step in range(steps):
        pres = sorted(events[step]) if step < len(events) else []
        found += [(pre, False) for pre in pres[:-1]]
        found.append((pres[-1] if pres else 0xFFFF, True))
    return found


class StatePort(CoreDriver):
    """Every state variable through the registers of the memory port."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus.ctx, bus.dut.core)
        self._bus = bus

    async def access(self, space: int, address: int, data: int | None = None) -> tuple[int, bool]:
        """Read a word, or write ``data``; return the word read, and whether there was an error."""
        return await self._bus.memory(space, address, data)


def compare_over_bus(
    dut: Any,
    network: Network,
    shows: Sequence[Show] = SHOWS,
    *,
    stream: bool = False,
    stalls: bool = False,
    seed: int = 0,
) -> None:
    """Show stimuli to a core behind a bus and to the model, and compare everything after each."""
    core = dut.core
    config, hardware = core.network, core.hardware
    rng, *rngs = np.random.default_rng(seed).spawn(4)
    by_levels = hardware.source == "levels"
    stimuli: list[Any] = [
        image(rng, config.image_levels) if by_levels else events_of(rng, config) for _ in shows
    ]
    packets: list[list[int]] = []

    def packet_of(stimulus: Any) -> list[tuple[int, bool]]:
        if by_levels:
            return [(level, k == len(stimulus) - 1) for k, level in enumerate(stimulus.tolist())]
        return items_of(stimulus, config.encoder.steps)

    async def feed(ctx: Any) -> None:
        bus = Bus(ctx, dut, rngs[1] if stalls else None)
        for stimulus in stimuli:
            await bus.send_packet(f"s_axis_{hardware.source}", packet_of(stimulus))

    async def take(ctx: Any) -> None:
        bus = Bus(ctx, dut, rngs[2] if stalls else None)
        for _ in shows:
            packets.append(await bus.receive_packet())

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut, rngs[0] if stalls else None)
        control = {"input_stream": int(stream), "spike_stream": int(stream)}
        if stream:
            await bus.write("CONTROL", word("CONTROL", **control))
        for k, (show, stimulus) in enumerate(zip(shows, stimuli, strict=True)):
            if not stream and by_levels:
                await bus.send_levels(stimulus)
            await bus.start(show.request, **control)
            if not stream and not by_levels:
                await bus.send_events(packet_of(stimulus))
            while stream and len(packets) == k:
                await ctx.tick()
            shown = await bus.finish(packets[k] if stream else None)
            want = (
                network.present(stimulus, **show.request)
                if by_levels
                else network.present_events(stimulus, **show.request)
            )
            fired = list(zip(want.spike_steps.tolist(), want.spike_posts.tolist(), strict=True))
            assert shown.spikes == fired, k
            counts = {
                name: value
                for name, value in shown.counts.items()
                if name in counter_widths(core.shapes)
            }
            assert all(not shown.counts[name] for name in shown.counts.keys() - counts.keys())
            assert expanded(counts, config, hardware, learn=show.learn) == want.counters, k
            elected = UNDECIDED if shown.undecided else shown.prediction
            assert (elected, shown.lead) == (want.prediction, want.lead), k
            assert await bus.read("STARTED") == k + 1
        state = await StatePort(bus).read_state()
        assert comparable(network.state, core).differences(state) == []
        assert await bus.read("ERROR") == 0

    run(dut, bench, *((feed, take) if stream else ()), cycles=400_000)
