"""STDP: exhaustive over weights, random bytes and branches."""

import numpy as np
import numpy.typing as npt
import pytest

from prunus_model.reference.stdp import recent, updated
from prunus_model.spec.units import StdpParams


def all_updates(weight_bits: int, *, up: int, down: int, active: bool) -> npt.NDArray[np.int64]:
    """New weights, shape (weights, random bytes)."""
    weights = 1 << weight_bits
    w, r = (axis.ravel() for axis in np.mgrid[0:weights, 0:256])
    params = StdpParams(potentiation_shift=up, depression_shift=down)
    new = updated(w, np.full(w.shape, active), r, weights - 1, params)
    return new.reshape(weights, 256)


@pytest.mark.parametrize("shift", range(9), ids="shift {}".format)
@pytest.mark.parametrize("weight_bits", [1, 4, 8], ids="{} bits".format)
def test_potentiation_of_every_weight_by_every_byte(weight_bits: int, shift: int) -> None:
    w_max = 2**weight_bits - 1
    # The other shift is another, so that a mix-up shows.
    new = all_updates(weight_bits, up=shift, down=8 - shift, active=True).tolist()
    step = 2**shift
    for w, row in enumerate(new):
        assert row == [w + (w_max - w + r % step) // step for r in range(256)], f"weight {w}"
        assert max(row) <= w_max
        assert min(row) >= w
        # The mean over all bytes is exactly w + (w_max - w) / 2**shift.
        assert sum(row) * step == 256 * (w * step + w_max - w), f"weight {w}"


@pytest.mark.parametrize("shift", range(9), ids="shift {}".format)
@pytest.mark.parametrize("weight_bits", [1, 4, 8], ids="{} bits".format)
def test_depression_of_every_weight_by_every_byte(weight_bits: int, shift: int) -> None:
    new = all_updates(weight_bits, up=8 - shift, down=shift, active=False).tolist()
    step = 2**shift
    for w, row in enumerate(new):
        assert row == [w - (w + r % step) // step for r in range(256)], f"weight {w}"
        assert min(row) >= 0
        assert max(row) <= w
        # The mean over all bytes is exactly w - w / 2**shift.
        assert sum(row) * step == 256 * (w * step - w), f"weight {w}"


@pytest.mark.parametrize("weight_bits", [1, 4, 8], ids="{} bits".format)
def test_shift_0_goes_to_the_end_at_once(weight_bits: int) -> None:
    up = all_updates(weight_bits, up=0, down=8, active=True)
    down = all_updates(weight_bits, up=8, down=0, active=False)
    assert set(up.ravel().tolist()) == {2**weight_bits - 1}
    assert set(down.ravel().tolist()) == {0}


@pytest.mark.parametrize("shift", range(9), ids="shift {}".format)
def test_ends_of_the_range_stay_where_they_are(shift: int) -> None:
    up = all_updates(8, up=shift, down=shift, active=True)
    down = all_updates(8, up=shift, down=shift, active=False)
    assert set(up[255].tolist()) == {255}
    assert set(down[0].tolist()) == {0}


def test_each_synapse_has_its_own_branch_and_byte() -> None:
    params = StdpParams(potentiation_shift=2, depression_shift=3)
    w, r = np.array([251, 251, 9, 9, 100]), np.array([0, 255, 6, 7, 0])
    active = np.array([True, True, False, False, True])
    # 251 + 4 // 4, 251 + 7 // 4, 9 - 15 // 8, 9 - 16 // 8, 100 + 155 // 4
    assert updated(w, active, r, 255, params).tolist() == [252, 252, 8, 7, 138]
    assert w.tolist() == [251, 251, 9, 9, 100]


@pytest.mark.parametrize(
    ("window", "last_step", "step", "active"),
    [
        pytest.param(0, 7, 7, True, id="same step, window 0"),
        pytest.param(0, 6, 7, False, id="one step ago, window 0"),
        pytest.param(5, 2, 7, True, id="exactly as old as the window"),
        pytest.param(5, 1, 7, False, id="one step older than the window"),
        pytest.param(5, 3, 7, True, id="one step younger than the window"),
        pytest.param(255, 0, 254, True, id="whole presentation"),
        pytest.param(254, 0, 254, True, id="first and last step of the longest presentation"),
        pytest.param(253, 0, 254, False, id="one less than that"),
        pytest.param(255, -1, 0, False, id="never, at step 0"),
        pytest.param(255, -1, 254, False, id="never, though the difference is in the window"),
        pytest.param(1, -1, 0, False, id="never is not one step before the first"),
        pytest.param(0, 0, 0, True, id="step 0 is a step"),
    ],
)
def test_recent(window: int, last_step: int, step: int, active: bool) -> None:
    got = recent(np.array([last_step]), step, StdpParams(trace_window=window))
    assert got.dtype == np.bool_
    assert got.tolist() == [active]


def test_recent_is_decided_for_each_input() -> None:
    last_step = np.array([-1, 0, 4, 5, 9])
    got = recent(last_step, 9, StdpParams(trace_window=4))
    assert got.tolist() == [False, False, False, True, True]
