from typing import Any

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters as ModelCounters
from prunus_model.spec.encoder import EncoderParams
from prunus_rtl.core.counters import Counters, counters_layout
from prunus_rtl.core.result import expanded
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import simulate

ONES = {
    "step": "steps",
    "inhibited_step": "inhibited_steps",
    "input_spike": "input_spikes",
    "integrated_spike": "integrated_spikes",
    "output_spike": "output_spikes",
    "updated": "update_sops",
    "pruned": "pruned",
    "running": "cycles",
}


@pytest.mark.parametrize("learn", [True, False])
@pytest.mark.parametrize("lanes", [1, 2, 8])
def test_counts_every_event(lanes: int, learn: bool) -> None:
    network = NetworkConfig(inputs=50, neurons=8, encoder=EncoderParams(steps=100))
    shapes = Shapes(network=network, hardware=HardwareConfig(lanes=lanes, learn=learn))
    dut = Counters(layout=counters_layout(shapes), lanes=lanes)
    rng = np.random.default_rng(lanes)

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            want = dict.fromkeys(counters_layout(shapes).members, 0)
            for _ in range(100):
                for name, count in ONES.items():
                    bit = int(rng.integers(2))
                    ctx.set(getattr(dut, name), bit)
                    if count in want:
                        want[count] += bit
                synapses = int(rng.integers(1 << lanes))
                ctx.set(dut.synapses, synapses)
                want["forward_sops"] += synapses.bit_count()
                await ctx.tick()
            for name in [*ONES, "synapses"]:
                ctx.set(getattr(dut, name), 0)
            await ctx.tick()
            assert {name: ctx.get(dut.counts[name]) for name in want} == want
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)

    simulate(dut, bench)


def test_no_count_can_overflow() -> None:
    network = NetworkConfig.named("paper")
    layout = counters_layout(Shapes(network=network, hardware=HardwareConfig()))
    widths = {name: field.width for name, field in layout}
    assert widths == {
        "steps": 7,
        "inhibited_steps": 7,
        "input_spikes": (64 * 784).bit_length(),
        "integrated_spikes": (64 * 784).bit_length(),
        "output_spikes": 7,
        "forward_sops": (64 * 784 * 800).bit_length(),
        "update_sops": (64 * 784).bit_length(),
        "pruned": (64 * 784).bit_length(),
        "cycles": 32,
    }


def test_expanded_adds_what_follows_from_the_counts() -> None:
    network = NetworkConfig(inputs=50, neurons=8)
    counts = {
        "steps": 64,
        "inhibited_steps": 3,
        "input_spikes": 200,
        "integrated_spikes": 190,
        "output_spikes": 4,
        "forward_sops": 700,
        "cycles": 1234,
    }
    common = {name: count for name, count in counts.items() if name != "cycles"}
    levels, events = HardwareConfig(lanes=2), HardwareConfig(lanes=2, source="events")
    assert expanded(counts, network, levels, learn=True) == ModelCounters(
        presentations=1,
        encoder_draws=64 * 13,
        learning_draws=4 * 13,
        forward_dense=190 * 8,
        update_dense=4 * 50,
        **common,
    )
    assert expanded(counts, network, events, learn=False) == ModelCounters(
        presentations=1, forward_dense=190 * 8, **common
    )
