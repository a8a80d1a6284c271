# amaranth: UnusedElaboratable=no

import struct

import numpy as np
import pytest

from prunus_endpoint import IDENTITY, IMAGE, at, behind, condition, model, offset, run, show
from prunus_link import Host
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import HomeostasisParams, MembraneParams
from prunus_rtl.core.core import result_layout
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.protocol import IDENTITY_SPACE, Opcode, Status
from prunus_rtl.link.protocol.records import Condition


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


def test_an_image_comes_in_pieces_and_two_fit() -> None:
    async def bench(host: Host) -> None:
        assert await host.do(Opcode.IMAGE, offset(0) + IMAGE[:3]) == offset(3)
        assert (await condition(host)).position == 3
        # The same piece again, as a new request, is refused.
        answer = await host.request(Opcode.IMAGE, offset(0) + IMAGE[:3])
        assert answer == (Status.POSITION, b"")
        answer = await host.request(Opcode.IMAGE, offset(3) + bytes(8))
        assert answer == (Status.VALUE, b"")
        assert await host.request(Opcode.PRESENT, bytes(4)) == (Status.NO_IMAGE, b"")
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
            await host.do(Opcode.PRESENT, bytes(4))
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
        await host.do(Opcode.PRESENT, bytes(4))
        assert host.ctx.get(dut.running) == 1
        assert await host.request(Opcode.RESULT) == busy
        assert await host.request(Opcode.SPIKES, b"\0") == busy
        assert await host.request(Opcode.PRESENT, bytes(4)) == busy
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
        await host.do(Opcode.PRESENT, b"\1\0\0\0")
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
        await host.do(Opcode.PRESENT, bytes(4))
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
