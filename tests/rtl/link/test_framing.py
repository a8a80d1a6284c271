# amaranth: UnusedElaboratable=no

import zlib
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment
from amaranth.sim import Simulator
from cobs import cobs

from prunus_link import Host, framed, unframed
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.link.framing.framer import Framer
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    BUFFER_BYTES,
    CRC_BYTES,
    MAX_BODY,
    REQUEST_HEADER,
    RESPONSE_HEADER,
    ProtocolError,
    decode,
    encode,
)
from prunus_sim.simulator.amaranth import simulate

LONGEST = BUFFER_BYTES - CRC_BYTES
PERIOD = 1e-6


def message(rng: np.random.Generator, length: int) -> bytes:
    """Octets of which a share is 0: none, all, or some."""
    octets = rng.integers(1, 256, length)
    octets[rng.random(length) < rng.choice([0, 0.1, 0.5, 1])] = 0
    return octets.astype(np.uint8).tobytes()


async def until(ctx: Any, done: Any, *values: Any) -> tuple[Any, ...]:
    """As `tick().sample(...).until(...)`, which can't be in a bench that is never over."""
    while True:
        _, _, over, *found = await ctx.tick().sample(done, *values)
        if over:
            return tuple(found)


class Far:
    """The endpoint's side of a framer: notes requests, and answers them if it is told how."""

    def __init__(self, dut: Framer, answers: Any = None) -> None:
        self.dut = dut
        self.answers = answers
        self.seen: list[bytes | None] = []

    async def __call__(self, ctx: Any) -> None:
        dut = self.dut
        while True:
            ctx.set(dut.receive, 1)
            whole, length = await until(ctx, dut.done, dut.whole, dut.length)
            content = bytearray()
            for k in range(length if whole else 0):
                ctx.set(dut.address, k)
                await ctx.tick()
                content.append(ctx.get(dut.data))
            self.seen.append(bytes(content) if whole else None)
            if self.answers is not None:
                ctx.set(dut.receive, 0)
                await self.answer(ctx, self.answers())
                await until(ctx, dut.sent)

    async def answer(self, ctx: Any, answer: bytes | str) -> None:
        """Send an answer, `again` the last one, or the one to a `broken` frame."""
        dut = self.dut
        command = {"again": dut.repeat, "broken": dut.broken}.get(str(answer), dut.finish)
        if isinstance(answer, bytes):
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            for octet in answer:
                ctx.set(dut.i.payload, octet)
                ctx.set(dut.i.valid, 1)
                await until(ctx, dut.i.ready)
                ctx.set(dut.i.valid, 0)
            while ctx.get(dut.pending):
                await ctx.tick()
        ctx.set(command, 1)
        await ctx.tick()
        ctx.set(command, 0)


def run(dut: Framer, far: Any, bench: Any, cycles: int = 400_000) -> None:
    """Simulate a framer between a host and what is behind it."""

    async def background(ctx: Any) -> None:
        await far(ctx)

    async def watch(ctx: Any) -> None:
        await ctx.delay(cycles * PERIOD)
        raise TimeoutError(f"Bench must be over after {cycles} cycles")

    sim = Simulator(Fragment.get(dut, Collisions()))
    sim.add_clock(PERIOD)
    sim.add_testbench(bench)
    sim.add_testbench(background, background=True)
    sim.add_testbench(watch, background=True)
    sim.run()


def feed(frames: list[bytes], rng: np.random.Generator | None = None) -> list[bytes | None]:
    """Return what the endpoint sees of these octets; None for a broken frame."""
    dut = Framer()
    far = Far(dut)

    async def bench(ctx: Any) -> None:
        host = Host(ctx, dut, rng=rng)
        for frame in frames:
            assert await host.octets(frame, frames=0) == b""
            # Time for the far side to read the buffer.
            await ctx.tick().repeat(LONGEST + 4)

    run(dut, far, bench)
    return far.seen


@pytest.mark.parametrize("seed", [0, 1])
def test_requests_and_answers_arrive_whole_under_stalls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [*range(REQUEST_HEADER, 12), 100, LONGEST - 1, LONGEST]
    requests = [message(rng, size) for size in sizes]
    answers = [message(rng, int(rng.integers(RESPONSE_HEADER, 30))) for _ in sizes]
    answers[-1] = message(rng, RESPONSE_HEADER + MAX_BODY)
    answers[-2] = bytes(RESPONSE_HEADER + MAX_BODY)
    answers[-3] = bytes([255]) * (RESPONSE_HEADER + MAX_BODY)
    dut = Framer()
    far = Far(dut, iter(answers).__next__)

    async def bench(ctx: Any) -> None:
        host = Host(ctx, dut, rng=rng)
        for request, answer in zip(requests, answers, strict=True):
            octets = await host.octets(framed(request), frames=1)
            assert octets == framed(answer) == encode(answer)

    run(dut, far, bench)
    assert far.seen == requests


def test_an_answer_can_be_sent_again_also_after_the_one_to_a_broken_frame() -> None:
    plan = iter([b"\1\2\0\3", "again", "broken", "again", "broken", b"\4\5\6", "again"])
    expected = [b"\1\2\0\3"] * 2 + [BROKEN_RESPONSE, b"\1\2\0\3", BROKEN_RESPONSE] + [b"\4\5\6"] * 2
    dut = Framer()
    far = Far(dut, plan.__next__)

    async def bench(ctx: Any) -> None:
        host = Host(ctx, dut)
        assert ctx.get(dut.held) == 0
        for answer in expected:
            assert unframed(await host.octets(framed(b"??"), frames=1)) == [answer]
            assert ctx.get(dut.held) == 1

    run(dut, far, bench)


@pytest.mark.parametrize("length", [0, 1, 2, LONGEST - 1, LONGEST, LONGEST + 1, 300, 600])
def test_takes_messages_of_the_allowed_lengths_only(length: int) -> None:
    rng = np.random.default_rng(length)
    good = message(rng, 8)
    long = bytes(rng.integers(1, 256, length).astype(np.uint8))
    allowed = REQUEST_HEADER <= length <= LONGEST
    assert feed([framed(long), framed(good)]) == [long if allowed else None, good]


def test_empty_frames_are_ignored() -> None:
    assert feed([bytes(5) + framed(b"abc") + bytes(7) + framed(b"de") + b"\0"]) == [b"abc", b"de"]


@pytest.mark.parametrize(
    "stuffed",
    [
        pytest.param(b"\1", id="a single group without octets"),
        pytest.param(b"\x09abc", id="ends inside of a group"),
        pytest.param(bytes([255]), id="ends after the longest code"),
        pytest.param(cobs.encode(b"abcdef"), id="no checksum"),
        pytest.param(
            cobs.encode(b"ab" + (zlib.crc32(b"ab") ^ 1 << 31).to_bytes(4, "little")),
            id="last bit of the checksum",
        ),
        pytest.param(
            cobs.encode(b"ab" + zlib.crc32(b"ab").to_bytes(4, "big")), id="order of octets"
        ),
    ],
)
def test_what_is_broken_is_told(stuffed: bytes) -> None:
    assert feed([b"\0" + stuffed + b"\0" + framed(b"next")]) == [None, b"next"]


def test_a_frame_that_begins_in_the_middle_of_another_is_found() -> None:
    assert feed([framed(b"abcdefg")[:6] + framed(b"second")]) == [None, b"second"]


def mutated(rng: np.random.Generator, frame: bytes) -> bytes:
    """Flip, lose, double or insert an octet or a bit, once or more."""
    octets = bytearray(frame)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(octets)))
        match int(rng.integers(5)):
            case 0:
                octets[at] ^= 1 << int(rng.integers(8))
            case 1:
                octets[at] = int(rng.integers(256))
            case 2 if len(octets) > 1:
                del octets[at]
            case 3:
                octets.insert(at, octets[at])
            case _:
                octets.insert(at, int(rng.choice([0, 1, 255, int(rng.integers(256))])))
    return bytes(octets)


def reference(octets: bytes) -> list[bytes | None]:
    """Return what a deframer must see of a stream that ends with a delimiter."""
    seen: list[bytes | None] = []
    for frame in octets.split(b"\0"):
        if frame:
            try:
                seen.append(decode(frame))
            except ProtocolError:
                seen.append(None)
    return seen


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_tells_broken_frames_from_whole_ones_as_the_reference_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stream = b""
    frames = []
    for _ in range(500):
        frame = framed(message(rng, int(rng.integers(2, 9))))
        if rng.random() < 0.7:
            frame = mutated(rng, frame)
        frames.append(frame + bytes(1))
        stream += frames[-1]
    dut = Framer()
    whole: list[bool] = []

    async def far(ctx: Any) -> None:
        ctx.set(dut.receive, 1)
        while True:
            (ok,) = await until(ctx, dut.done, dut.whole)
            whole.append(bool(ok))

    async def bench(ctx: Any) -> None:
        await Host(ctx, dut).octets(stream, frames=0)

    run(dut, far, bench)
    expected = [content is not None for content in reference(stream)]
    assert whole == expected
    assert 100 < sum(whole) < len(whole) - 100


def test_stuffing_of_a_long_group_is_understood() -> None:
    # 250 octets without 0, and with the CRC 254: a group of the longest code, no 0 behind it.
    contents = [
        bytes(np.random.default_rng(seed).integers(1, 256, length).astype(np.uint8))
        for length in (249, 250, 251, 252)
        for seed in range(4)
    ]
    assert feed([framed(content) for content in contents]) == contents


def test_simulation_is_over_soon() -> None:
    """The framer must not wait for anything but the host."""
    dut = Framer()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.receive, 1)
        ctx.set(dut.rx.valid, 1)
        for octet in framed(b"abc"):
            ctx.set(dut.rx.payload, octet)
            waited = 1
            while not ctx.get(dut.rx.ready):
                await ctx.tick()
                waited += 1
            await ctx.tick()
            assert waited <= 2

    simulate(dut, bench)
