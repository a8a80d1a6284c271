"""What is shown by which group, with which seed, and where its memories begin."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_core import LIVELY
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_rtl.core.views import Views
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import simulate


def network(groups: int, looks: int) -> NetworkConfig:
    windows = GroupsParams(
        image_width=groups + 2,
        image_height=2,
        window_width=3,
        window_height=2,
        stride=1,
        looks=((0, 0), (0, 1), (1, 0))[:looks],
    )
    return replace(LIVELY, inputs=6, neurons=5, seed=(1 << 32) - 2, groups=windows)


@pytest.mark.parametrize(("groups", "looks"), [(1, 3), (2, 1), (3, 2), (4, 3)])
@pytest.mark.parametrize("each", [1, 4])
def test_views_go_round_the_groups_until_the_last(groups: int, looks: int, each: Any) -> None:
    config = network(groups, looks)
    hardware = HardwareConfig(lanes=2, sweep_inputs=each)
    dut = Views(shapes=Shapes(network=config, hardware=hardware))
    words = -(-6 // each)
    rng = np.random.default_rng(groups)

    async def bench(ctx: Any) -> None:
        for _ in range(12):
            learn = int(rng.integers(2))
            ctx.set(dut.learn, learn)
            most = groups if learn else groups * looks
            shown = int(rng.integers(1, most + 1))
            for view in range(shown):
                group = view % groups
                spikes = int(rng.integers(4))
                for _ in range(spikes):
                    ctx.set(dut.output_spike, 1)
                    await ctx.tick()
                    ctx.set(dut.output_spike, 0)
                    await ctx.tick().repeat(int(rng.integers(1, 3)))
                found = {
                    name: int(ctx.get(getattr(dut, name)))
                    for name in ("seed", "group", "first_neuron", "first_row", "first_word")
                }
                assert found == {
                    "seed": config.seed + view & 0xFFFFFFFF,
                    "group": group,
                    "first_neuron": group * 5,
                    "first_row": group * words * each,
                    "first_word": group * words * 3,
                }
                assert ctx.get(dut.output_spikes) == spikes
                assert ctx.get(dut.last) == (view == most - 1)
                over = dut.rewind if view == shown - 1 else dut.next_view
                ctx.set(over, 1)
                await ctx.tick()
                ctx.set(over, 0)

    simulate(dut, bench)
