"""Which views compute thresholds anew; a simulated core does the same in tests/rtl/core."""

from dataclasses import replace
from typing import Any

import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_rtl.counts.thresholds import StaleThresholds
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.widths import Widths

#: Three groups, two looks.
GROUPS = GroupsParams(
    image_width=4, image_height=2, window_width=2, window_height=2, stride=1, looks=((0, 0), (1, 0))
)


def stale_of(*, groups: Any = None, shift: int = 16, learn: bool = True) -> StaleThresholds:
    network = NetworkConfig.named("tiny")
    network = replace(
        network,
        homeostasis=replace(network.homeostasis, theta_decay_shift=shift),
        **({"inputs": 4, "groups": groups} if groups else {}),
    )
    return StaleThresholds(Widths(network=network, hardware=HardwareConfig(lanes=1, learn=learn)))


def test_they_are_computed_after_reset_and_writes_and_whenever_theta_decays() -> None:
    stale = stale_of()
    assert stale.show(learn=False, number=4) == (True,)
    assert stale.show(learn=False, number=5) == (False,)
    for _ in range(2):
        assert stale.show(learn=True, number=6) == (True,)
    assert stale.show(learn=False, number=7) == (False,)
    stale.spoil()
    assert stale.show(learn=True, number=0) == (True,)


@pytest.mark.parametrize("number", [0, 1 << 32])
def test_presentation_0_has_no_decay(number: int) -> None:
    stale = stale_of()
    stale.show(learn=False, number=0)
    assert stale.show(learn=True, number=number) == (False,)
    assert stale.show(learn=True, number=number + 1) == (True,)


def test_a_theta_that_is_shifted_out_does_not_decay() -> None:
    for shift, decays in ((23, True), (24, False)):
        stale = stale_of(shift=shift)
        stale.show(learn=False, number=0)
        assert stale.show(learn=True, number=1) == (decays,)


def test_each_group_is_computed_once_however_often_it_is_seen() -> None:
    stale = stale_of(groups=GROUPS)
    assert stale.show(learn=False, number=1, views=2) == (True, True)
    assert stale.show(learn=False, number=2, views=6) == (False, False, True, *[False] * 3)
    assert stale.show(learn=True, number=3, views=3) == (True, True, True)


def test_a_core_that_does_not_learn_computes_none() -> None:
    stale = stale_of(learn=False)
    stale.spoil()
    assert stale.show(learn=False, number=0, views=1) == (False,)
