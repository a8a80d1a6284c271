# amaranth: UnusedElaboratable=no

from pathlib import Path

import pytest

from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_sim.formal.properties.broadcast_fifo import CASES
from prunus_sim.formal.prove import Case, check, check_independent

FAST = [case for case in CASES if not case.slow]


@pytest.mark.formal
@pytest.mark.parametrize("case", FAST, ids=lambda case: f"{case.name}: {case.sizes}")
def test_every_item_is_delivered_once_and_in_order(case: Case, tmp_path: Path) -> None:
    results = check(case, folder=tmp_path)
    assert "bmc" in {result.mode for result in results}
    assert ("induction" in {result.mode for result in results}) == (case.induction is not None)


@pytest.mark.formal
def test_valid_does_not_depend_on_ready(tmp_path: Path) -> None:
    queue = BroadcastQueue(shape=4, depth=4, readers=2)
    check_independent(queue, sources="o__*__ready", sinks="o__*__valid", folder=tmp_path)
    check_independent(queue, sources="o__*__ready", sinks="o__*__payload", folder=tmp_path)
    check_independent(queue, sources="i__valid", sinks="i__ready", folder=tmp_path)
