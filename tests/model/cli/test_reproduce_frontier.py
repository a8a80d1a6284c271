"""`prunus reproduce --frontier`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from prunus_cli import TINY, Cli
from prunus_docs.schemas import SCHEMAS
from prunus_model.data.datasets import load
from prunus_model.spec.pruning import NoPruning
from prunus_model.study.frontier import frontier
from prunus_model.training.evaluation import evaluate
from prunus_model.training.relabelling import relabelled
from prunus_model.training.trainer import train

OUTPUT = Path("build/reproduction.json")


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(OUTPUT.read_text())["runs"]
    return found


FRONTIER = """
[[sweeps]]
part = "frontier"
config = ["tiny"]
data = ["digits.npz"]
epochs = 1
seeds = [1, 2]
stop_after = [0, 1]
policies = [{ policy = "none" }]
[[sweeps]]
part = "frontier"
config = ["tiny"]
data = ["digits.npz"]
epochs = 1
seeds = [1, 2]
votes = ["logarithms"]
vote_bits = [6]
margin = [40]
policies = [{ policy = "none" }]
"""
OTHER = """
[[sweeps]]
part = "extra"
config = ["tiny"]
data = ["digits.npz"]
epochs = 1
seeds = [3]
policies = [{ policy = "none" }]
"""


def test_frontier_is_written_in_a_file_of_its_own(here: Cli) -> None:
    Path("frontier.toml").write_text(FRONTIER + OTHER)
    command = ("reproduce", "frontier.toml", "-j", "1", "--figures", "figures")
    out = here.succeed(*command, "--frontier", "a/frontier.json")
    assert "3 of 3 trainings" in out
    assert "Saved a/frontier.json: 3 rows\n" in out
    content = json.loads(Path("a/frontier.json").read_text())
    SCHEMAS["frontier"].model_validate(content)
    assert content["provenance"]["kind"] == "frontier"
    assert content["provenance"]["inputs"].keys() == {"model", "options", "groups", "data"}
    assert content["rows"] == frontier(rows())
    assert [row["seeds"] for row in content["rows"]] == [[1, 2]] * 3
    assert Path("figures/accuracy-sops.png").read_bytes().startswith(b"\x89PNG")
    SCHEMAS["reproduction"].model_validate(json.loads(OUTPUT.read_text()))
    artifact = train(replace(TINY, seed=1, pruning=NoPruning()), load("digits.npz", "train"))
    other = relabelled(artifact, votes="logarithms", vote_bits=6)
    e = evaluate(other, load("digits.npz", "test"), margin=40)
    (found,) = [r for r in rows() if (r["seed"], r["margin"]) == (1, 40)]
    assert (found["vote"], found["forward_sops_per_inference"]) == (
        e.vote_accuracy,
        e.sops_per_image,
    )
    assert found["neuron_updates_per_inference"] == e.neuron_updates_per_image


def test_frontier_alone_leaves_the_output_as_it_is(here: Cli) -> None:
    """And needs no data of other parts."""
    Path("frontier.toml").write_text(FRONTIER + OTHER.replace("digits.npz", "missing.npz"))
    OUTPUT.parent.mkdir()
    OUTPUT.write_text("mine")
    command = ("reproduce", "frontier.toml", "-j", "1", "--only", "frontier")
    out = here.succeed(*command, "--frontier", "frontier.json")
    assert "2 of 2 trainings" in out
    assert len(json.loads(Path("frontier.json").read_text())["rows"]) == 3
    assert OUTPUT.read_text() == "mine"


def test_frontier_without_its_part_is_refused(here: Cli) -> None:
    Path("other.toml").write_text(FRONTIER.replace('part = "frontier"', 'part = "sizes"'))
    said = here.refuse("reproduce", "other.toml", "--frontier", "frontier.json")
    assert said == "Part frontier must be among those of other.toml for --frontier"
