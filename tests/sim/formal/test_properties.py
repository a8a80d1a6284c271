# amaranth: UnusedElaboratable=no
"""Every proof holds."""

from pathlib import Path

import pytest

from prunus_sim.formal.case import Case
from prunus_sim.formal.prove import UNITS, cases
from prunus_sim.formal.solver import check

CASES = [
    pytest.param(
        case, marks=[pytest.mark.deep] * bool(case.minutes), id=f"{unit}: {case.name}: {case.sizes}"
    )
    for unit, case in cases(UNITS)
]


@pytest.mark.formal
@pytest.mark.parametrize("case", CASES)
def test_properties_hold(case: Case, tmp_path: Path) -> None:
    results = check(case, folder=tmp_path, timeout=3000)
    modes = {"bmc", "cover"} | ({"induction"} if case.induction is not None else set())
    assert {result.mode for result in results} == modes
