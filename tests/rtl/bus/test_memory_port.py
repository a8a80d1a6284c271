# amaranth: UnusedElaboratable=no

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.readout import ReadoutParams
from prunus_rtl.bus.memory_port import MemoryPort, request_layout
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import pack
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import receive, send, simulate

#: 5 neurons in 2 lanes: a neuron's index has 3 bits, of which 5, 6 and 7 are no neuron.
NETWORK = replace(
    NetworkConfig.named("tiny"), inputs=6, neurons=5, readout=ReadoutParams(classes=3)
)
LEARNING = Shapes(network=NETWORK, hardware=HardwareConfig(lanes=2))
INFERENCE = Shapes(network=NETWORK, hardware=HardwareConfig(lanes=2, learn=False))
#: Every index of a neuron is one: behind the last synapse is neuron 0 of an input too many.
FULL = Shapes(network=replace(NETWORK, neurons=8), hardware=HardwareConfig(lanes=2))
#: Lanes whose lists have not the same length, and gaps behind each.
ALIVE = np.arange(30).reshape(6, 5) % 3 > 0
PACKED = Shapes(
    network=NETWORK,
    hardware=HardwareConfig(lanes=2, learn=False, store="packed"),
    store=StoreLayout.of(
        pack(ALIVE.astype(np.uint8), ALIVE, format="csr", lanes=2, weight_bits=8).lanes
    ),
)
CORES = pytest.mark.parametrize(
    "shapes",
    [LEARNING, INFERENCE, FULL, PACKED],
    ids=["learning", "inference", "full", "packed"],
)
LEARNED = (Space.THETA, Space.STRENGTH, Space.POST_COUNT, Space.LAST_STEP)


def expected(shapes: Shapes) -> dict[Space, tuple[list[int], int]]:
    """For each space its addresses, and the bits of a word."""
    posts = list(range(shapes.network.neurons))
    found = {
        Space.SYNAPSES: ([pre << 3 | post for pre in range(6) for post in posts], 1 + 8),
        Space.THETA: (posts, 24),
        Space.STRENGTH: (posts, shapes.network.formats.strength_bits),
        Space.POST_COUNT: (posts, 16),
        Space.V: (posts, shapes.network.formats.v_bits),
        Space.V_FIRE: (posts, 23),
        Space.LAST_STEP: (list(range(6)), 1 + 8),
        Space.PRESENTATION: ([0], 32),
        Space.VOTES: (list(range(3 * len(posts))), shapes.network.readout.vote_bits),
    }
    if not shapes.hardware.learn:
        found = {space: at for space, at in found.items() if space not in LEARNED}
    if shapes.store is not None:
        del found[Space.SYNAPSES]
        found[Space.STORE] = (list(shapes.store.addresses()), shapes.store.width)
    return found


@dataclass
class Memories:
    """Plays the memories behind a port, each as slow as it likes, and keeps what they were told."""

    dut: MemoryPort
    latency: Callable[[], int] = lambda: 1
    over: bool = False
    words: dict[tuple[Space, int], int] = field(default_factory=dict)
    strobes: list[tuple[Space, int, bool]] = field(default_factory=list)

    def benches(self) -> Iterator[Any]:
        for space in spaces(self.dut.shapes):
            yield self._bench(space)

    def _bench(self, space: Space) -> Any:
        access = getattr(self.dut, space.name.lower())

        def told(ctx: Any) -> tuple[int, bool, int]:
            # An address of no bits is 0.
            address = ctx.get(access.address) if len(access.address) else 0
            return address, bool(ctx.get(access.write)), ctx.get(access.data)

        async def bench(ctx: Any) -> None:
            while not self.over:
                if not ctx.get(access.strobe):
                    await ctx.tick()
                    continue
                first = address, write, data = told(ctx)
                self.strobes.append((space, address, write))
                for _ in range(self.latency()):
                    await ctx.tick()
                    assert ctx.get(access.strobe) == 0
                    assert told(ctx) == first
                if write:
                    self.words[space, address] = data
                ctx.set(access.done, 1)
                ctx.set(access.value, self.words.get((space, address), 0))
                await ctx.tick()
                # Not even the value is there a cycle later.
                ctx.set(access.done, 0)
                ctx.set(access.value, 0)

        return bench


def run(dut: MemoryPort, memories: Memories, bench: Any, *, enable: bool = True) -> None:
    """Run a bench beside the memories, which end with it."""

    async def main(ctx: Any) -> None:
        ctx.set(dut.enable, enable)
        await bench(ctx)
        memories.over = True

    simulate(dut, main, *memories.benches())


async def ask(
    ctx: Any,
    dut: MemoryPort,
    space: int,
    address: int,
    data: int | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[int, bool]:
    """Send a request, a read without ``data``; return word and error of the answer."""
    request = {"space": space, "address": address, "write": data is not None, "data": data or 0}
    await send(ctx, dut.requests, request, rng)
    answer = await receive(ctx, dut.answers, rng)
    return answer.data, bool(answer.error)


@CORES
def test_spaces_are_those_of_the_readme(shapes: Shapes) -> None:
    want = expected(shapes)
    found = spaces(shapes)
    assert found.keys() == want.keys()
    for space, (addresses, bits) in want.items():
        assert found[space] == (max(addresses).bit_length(), bits, max(addresses) + 1)


@CORES
@pytest.mark.parametrize("seed", [0, 1])
def test_every_word_is_written_and_read_back_in_its_own_space(shapes: Shapes, seed: int) -> None:
    """All addresses of all spaces, in any order, under stalls; bits above a word are ignored."""
    dut = MemoryPort(shapes=shapes)
    rng, rng_m, rng_i = np.random.default_rng(seed).spawn(3)
    memories = Memories(dut, latency=lambda: int(rng_m.integers(1, 14)))
    places = [
        (space, address, bits)
        for space, (addresses, bits) in expected(shapes).items()
        for address in addresses
    ]
    order = [places[k] for k in rng.permutation(len(places))]

    async def bench(ctx: Any) -> None:
        wrote = {}
        for space, address, bits in order:
            word = int(rng.integers(1 << 32))
            wrote[space, address] = word & (1 << bits) - 1
            assert await ask(ctx, dut, space, address, word, rng_i) == (0, False)
            assert memories.strobes.pop() == (space, address, True)
            assert memories.words == wrote
        for space, address, _ in order:
            want = wrote[space, address]
            assert await ask(ctx, dut, space, address, rng=rng_i) == (want, False)
            assert memories.strobes.pop() == (space, address, False)
        assert memories.strobes == []
        assert memories.words == wrote

    run(dut, memories, bench)


@CORES
def test_every_request_outside_is_an_error_and_reaches_no_memory(shapes: Shapes) -> None:
    """All numbers of spaces with all addresses, the gaps between synapses included."""
    dut = MemoryPort(shapes=shapes)
    memories = Memories(dut)
    want = expected(shapes)
    outside = [
        (space, address)
        for space in range(16)
        for address in range(1 << request_layout(shapes)["address"].width)
        if space not in want or address not in want[Space(space)][0]
    ]
    if shapes is PACKED:
        # There are gaps.
        assert len(want[Space.STORE][0]) < max(want[Space.STORE][0])
    else:
        assert (Space.SYNAPSES, 5 if shapes is not FULL else 6 << 3) in outside
    assert (Space.PRESENTATION, 1) in outside

    async def bench(ctx: Any) -> None:
        for space, address in outside:
            for data in (None, 0xFFFFFFFF):
                assert await ask(ctx, dut, space, address, data) == (0, True), (space, address)
        assert memories.strobes == []
        # And the port still works.
        assert await ask(ctx, dut, Space.V, 4, 7) == (0, False)
        assert await ask(ctx, dut, Space.V, 4) == (7, False)

    run(dut, memories, bench)


@pytest.mark.parametrize("latency", [1, 4, 13])
def test_answers_two_cycles_after_the_memory_and_holds_the_answer(latency: int) -> None:
    dut = MemoryPort(shapes=LEARNING)
    memories = Memories(dut, latency=lambda: latency)
    memories.words[Space.THETA, 3] = 0xABCDEF

    async def cycles_until_answer(ctx: Any, space: int, address: int) -> int:
        request = {"space": space, "address": address, "write": 0, "data": 0}
        await send(ctx, dut.requests, request)
        cycles = 1
        while not ctx.get(dut.answers.valid):
            assert ctx.get(dut.requests.ready) == ctx.get(dut.idle) == 0
            await ctx.tick()
            cycles += 1
        return cycles

    async def bench(ctx: Any) -> None:
        for space, address, want, cycles in (
            (Space.THETA, 3, (0xABCDEF, 0), 2 + latency),
            (Space.THETA, 5, (0, 1), 2),
            (15, 0, (0, 1), 2),
        ):
            assert await cycles_until_answer(ctx, space, address) == cycles
            # A request that waits is not taken, and does not touch the answer.
            ctx.set(dut.requests.payload, {"space": Space.V, "address": 1, "write": 1, "data": 9})
            ctx.set(dut.requests.valid, 1)
            for _ in range(6):
                assert ctx.get(dut.answers.valid) == 1
                assert ctx.get(dut.requests.ready) == ctx.get(dut.idle) == 0
                answer = ctx.get(dut.answers.payload)
                assert (answer.data, answer.error) == want
                await ctx.tick()
            ctx.set(dut.requests.valid, 0)
            ctx.set(dut.answers.ready, 1)
            await ctx.tick()
            ctx.set(dut.answers.ready, 0)
            assert ctx.get(dut.answers.valid) == 0
            assert ctx.get(dut.idle) == ctx.get(dut.requests.ready) == 1
        assert (Space.V, 1) not in memories.words

    run(dut, memories, bench)


def test_takes_nothing_while_disabled_but_ends_what_it_has_begun() -> None:
    dut = MemoryPort(shapes=LEARNING)
    memories = Memories(dut, latency=lambda: 5)

    async def bench(ctx: Any) -> None:
        # After reset there is neither an answer nor a request to a memory.
        for _ in range(5):
            assert ctx.get(dut.answers.valid) == ctx.get(dut.requests.ready) == 0
            assert ctx.get(dut.idle) == 1
            await ctx.tick()
        ctx.set(dut.requests.payload, {"space": Space.V, "address": 2, "write": 1, "data": 77})
        ctx.set(dut.requests.valid, 1)
        for _ in range(20):
            # Not idle: the request goes before a presentation.
            assert ctx.get(dut.requests.ready) == ctx.get(dut.idle) == 0
            assert ctx.get(dut.answers.valid) == 0
            await ctx.tick()
        assert memories.strobes == []
        ctx.set(dut.enable, 1)
        assert ctx.get(dut.requests.ready) == 1
        await ctx.tick()
        ctx.set(dut.enable, 0)
        ctx.set(dut.requests.valid, 0)
        answer = await receive(ctx, dut.answers)
        assert (answer.data, answer.error) == (0, 0)
        assert memories.words == {(Space.V, 2): 77}
        await ctx.tick().repeat(3)
        assert memories.strobes == [(Space.V, 2, True)]

    run(dut, memories, bench, enable=False)
