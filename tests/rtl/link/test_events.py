"""Events over the link: what is taken, what is refused, and that nothing is lost."""

# amaranth: UnusedElaboratable=no

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_endpoint import IDENTITY, NETWORK, Behind, condition, model, offset, run
from prunus_link import Host
from prunus_model.spec.config import NetworkConfig
from prunus_rtl.core.core import Core, result_layout
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.protocol.items import END_OF_STEP, pack_items
from prunus_rtl.link.protocol.protocol import MAX_BODY, PRESENT, READ_WRITE, Opcode, Status
from prunus_rtl.shapes import Shapes

INPUTS, STEPS = NETWORK.inputs, NETWORK.encoder.steps
END = struct.pack("<H", END_OF_STEP)


def drawn(seed: int, *, chance: float = 0.6) -> list[list[int]]:
    """Events of a presentation."""
    rng = np.random.default_rng(seed)
    return [np.flatnonzero(rng.random(INPUTS) < chance).tolist() for _ in range(STEPS)]


def parts(events: Sequence[Sequence[int]], items: int) -> Iterator[tuple[int, bytes]]:
    """Cut events into bodies, anywhere; yield where each begins, too."""
    content = pack_items(events)
    for at in range(0, len(content), 2 * items):
        yield at // 2, content[at : at + 2 * items]


def behind(network: NetworkConfig = NETWORK, *, learn: bool = True) -> Behind:
    hardware = HardwareConfig(lanes=1, learn=learn, source="events")
    return Behind(Core(network=network, hardware=hardware, state=model(network).state))


async def send(
    host: Host, events: Sequence[Sequence[int]], *, items: int = 119, skip: int = 0
) -> int:
    """Send events, each part until it is taken; return how often there was no room."""
    full, total = 0, len(pack_items(events)) // 2
    for at, content in list(parts(events, items))[skip:]:
        while True:
            status, body = await host.request(Opcode.EVENTS, offset(at) + content)
            if status is Status.OK:
                break
            assert (status, body) == (Status.FULL, b"")
            full += 1
        assert body == offset((at + len(content) // 2) % total)
    return full


async def outcome(host: Host) -> tuple[int, list[tuple[int, int]]]:
    """Wait for the end; return the word of the result, and the output spikes."""
    while (await condition(host)).running:
        pass
    spikes = await host.do(Opcode.SPIKES, b"\0")
    return int.from_bytes(await host.do(Opcode.RESULT), "little"), list(
        struct.iter_unpack("<BH", spikes)
    )


DEAF = replace(NETWORK, encoder=replace(NETWORK.encoder, refractory_steps=2))


@pytest.mark.parametrize(
    ("network", "items"), [(NETWORK, 7), (DEAF, 119)], ids=["plain", "refractory"]
)
def test_presentations_are_those_of_the_reference(network: NetworkConfig, items: int) -> None:
    """Learning, early exit and sequential test, sent before and while they are shown."""
    dut = behind(network)
    layout = result_layout(dut.core.shapes)
    judge = model(network)

    async def bench(host: Host) -> None:
        for k, (stop_after, flags, margin) in enumerate(((0, 1, 0), (1, 0, 0), (0, 3, 0))):
            events = drawn(k, chance=0.4)
            if k == 1:
                first = next(parts(events, items))[1]
                await host.do(Opcode.EVENTS, offset(0) + first)
                assert (await condition(host)).image
            await host.do(Opcode.PRESENT, PRESENT.pack(stop_after, flags, margin))
            await send(host, events, items=items, skip=k == 1)
            word, spikes = await outcome(host)
            shown = judge.present_events(
                events,
                learn=bool(flags & 1),
                stop_after=stop_after,
                margin=margin,
                keep=bool(flags & 2),
            )
            pairs = zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True)
            assert spikes == list(pairs)
            counters = layout.from_bits(word)["counters"]
            for name in ("steps", "input_spikes", "integrated_spikes", "output_spikes"):
                assert counters[name] == getattr(shown.counters, name), name
            now = await condition(host)
            assert (now.image, now.room, now.position, now.started) == (False, True, 0, k + 1)
        theta = await host.do(Opcode.READ, READ_WRITE.pack(Space.THETA, 5, 0))
        assert [
            int.from_bytes(theta[j : j + 3], "little") for j in range(0, 15, 3)
        ] == judge.state.theta.tolist()

    run(bench, dut, rng=np.random.default_rng(3) if items == 7 else None, cycles=1_000_000)


class Taker(wiring.Component):
    """An endpoint whose core takes an event every `gap` cycles, and adds up what it takes."""

    def __init__(self, *, steps: int = STEPS) -> None:
        octets = stream.Signature(8)
        network = replace(NETWORK, encoder=replace(NETWORK.encoder, steps=steps))
        hardware = HardwareConfig(lanes=1, learn=False, source="events")
        shapes = Shapes(network=network, hardware=hardware)
        self.endpoint = Endpoint(shapes=shapes, identity=IDENTITY)
        super().__init__(
            {"rx": In(octets), "tx": Out(octets), "gap": In(16), "taken": Out(16), "sum": Out(32)}
        )

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.submodules.endpoint = endpoint = self.endpoint
        wiring.connect(m, wiring.flipped(self.rx), endpoint.rx)
        wiring.connect(m, wiring.flipped(self.tx), endpoint.tx)
        passed = Signal(16)
        events = endpoint.events
        m.d.comb += [events.ready.eq(passed >= self.gap), endpoint.control.ready.eq(1)]
        m.d.sync += passed.eq(passed + ~events.ready)
        with m.If(events.valid & events.ready):
            item = Mux(events.p.end, END_OF_STEP, events.p.pre)
            m.d.sync += [
                self.taken.eq(self.taken + 1),
                self.sum.eq(self.sum * 3 + item),
                passed.eq(0),
            ]
        return m


def added(items: bytes) -> int:
    """Return what a core that took these has added up."""
    total = 0
    for (item,) in struct.iter_unpack("<H", items):
        total = (total * 3 + item) % 2**32
    return total


@pytest.mark.parametrize(("gap", "items"), [(0, 1), (0, 119), (150, 12)])
def test_nothing_is_lost_however_slow_the_core_is(gap: int, items: int) -> None:
    dut: Any = Taker()
    content = pack_items(drawn(5))

    async def bench(host: Host) -> None:
        host.ctx.set(dut.gap, gap)
        full = await send(host, drawn(5), items=items)
        assert (full > 0) == (gap > 0)
        while (await condition(host)).image:
            pass
        assert host.ctx.get(dut.taken) == len(content) // 2
        assert host.ctx.get(dut.sum) == added(content)

    run(bench, dut, rng=np.random.default_rng(4), cycles=1_000_000)


def test_the_longest_request_fits_into_the_queue() -> None:
    dut: Any = Taker(steps=200)

    async def bench(host: Host) -> None:
        longest = END * 124
        assert len(longest) > MAX_BODY
        host.ctx.set(dut.gap, 0xFFFF)
        assert await host.do(Opcode.EVENTS, offset(0) + longest) == offset(124)
        refused = await host.request(Opcode.EVENTS, offset(124) + END)
        assert refused == (Status.FULL, b"")
        now = await condition(host)
        assert (now.image, now.room, now.position) == (True, False, 124)
        host.ctx.set(dut.gap, 0)
        while not (now := await condition(host)).room:
            pass
        assert (now.image, now.position) == (False, 124)
        assert await host.do(Opcode.EVENTS, offset(124) + END * 76) == offset(0)
        while (await condition(host)).image:
            pass
        assert host.ctx.get(dut.taken) == 200

    run(bench, dut, cycles=1_000_000)


def test_what_is_refused_is_not_shown() -> None:
    dut = behind(learn=False)
    events = drawn(1)
    judge = model().present_events(events, learn=False)

    async def bench(host: Host) -> None:
        content = pack_items(events)
        bad = (
            (offset(0) + content[:-2] + struct.pack("<H", INPUTS), Status.VALUE),
            (offset(0) + content + END, Status.VALUE),
            (offset(1) + content, Status.POSITION),
            (offset(0) + content[:-1], Status.LENGTH),
            (offset(0), Status.LENGTH),
        )
        await host.do(Opcode.PRESENT, PRESENT.pack(0, 0, 0))
        for body, status in bad:
            assert await host.request(Opcode.EVENTS, body) == (status, b"")
        now = await condition(host)
        assert (now.running, now.image, now.room, now.position) == (True, False, True, 0)
        assert await host.request(Opcode.IMAGE, offset(0) + bytes(9)) == (Status.OPCODE, b"")
        for opcode, body in (
            (Opcode.RESULT, b""),
            (Opcode.SPIKES, b"\0"),
            (Opcode.PRESENT, bytes(4)),
            (Opcode.READ, READ_WRITE.pack(Space.V_FIRE, 1, 0)),
        ):
            assert await host.request(opcode, body) == (Status.BUSY, b"")
        await send(host, events)
        word, spikes = await outcome(host)
        assert [step for step, _ in spikes] == judge.spike_steps.tolist()
        counters = result_layout(dut.core.shapes).from_bits(word)["counters"]
        assert counters["input_spikes"] == judge.counters.input_spikes

    run(bench, dut)


def test_a_request_that_is_repeated_is_taken_once() -> None:
    dut = behind(learn=False)
    events = drawn(2)
    judge = model().present_events(events, learn=False)

    async def bench(host: Host) -> None:
        await host.do(Opcode.PRESENT, bytes(4))
        for k, (at, content) in enumerate(parts(events, 20)):
            message = bytes([9 + k, Opcode.EVENTS]) + offset(at) + content
            while (answer := await host.exchange(message))[2] == Status.FULL:
                message = bytes([message[0] + 100]) + message[1:]
            assert await host.exchange(message) == answer
        _, spikes = await outcome(host)
        assert [step for step, _ in spikes] == judge.spike_steps.tolist()

    run(bench, dut)


@pytest.mark.parametrize("shown", [False, True])
def test_reset_forgets_events_wherever_they_are(shown: bool) -> None:
    dut = behind(learn=False)
    events = drawn(3)
    judge = model().present_events(events, learn=False)

    async def bench(host: Host) -> None:
        if shown:
            await host.do(Opcode.PRESENT, bytes(4))
        body = offset(0) + pack_items(events[:3]) + struct.pack("<H", 4)
        await host.do(Opcode.EVENTS, body)
        assert (await condition(host)).position == len(body) // 2 - 1
        await host.do(Opcode.RESET)
        now = await condition(host)
        assert (now.running, now.image, now.room, now.position) == (False, False, True, 0)
        # The step that had begun with input 4 is forgotten, too.
        await host.do(Opcode.EVENTS, offset(0) + pack_items(events))
        await host.do(Opcode.PRESENT, bytes(4))
        _, spikes = await outcome(host)
        assert [step for step, _ in spikes] == judge.spike_steps.tolist()

    run(bench, dut)
