# amaranth: UnusedElaboratable=no

import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_link import Host, framed, unframed
from prunus_model.reference.network import Network
from prunus_model.spec.config import (
    EncoderParams,
    HomeostasisParams,
    MembraneParams,
    NetworkConfig,
    ReadoutParams,
)
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.core import Core, result_layout
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    IDENTITY_SPACE,
    READ_WRITE,
    Condition,
    Identity,
    Opcode,
    Status,
)
from prunus_sim.simulator.amaranth import simulate

#: Fires often.
NETWORK = NetworkConfig(
    inputs=10,
    neurons=5,
    seed=7,
    encoder=EncoderParams(steps=8),
    homeostasis=HomeostasisParams(v_th=9000, theta_plus=300, theta_decay_shift=5),
    readout=ReadoutParams(classes=3),
)
IMAGE = bytes([0, 255, 30, 200, 255, 255, 0, 90, 180, 255])
IDENTITY = Identity(
    lanes=1,
    learn=True,
    neurons=5,
    inputs=10,
    steps=8,
    clock_hz=12_345_678,
    core=bytes(range(16)),
    network=bytes(range(32, 64)),
)
offset = struct.Struct("<H").pack


class Behind(wiring.Component):
    """A core behind its endpoint."""

    def __init__(self, core: Core, identity: Identity = IDENTITY) -> None:
        self.core = core
        self.endpoint = Endpoint(shapes=core.shapes, identity=identity)
        octets = stream.Signature(8)
        super().__init__({"rx": In(octets), "tx": Out(octets), "running": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.endpoint = endpoint = self.endpoint
        m.submodules.core = ResetInserter(endpoint.reset_core)(self.core)
        for name in ("levels", "control", "spikes", "result", "requests", "answers"):
            wiring.connect(m, getattr(endpoint, name), getattr(self.core, name))
        wiring.connect(m, wiring.flipped(self.rx), endpoint.rx)
        wiring.connect(m, wiring.flipped(self.tx), endpoint.tx)
        m.d.comb += self.running.eq(endpoint.running)
        return m


def model(network: NetworkConfig = NETWORK, *, seed: int = 3) -> Network:
    """A network with any weights, of which half are alive."""
    rng = np.random.default_rng(seed)
    made = Network(network)
    state = made.state
    state.alive[:] = rng.random(state.alive.shape) < 0.5
    state.weights[:] = np.where(state.alive, rng.integers(1, 256, state.weights.shape), 0)
    state.strength[:] = state.weights.sum(axis=0, dtype=np.int64)
    return made


def behind(network: NetworkConfig = NETWORK, *, learn: bool = True) -> Behind:
    hardware = HardwareConfig(lanes=1, learn=learn)
    return Behind(Core(network=network, hardware=hardware, state=model(network).state))


def run(
    bench: Callable[[Host], Awaitable[None]],
    dut: Behind | None = None,
    *,
    rng: np.random.Generator | None = None,
    cycles: int = 200_000,
) -> None:
    """Simulate a host, with stalls if there is a generator, and a core."""
    system = behind() if dut is None else dut

    async def testbench(ctx: Any) -> None:
        await bench(Host(ctx, system, rng=rng))

    simulate(system, testbench, platform=Collisions(), cycles=cycles)


def at(space: int, address: int, count: int = 1) -> bytes:
    return READ_WRITE.pack(space, count, address)


async def condition(host: Host) -> Condition:
    return Condition.unpack(await host.do(Opcode.STATUS))


async def show(host: Host, *, stop_after: int = 0, learn: int = 0) -> None:
    """Send an image, present it, and wait until it is over."""
    await host.do(Opcode.IMAGE, offset(0) + IMAGE)
    await host.do(Opcode.PRESENT, bytes([stop_after, learn]))
    while (await condition(host)).running:
        pass


@pytest.mark.parametrize("stalls", [False, True])
def test_says_who_it_is(stalls: bool) -> None:
    async def bench(host: Host) -> None:
        assert await host.do(Opcode.IDENTIFY) == IDENTITY.pack()
        assert await host.do(Opcode.READ, at(IDENTITY_SPACE, 0, 64)) == IDENTITY.pack()
        assert await host.do(Opcode.READ, at(IDENTITY_SPACE, 60, 4)) == IDENTITY.pack()[60:]

    run(bench, rng=np.random.default_rng(1) if stalls else None)


def test_the_hash_can_be_written_and_nothing_else_of_the_identity() -> None:
    async def bench(host: Host) -> None:
        fresh = bytes(range(100, 132))
        refused = (
            at(IDENTITY_SPACE, 31) + b"x",
            at(IDENTITY_SPACE, 0, 4) + b"prun",
            at(IDENTITY_SPACE, 30, 4) + b"abcd",
            at(IDENTITY_SPACE, 63, 2) + b"ab",
            at(IDENTITY_SPACE, 64) + b"a",
            at(IDENTITY_SPACE, 256 + 32) + b"a",
            at(IDENTITY_SPACE, (1 << 32) - 1) + b"a",
        )
        for body in refused:
            assert await host.request(Opcode.WRITE, body) == (Status.ADDRESS, b"")
        assert await host.do(Opcode.IDENTIFY) == IDENTITY.pack()
        await host.do(Opcode.WRITE, at(IDENTITY_SPACE, 32, 32) + fresh)
        assert await host.do(Opcode.IDENTIFY) == IDENTITY.pack()[:32] + fresh
        await host.do(Opcode.WRITE, at(IDENTITY_SPACE, 63) + b"!")
        assert await host.do(Opcode.IDENTIFY) == IDENTITY.pack()[:32] + fresh[:-1] + b"!"

    run(bench)


@pytest.mark.parametrize("learn", [False, True])
def test_every_space_is_written_and_read_back(learn: bool) -> None:
    dut = behind(learn=learn)
    rng = np.random.default_rng(5)

    async def bench(host: Host) -> None:
        for space, (_, width, depth) in spaces(dut.core.shapes).items():
            size = (width + 7) // 8
            # Five at a time, from the end of the space: that is where gaps are not.
            count = min(depth, 5)
            values = [int(rng.integers(1 << width)) for _ in range(count)]
            body = b"".join(value.to_bytes(size, "little") for value in values)
            first = depth - count
            await host.do(Opcode.WRITE, at(space, first, count) + body)
            assert await host.do(Opcode.READ, at(space, first, count)) == body
            last = await host.do(Opcode.READ, at(space, depth - 1))
            assert last == values[-1].to_bytes(size, "little")
            for wrong in (depth, depth + (1 << 20), 1 << 31):
                answer = await host.request(Opcode.READ, at(space, wrong))
                assert answer == (Status.ADDRESS, b"")

    run(bench, dut, rng=rng)


def test_nothing_is_written_if_one_address_is_wrong() -> None:
    async def bench(host: Host) -> None:
        before = await host.do(Opcode.READ, at(Space.THETA, 0, 5))
        body = at(Space.THETA, 3, 3) + bytes(range(1, 10))
        assert await host.request(Opcode.WRITE, body) == (Status.ADDRESS, b"")
        # Of the inputs' synapses 5, 6 and 7 don't exist.
        synapses = at(Space.SYNAPSES, 0, 9)
        assert await host.request(Opcode.WRITE, synapses + bytes(18)) == (Status.ADDRESS, b"")
        assert await host.do(Opcode.READ, at(Space.THETA, 0, 5)) == before
        assert await host.do(Opcode.READ, at(Space.SYNAPSES, 0, 5)) != bytes(10)

    run(bench)


def test_addresses_do_not_go_round() -> None:
    # As many synapses as the address of the memory port has values.
    network = NetworkConfig(
        inputs=4, neurons=4, encoder=EncoderParams(steps=2), readout=ReadoutParams(classes=2)
    )
    dut = behind(network)
    assert spaces(dut.core.shapes)[Space.SYNAPSES][2] == 1 << len(dut.endpoint.requests.p.address)

    async def bench(host: Host) -> None:
        before = await host.do(Opcode.READ, at(Space.SYNAPSES, 0, 16))
        answer = await host.request(Opcode.READ, at(Space.SYNAPSES, 15, 2))
        assert answer == (Status.ADDRESS, b"")
        answer = await host.request(Opcode.WRITE, at(Space.SYNAPSES, 15, 2) + bytes(4))
        assert answer == (Status.ADDRESS, b"")
        assert await host.do(Opcode.READ, at(Space.SYNAPSES, 0, 16)) == before

    run(bench, dut)


@pytest.mark.parametrize(
    ("opcode", "body", "status"),
    [
        *(pytest.param(code, b"", Status.OPCODE, id=f"opcode {code}") for code in (0, 10, 17, 255)),
        *(
            pytest.param(opcode, b"\0", Status.LENGTH, id=f"{opcode.name} and an octet")
            for opcode in (Opcode.IDENTIFY, Opcode.RESULT, Opcode.STATUS, Opcode.RESET)
        ),
        pytest.param(Opcode.READ, at(0, 0)[:-1], Status.LENGTH, id="READ too short"),
        pytest.param(Opcode.READ, at(0, 0) + b"\0", Status.LENGTH, id="READ too long"),
        pytest.param(Opcode.READ, at(9, 0), Status.ADDRESS, id="READ of no space"),
        pytest.param(Opcode.READ, at(16, 0), Status.ADDRESS, id="READ of space 16"),
        pytest.param(Opcode.READ, at(0x2F, 0), Status.ADDRESS, id="READ of space 47"),
        pytest.param(Opcode.READ, at(Space.V, 0, 0), Status.VALUE, id="READ of nothing"),
        pytest.param(Opcode.READ, at(Space.V, 0, 6), Status.ADDRESS, id="READ over the end"),
        pytest.param(Opcode.READ, at(Space.V, 1 << 16), Status.ADDRESS, id="READ far outside"),
        pytest.param(Opcode.WRITE, at(Space.V, 0)[:-1], Status.LENGTH, id="WRITE too short"),
        pytest.param(Opcode.WRITE, at(Space.V, 0), Status.LENGTH, id="WRITE without words"),
        pytest.param(Opcode.WRITE, at(Space.V, 0, 0), Status.VALUE, id="WRITE of nothing"),
        pytest.param(Opcode.WRITE, at(Space.V, 0) + bytes(4), Status.LENGTH, id="WRITE too long"),
        pytest.param(
            Opcode.WRITE, at(Space.V, 0, 2) + bytes(5), Status.LENGTH, id="WRITE of half a word"
        ),
        pytest.param(Opcode.WRITE, at(9, 0) + bytes(4), Status.ADDRESS, id="WRITE of no space"),
        pytest.param(Opcode.IMAGE, b"", Status.LENGTH, id="IMAGE of nothing"),
        pytest.param(Opcode.IMAGE, offset(0), Status.LENGTH, id="IMAGE without levels"),
        pytest.param(Opcode.IMAGE, offset(1) + b"\0", Status.POSITION, id="IMAGE ahead"),
        pytest.param(Opcode.IMAGE, offset(256) + b"\0", Status.POSITION, id="IMAGE far ahead"),
        pytest.param(Opcode.IMAGE, offset(0) + bytes(11), Status.VALUE, id="IMAGE too large"),
        pytest.param(Opcode.PRESENT, b"\0", Status.LENGTH, id="PRESENT too short"),
        pytest.param(Opcode.PRESENT, bytes(3), Status.LENGTH, id="PRESENT too long"),
        pytest.param(Opcode.PRESENT, b"\0\2", Status.VALUE, id="PRESENT with learn 2"),
        pytest.param(Opcode.PRESENT, bytes(2), Status.NO_IMAGE, id="PRESENT without image"),
        pytest.param(Opcode.SPIKES, b"", Status.LENGTH, id="SPIKES too short"),
        pytest.param(Opcode.SPIKES, bytes(2), Status.LENGTH, id="SPIKES too long"),
        pytest.param(Opcode.SPIKES, b"\0", Status.NO_RESULT, id="SPIKES of nothing"),
        pytest.param(Opcode.RESULT, b"", Status.NO_RESULT, id="RESULT of nothing"),
    ],
)
def test_refuses(opcode: int, body: bytes, status: Status) -> None:
    async def bench(host: Host) -> None:
        assert await host.request(opcode, body) == (status, b"")
        assert (await condition(host)) == Condition(
            running=False, image=False, room=True, result=False, broken=0, position=0, started=0
        )

    run(bench)


def test_an_inference_core_does_not_learn() -> None:
    async def bench(host: Host) -> None:
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        assert await host.request(Opcode.PRESENT, b"\0\1") == (Status.VALUE, b"")
        assert not (await condition(host)).running
        await host.do(Opcode.PRESENT, b"\0\0")

    run(bench, behind(learn=False))


def test_reads_as_many_words_as_fit_into_an_answer_and_not_one_more() -> None:
    network = NetworkConfig(inputs=4, neurons=100, encoder=EncoderParams(steps=2))
    dut = Behind(Core(network=network, hardware=HardwareConfig(lanes=1)))

    async def bench(host: Host) -> None:
        # Words of 3 octets: 80 of them are 240.
        assert len(await host.do(Opcode.READ, at(Space.THETA, 0, 80))) == 240
        for count in (81, 100):
            assert await host.request(Opcode.READ, at(Space.THETA, 0, count)) == (
                Status.VALUE,
                b"",
            )
        # 252 octets of words would pass for the length of the request in 9 bits.
        for count in (81, 172):
            answer = await host.request(Opcode.WRITE, at(Space.THETA, 0, count) + bytes(3))
            assert answer[0] in (Status.LENGTH, Status.ADDRESS)
        words = bytes(range(240))
        await host.do(Opcode.WRITE, at(Space.THETA, 20, 80) + words)
        assert await host.do(Opcode.READ, at(Space.THETA, 20, 80)) == words

    run(bench, dut)


def test_an_image_comes_in_pieces_and_two_fit() -> None:
    async def bench(host: Host) -> None:
        assert await host.do(Opcode.IMAGE, offset(0) + IMAGE[:3]) == offset(3)
        assert (await condition(host)).position == 3
        # The same piece again, as a new request, is refused.
        answer = await host.request(Opcode.IMAGE, offset(0) + IMAGE[:3])
        assert answer == (Status.POSITION, b"")
        answer = await host.request(Opcode.IMAGE, offset(3) + bytes(8))
        assert answer == (Status.VALUE, b"")
        assert await host.request(Opcode.PRESENT, bytes(2)) == (Status.NO_IMAGE, b"")
        assert await host.do(Opcode.IMAGE, offset(3) + IMAGE[3:9]) == offset(9)
        assert await host.do(Opcode.IMAGE, offset(9) + IMAGE[9:]) == offset(0)
        now = await condition(host)
        assert (now.image, now.room, now.position) == (True, True, 0)
        assert await host.do(Opcode.IMAGE, offset(0) + IMAGE) == offset(0)
        now = await condition(host)
        assert (now.image, now.room, now.position) == (True, False, 0)
        answer = await host.request(Opcode.IMAGE, offset(5) + bytes(99))
        assert answer == (Status.FULL, b"")
        for more in (True, False):
            await host.do(Opcode.PRESENT, bytes(2))
            while (now := await condition(host)).running:
                pass
            assert (now.image, now.room) == (more, True)
        assert now.started == 2

    run(bench)


def test_while_a_presentation_runs_only_the_link_itself_answers() -> None:
    # So many steps that it lasts.
    network = NetworkConfig(
        inputs=10, neurons=5, encoder=EncoderParams(steps=120), readout=ReadoutParams(classes=3)
    )
    dut = behind(network)

    async def bench(host: Host) -> None:
        busy = (Status.BUSY, b"")
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        await host.do(Opcode.PRESENT, bytes(2))
        assert host.ctx.get(dut.running) == 1
        assert await host.request(Opcode.RESULT) == busy
        assert await host.request(Opcode.SPIKES, b"\0") == busy
        assert await host.request(Opcode.PRESENT, bytes(2)) == busy
        assert await host.request(Opcode.READ, at(Space.V, 0)) == busy
        assert await host.request(Opcode.WRITE, at(Space.V, 0) + bytes(3)) == busy
        assert await host.do(Opcode.IMAGE, offset(0) + IMAGE) == offset(0)
        await host.do(Opcode.WRITE, at(IDENTITY_SPACE, 40) + b"?")
        assert await host.do(Opcode.READ, at(IDENTITY_SPACE, 40)) == b"?"
        now = await condition(host)
        assert (now.running, now.image, now.room, now.result) == (True, True, False, False)
        while (await condition(host)).running:
            pass
        assert host.ctx.get(dut.running) == 0
        await host.do(Opcode.RESULT)

    run(bench, dut)


def test_a_result_stays_until_the_next_presentation() -> None:
    dut = behind()
    layout = result_layout(dut.core.shapes)
    judge = model()

    async def bench(host: Host) -> None:
        await show(host)
        shown = judge.present(np.frombuffer(IMAGE, np.uint8), learn=False)
        first = await host.do(Opcode.RESULT)
        assert len(first) == (layout.size + 7) // 8
        found = layout.from_bits(int.from_bytes(first, "little"))
        assert found["counters"]["output_spikes"] == shown.counters.output_spikes > 2
        spikes = await host.do(Opcode.SPIKES, b"\0")
        pairs = zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True)
        assert spikes == b"".join(struct.pack("<BH", *pair) for pair in pairs)
        # What happens in between changes nothing.
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        await host.do(Opcode.WRITE, at(Space.VOTES, 0, 15) + bytes(range(15)))
        await host.do(Opcode.READ, at(Space.V, 0, 5))
        assert await host.do(Opcode.RESULT) == first
        for skipped in (1, 2, len(spikes) // 3, len(spikes) // 3 + 1, 170, 171, 255):
            rest = await host.do(Opcode.SPIKES, bytes([skipped]))
            assert rest == spikes[3 * skipped :]
        await host.do(Opcode.PRESENT, b"\1\0")
        while (await condition(host)).running:
            pass
        assert await host.do(Opcode.RESULT) != first
        assert len(await host.do(Opcode.SPIKES, b"\0")) == 3

    run(bench, dut)


def test_more_spikes_than_fit_into_an_answer_are_had_in_parts() -> None:
    network = NetworkConfig(
        inputs=10,
        neurons=5,
        seed=7,
        encoder=EncoderParams(steps=100),
        membrane=MembraneParams(inhibition_steps=0),
        homeostasis=HomeostasisParams(v_th=100, theta_plus=0),
        readout=ReadoutParams(classes=3),
    )
    judge = model(network)

    async def bench(host: Host) -> None:
        await show(host)
        shown = judge.present(np.frombuffer(IMAGE, np.uint8), learn=False)
        pairs = zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True)
        expected = b"".join(struct.pack("<BH", *pair) for pair in pairs)
        assert len(expected) > 240
        got = b""
        while part := await host.do(Opcode.SPIKES, bytes([len(got) // 3])):
            assert len(part) <= 240
            got += part
        assert got == expected

    run(bench, behind(network))


def test_a_reset_ends_everything_and_keeps_memories() -> None:
    async def bench(host: Host) -> None:
        theta = bytes(range(15))
        await host.do(Opcode.WRITE, at(Space.THETA, 0, 5) + theta)
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        await host.do(Opcode.IMAGE, offset(0) + IMAGE[:4])
        await host.do(Opcode.PRESENT, bytes(2))
        await host.do(Opcode.RESET)
        assert await condition(host) == Condition(
            running=False, image=False, room=True, result=False, broken=0, position=0, started=1
        )
        assert await host.request(Opcode.RESULT) == (Status.NO_RESULT, b"")
        assert await host.do(Opcode.READ, at(Space.THETA, 0, 5)) == theta
        await host.do(Opcode.WRITE, at(Space.THETA, 0, 5) + bytes(15))
        assert await host.do(Opcode.IDENTIFY) == IDENTITY.pack()
        await show(host)
        judge = model().present(np.frombuffer(IMAGE, np.uint8), learn=False)
        spikes = await host.do(Opcode.SPIKES, b"\0")
        assert [*spikes[::3]] == judge.spike_steps.tolist()
        await host.do(Opcode.RESET)
        assert await host.request(Opcode.SPIKES, b"\0") == (Status.NO_RESULT, b"")

    run(bench)


def test_a_request_that_is_repeated_is_carried_out_once() -> None:
    async def bench(host: Host) -> None:
        piece = b"\x09" + bytes([Opcode.IMAGE]) + offset(0) + IMAGE[:4]
        answer = await host.exchange(piece)
        assert answer == piece[:2] + b"\0" + offset(4)
        assert await host.exchange(piece) == answer
        # Also if a broken frame came in between, also if that was nearly the same one.
        broken = bytearray(framed(piece))
        broken[3] ^= 1
        octets = await host.octets(bytes(broken), frames=1)
        assert unframed(octets) == [BROKEN_RESPONSE]
        assert await host.exchange(piece) == answer
        assert (await condition(host)).position == 4
        # With another sequence it is another request.
        assert await host.exchange(b"\x0a" + piece[1:]) == b"\x0a\x04\x08"
        # And what was before the last one is carried out again.
        assert await host.exchange(piece) == piece[:2] + bytes([Status.POSITION])

    run(bench)


def test_a_presentation_that_is_repeated_starts_once() -> None:
    async def bench(host: Host) -> None:
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        start = bytes([77, Opcode.PRESENT, 0, 0])
        for _ in range(3):
            assert await host.exchange(start) == start[:2] + b"\0"
        while (now := await condition(host)).running:
            pass
        assert (now.started, now.image) == (1, True)

    run(bench)


def test_the_first_request_is_no_repetition() -> None:
    # Sequence 0 and CRC 0: what the memory of the last request holds at power-on.
    prefix = bytes([0, Opcode.STATUS])
    message = prefix + tail(prefix, crc=0)
    assert zlib.crc32(message) == 0

    async def bench(host: Host) -> None:
        assert await host.exchange(message) == prefix + bytes([Status.LENGTH])

    run(bench)


def test_a_request_that_differs_in_one_octet_of_its_mark_is_another_one() -> None:
    # Sequence and CRC are what a repetition is recognised by.
    marks = [(9, 0x12345678)]
    marks += [(9, marks[0][1] ^ change) for change in (0xFF, 0xFFFF, 0xFFFFFF)]
    marks += [(9, marks[-1][1] ^ 0xFF << 24)]
    marks += [(8, marks[-1][1])]

    async def bench(host: Host) -> None:
        written = b""
        for sequence, crc in marks:
            prefix = bytes([sequence, Opcode.WRITE]) + at(IDENTITY_SPACE, 40 + len(written), 4)
            words = tail(prefix, crc=crc)
            assert zlib.crc32(prefix + words) == crc
            assert await host.exchange(prefix + words) == prefix[:2] + bytes([Status.OK])
            written += words
        assert await host.do(Opcode.IDENTIFY) == IDENTITY.pack()[:40] + written

    run(bench)


def tail(prefix: bytes, *, crc: int) -> bytes:
    """Return four octets with which a message has this CRC: 32 linear equations."""
    zero = zlib.crc32(prefix + bytes(4))
    target = zero ^ crc
    basis: dict[int, tuple[int, int]] = {}

    def reduced(value: int, mask: int) -> tuple[int, int]:
        while value and value.bit_length() in basis:
            other, extra = basis[value.bit_length()]
            value, mask = value ^ other, mask ^ extra
        return value, mask

    for k in range(32):
        column = zlib.crc32(prefix + (1 << k).to_bytes(4, "little")) ^ zero
        value, mask = reduced(column, 1 << k)
        basis[value.bit_length()] = value, mask
    return reduced(target, 0)[1].to_bytes(4, "little")
