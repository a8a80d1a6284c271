import re
from importlib import resources

import pytest

from prunus_rtl.export.template import fill


def test_every_name_gets_its_value_and_values_are_not_looked_into() -> None:
    text = resources.files("prunus_rtl.export").joinpath("vivado.tcl.in").read_text()
    got = fill("vivado.tcl.in", {"TOP": "@PERIOD@", "PERIOD": 10.5, "MEMORIES": "  {a}"})
    assert "@TOP@" not in got and "@MEMORIES@" not in got
    assert got.count("@PERIOD@") == text.count("@TOP@") > 0
    assert got.count("10.5") == text.count("@PERIOD@") > 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"TOP": 1, "PERIOD": 2}, "MEMORIES missing, none unused"),
        ({"TOP": 1, "PERIOD": 2, "MEMORIES": 3, "X": 4, "A": 5}, "none missing, A, X unused"),
    ],
)
def test_a_name_without_value_and_a_value_without_name_are_refused(
    values: dict[str, object], message: str
) -> None:
    message = f"Template vivado.tcl.in must have a value for each name: {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fill("vivado.tcl.in", values)
