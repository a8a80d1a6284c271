# amaranth: UnusedElaboratable=no
"""Frames that are flipped, lost, doubled, inserted: nothing of a broken one is carried out."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_link import Host, framed, unframed
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.readout import ReadoutParams
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    IDENTITY_SPACE,
    READ_WRITE,
    Opcode,
    ProtocolError,
    Status,
    decode,
)
from prunus_rtl.link.protocol.records import Condition, Identity
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import simulate

SHAPES = Shapes(
    network=NetworkConfig(
        inputs=6, neurons=4, encoder=EncoderParams(steps=4), readout=ReadoutParams(classes=2)
    ),
    hardware=HardwareConfig(lanes=1, learn=False),
)
IDENTITY = Identity(
    lanes=1,
    learn=False,
    neurons=4,
    inputs=6,
    steps=4,
    clock_hz=0,
    core=bytes(16),
    network=bytes(range(32)),
)
#: Cycles of a presentation.
SHOW = 60


class Stub(wiring.Component):
    """An endpoint whose core counts what it is told: levels, presentations, words."""

    def __init__(self) -> None:
        octets = stream.Signature(8)
        super().__init__(
            {
                "rx": In(octets),
                "tx": Out(octets),
                "levels": Out(16),
                "shown": Out(16),
                "written": Out(16),
                "sum": Out(32),
                "resets": Out(16),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.endpoint = endpoint = Endpoint(shapes=SHAPES, identity=IDENTITY)
        wiring.connect(m, wiring.flipped(self.rx), endpoint.rx)
        wiring.connect(m, wiring.flipped(self.tx), endpoint.tx)
        busy = Signal(range(SHOW + 1))
        request = endpoint.requests
        m.d.comb += [
            endpoint.levels.ready.eq(1),
            endpoint.control.ready.eq(busy == 0),
            request.ready.eq((busy == 0) & ~endpoint.answers.valid),
            endpoint.result.valid.eq(busy == 1),
        ]
        with m.If(busy > 1):
            m.d.sync += busy.eq(busy - 1)
        with m.If(endpoint.levels.valid):
            m.d.sync += [
                self.levels.eq(self.levels + 1),
                self.sum.eq(self.sum * 3 + endpoint.levels.payload),
            ]
        with m.If(endpoint.control.valid & endpoint.control.ready):
            m.d.sync += [
                self.shown.eq(self.shown + 1),
                self.sum.eq(self.sum * 3 + endpoint.control.payload.as_value()),
                busy.eq(SHOW),
            ]
        with m.If(endpoint.result.valid & endpoint.result.ready):
            m.d.sync += busy.eq(0)
        with m.If(request.valid & request.ready):
            m.d.sync += [
                endpoint.answers.valid.eq(1),
                endpoint.answers.p.error.eq(request.p.address >= SHAPES.network.neurons),
            ]
            with m.If(request.p.write):
                m.d.sync += [
                    self.written.eq(self.written + 1),
                    self.sum.eq(self.sum * 3 + request.p.data + request.p.address),
                ]
        with m.If(endpoint.answers.valid & endpoint.answers.ready):
            m.d.sync += endpoint.answers.valid.eq(0)
        with m.If(endpoint.reset_core):
            m.d.sync += [self.resets.eq(self.resets + 1), busy.eq(0)]
        return m


def request(rng: np.random.Generator, sequence: int) -> bytes:
    """Any request, nearly always one that would change something."""
    opcode = Opcode(int(rng.choice([*range(1, 10), Opcode.INFER, Opcode.INFER])))
    count = int(rng.integers(1, 4))
    octets = rng.integers(0, 256, 3 * count).astype(np.uint8).tobytes()
    body = {
        Opcode.READ: READ_WRITE.pack(Space.V_FIRE, count, int(rng.integers(3))),
        Opcode.WRITE: READ_WRITE.pack(Space.V_FIRE, count, int(rng.integers(3))) + octets,
        Opcode.IMAGE: bytes([int(rng.integers(3)), 0]) + octets[:4],
        Opcode.INFER: bytes(
            [octets[0], 0, 0, 0, int(rng.integers(2)), 0, 0x83 + count, *octets[:2]]
        ),
        Opcode.PRESENT: bytes([octets[0], 0, octets[1], octets[2] % 8]),
        Opcode.SPIKES: octets[:1],
    }.get(opcode, b"")
    if opcode is Opcode.WRITE and rng.random() < 0.2:
        body = READ_WRITE.pack(IDENTITY_SPACE, len(octets), 40) + octets
    return bytes([sequence, opcode]) + body


def mutated(rng: np.random.Generator, frame: bytes) -> bytes:
    """Flip, lose, double or insert octets or bits, or cut the frame."""
    octets = bytearray(frame)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(octets)))
        match int(rng.integers(6)):
            case 0 | 1:
                octets[at] ^= 1 << int(rng.integers(8))
            case 2 if len(octets) > 1:
                del octets[at]
            case 3:
                octets.insert(at, octets[at])
            case 4 if at > 1:
                del octets[at:]
            case _:
                octets.insert(at, int(rng.choice([0, 1, 255, int(rng.integers(256))])))
    return bytes(octets)


def whole(octets: bytes) -> list[bytes | None]:
    """Return the messages of the frames in these octets; None for what is broken."""
    found: list[bytes | None] = []
    for frame in octets.split(b"\0"):
        if frame:
            try:
                found.append(decode(frame))
            except ProtocolError:
                found.append(None)
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_of_a_broken_frame_is_carried_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = Stub()
    frames = 250

    async def bench(ctx: Any) -> None:
        host = Host(ctx, dut, rng=rng if seed else None)

        def state() -> tuple[int, ...]:
            counted = (dut.levels, dut.shown, dut.written, dut.sum, dut.resets)
            return tuple(ctx.get(signal) for signal in counted)

        async def identity() -> bytes:
            return await host.do(Opcode.IDENTIFY)

        broken = carried_out = 0
        block = await identity()
        for k in range(frames):
            frame = framed(request(rng, k % 200 + 1))
            sent = (frame if k % 5 == 0 else mutated(rng, frame)) + b"\0"
            expected = whole(sent)
            before = state()
            answers = unframed(await host.octets(sent, frames=len(expected)))
            assert len(answers) == len(expected)
            for message, answer in zip(expected, answers, strict=True):
                if message is None:
                    assert answer == BROKEN_RESPONSE
                else:
                    assert answer[:2] == message[:2]
                    carried_out += 1
            broken += expected.count(None)
            if expected.count(None) == len(expected):
                assert state() == before
                if k % 50 == 1:
                    assert await identity() == block
            else:
                block = await identity()
        assert broken > frames / 2
        assert carried_out > frames / 6
        now = Condition.unpack(await host.do(Opcode.STATUS))
        assert now.broken == broken

    simulate(dut, bench, platform=Collisions(), cycles=1_000_000)


@pytest.mark.parametrize("seed", [0, 1])
def test_answers_after_any_octets_whatever(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = Stub()

    async def bench(ctx: Any) -> None:
        host = Host(ctx, dut, rng=rng)
        for k in range(25):
            values = rng.choice([0, 1, 2, 255, *rng.integers(0, 256, 4)], int(rng.integers(1, 40)))
            garbage = values.astype(np.uint8).tobytes()
            answers = unframed(await host.octets(garbage, frames=len(whole(garbage + b"x")) - 1))
            assert set(answers) <= {BROKEN_RESPONSE}
            # The rest of the garbage ends with the delimiter before the request.
            left = len(whole(garbage.split(b"\0")[-1]))
            octets = await host.octets(framed(bytes([k + 1, Opcode.IDENTIFY])), frames=left + 1)
            answer = unframed(octets)[-1]
            assert answer == bytes([k + 1, Opcode.IDENTIFY, Status.OK]) + IDENTITY.pack()

    simulate(dut, bench, platform=Collisions(), cycles=200_000)
