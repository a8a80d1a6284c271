from dataclasses import replace

import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32])
def test_post_is_as_wide_as_the_largest_index_and_made_of_lane_and_slot(lanes: int) -> None:
    for neurons in range(lanes, 140):
        network = replace(NetworkConfig.named("demo"), neurons=neurons)
        hardware = HardwareConfig(lanes=lanes)
        s = Shapes(network=network, hardware=hardware)
        assert s.post.width == (neurons - 1).bit_length()
        for post in range(neurons):
            lane, slot = hardware.place(post)
            assert slot << s.lane.width | lane == post
