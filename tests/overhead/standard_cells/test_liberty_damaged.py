"""Liberty files with numbers or groups that can't be: one line, with the place."""

import re
from pathlib import Path

import pytest

from prunus_liberty import LIBERTY
from prunus_overhead.standard_cells.liberty import Liberty, LibertyError

RISE = 'values ("0.01, 0.01", "0.01, 0.01")'
WHERE = "library tiny: cell INV: pin Y: rise_power energy: "


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (RISE, RISE.replace("0.01", "-inf", 1), f"{WHERE}energy must be finite, not [-inf, 0.01"),
        (RISE, RISE.replace("0.01", "nan"), f"{WHERE}energy must be finite, not [nan, nan"),
        (RISE, RISE.replace("0.01", "1e999", 1), f"{WHERE}energy must be finite, not [inf, 0.01"),
        (RISE, "area (1)", f"{WHERE}'values' is missing or unknown"),
        (RISE, 'values ("0.01")', f"{WHERE}cannot reshape array of size 1 into shape (2,2)"),
        (RISE, 'values ("x, 1")', f"{WHERE}could not convert string to float: 'x'"),
        ("area : 10;", "area : inf;", "library tiny: cell INV: area must be finite, not [inf]"),
        (
            "cell_leakage_power : 2;",
            "cell_leakage_power : nan;",
            "library tiny: cell INV: leakage must be finite, not [nan]",
        ),
        (
            "capacitance : 0.010;",
            "capacitance : -inf;",
            "library tiny: cell INV: pin A: capacitance must be finite, not [-inf]",
        ),
        ("cell (INV)", "cell ()", "library tiny: cell: a name or value is missing"),
        ("(1, pf)", "(1, xf)", "library tiny: 'x' is missing or unknown"),
        ("(1, pf)", "(1)", "library tiny: a name or value is missing"),
        (
            "nom_voltage : 2",
            "nom_voltage : inf",
            "library tiny: nom_voltage and nom_temperature must be finite, not inf and 25.0",
        ),
    ],
)
def test_place_of_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "x.lib"
    assert old in LIBERTY
    path.write_text(LIBERTY.replace(old, new, 1))
    said = re.escape(f"Liberty file {path} must be readable: {message}")
    with pytest.raises(LibertyError, match=rf"^{said}[^\n]*$"):
        Liberty.read(path)


@pytest.mark.parametrize("depth", [33, 50_000])
def test_groups_that_are_nested_too_deep_are_told_with_their_line(
    tmp_path: Path, depth: int
) -> None:
    path = tmp_path / "x.lib"
    path.write_text("a () {\n" * depth + "}" * depth)
    message = "line 33: a group that is nested at most 32 deep was expected"
    said = f"Liberty file {path} must be a Liberty file: {message}"
    with pytest.raises(LibertyError, match=f"^{re.escape(said)}$"):
        Liberty.read(path)
    path.write_text("a () {\n" * 32 + "}" * 32)
    with pytest.raises(LibertyError, match=r"must be a group 'library', not 'a'$"):
        Liberty.read(path)
