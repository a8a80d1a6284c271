"""The runtime of Verilator is compiled once, everything else as ever; no result is ever wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prunus_rtl.export import object_cache, verilator

_COMPILER = """#!/bin/sh
# Copies its source to the object file; half of it, if it fails. Counts how often it is called.
echo called >> "$CALLS"
for word; do case $word in *.cpp) source=$word;; bad) status=3;; esac; done
while [ "$1" != -o ]; do shift; done
cat "$source" > "$2"
exit $status
"""


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "compiler"
    program.write_text(_COMPILER)
    program.chmod(0o755)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return program


def _run(compiler: Path, source: Path, *flags: str, folder: str = "kept") -> tuple[int, str]:
    """Compile; return the exit status and what is in the object file."""
    made = compiler.with_name("made.o")
    made.unlink(missing_ok=True)
    command = [sys.executable, "-I", "-S", object_cache.__file__, str(compiler.with_name(folder))]
    command += [str(compiler), *flags, "-c", "-o", str(made), str(source)]
    status = subprocess.run(command, check=False, capture_output=True).returncode
    return status, made.read_text() if made.exists() else "nothing"


def _calls(compiler: Path) -> int:
    calls = compiler.with_name("calls")
    return len(calls.read_text().splitlines()) if calls.exists() else 0


def test_runtime_is_compiled_once(compiler: Path, tmp_path: Path) -> None:
    source = tmp_path / "verilated_vpi.cpp"
    source.write_text("one")
    assert [_run(compiler, source, "-Os") for _ in range(3)] == [(0, "one")] * 3
    assert _calls(compiler) == 1
    assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".o"]


def test_other_flags_or_another_source_are_compiled_anew(compiler: Path, tmp_path: Path) -> None:
    source = tmp_path / "verilated.cpp"
    source.write_text("one")
    _run(compiler, source, "-Os")
    assert _run(compiler, source, "-O0") == (0, "one")
    source.write_text("two")
    assert _run(compiler, source, "-Os") == (0, "two")
    assert _calls(compiler) == 3


def test_design_is_compiled_every_time(compiler: Path, tmp_path: Path) -> None:
    source = tmp_path / "Vtop__ALL.cpp"
    source.write_text("one")
    assert [_run(compiler, source) for _ in range(2)] == [(0, "one")] * 2
    assert _calls(compiler) == 2
    assert not (tmp_path / "kept").exists()


def test_failure_is_passed_on_and_not_kept(compiler: Path, tmp_path: Path) -> None:
    source = tmp_path / "verilated.cpp"
    source.write_text("one")
    assert [_run(compiler, source, "bad")[0] for _ in range(2)] == [3, 3]
    assert _calls(compiler) == 2
    assert not (tmp_path / "kept").exists()


def test_folder_that_cannot_be_written_costs_only_time(compiler: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    source = tmp_path / "verilated.cpp"
    source.write_text("one")
    assert [_run(compiler, source, folder="file") for _ in range(2)] == [(0, "one")] * 2
    assert _calls(compiler) == 2


def test_two_at_a_time_leave_one_whole_file(compiler: Path, tmp_path: Path) -> None:
    source = tmp_path / "verilated.cpp"
    source.write_text("x" * 100_000)
    command = [sys.executable, object_cache.__file__, str(tmp_path / "kept"), str(compiler), "-c"]
    running = [
        subprocess.Popen([*command, "-o", str(tmp_path / f"out{k}"), str(source)], cwd=tmp_path)
        for k in range(4)
    ]
    assert [process.wait() for process in running] == [0] * 4
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.read_text() == source.read_text()


def test_environment_names_the_cache_unless_the_user_names_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if verilator.root() is None:
        pytest.skip("verilator is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("OBJCACHE", raising=False)
    monkeypatch.setattr(verilator, "_kept_objects", lambda: tmp_path / "a $ folder")
    found = verilator.environment(optimise="-O1")
    assert "object_cache.py" in found["OBJCACHE"]
    # For make, which halves the signs, and then for the shell.
    assert found["OBJCACHE"].endswith(f"'{tmp_path}/a $$ folder'")
    assert "OPT_FAST=-O1" in found["MAKEFLAGS"].split()
    assert found["PATH"].endswith(f"{os.pathsep}{tmp_path}")
    monkeypatch.setenv("OBJCACHE", "mine")
    assert verilator.environment()["OBJCACHE"] == "mine"


def test_another_compiler_has_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    if verilator.root() is None:
        pytest.skip("verilator is not installed")
    folders = set()
    for told in ("g++ 12.2", "g++ 13.1", "g++ 12.2"):
        done = subprocess.CompletedProcess([], 0, stdout=told)
        monkeypatch.setattr(subprocess, "run", lambda *_, done=done, **__: done)
        folders.add(verilator._kept_objects.__wrapped__())
    assert len(folders) == 2
