"""The table of accuracy against cost."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from prunus_docs import freshness
from prunus_docs.kinds import kinds
from prunus_docs.render import rendered
from prunus_docs.schemas import SCHEMAS
from prunus_model.common.provenance import header
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.frontier import frontier
from prunus_model.study.reach import Target, reach
from prunus_model.study.rule import Rule
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
        "claims": [asdict(claim) for claim in reach(rows)],
        "rows": frontier(rows),
    }


def test_rows_have_their_form_and_nothing_else() -> None:
    SCHEMAS["frontier"].model_validate(content())
    for name in content()["rows"][0]:
        wrong = content()
        wrong["rows"][0][name] = [[[]]]
        with pytest.raises(ValueError, match=name):
            SCHEMAS["frontier"].model_validate(wrong)


def test_costs_are_shares_of_the_dense_network_on_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "today", lambda _: frozenset({"0" * 16}))
    path = tmp_path / kinds()["frontier"].files
    path.parent.mkdir(parents=True)
    written = content()
    other = {"data": "fashion-mnist", "sops_per_image": 8_000_000.0}
    written["rows"].append({**written["rows"][0], **other})
    foreign = {"data": "other", "configuration": "windows"}
    written["rows"].append({**written["rows"][0], **foreign})
    path.write_text(json.dumps(written))
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
    assert "| 8,000,000 | 1.000 |" in lines[5]
    assert "| 2,000,000 | - |" in lines[6]
    assert lines[8].endswith("`run it`, python 3.")


def test_targets_are_judged_in_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "today", lambda _: frozenset({"0" * 16}))
    path = tmp_path / kinds()["frontier"].files
    path.parent.mkdir(parents=True)
    of = NetworkConfig.named("windows").readout
    rule = Rule(of.votes, of.vote_bits, of.stop_after, of.margin)
    rows = [
        *seeds("none", 3, parts=PARTS),
        *seeds("adaptive", 3, parts=PARTS, config="windows", inference=0.02, **rule.columns),
    ]
    target = Target(data="mnist", configuration="windows", accuracy=94.0, inference=0.025)
    claims = [asdict(claim) for claim in reach(rows, [target])]
    path.write_text(json.dumps(content() | {"claims": claims}))
    lines = rendered("<!-- reach -->\n<!-- /reach -->\n", tmp_path).splitlines()
    assert lines[1:5] == [
        "| claim | verdict | measured |",
        "| --- | --- | --- |",
        (
            "| Must, mnist, windows: accuracy: at least 94 % | **holds** | "
            "94.2 (95 % bound 94.03, margin 94; 3 paired seeds) |"
        ),
        (
            "| Must, mnist, windows: forward SOPs in inference: at most 2.5 % of 800 neurons never "
            "pruned | **holds** | 2 (95 % bound 2, margin 2.5; 3 paired seeds) |"
        ),
    ]
    assert lines[6].endswith(
        "Each configuration is read out as it says itself. `run it`, python 3."
    )
