# amaranth: UnusedElaboratable=no

import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_cli import digits, tiny
from prunus_link import Host
from prunus_model.reference.network import Network
from prunus_model.reference.readout import predict_vote
from prunus_model.spec.levels import levels
from prunus_model.spec.presentation import Presentation
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.core.core import result_layout
from prunus_rtl.core.counters import counters_layout
from prunus_rtl.core.result import expanded
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.hardware import Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.protocol.protocol import READ_WRITE, SPIKE, Opcode
from prunus_rtl.link.protocol.records import Condition, Identity
from prunus_rtl.link.system import System
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import simulate

SHOWN = 3


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    """A trained network of few steps."""
    config = tiny()
    return train(replace(config, encoder=replace(config.encoder, steps=8)), digits(400))


def run(system: System, bench: Any, *, cycles: int = 100_000) -> None:
    async def testbench(ctx: Any) -> None:
        await bench(Host(ctx, system))

    simulate(system, testbench, platform=Collisions(), cycles=cycles)


async def read(host: Host, space: Space, count: int, size: int) -> list[int]:
    """Read the words of a space, as many at a time as fit."""
    words: list[int] = []
    while len(words) < count:
        some = min(count - len(words), 240 // size)
        octets = await host.do(Opcode.READ, READ_WRITE.pack(space, some, len(words)))
        words += [
            int.from_bytes(octets[k : k + size], "little") for k in range(0, len(octets), size)
        ]
    return words


async def check(host: Host, plan: Plan, shown: Presentation, *, learn: bool) -> None:
    """Compare result and spikes of a presentation with those of the model."""
    shapes = Shapes(network=plan.network, hardware=plan.hardware)
    layout = result_layout(shapes)
    octets = await host.do(Opcode.RESULT)
    result = layout.from_bits(int.from_bytes(octets, "little"))
    counts = {name: result["counters"][name] for name in counters_layout(shapes).members}
    assert counts["cycles"] > 0
    assert expanded(counts, plan.network, plan.hardware, learn=learn) == shown.counters
    spikes = [*SPIKE.iter_unpack(await host.do(Opcode.SPIKES, b"\0"))]
    assert spikes == [*zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True)]
    assert result["undecided"] == (not spikes)
    if spikes:
        votes = replace(plan.artifact.readout, votes=plan.votes)
        tally = shown.spike_counts(plan.network.neurons)[np.newaxis]
        assert result["prediction"] == predict_vote(tally, votes)[0]


@pytest.mark.parametrize("mode", ["inference", "learning"])
def test_equals_the_golden_model(artifact: Artifact, mode: Any) -> None:
    plan = link_plan(artifact, ExportOptions(mode=mode, lanes=2))
    learn = mode == "learning"
    system = System(plan=plan, clock_hz=12_000_000)
    judge = Network(plan.network, plan.state)
    images = levels(digits(SHOWN, seed=5).images, plan.network.encoder)

    async def bench(host: Host) -> None:
        said = Identity.unpack(await host.do(Opcode.IDENTIFY))
        assert said == system.description.identity(bytes.fromhex(artifact.content_hash))
        assert said.clock_hz == 12_000_000
        spikes = 0
        await host.do(Opcode.IMAGE, struct.pack("<H", 0) + images[0].tobytes())
        for k, image in enumerate(images):
            await host.do(Opcode.PRESENT, bytes([0, learn, 0, 0]))
            if k + 1 < SHOWN:
                # The next image comes while this one is shown, in two pieces.
                octets = images[k + 1].tobytes()
                await host.do(Opcode.IMAGE, struct.pack("<H", 0) + octets[:20])
                await host.do(Opcode.IMAGE, struct.pack("<H", 20) + octets[20:])
            while Condition.unpack(await host.do(Opcode.STATUS)).running:
                pass
            shown = judge.present(image, learn=learn)
            await check(host, plan, shown, learn=learn)
            spikes += shown.counters.output_spikes
        assert spikes > 0
        state = judge.state
        neurons = plan.network.neurons
        assert await read(host, Space.PRESENTATION, 1, 4) == [state.presentation]
        assert await read(host, Space.V, neurons, 3) == state.v.tolist()
        if learn:
            assert await read(host, Space.THETA, neurons, 3) == state.theta.tolist()
            assert await read(host, Space.POST_COUNT, neurons, 2) == state.post_count.tolist()
            for pre in (0, 24, 48):
                row = READ_WRITE.pack(Space.SYNAPSES, neurons, pre << 4)
                words = struct.unpack(f"<{neurons}H", await host.do(Opcode.READ, row))
                alive = state.alive[pre].astype(int)
                assert words == tuple(alive << 8 | state.weights[pre])

    run(system, bench)


def test_a_reset_in_the_middle_leaves_nothing_behind(artifact: Artifact) -> None:
    plan = link_plan(artifact, ExportOptions(mode="learning", lanes=2))
    system = System(plan=plan)
    image = levels(digits(1, seed=5).images, plan.network.encoder)[0]
    judge = Network(plan.network, plan.state)

    async def bench(host: Host) -> None:
        for pause in (0, 40, 200):
            await host.do(Opcode.IMAGE, struct.pack("<H", 0) + bytes(49))
            await host.do(Opcode.IMAGE, struct.pack("<H", 0) + bytes(20))
            await host.do(Opcode.PRESENT, bytes([0, 0, 0, 0]))
            await host.ctx.tick().repeat(pause + 1)
            await host.do(Opcode.RESET)
        await host.do(Opcode.IMAGE, struct.pack("<H", 0) + image.tobytes())
        await host.do(Opcode.PRESENT, bytes([0, 1, 0, 0]))
        while Condition.unpack(await host.do(Opcode.STATUS)).running:
            pass
        await check(host, plan, judge.present(image, learn=True), learn=True)

    run(system, bench)


def test_the_hash_can_be_that_of_an_unfinished_load(artifact: Artifact) -> None:
    plan = link_plan(artifact, ExportOptions(lanes=2))
    system = System(plan=plan, network=bytes(32))

    async def bench(host: Host) -> None:
        said = Identity.unpack(await host.do(Opcode.IDENTIFY))
        assert (said.network, said.core) == (bytes(32), system.description.digest)

    run(system, bench)


def test_refuses_what_is_no_hash(artifact: Artifact) -> None:
    plan = link_plan(artifact, ExportOptions(lanes=2))
    with pytest.raises(ValueError, match="Hash of the network must be 32 bytes, not 3"):
        System(plan=plan, network=b"abc")
