"""Faults in the Verilog of the membranes of a feed-forward layer, which their bench finds."""

import re
from pathlib import Path

import pytest

from prunus_sim.simulator.runner import BenchError
from prunus_sim.unit.registry import run_unit

_ONE_LANE = "one lane, by subtraction, no leak"
_ONE_SLOT = "one slot, whole leak"


@pytest.mark.sim
@pytest.mark.parametrize(
    ("case", "fault", "message"),
    [
        pytest.param(
            _ONE_LANE,
            "lane0: ~ margin[25] => ~ margin[25] & (| margin)",
            "fires in step ",
            id="the threshold itself is not enough",
        ),
        pytest.param(_ONE_LANE, "lane0: biased ? => 1'h0 ?", "v[", id="no bias"),
        pytest.param(_ONE_LANE, "lane0: : margin => : 26'h0", "v[", id="reset to 0"),
        pytest.param(_ONE_LANE, "lane0: | rest[24:23] => 1'h0", "v[", id="no clip"),
        pytest.param(
            _ONE_SLOT, "lane0: $signed(rest) - => $signed(rest) +", "v[", id="leak upwards"
        ),
        pytest.param(_ONE_SLOT, "queue: lanes ^ => lanes &", "last_spike of ", id="lowest again"),
        pytest.param(_ONE_SLOT, "queue: ~ waiting => 1'h1", "last_spike of ", id="always last"),
        pytest.param(_ONE_LANE, "queue: (clear) => (1'h0)", "last_spike of ", id="never cleared"),
    ],
)
def test_fault_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, fault: str, message: str
) -> None:
    monkeypatch.setenv("INJECT_FAULT", fault)
    first = r"1 of 1 tests of prunus_sim\.unit\.feedforward failed; the first: \S+: "
    with pytest.raises(BenchError, match=first + re.escape(message)):
        run_unit("feedforward", case, tmp_path / "bench", seeds=1)
