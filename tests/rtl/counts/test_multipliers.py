"""Products of a core that learns, and whether a device has multiplier blocks enough for them."""

from dataclasses import replace
from typing import Any

import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, LiftPruning, NoPruning
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.counts.multipliers import preferred_multiplier, products
from prunus_rtl.memory_image.devices import DEVICES, Device, Multipliers

DEMO = NetworkConfig.named("demo")


@pytest.mark.parametrize(
    ("policy", "more"),
    [
        (NoPruning(), ()),
        (ConstantPruning(), ()),
        (AdaptivePruning(ramp_gain=9, strength_gain=65535), ((16, 4), (18, 16))),
        (AdaptivePruning(ramp_gain=8, strength_gain=65535), ((18, 16),)),
        (AdaptivePruning(ramp_gain=0, strength_gain=1), ()),
        (LiftPruning(), ((16, 14),)),
    ],
)
def test_each_policy_has_its_products_beside_that_of_the_threshold(
    policy: Any, more: tuple[tuple[int, int], ...]
) -> None:
    assert products(replace(DEMO, pruning=policy)) == ((25, 18), *more)


def test_pruning_by_lift_has_a_product_for_each_input_of_a_visit() -> None:
    lift = replace(DEMO, pruning=LiftPruning())
    assert products(lift, 4) == ((25, 18), *[(16, 14)] * 4)
    assert products(DEMO, 4) == products(DEMO)
    found = [
        preferred_multiplier(lift, learn=True, device="UP5K", sweep_inputs=each)
        for each in (1, 4, 8)
    ]
    assert found == ["dsp", "dsp", "sequential"]


def test_the_factor_of_a_threshold_has_the_bits_of_its_largest_value() -> None:
    largest = replace(DEMO, homeostasis=HomeostasisParams(v_th=(1 << 23) - 1))
    smallest = replace(DEMO, homeostasis=HomeostasisParams(v_th=1))
    assert products(replace(largest, pruning=NoPruning())) == ((25, 18),)
    assert products(replace(smallest, pruning=NoPruning(), weight_bits=1)) == ((25, 10),)


@pytest.mark.parametrize(
    ("first", "second", "blocks"),
    [(1, 1, 1), (16, 16, 1), (17, 16, 2), (16, 17, 2), (25, 18, 4), (33, 1, 3)],
)
def test_wide_factors_take_several_blocks(first: int, second: int, blocks: int) -> None:
    assert Multipliers(count=8, bits=16).blocks(first, second) == blocks


@pytest.mark.parametrize("device", DEVICES)
def test_every_device_has_blocks_enough_for_the_bundled_networks(device: str) -> None:
    assert preferred_multiplier(DEMO, learn=True, device=device) == "dsp"
    assert preferred_multiplier(DEMO, learn=False, device=device) == "sequential"
    assert preferred_multiplier(DEMO, learn=True, device=None) == "sequential"


def test_a_device_with_too_few_blocks_has_none_for_the_core(monkeypatch: Any) -> None:
    """The demo takes four, one and one of 16 bits; strengths of 18 bits take two."""
    network = replace(DEMO, pruning=AdaptivePruning(ramp_gain=9, strength_gain=1025))
    found = {}
    for count in (6, 7):
        few = Multipliers(count=count, bits=16)
        device = Device(name="small", kinds=DEVICES["UP5K"].kinds, multipliers=few)
        monkeypatch.setitem(DEVICES, "small", device)
        found[count] = preferred_multiplier(network, learn=True, device="small")
    assert found == {6: "sequential", 7: "dsp"}
