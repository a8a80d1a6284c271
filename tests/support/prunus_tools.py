"""Programs that stand for yosys, nextpnr and the loader: quick, and as good or bad as asked for."""

import json
import sys
from pathlib import Path

import pytest

_HEAD = f"""#!{sys.executable}
import json, pathlib, shutil, sys, time
here = pathlib.Path(__file__).parent
plan = json.loads((here / "plan.json").read_text())
if "--version" in sys.argv:
    sys.exit(print(pathlib.Path(__file__).name, "1.0"))
with open(here / "calls", "a") as calls:
    print(*sys.argv, file=calls)
option = lambda name: sys.argv[sys.argv.index(name) + 1]
"""
_YOSYS = """
time.sleep(plan.get("sleep", 0))
if "yosys" in plan:
    sys.exit(plan["yosys"])
cells = {"SB_DFF": 5, "SB_DFFESR": 7, "SB_LUT4": 20}
pathlib.Path("cells.json").write_text(json.dumps({"design": {"num_cells_by_type": cells}}))
pathlib.Path("top.json").write_text("netlist")
"""
_PLACE = """
if int(option("--seed")) in plan.get("stuck", ()):
    time.sleep(3600)
used = plan.get("used", {"ICESTORM_LC": 30, "ICESTORM_RAM": 4, "ICESTORM_SPRAM": 0})
there = {"ICESTORM_LC": 5280, "ICESTORM_RAM": 30, "ICESTORM_SPRAM": 4}
lines = [f"Info: \\t{name:>20}: {used[name]:5}/{there[name]:5}  50%" for name in used]
lines = ["Info: Device utilisation:", *lines, *plan.get("log", ()), f"seed {option('--seed')}"]
pathlib.Path(option("--log")).write_text("\\n".join(lines) + "\\n")
if any(used[name] > there[name] for name in used):
    sys.exit("ERROR: Unable to place cell")
seed = option("--seed")
pathlib.Path(option("--asc")).write_text(f"seed {seed}")
pcf = pathlib.Path("top.pcf").read_text().splitlines()
asked = [float(line.split()[2]) for line in pcf if line.startswith("set_frequency clk ")]
asked = plan.get("asked", asked[-1])
fmax = {"clk": {"achieved": plan["fmax"][int(seed) - 1], "constraint": asked}}
cells = {name: {"used": used[name], "available": there[name]} for name in used}
report = {"fmax": fmax, "utilization": cells, "critical_paths": plan.get("paths", [])}
pathlib.Path(option("--report")).write_text(json.dumps(report))
"""
_PACK = "shutil.copy(*sys.argv[-2:])\n"
_LOAD = """
print(plan.get("said", ""), file=sys.stderr)
sys.exit(plan.get("status", 0))
"""
_PROGRAMS = {
    "yosys": _YOSYS,
    "nextpnr-ice40": _PLACE,
    "icepack": _PACK,
    "openfpgaloader-cli": _LOAD,
}


def write_tools(folder: Path, **plan: object) -> Path:
    """Make a folder with the programs, which behave as of :meth:`FakeTools.behave`; return it."""
    folder.mkdir()
    _plan(folder, **plan)
    for name, body in _PROGRAMS.items():
        path = folder / name
        path.write_text(_HEAD + body)
        path.chmod(0o755)
    return folder


def _plan(folder: Path, **plan: object) -> None:
    (folder / "plan.json").write_text(json.dumps({"fmax": [100.0]} | plan))


class FakeTools:
    """A folder with the programs, alone in `PATH`; those of our environment are not found."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = write_tools(folder)
        self.python = sys.executable
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr(sys, "executable", str(folder / "python"))

    def behave(self, **plan: object) -> None:
        """Say how the programs behave: `fmax` per seed, cells `used`, what is `said`, ..."""
        _plan(self.folder, **plan)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    @property
    def calls(self) -> list[list[str]]:
        """Command lines so far, the program by its name."""
        lines = [line.split() for line in (self.folder / "calls").read_text().splitlines()]
        return [[Path(program).name, *rest] for program, *rest in lines]
