import re
from typing import Any

import pytest
from jinja2 import UndefinedError

from prunus_rtl.export.template import fill


def test_every_name_gets_its_value_and_values_are_not_looked_into() -> None:
    got = fill("vivado.tcl.j2", top="{{ period }}", period=10.5, memories=["a", "<b>"])
    assert got.count("{{ period }}") == 4
    assert got.count("10.5") == 2
    assert "\nset memories {\n    {a}\n    {<b>}\n}\n" in got
    assert got.endswith("\n}\n")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"top": 1, "period": 2}, "memories missing, none unused"),
        ({"top": 1, "period": 2, "memories": 3, "x": 4, "a": 5}, "none missing, a, x unused"),
    ],
)
def test_a_name_without_value_and_a_value_without_name_are_refused(
    values: dict[str, object], message: str
) -> None:
    message = f"Template vivado.tcl.j2 must have a value for each name: {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fill("vivado.tcl.j2", **values)


def test_an_attribute_that_is_not_there_is_an_error() -> None:
    class Missing:
        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

    with pytest.raises(UndefinedError):
        fill("readme.md.j2", **dict.fromkeys(names_of_the_readme(), Missing()))


def names_of_the_readme() -> set[str]:
    """Return what the template wants, as the message of its refusal tells."""
    with pytest.raises(ValueError, match="missing") as caught:
        fill("readme.md.j2")
    return set(str(caught.value).split("name: ")[1].split(" missing")[0].split(", "))
