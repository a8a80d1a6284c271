"""The sentence on what one rule does with different data."""

import json
from pathlib import Path
from typing import Any

import pytest

from prunus_docs import freshness
from prunus_docs.kinds import kinds
from prunus_docs.render import rendered
from prunus_model.common.errors import ResultsError
from prunus_model.common.provenance import header


def _row(data: str, neurons: int, rule: str, high: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {"data": data, "neurons": neurons, "rule": rule, "loss_high": high}
    row |= {"epochs": 1, "seeds": [1], "accuracy": 0.9416, "loss": 0.001, "unpruned_share": 0.5}
    return row | {"inference_sop_fraction": 0.214, "training_sop_fraction": 0.322}


def _written(rows: list[dict[str, Any]], root: Path) -> str:
    inputs = dict.fromkeys(("model", "data"), "0" * 16)
    head = header("datasets", command="run it", inputs=inputs, tools={"python": "3"})
    path = root / kinds()["datasets"].files
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"provenance": head, "rows": rows}))
    return rendered("<!-- datasets-headline --><!-- /datasets-headline -->\n", root)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "today", lambda _: frozenset({"0" * 16}))


def test_cases_are_those_of_lift_whose_bound_is_within_the_margin(tmp_path: Path) -> None:
    text = _written(
        [
            _row("mnist", 800, "lift", 0.0044),
            _row("mnist", 100, "lift", 0.00441),
            _row("digits", 100, "lift", None),
            _row("spectra", 100, "lift", -0.01),
            _row("mnist", 800, "none", 0.0),
            _row("mnist", 800, "lift, refractory inputs", 0.0),
            _row("digits", 800, "lift, refractory inputs", 0.1),
        ],
        tmp_path,
    )
    assert "loses at most 0.44 points of accuracy (95 % bound) in 2 of 4 cases: " in text
    assert ": 3 kinds of data, 2 sizes. With refractory inputs 800 neurons on MNIST need " in text
    assert "79 % fewer synaptic operations in inference and 68 % fewer in training, " in text
    assert "at 94.2 % accuracy." in text


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="must have all rows that block datasets-headline"):
        _written([_row("mnist", 800, "lift", 0.001)], tmp_path)
