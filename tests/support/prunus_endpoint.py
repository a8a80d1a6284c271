"""A small core behind its endpoint, and a host in front of it."""

# amaranth: UnusedElaboratable=no

import struct
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from amaranth.hdl import Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_link import Host
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.protocol.protocol import PRESENT, READ_WRITE, Opcode
from prunus_rtl.link.protocol.records import Condition, Identity
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

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.submodules.endpoint = endpoint = self.endpoint
        m.submodules.core = ResetInserter(endpoint.reset_core)(self.core)
        source = self.core.hardware.source
        for name in (source, "control", "spikes", "result", "requests", "answers"):
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
    await host.do(Opcode.PRESENT, PRESENT.pack(stop_after, learn, 0))
    while (await condition(host)).running:
        pass
