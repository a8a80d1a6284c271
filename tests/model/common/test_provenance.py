import platform
import re
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from prunus_model.common import provenance as machine


def test_versions_are_those_installed() -> None:
    found = machine.package_versions("numpy", "numba")
    assert found["python"] == sys.version.split()[0]
    assert found["numba"] == metadata.version("numba")
    assert list(found) == ["python", "numpy", "numba"]


def test_processor_is_named_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor: 0\nmodel name\t: Fast One\nprocessor: 1\nmodel name\t: Fast One\n"
    )
    monkeypatch.setattr(machine, "_CPUINFO", cpuinfo)
    assert machine.processor() == "2 x Fast One"


def test_processor_without_a_list_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "missing")
    monkeypatch.setattr(platform, "processor", lambda: "other")
    assert machine.processor() == "other"


def test_header_has_what_a_results_file_must_say() -> None:
    found = machine.header("size", command="run it", inputs={"model": "ab"}, tools={"x": "1"})
    commit = found.pop("commit")
    assert found == {
        "kind": "size",
        "command": "run it",
        "tools": {"x": "1"},
        "inputs": {"model": "ab"},
    }
    assert commit == machine.source_commit()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "Size 2"}, "Kind must be small letters and dashes, not 'Size 2'"),
        ({"command": ""}, "Command must not be empty"),
        (
            {"inputs": {"weather": "ab"}},
            (
                "Inputs must be of model, options, groups, engine, gateware, grouped-gateware, "
                "buses, link, data, network, not 'weather'"
            ),
        ),
        ({"inputs": {"model": ""}}, "Digest of input model must not be empty"),
    ],
)
def test_wrong_headers_are_refused(change: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {"kind": "size", "command": "x", "inputs": {}, "tools": {}}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        machine.header(**(right | change))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the module into a repository of its own; return the folder."""
    source = tmp_path / "part/module.py"
    source.parent.mkdir()
    source.write_text("a = 1\n")
    monkeypatch.setattr(machine, "__file__", str(source))
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *names, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_is_that_of_the_sources(checkout: Path) -> None:
    assert machine.source_commit() == machine.UNKNOWN
    git(checkout, "init", "--quiet")
    # A package that is installed within a checkout of something else.
    assert machine.source_commit() == machine.UNKNOWN
    git(checkout, "add", "part")
    git(checkout, "commit", "--quiet", "--message", "x")
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    assert machine.source_commit() == commit
    # Results that were written just now do not make the sources others.
    (checkout / "part/results.json").write_text("{}")
    git(checkout, "add", "--all")
    assert machine.source_commit() == commit
    (checkout / "part/module.py").write_text("a = 2\n")
    assert machine.source_commit() == f"{commit}-dirty"


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine.source_commit() == machine.UNKNOWN


def test_every_source_counts(tmp_path: Path) -> None:
    package = types.ModuleType("some")
    package.__path__ = [str(tmp_path)]
    (tmp_path / "a.py").write_text("a = 1\n")
    found = [machine.source_digest(package)]
    (tmp_path / "note.txt").write_text("no source")
    assert machine.source_digest(package) == found[0]
    (tmp_path / "a.py").write_text("a = 2\n")
    found.append(machine.source_digest(package))
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    found.append(machine.source_digest(package))
    (tmp_path / "c.py").touch()
    found.append(machine.source_digest(package))
    assert len(set(found)) == 4
    assert all(len(digest) == 16 for digest in found)
