"""What `constraints.txt` names sets all extras up again, each dependency at one version."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / "constraints.txt").exists(), reason="needs the checkout"
)


def test_every_version_is_for_the_oldest_python() -> None:
    """Also for its first patch release: Debian 12 has Python 3.11.2."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    pins = set((ROOT / "constraints.txt").read_text().split())
    compared = 0
    for there in distributions():
        if f"{there.metadata['Name']}=={there.version}" in pins:
            needed = SpecifierSet(there.metadata["Requires-Python"] or "")
            assert needed.contains(oldest), f"{there.metadata['Name']} {there.version}: {needed}"
            compared += 1
    assert compared > 20


def test_every_dependency_has_one_version_that_is_allowed() -> None:
    versions = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    versions = {re.sub("[-_.]+", "-", name).lower(): value for name, value in versions.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [Requirement(text) for group in (project["dependencies"], *extras) for text in group]
    others = [one for one in wanted if one.name != "prunus"]
    assert len(others) > 20
    for one in others:
        version = versions[re.sub("[-_.]+", "-", one.name).lower()]
        assert one.specifier.contains(version, prereleases=True), one
