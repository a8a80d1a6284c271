"""Packages of a core behind a bus or a serial line: their benches, and FuseSoC on them."""

# amaranth: UnusedElaboratable=no

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import digits
from prunus_model.common.errors import ConfigError
from prunus_model.training.artifact import Artifact
from prunus_package import small
from prunus_rtl.bus.registers import register
from prunus_rtl.export import verilator
from prunus_rtl.export.core_sizes import core_sizes
from prunus_rtl.export.package import Written, write_package
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.simulators import find_simulator, run_bench
from prunus_rtl.soc.interfaces import INTERFACES, make_interface
from prunus_rtl.soc.script import Op

SIMULATOR = find_simulator()
needs_simulator = pytest.mark.skipif(SIMULATOR is None, reason="neither iverilog nor verilator")
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
_FUSESOC = Path(sys.executable).with_name("fusesoc")


def packaged(
    network: Artifact,
    folder: Path,
    bus: str,
    *,
    simulator: str | None = None,
    images: int = 2,
    **options: Any,
) -> Written:
    data = digits(8, seed=5)
    return write_package(
        network,
        ExportOptions(**options),
        folder=folder / "package",
        data=data,
        images=images,
        typical=data,
        simulator=simulator,
        command="prunus generate",
        # The fastest line there is.
        interface=make_interface(bus, clock_hz=8_000_000, baud=1_000_000),
    )


@pytest.mark.sim
@needs_simulator
@pytest.mark.parametrize(
    ("bus", "mode", "source"),
    # Every bus with each mode, and with each source.
    [
        (bus, mode, sources[n % 2])
        for bus, sources in (
            ("axi", ("levels", "events")),
            ("wishbone", ("events", "levels")),
            ("uart", ("levels", "events")),
        )
        for n, mode in enumerate(("inference", "learning"))
    ],
)
def test_bench_passes(network: Artifact, tmp_path: Path, bus: str, mode: str, source: str) -> None:
    written = packaged(
        network, tmp_path, bus, simulator=SIMULATOR, mode=mode, source=source, lanes=4
    )
    assert written.run is not None and written.run.passed
    assert any(image.spikes for image in written.vectors.shown)
    if source == "levels":
        for cycles, image in zip(written.run.cycles, written.vectors.shown, strict=True):
            assert image.cycles.fewest <= cycles <= image.cycles.most


@pytest.mark.sim
@needs_simulator
@needs_icarus
@pytest.mark.parametrize("bus", ["axi", "wishbone", "uart"])
def test_simulators_agree_to_the_cycle_and_find_differences(
    network: Artifact, tmp_path: Path, bus: str
) -> None:
    packaged(network, tmp_path, bus, simulator=SIMULATOR, mode="learning", lanes=4)
    folder = tmp_path / "package"
    run = run_bench(folder, "icarus")
    assert run.passed, run.output
    vectors = folder / "vectors"
    faults: list[tuple[str, Callable[[str], str]]]
    if bus == "uart":
        faults = [("octets.hex", lambda text: _changed(text, -1)), ("heads.hex", _one_cycle_less)]
    else:
        script = (vectors / "script.hex").read_text()
        cycles = re.search(rf"^{Op.CYCLES:08x} .*$", script, re.MULTILINE)
        assert cycles is not None
        line = cycles[0].split()
        other = " ".join([*line[:3], f"{int(line[3], 16) - 1:08x}"])
        wrong = " ".join([*line[:2], f"{int(line[2], 16) - 1:08x}", f"{int(line[3], 16) - 1:08x}"])
        assert other != wrong
        faults = [
            ("script.hex", lambda text: text.replace(" ".join(line[:4]), wrong)),
            # The last word that is read, and the class of the last image.
            ("script.hex", lambda text: _last(text, Op.READ, 2)),
            (
                "script.hex",
                lambda text: text.replace(
                    f"{Op.READ_REFUSED:08x} 0000fffc", f"{Op.READ:08x} 00000004"
                ),
            ),
        ]
        if bus == "axi":
            faults += [("received.hex", lambda text: _changed(text, 0))]
            # TLAST of an image comes one level early.
            faults += [("sent.hex", lambda text: text.replace("0", "1", 1))]
    for name, fault in faults:
        path = vectors / name
        text = path.read_text()
        assert fault(text) != text
        path.write_text(fault(text))
        run = run_bench(folder, "icarus")
        assert not run.passed and run.verdict.startswith("FAIL"), (name, run.output)
        path.write_text(text)


def _changed(text: str, number: int) -> str:
    """Change the lowest digit of a word of a file."""
    lines = text.split("\n")
    at = [k for k, line in enumerate(lines) if line and not line.startswith("//")][number]
    digit = int(lines[at][-1], 16) ^ 1
    lines[at] = f"{lines[at][:-1]}{digit:x}"
    return "\n".join(lines)


def _one_cycle_less(text: str) -> str:
    """Expect one cycle less of the first image."""
    lines = [line for line in text.split("\n") if line and not line.startswith("//")]
    at = next(k for k in range(0, len(lines), 7) if lines[k + 1] != "ffffffff")
    for k in (at + 2, at + 3):
        lines[k] = f"{int(lines[k], 16) - 1:08x}"
    return "\n".join(lines) + "\n"


def _last(text: str, op: Op, part: int) -> str:
    """Change a part of the last such entry of a script."""
    lines = text.rstrip("\n").split("\n")
    at = max(k for k, line in enumerate(lines) if line.startswith(f"{op:08x}"))
    parts = lines[at].split()
    parts[part] = f"{int(parts[part], 16) ^ 1:08x}"
    lines[at] = " ".join(parts)
    return "\n".join(lines) + "\n"


@pytest.mark.sim
@needs_simulator
@pytest.mark.parametrize("bus", ["axi", "uart"])
def test_bench_passes_without_any_output_spike(tmp_path: Path, bus: str) -> None:
    """The result is undecided."""
    data = digits(2, seed=5)
    dark = type(data)(
        name="dark",
        images=np.zeros_like(data.images),
        labels=data.labels,
        image_shape=data.image_shape,
    )
    written = write_package(
        small(neurons=3),
        ExportOptions(),
        folder=tmp_path / "package",
        data=dark,
        images=2,
        typical=dark,
        simulator=SIMULATOR,
        command="prunus generate",
        interface=make_interface(bus, clock_hz=8_000_000, baud=1_000_000),
    )
    assert all(image.undecided for image in written.vectors.shown)
    assert written.run is not None and written.run.passed


@pytest.mark.parametrize("bus", INTERFACES)
def test_documents_name_every_file_and_port(network: Artifact, tmp_path: Path, bus: str) -> None:
    written = packaged(network, tmp_path, bus, lanes=4)
    folder = tmp_path / "package"
    text = (folder / "README.md").read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["interface"] == bus
    for name in (path.name for path in folder.iterdir()):
        if name not in ("README.md", "manifest.json"):
            assert f"`{name}" in text, name
    instance = (folder / "instance.v").read_text()
    core = written.netlist.text.partition("endmodule")[0]
    top = f"prunus_{'core' if bus == 'native' else bus}"
    assert core.lstrip().split("module ")[1].startswith(top)
    ports = re.findall(r"^  (in|out)put (?:\[.*\] )?(\w+);$", core, re.MULTILINE)
    assert len(ports) >= 5
    for _, port in ports:
        rows = re.findall(rf"^\| `{port}` \| (?:in|out) \| \d+ \| (.*) \|$", text, re.MULTILINE)
        assert len(rows) == 1 and rows[0].strip(), port
        assert f".{port}({port})" in instance
    for row in core_sizes(mode="inference", bus=bus).rows:
        shown = f"{row['lut']} | {row['ff']} | {row['blocks']} | {row['fmax_mhz']:.1f} MHz |"
        (line,) = [line for line in text.split("\n") if line.endswith(shown)]
        like = row["mode"] == "inference" and row["bus"] == bus
        assert line.startswith("| **") == like
        shown = "".join(f" | {count}" for count in row["xilinx"].values())
        (line,) = [line for line in text.split("\n") if line.endswith(f"{shown} |")]
        assert line.startswith("| **") == like
    assert "\n\n\n" not in text
    rows = [line for line in text.split("\n") if line.startswith("|")]
    for above, row in pairwise(rows):
        if row.startswith("| ---"):
            assert row.replace("\\|", "").count("|") == above.replace("\\|", "").count("|")


@pytest.mark.parametrize("bus", ["axi", "wishbone"])
@pytest.mark.parametrize("source", ["levels", "events"])
def test_documents_say_what_each_fault_does(
    network: Artifact, tmp_path: Path, bus: str, source: str
) -> None:
    packaged(network, tmp_path, bus, lanes=4, source=source)
    text = (tmp_path / "package" / "README.md").read_text()
    error = "SLVERR" if bus == "axi" else "`wb_err`"
    assert f"{error} and `access`" in text
    assert f"refused with {error}, `access` and `busy`" in text
    assert ("No TLAST" in text.partition("## Registers")[0]) == (
        bus == "axi" and source == "levels"
    )
    # Every bit has its name.
    rows = text.partition("| `ERROR` |")[2].partition("| 0x")[0].splitlines()
    named = [row.split("|")[1 if k == 0 else 4].strip() for k, row in enumerate(rows) if row]
    assert named == [f"`{field.name}`" for field in register("ERROR").fields]


@pytest.mark.sim
@needs_icarus
@pytest.mark.skipif(
    not _FUSESOC.exists() or verilator.root() is None, reason="needs fusesoc and verilator"
)
@pytest.mark.parametrize("bus", ["native", "axi"])
def test_fusesoc_lints_and_simulates_from_its_own_command_line(
    network: Artifact, tmp_path: Path, bus: str
) -> None:
    packaged(network, tmp_path, bus, lanes=4, images=1)
    project = tmp_path / "project"
    project.mkdir()
    root = verilator.root()
    environment = verilator.environment() | {"HOME": str(tmp_path)}
    environment.pop("MAKEFLAGS")
    assert str(root) == environment["VERILATOR_ROOT"]
    top = f"prunus:core:prunus_{'core' if bus == 'native' else bus}"
    command = [str(_FUSESOC), "--cores-root", "../package", "run", "--target"]

    def fusesoc(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    for target, said in (("lint", "V e r i l a t i o n"), ("sim", "PASS: 1 images")):
        done = fusesoc(target, top)
        assert done.returncode == 0 and said in done.stdout + done.stderr, done.stderr
    assert "Deprecat" not in done.stderr
    done = fusesoc("synth", "--setup", top)
    assert done.returncode == 0, done.stderr
    # A difference is an exit status.
    spikes = (
        tmp_path / "package" / "vectors" / ("spikes.hex" if bus == "native" else "received.hex")
    )
    spikes.write_text(_changed(spikes.read_text().replace(" // ", "\n// "), 0))
    done = fusesoc("sim", top)
    assert done.returncode != 0 and "FAIL: " in done.stdout


def test_a_baud_rate_that_the_clock_does_not_give_is_refused() -> None:
    with pytest.raises(ConfigError, match="Baud rate must be at most"):
        make_interface("uart", clock_hz=1_000_000, baud=1_000_000)
