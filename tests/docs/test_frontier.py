"""The table of accuracy against cost."""

import json
from pathlib import Path
from typing import Any

import pytest

from prunus_docs import freshness
from prunus_docs.kinds import kinds
from prunus_docs.render import rendered
from prunus_docs.schemas import SCHEMAS
from prunus_model.common.provenance import header
from prunus_model.study.frontier import frontier
from prunus_rows import row, seeds

PARTS = {"frontier": ""}


def content() -> dict[str, Any]:
    inputs = {"model": "0" * 16, "data": "0" * 16}
    tools = {"python": "3"}
    rows = [
        *seeds("none", 2, parts=PARTS),
        row("none", 1, parts=PARTS, margin=40, votes="logarithms", vote_bits=6, inference=0.1),
    ]
    return {
        "provenance": header("frontier", command="run it", inputs=inputs, tools=tools),
        "rows": frontier(rows),
    }


def test_rows_have_their_form_and_nothing_else() -> None:
    SCHEMAS["frontier"].model_validate(content())
    for name in content()["rows"][0]:
        wrong = content()
        wrong["rows"][0][name] = [[[]]]
        with pytest.raises(ValueError, match=name):
            SCHEMAS["frontier"].model_validate(wrong)


def test_costs_are_shares_of_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "today", lambda _: frozenset({"0" * 16}))
    path = tmp_path / kinds()["frontier"].files
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content()))
    lines = rendered("<!-- frontier -->\n<!-- /frontier -->\n", tmp_path).splitlines()
    assert lines[3:5] == [
        (
            "| mnist, paper, none, 4-bit shares, all steps | none | 1 | 800 | 627,200 | 2 | "
            "94.15 | 93.83 | 2,000,000 | 1.000 | 2,000,000 | 51,200 | 4.00 |"
        ),
        (
            "| mnist, paper, none, 6-bit logarithms, margin | 40 | 1 | 800 | 627,200 | 1 | "
            "94.00 | - | 200,000 | 0.100 | 2,000,000 | 51,200 | 4.00 |"
        ),
    ]
    assert lines[6].endswith("`run it`, python 3.")
