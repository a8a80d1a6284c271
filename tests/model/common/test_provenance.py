import platform
import sys
from importlib import metadata
from pathlib import Path

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
