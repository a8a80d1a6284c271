"""Text of others cannot move the cursor, break the line, or turn the direction of writing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_model.common.text import not_found, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("Größe ≥ 2 漢字 😀", "Größe ≥ 2 漢字 😀"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J", r"\x9b2J"),
        ("\r\n\t\x07\x7f", r"\r\n\t\x07\x7f"),
        ("\u2028\u2029\x85\x0b\x0c", r"\u2028\u2029\x85\x0b\x0c"),
        ("\u202e\u2066\u200f\u200b\ufeff", r"\u202e\u2066\u200f\u200b\ufeff"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_is_more_than_a_character_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_result_is_one_line_and_changes_no_more(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown


@pytest.mark.parametrize("name", ["a/b", "demo.npz", "/x"])
def test_a_path_is_missing_and_not_mistyped(name: str) -> None:
    assert not_found("Network", name, ["demo"], "demo") == f"Network {name} must exist"
