"""The table of the task that changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from prunus_docs import freshness
from prunus_docs.kinds import kinds
from prunus_docs.render import rendered
from prunus_docs.schemas import SCHEMAS
from prunus_model.common.provenance import header

_FRACTIONS = ("density", "training_sop_fraction", "inference_sop_fraction")


def _row(rule: str, seed: int, phase: str, right: float, left: float) -> dict[str, Any]:
    later = None if phase == "A" else right
    row = {"neurons": 100, "rule": rule, "seed": seed, "phase": phase}
    row |= {"old": right, "new": later, "all": later, "forward_sops_per_inference": 1.0}
    return row | dict.fromkeys(_FRACTIONS, left)


def test_rules_are_compared_with_the_same_seed_unpruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "today", lambda _: frozenset({"0" * 16}))
    rows = [
        _row(rule, seed, phase, accuracy + seed / 100, left)
        for rule, accuracy, lefts in (("none", 0.80, (1, 1, 1)), ("lift", 0.79, (0.5, 0.4, 0.3)))
        for seed in (1, 2)
        for phase, left in zip("ABC", map(float, lefts), strict=True)
    ]
    rows[-1]["all"] = 0.79  # 3 points less than unpruned, the other seed 1 point.
    inputs = dict.fromkeys(("model", "data"), "0" * 16)
    written = {
        "provenance": header("change", command="run it", inputs=inputs, tools={"python": "3"}),
        "data": "mnist",
        "labelled": 20_000,
        "rows": rows,
    }
    SCHEMAS["change"].model_validate(written)
    path = tmp_path / kinds()["change"].files
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(written))
    lines = rendered("<!-- change -->\n<!-- /change -->\n", tmp_path).splitlines()
    low = " | ".join(["81.5 ± 0.5"] * 6)
    assert lines[3] == f"| 100, none | {low} |  | {' | '.join(['1.00, 1.00, 1.00'] * 3)} |"
    low = " | ".join([*["80.5 ± 0.5"] * 5, "79.5 ± 0.5"])
    left = " | ".join(["0.50, 0.40, 0.30"] * 3)
    assert lines[4] == f"| 100, lift | {low} | 2.00 (<= 8.31) | {left} |"
    assert lines[6].startswith("Mean ± half the range over 2 seeds; ")
