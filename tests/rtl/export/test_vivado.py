"""The script for Vivado in tclsh, where commands of Vivado only say how they were called."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from prunus_cli import digits, tiny
from prunus_model.training.trainer import train
from prunus_rtl.export.netlist import TOP, make_netlist
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.export.vivado import PERIOD_NS, SCRIPT, make_vivado

pytestmark = pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")

#: Stand-ins. Those that read a file want it to be there; what is not here is an error of Tcl.
_VIVADO = """
proc called {name args} {
    set log [open $::env(CALLS) a]
    puts $log [concat $name $args]
    close $log
}
foreach name {read_verilog read_xdc} {
    proc $name {file} "
        if {!\\[file isfile \\$file\\]} {error {no such file}}
        called $name \\$file
    "
}
foreach name {synth_design opt_design place_design phys_opt_design route_design report_utilization
    report_timing_summary report_timing write_checkpoint write_bitstream} {
    proc $name {args} "called $name {*}\\$args"
}
proc get_timing_paths {args} {return path}
proc get_property {name object} {
    if {[list $name $object] ne {SLACK path}} {error "$name of $object"}
    return $::env(SLACK)
}
set argv0 vivado
source $::env(SCRIPT)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "core"
    core = make_plan(train(tiny(), digits(600)), ExportOptions(lanes=2, store="csr")).core()
    netlist = make_netlist(core)
    for name, text in {
        "core.v": netlist.text,
        SCRIPT: make_vivado(netlist),
        **{name: image.content for name, image in netlist.files().items()},
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "core"))


def run(
    package: Path, *arguments: str, slack: str = "1.25"
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script from another folder; return what came out, and the calls."""
    (package.parent / "vivado.tcl").write_text(_VIVADO)
    calls = package.parent / "calls"
    calls.unlink(missing_ok=True)
    done = subprocess.run(
        [str(shutil.which("tclsh")), "vivado.tcl", *arguments],
        cwd=package.parent,
        env={"CALLS": str(calls), "SCRIPT": str(package / SCRIPT), "SLACK": slack},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, calls.read_text().splitlines() if calls.exists() else []


def test_core_is_implemented_out_of_context(package: Path) -> None:
    done, calls = run(package, "xc7a35tcpg236-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Slack: 1.25 ns of a period of {PERIOD_NS} ns\n"
    assert calls == [
        "read_verilog core.v",
        "read_xdc vivado/clock.xdc",
        f"synth_design -top {TOP} -part xc7a35tcpg236-1 -mode out_of_context",
        "opt_design",
        "place_design",
        "phys_opt_design",
        "route_design",
        "report_utilization -file vivado/utilization.txt",
        "report_timing_summary -file vivado/timing.txt",
        "report_timing -max_paths 10 -file vivado/paths.txt",
        f"write_checkpoint -force vivado/{TOP}.dcp",
    ]
    assert (package / "vivado/clock.xdc").read_text() == (
        f"create_clock -name clk -period {PERIOD_NS} [get_ports clk]\n"
    )
    # There is such a module, and its clock has that name.
    assert re.search(rf"^module {TOP}\(.*\bclk\b", (package / "core.v").read_text(), re.M)


def test_with_pins_there_is_a_bitstream(package: Path) -> None:
    (package.parent / "pins.xdc").write_text("# pins\n")
    done, calls = run(package, "xc7a100t", "8", "pins.xdc")
    assert (done.returncode, done.stderr) == (0, "")
    assert calls[2:4] == [
        f"read_xdc {(package.parent / 'pins.xdc').resolve()}",
        f"synth_design -top {TOP} -part xc7a100t",
    ]
    assert calls[-1] == f"write_bitstream -force vivado/{TOP}.bit"
    assert "-period 8 " in (package / "vivado/clock.xdc").read_text()


def test_script_names_every_memory_that_the_core_reads(package: Path) -> None:
    text = (package / SCRIPT).read_text()
    named = set(re.findall(r"^    \{(.*)\}$", text, re.MULTILINE))
    read = set(re.findall(r'\$readmemh\("([^"]+)"', (package / "core.v").read_text()))
    assert named == read == {f"memories/{path.name}" for path in (package / "memories").iterdir()}
    # In the order of addresses, and as many words as the memory has.
    for width, depth, name in re.findall(
        r"reg (?:\[(\d+):0\] )?\S+ ?\[0:(\d+)\];\n  initial \$readmemh\(\"([^\"]+)\"",
        (package / "core.v").read_text(),
    ):
        words = (package / name).read_text().splitlines()
        assert len(words) == int(depth) + 1
        assert max(int(word, 16) for word in words) < 2 << int(width or 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Usage: vivado -mode batch -source vivado.tcl -tclargs PART ?PERIOD? ?PINS?"),
        (("a", "1", "b", "c"), "Usage: vivado -mode batch -source vivado.tcl -tclargs PART "),
        (("a", "ten"), "PERIOD must be a number of nanoseconds more than 0, not 'ten'"),
        (("a", "0"), "PERIOD must be a number of nanoseconds more than 0, not '0'"),
        (("a", "5", "/none.xdc"), "File /none.xdc must be there"),
    ],
)
def test_wrong_arguments_are_refused(
    package: Path, arguments: tuple[str, ...], message: str
) -> None:
    done, calls = run(package, *arguments)
    assert (done.returncode, calls) == (2, [])
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1
    assert not (package / "vivado").exists()


def test_missing_memory_is_an_error_not_a_warning(package: Path) -> None:
    missing = min((package / "memories").iterdir())
    missing.unlink()
    done, calls = run(package, "xc7a35tcpg236-1")
    assert (done.returncode, calls) == (2, [])
    assert done.stderr == f"File memories/{missing.name} must be there\n"


def test_missed_clock_is_told_by_the_exit_status(package: Path) -> None:
    done, calls = run(package, "xc7a35tcpg236-1", "2.5", slack="-0.3")
    assert done.returncode == 1
    assert done.stderr == "Clock of 2.5 ns must be met, but the slack is -0.3 ns\n"
    assert calls[-1].startswith("write_checkpoint")
