# amaranth: UnusedElaboratable=no

from pathlib import Path

import pytest

from prunus_sim.formal.properties.array import CASES
from prunus_sim.formal.prove import Case, check

FAST = [case for case in CASES if not case.slow]


@pytest.mark.formal
@pytest.mark.parametrize("case", FAST, ids=lambda case: f"{case.name}: {case.sizes}")
def test_winner_is_exact_and_potentials_never_overflow(case: Case, tmp_path: Path) -> None:
    results = check(case, folder=tmp_path)
    assert "bmc" in {result.mode for result in results}
    assert ("induction" in {result.mode for result in results}) == (case.induction is not None)
