"""What the documents of a package say of wrong packets, done to the core behind AXI."""

# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np

from prunus_bus import Bus, system_of, word
from prunus_core import LIVELY, Show, image, run
from prunus_model.reference.network import Network
from prunus_rtl.bus.registers import register
from prunus_rtl.hardware import HardwareConfig

_PLAIN = Show(learn=False).request
_NAME = "s_axis_levels"


def test_cancel_ends_a_stream_without_tlast_and_the_next_packet_is_an_image() -> None:
    network = Network(LIVELY)
    dut = system_of("axi", LIVELY, HardwareConfig(lanes=2), state=network.state)
    levels = image(np.random.default_rng(4), LIVELY.inputs)

    async def errors(bus: Bus) -> set[str]:
        value = await bus.read("ERROR")
        await bus.write("ERROR", value)
        return {field.name for field in register("ERROR").fields if value >> field.lsb & 1}

    async def bench(ctx: Any) -> None:
        bus = Bus(ctx, dut)
        await bus.start(_PLAIN, input_stream=1)
        # Two images and a half, never ended: all of it is taken, and dropped.
        await bus.send_packet(_NAME, [(9, False)] * (5 * LIVELY.inputs // 2))
        assert await errors(bus) == {"late", "cancelled"}
        assert not await bus.field("STATUS", "busy")
        await bus.write("CONTROL", word("CONTROL", cancel=1, input_stream=1))
        assert await errors(bus) == set()
        last = LIVELY.inputs - 1
        await bus.send_packet(
            _NAME, [(level, k == last) for k, level in enumerate(levels.tolist())]
        )
        await bus.start(_PLAIN, input_stream=1)
        shown = await bus.finish()
        want = network.present(levels, **_PLAIN)
        assert [post for _, post in shown.spikes] == want.spike_posts.tolist()
        assert await errors(bus) == set()

    run(dut, bench)
