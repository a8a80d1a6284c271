"""A task that changes: what is learned when, what is measured of it, and one file of results."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from prunus_docs.schemas import SCHEMAS
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.change import PHASES, cases, main, phases_of

_ARGS = ("--data", "sample", "--seeds", "1", "--network", "demo")
_IMAGES = 200


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("change") / "change.json"
    args = [*_ARGS, "--images", str(_IMAGES), "--output", str(output)]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def _by_phase(content: dict[str, Any], name: str, rule: str) -> list[Any]:
    rows = [row for row in content["rows"] if row["rule"] == rule]
    assert [row["phase"] for row in rows] == list(PHASES)
    return [row[name] for row in rows]


def test_phases_show_one_half_then_the_other_then_all() -> None:
    found = phases_of(np.array([9, 0, 4, 5], np.uint8), 10)
    assert [of.tolist() for of in found] == [
        [False, True, True, False],
        [True, False, False, True],
        [True] * 4,
    ]


def test_file_has_its_form_and_a_row_of_each_phase(content: dict[str, Any]) -> None:
    SCHEMAS["change"].model_validate(content)
    rules = [case.rule for case in cases(NetworkConfig.named("demo"), 1, 2)]
    assert [(row["rule"], row["phase"]) for row in content["rows"]] == [
        (rule, phase) for rule in rules for phase in PHASES
    ]
    command = content["provenance"]["command"]
    assert command.endswith("--data sample --seeds 1 --images 200 --network demo")


def test_accuracy_is_that_of_each_half_and_of_both(content: dict[str, Any]) -> None:
    labels = load("sample", "test").head(_IMAGES).labels
    old = int(np.count_nonzero(labels < 5))
    for row in content["rows"]:
        if row["phase"] == "A":
            assert row["new"] is row["all"] is None
        else:
            right = old * row["old"] + (_IMAGES - old) * row["new"]
            assert round(right, 6) == round(_IMAGES * row["all"], 6)
            # Neurons are labelled by both halves.
            assert min(row["old"], row["new"]) > 0.1


def test_what_is_pruned_comes_back_only_with_regrowth(content: dict[str, Any]) -> None:
    assert _by_phase(content, "density", "none") == [1.0] * 3
    for name in ("training_sop_fraction", "inference_sop_fraction"):
        assert _by_phase(content, name, "none") == [1.0] * 3
    for_good = _by_phase(content, "density", "lift, length of A")
    assert 1 > for_good[0] > for_good[1] > for_good[2]
    # Whoever knows how long it will go on prunes later.
    late = _by_phase(content, "density", "lift, length of all phases")
    assert late[0] > for_good[0]
    for ending in ("regrowth", "regrowth, spikes counted anew"):
        back = _by_phase(content, "density", f"lift, length of A, {ending}")
        assert back[0] == for_good[0]
        assert 1 > back[1] > for_good[1]
        assert 1 > back[2] > for_good[2]
    kept, anew = (
        _by_phase(content, "training_sop_fraction", f"lift, length of A, {ending}")
        for ending in ("regrowth", "regrowth, spikes counted anew")
    )
    assert kept[0] == anew[0]
    assert kept[1] < anew[1] <= 1


def test_data_without_the_other_half_is_one_line(tmp_path: Path) -> None:
    output = tmp_path / "change.json"
    done = CliRunner().invoke(main, [*_ARGS, "--images", "1", "--output", str(output)])
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: Data ")
    assert done.stderr.endswith(" must have images of both halves of the classes\n")
    assert done.stderr.count("\n") == 1
    assert not output.exists()
