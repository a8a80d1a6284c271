"""Files of a release agree with each other, and with what the project pins."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / ".pre-commit-config.yaml").exists(), reason="needs the checkout"
)


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def test_citation_is_of_this_version_and_names_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == project()["version"]
    assert citation["license"] == project()["license"]
    (paper,) = citation["references"]
    assert project()["urls"] == {"Paper": f"https://doi.org/{paper['doi']}"}
    assert f"doi = {{{paper['doi']}}}" in (ROOT / "paper.bib").read_text("utf-8")


def test_hooks_use_the_pinned_releases() -> None:
    pinned = set((ROOT / "constraints.txt").read_text("utf-8").split())
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    used = {
        one
        for repo in config["repos"]
        for hook in repo["hooks"]
        for one in hook["additional_dependencies"]
    }
    assert used
    assert used <= pinned


def test_workflows_only_call_make_with_targets_that_are() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
            runs = [step["run"] for step in job["steps"] if "run" in step]
            assert runs == ["make ${{ matrix.target }}"]
            assert set(job["strategy"]["matrix"]["target"]) <= targets


def test_paper_cites_what_its_bibliography_has() -> None:
    cited = set(re.findall(r"@([a-z]+\d{4})", (ROOT / "paper.md").read_text("utf-8")))
    assert cited == set(re.findall(r"@article{(\w+),", (ROOT / "paper.bib").read_text("utf-8")))
