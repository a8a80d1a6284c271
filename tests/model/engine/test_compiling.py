"""The cache of the compiled kernels: what is spoilt is removed, and the result is the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CODE = """
import numpy as np
from prunus_model.engine.streams import draw_pass
out = np.zeros(8, np.uint8)
draw_pass(np.uint32(1), 2, out)
print(out.tolist())
"""
#: Of xorshift32 from 1: 0x00042021, 0x04080601.
_DRAWN = "[33, 32, 4, 0, 1, 6, 8, 4]\n"


def draw(folder: Path) -> tuple[str, str]:
    """Return what a process that draws with this cache says on stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    assert draw(folder) == (_DRAWN, "")
    return folder


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["truncated", "emptied", "bits flipped"])
def test_spoilt_cache_is_removed_and_made_anew(cache: Path, kind: str, damage: str) -> None:
    (path,) = cache.rglob(f"*draw_pass*.{kind}")
    content = path.read_bytes()
    flipped = bytes(byte ^ 0xFF for byte in content[:40]) + content[40:]
    spoilt = {"truncated": content[: len(content) // 2], "emptied": b"", "bits flipped": flipped}
    path.write_bytes(spoilt[damage])
    (folder,) = cache.iterdir()
    (folder / "other").touch()
    told = f"prunus: Cache {folder} could not be read: removed, kernels are compiled anew\n"
    assert draw(cache) == (_DRAWN, told)
    assert not (folder / "other").exists()
    assert path.read_bytes()
    # From now on it is read again.
    before = path.stat().st_mtime_ns
    assert draw(cache) == (_DRAWN, "")
    assert path.stat().st_mtime_ns == before


def test_engine_without_compiler_is_one_line(tmp_path: Path) -> None:
    main = "from prunus_model.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "run", "demo", "sample", "-n", "1"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "prunus: NUMBA_DISABLE_JIT must not be set: kernels use instructions that Python does not "
        "have\n"
    )
