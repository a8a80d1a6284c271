# amaranth: UnusedElaboratable=no

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.columns import Columns, synapse_address_layout, synapse_layout
from prunus_rtl.synapses.dense import LearningStore
from prunus_sim.simulator.amaranth import simulate

#: Values that the sweep hands to its lane, and strobes, which the other lanes must not get.
VALUES = (
    "mask",
    "read_address",
    "read_pre",
    "write_address",
    "write_pre",
    "write_weight",
    "write_alive",
)
STROBES = ("read", "read_row", "write", "write_row")


def shapes(
    lanes: int, *, neurons: int = 5, inputs: int = 6, each: Any = 1, groups: Any = None
) -> Shapes:
    network = replace(NetworkConfig.named("tiny"), inputs=inputs, neurons=neurons, groups=groups)
    return Shapes(network=network, hardware=HardwareConfig(lanes=lanes, sweep_inputs=each))


class Bed(wiring.Component):
    """The stores of all lanes behind their columns."""

    def __init__(self, *, shapes: Shapes, weights: Any, alive: Any) -> None:
        lanes, slots = shapes.hardware.lanes, shapes.slots
        self.columns = Columns(shapes=shapes)
        self.stores = []
        for lane in range(lanes):
            padding = ((0, 0), (0, slots - len(weights[0, lane::lanes])))
            mine = {
                "weights": np.pad(weights[:, lane::lanes], padding),
                "alive": np.pad(alive[:, lane::lanes], padding),
            }
            self.stores.append(LearningStore(shapes=shapes, **mine))
        super().__init__({"unused_i": In(1), "unused_o": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.columns = self.columns
        for lane, store in enumerate(self.stores):
            m.submodules[f"store{lane}"] = store
            wiring.connect(m, self.columns.columns[lane], store.column)
        return m


#: Two groups of three inputs.
TWO = GroupsParams(image_width=2, image_height=3, indices=((0, 1, 2), (3, 4, 5)))


@pytest.mark.parametrize(
    ("lanes", "each", "groups"),
    [
        (1, 1, None),
        (2, 1, None),
        (4, 1, None),
        (1, 2, None),
        (2, 4, None),
        (4, 16, None),
        (2, 1, TWO),
        (2, 2, TWO),
        (4, 8, TWO),
    ],
)
def test_memory_port_reads_and_writes_single_synapses_of_all_lanes(
    lanes: int, each: int, groups: Any
) -> None:
    s = shapes(lanes, each=each, inputs=3 if groups else 6, groups=groups)
    rng = np.random.default_rng(lanes)
    alive = rng.random((6, 5)) < 0.5
    weights = (rng.integers(0, 256, (6, 5)) * alive).astype(np.uint8)
    cycles = 4 if each > 1 and groups else 3
    bed = Bed(shapes=s, weights=weights.copy(), alive=alive.copy())
    access = bed.columns.access

    async def ask(ctx: Any, pre: int, post: int, new: tuple[int, int] | None) -> tuple[int, int]:
        address = synapse_address_layout(s).const({"row": pre, "post": post}).as_bits()
        assert address == pre << 3 | post
        word = (0, 0) if new is None else new
        ctx.set(access.strobe, 1)
        ctx.set(access.write, new is not None)
        ctx.set(access.address, address)
        ctx.set(access.data, synapse_layout(s).const({"weight": word[0], "alive": word[1]}))
        await ctx.tick()
        ctx.set(access.strobe, 0)
        for _ in range(cycles):
            assert ctx.get(access.done) == 0
            await ctx.tick()
        assert ctx.get(access.done) == 1
        value = ctx.get(access.value)
        await ctx.tick()
        assert ctx.get(access.done) == 0
        return value & 0xFF, value >> 8

    async def bench(ctx: Any) -> None:
        # The lines of the sweep are still, but not 0.
        for name in (*VALUES, *(["write_part"] if each > 1 else [])):
            ctx.set(getattr(bed.columns.sweep, name), 1)
        ctx.set(bed.columns.lane, lanes - 1)
        await ctx.tick().repeat(3)
        for _ in range(80):
            pre, post = int(rng.integers(6)), int(rng.integers(5))
            new = (int(rng.integers(256)), int(rng.integers(2))) if rng.random() < 0.5 else None
            got = await ask(ctx, pre, post, new)
            if new is None:
                assert got == (weights[pre, post], alive[pre, post])
            else:
                weights[pre, post], alive[pre, post] = new
        for pre in range(6):
            for post in range(5):
                got = await ask(ctx, pre, post, None)
                assert got == (weights[pre, post], alive[pre, post]), (pre, post)

    simulate(bed, bench, platform=Collisions())


@pytest.mark.parametrize(("lanes", "each"), [(1, 1), (4, 1), (4, 2)])
def test_sweep_reaches_its_lane_only_and_in_the_same_cycle(lanes: int, each: int) -> None:
    dut = Columns(shapes=shapes(lanes, neurons=3 * lanes, each=each))
    sweep = dut.sweep
    names = (*VALUES, *STROBES, *(["write_part"] if each > 1 else []))
    rng = np.random.default_rng(lanes)

    async def bench(ctx: Any) -> None:
        for k in range(100):
            lane = int(rng.integers(lanes))
            ctx.set(dut.lane, lane)
            # Idle lines of the memory port.
            ctx.set(dut.access.address, int(rng.integers(1 << len(dut.access.address))))
            ctx.set(dut.access.data, int(rng.integers(1 << len(dut.access.data))))
            ctx.set(dut.access.write, k % 2)
            sent = {name: int(rng.integers(1 << len(getattr(sweep, name)))) for name in names}
            for name, value in sent.items():
                ctx.set(getattr(sweep, name), value)
            back = [
                (int(rng.integers(256**each)), int(rng.integers(2**each))) for _ in range(lanes)
            ]
            for column, (weight, alive) in zip(dut.columns, back, strict=True):
                ctx.set(column.weight, weight)
                ctx.set(column.alive, alive)
            assert {name: ctx.get(getattr(dut.columns[lane], name)) for name in sent} == sent
            for other in set(range(lanes)) - {lane}:
                assert all(ctx.get(getattr(dut.columns[other], name)) == 0 for name in STROBES)
            assert (ctx.get(sweep.weight), ctx.get(sweep.alive)) == back[lane]
            assert ctx.get(dut.access.done) == 0
            await ctx.tick()

    simulate(dut, bench)
