"""The example for LiteX: elaborated, and simulated with a host at its serial line."""

# amaranth: UnusedElaboratable=no

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import digits
from prunus_model.data.events.split import stimuli
from prunus_model.engine.engine import Engine
from prunus_model.spec.readout import UNDECIDED
from prunus_model.training.artifact import Artifact
from prunus_rtl.export import verilator
from prunus_rtl.export.package import Written, write_package
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.soc.driver import FOLDER, driver_files
from prunus_rtl.soc.interfaces import make_interface

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("litex") is None, reason="needs litex: pip install 'prunus[soc]'"
)
_HERE = Path(__file__).parent
_EXAMPLE = Path(__file__).parents[3] / "examples" / "litex"
_IMAGES = 10


def packaged(network: Artifact, folder: Path, bus: str) -> Written:
    data = digits(_IMAGES, seed=5)
    return write_package(
        network,
        ExportOptions(lanes=4),
        folder=folder,
        data=data,
        images=1,
        typical=data,
        simulator=None,
        command="prunus generate",
        interface=make_interface(bus, clock_hz=25_000_000, baud=1_000_000),
    )


def run_example(package: Path, output: Path) -> subprocess.CompletedProcess[str]:
    # In a process of its own: migen guesses names by the frames of its callers.
    command = [sys.executable, str(_EXAMPLE / "ulx3s.py"), str(package), "--output", str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("bus", ["wishbone", "axi"])
def test_soc_is_elaborated(network: Artifact, tmp_path: Path, bus: str) -> None:
    written = packaged(network, tmp_path / "package", bus)
    done = run_example(tmp_path / "package", tmp_path / "soc")
    assert done.returncode == 0, done.stderr
    gateware = tmp_path / "soc" / "gateware"
    text = (gateware / "ulx3s.v").read_text()
    assert f"prunus_{bus} prunus_{bus}" in text
    # Every input of the core is driven.
    head = written.netlist.text.partition("endmodule")[0]
    driven = re.findall(r"^  input (?:\[.*\] )?(\w+);$", head, re.MULTILINE)
    assert len(driven) > 5
    for port in driven:
        assert re.search(rf"\.{port}\s*\(", text), port
    assert {path.name for path in (gateware / "memories").iterdir()} == {
        path.name for path in (tmp_path / "package" / "memories").iterdir()
    }
    assert "prunus,0x30000000,65536,io" in (tmp_path / "soc" / "csr.csv").read_text().replace(
        "memory_region,", ""
    )
    assert "core.v" in (gateware / "ulx3s.ys").read_text()


def test_package_without_a_bus_is_refused(network: Artifact, tmp_path: Path) -> None:
    packaged(network, tmp_path / "package", "native")
    done = run_example(tmp_path / "package", tmp_path / "soc")
    assert done.returncode != 0
    assert "must have --bus axi or wishbone, not native" in done.stderr


@pytest.mark.sim
@pytest.mark.skipif(
    verilator.root() is None or shutil.which("g++") is None, reason="needs verilator and g++"
)
@pytest.mark.parametrize("bus", ["wishbone", "axi"])
def test_host_classifies_images_through_the_bridge(
    network: Artifact, tmp_path: Path, bus: str
) -> None:
    written = packaged(network, tmp_path / "package", bus)
    assert run_example(tmp_path / "package", tmp_path / "soc").returncode == 0
    gateware = tmp_path / "soc" / "gateware"
    for name, text in driver_files().items():
        (gateware / name.removeprefix(f"{FOLDER}/")).write_text(text)
    shutil.copy(tmp_path / "package" / "core.v", gateware)
    for name in ("litex_harness.cpp", "bus.h"):
        shutil.copy(_HERE / name, gateware)
    flags = ["-std=c99", "-include", "bus.h", "-c", "prunus.c", "-o", "driver.o"]
    subprocess.run(["gcc", *flags], cwd=gateware, check=True)
    command = ["verilator", "--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
    command += ["-CFLAGS", "-I..", "--Mdir", "build", "--top-module", "ulx3s"]
    command += ["ulx3s.v", "core.v", "litex_harness.cpp", str(gateware / "driver.o")]
    made = subprocess.run(
        command,
        cwd=gateware,
        env=verilator.environment(optimise="-O1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    plan = written.plan
    levels: Any = stimuli(digits(_IMAGES, seed=5), plan.network)
    (gateware / "levels.bin").write_bytes(levels.tobytes())
    done = subprocess.run(
        ["build/Vulx3s", "0x30000000", "levels.bin", str(_IMAGES)],
        cwd=gateware,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    engine = Engine(plan.network, plan.state, plan.votes)
    expected = []
    for image in levels:
        shown = engine.present(image, learn=False, stop_after=0, margin=0, keep=False)
        undecided = shown.prediction == UNDECIDED
        prediction = 0 if undecided else shown.prediction
        numbers = (prediction, int(undecided), shown.lead, shown.counters.output_spikes)
        expected.append(" ".join(map(str, numbers)))
    assert done.stdout.splitlines() == expected
    assert len(set(expected)) > 3
