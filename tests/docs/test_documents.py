"""What the documents say is true."""

import json
import subprocess
from pathlib import Path

import pytest

from prunus_docs.render import BLOCKS, documents, rendered
from prunus_model.cli.common import BUNDLED, bundled
from prunus_model.training.artifact import Artifact

ROOT = Path(__file__).parents[2]
# An installed wheel is tested without a checkout around it.
pytestmark = pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="needs the checkout")


@pytest.mark.tools
@pytest.mark.parametrize("document", documents(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_those_of_the_results_files(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    text = document.read_text()
    assert rendered(text, ROOT) == text


def test_every_block_is_in_a_document() -> None:
    texts = "".join(path.read_text() for path in documents(ROOT))
    assert [name for name in BLOCKS if f"<!-- {name} -->" not in texts] == []


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_network_is_in_the_readme_beside_it(name: str) -> None:
    artifact = Artifact.load(bundled(name))
    assert artifact.content_hash in (ROOT / "model/prunus_model/pretrained/README.md").read_text()


@pytest.mark.parametrize("name", ["demo", "400"])
def test_bundled_network_is_the_one_of_the_results(name: str) -> None:
    artifact = Artifact.load(bundled(name))
    runs = json.loads((ROOT / "model/results/mnist.json").read_text())["runs"]
    (row,) = [
        run
        for run in runs
        if (run["config"], run["seed"]) == (name, artifact.config.seed)
        and {"policy": run["policy"], **run["policy_setting"]}
        == artifact.config.to_mapping()["pruning"]
    ]
    assert artifact.content_hash == row["artifact_hash"]


def test_no_document_or_source_has_an_absolute_path_of_this_machine() -> None:
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split("\n")
    for name in filter(None, tracked):
        path = ROOT / name
        if path.suffix in {".nir", ".npz", ".png"} or not path.exists():
            continue
        assert "/work/" + "main" not in path.read_text(), name
