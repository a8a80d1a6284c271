"""Unit benches: real formats, pauses on both sides, several seeds, compared with the model."""

from pathlib import Path

import pytest

from prunus_sim.unit.registry import UNITS, cases_of, run_unit

_ALL = [(unit, case) for unit in UNITS for case in cases_of(unit)]


@pytest.mark.sim
@pytest.mark.parametrize(("unit", "case"), _ALL, ids=[f"{u}: {c}" for u, c in _ALL])
def test_unit_equals_model(tmp_path: Path, unit: str, case: str) -> None:
    assert run_unit(unit, case, tmp_path / "bench") >= 3
