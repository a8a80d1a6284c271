# amaranth: UnusedElaboratable=no

from pathlib import Path

import pytest

from prunus_rtl.synapses.dense import LearningStore
from prunus_sim.formal.harness import small
from prunus_sim.formal.properties.dense import CASES
from prunus_sim.formal.prove import Case, check, check_independent

FAST = [case for case in CASES if not case.slow]


@pytest.mark.formal
@pytest.mark.parametrize("case", FAST, ids=lambda case: f"{case.name}: {case.sizes}")
def test_walk_visits_exactly_the_set_bits_in_order(case: Case, tmp_path: Path) -> None:
    results = check(case, folder=tmp_path)
    assert "bmc" in {result.mode for result in results}
    assert ("induction" in {result.mode for result in results}) == (case.induction is not None)


@pytest.mark.formal
def test_valid_does_not_depend_on_ready(tmp_path: Path) -> None:
    store = LearningStore(shapes=small())
    check_independent(store, sources="synapse__ready", sinks="synapse__valid", folder=tmp_path)
    check_independent(store, sources="synapse__ready", sinks="synapse__payload", folder=tmp_path)
    check_independent(store, sources="pre__valid", sinks="pre__ready", folder=tmp_path)
