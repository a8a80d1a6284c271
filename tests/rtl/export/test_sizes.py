# amaranth: UnusedElaboratable=no


import pytest

from prunus_model.cli.common import load_network
from prunus_model.common.errors import ConfigError
from prunus_rtl.counts.memories import memories
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.export.sizes import check_device, device_fits


def test_demo_learning_core_takes_as_many_blocks_as_synthesis_has_found() -> None:
    plan = make_plan(load_network("demo"), ExportOptions(mode="learning"))
    found = memories(plan.widths)
    fits = {fit.device: fit for fit in device_fits(found)}
    # overhead/README.md: 71 DP16KD, of 18 * 1024 bits.
    assert fits["ECP5-85F"].bits == 71 * 18 * 1024
    assert fits["ECP5-85F"].missing_bits == 0
    check_device(found, "ECP5-85F")
    check_device(found, None)
    with pytest.raises(ConfigError) as caught:
        check_device(found, "ECP5-25F")
    assert str(caught.value) == (
        "Memories must fit the 1032192 bits of memory blocks of ECP5-25F, not take 1308672 bits: "
        "276480 bits are missing"
    )
