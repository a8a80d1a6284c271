"""Thresholds: every clip, saturation and floor, one below, at and above."""

import numpy as np
import pytest

from prunus_model.reference.homeostasis import count_spike, decay, fire_threshold, raise_theta
from prunus_model.spec.units import HomeostasisParams

TOP = 2**23 - 1


@pytest.mark.parametrize(
    ("theta", "theta_plus", "raised"),
    [
        pytest.param(0, 250, 250, id="from 0"),
        pytest.param(1000, 0, 1000, id="no step"),
        pytest.param(2**24 - 252, 250, 2**24 - 2, id="one below the top"),
        pytest.param(2**24 - 251, 250, 2**24 - 1, id="exactly to the top"),
        pytest.param(2**24 - 250, 250, 2**24 - 1, id="one over the top"),
        pytest.param(2**24 - 1, 1, 2**24 - 1, id="from the top"),
        pytest.param(2**24 - 1, 2**24 - 1, 2**24 - 1, id="largest sum"),
        pytest.param(0, 2**24 - 1, 2**24 - 1, id="largest step"),
    ],
)
def test_theta_rises_and_saturates_at_24_bits(theta: int, theta_plus: int, raised: int) -> None:
    assert raise_theta(theta, HomeostasisParams(theta_plus=theta_plus)) == raised


@pytest.mark.parametrize(
    ("before", "after"),
    [(0, 1), (254, 255), (65533, 65534), (65534, 65535), (65535, 65535)],
    ids=["first", "past 8 bits", "below the top", "to the top", "at the top"],
)
def test_spike_count_saturates_at_16_bits(before: int, after: int) -> None:
    assert count_spike(before) == after


@pytest.mark.parametrize(
    ("theta", "shift", "decayed"),
    [
        pytest.param(12345, 0, 0, id="shift 0 forgets all"),
        pytest.param(1000, 1, 500, id="half"),
        pytest.param(1001, 1, 501, id="what decays is floored"),
        pytest.param(65535, 16, 65535, id="below the floor nothing decays"),
        pytest.param(65536, 16, 65535, id="at the floor 1 decays"),
        pytest.param(131071, 16, 131070, id="just below twice the floor 1 decays"),
        pytest.param(131072, 16, 131070, id="at twice the floor 2 decay"),
        pytest.param(2**24 - 1, 16, 2**24 - 1 - 255, id="from the top"),
        pytest.param(2**24 - 1, 24, 2**24 - 1, id="largest shift is no decay"),
        pytest.param(0, 16, 0, id="from 0"),
    ],
)
def test_theta_decays_down_to_a_floor(theta: int, shift: int, decayed: int) -> None:
    before = np.array([theta, 0])
    got = decay(before, HomeostasisParams(theta_decay_shift=shift))
    assert got.tolist() == [decayed, 0]
    assert before.tolist() == [theta, 0]


@pytest.mark.parametrize(
    ("v_th", "theta", "strength", "fire_shift", "v_fire"),
    [
        pytest.param(20000, 0, 29000, 17, 4425, id="default before training"),
        pytest.param(20000, 5000, 29000, 17, 5531, id="raised by theta"),
        pytest.param(3, 2, 7, 0, 35, id="shift 0 is a plain product"),
        pytest.param(3, 2, 7, 2, 8, id="35 of 4 is floored to 8"),
        pytest.param(3, 2, 7, 6, 0, id="floored to 0"),
        pytest.param(1, 0, TOP - 1, 0, TOP - 1, id="one below the clip"),
        pytest.param(1, 0, TOP, 0, TOP, id="at the clip"),
        pytest.param(1, 0, TOP + 1, 0, TOP, id="one above the clip"),
        pytest.param(1, 0, 2 * TOP + 1, 1, TOP, id="clip is after the shift"),
        pytest.param(TOP, 2**24 - 1, 2**24 - 1, 0, TOP, id="largest product"),
        pytest.param(TOP, 2**24 - 1, 2**24 - 1, 42, 95, id="largest product, largest shift"),
        pytest.param(20000, 0, 0, 17, TOP, id="no weight never fires"),
        pytest.param(20000, 0, 0, 0, TOP, id="no weight never fires, whatever the shift"),
        pytest.param(20000, 0, 1, 17, 0, id="a weight of 1 does"),
        pytest.param(1, 0, 1, 42, 0, id="smallest product, largest shift"),
    ],
)
def test_firing_threshold(
    v_th: int, theta: int, strength: int, fire_shift: int, v_fire: int
) -> None:
    params = HomeostasisParams(v_th=v_th, fire_shift=fire_shift)
    assert fire_threshold(np.array([theta]), np.array([strength]), params).tolist() == [v_fire]


def test_each_neuron_has_its_own_firing_threshold() -> None:
    params = HomeostasisParams(v_th=10, fire_shift=1)
    theta, strength = np.array([0, 2, 0, 4]), np.array([100, 100, 0, 3])
    assert fire_threshold(theta, strength, params).tolist() == [500, 600, TOP, 21]
