"""Words behind the endpoint: every space, and what is refused."""

# amaranth: UnusedElaboratable=no

import numpy as np
import pytest

from prunus_endpoint import IMAGE, Behind, at, behind, condition, offset, run
from prunus_link import Host
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.readout import ReadoutParams
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.link.protocol.protocol import Opcode, Status
from prunus_rtl.link.protocol.records import Condition


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
        pytest.param(Opcode.PRESENT, bytes(5), Status.LENGTH, id="PRESENT too long"),
        pytest.param(Opcode.PRESENT, b"\0\4\0\0", Status.VALUE, id="PRESENT with another flag"),
        pytest.param(Opcode.PRESENT, b"\0\0\0\x10", Status.VALUE, id="PRESENT with a wide margin"),
        pytest.param(Opcode.PRESENT, bytes(4), Status.NO_IMAGE, id="PRESENT without image"),
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
        assert await host.request(Opcode.PRESENT, b"\0\1\0\0") == (Status.VALUE, b"")
        assert not (await condition(host)).running
        await host.do(Opcode.PRESENT, b"\0\0\0\0")

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
