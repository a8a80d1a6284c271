# amaranth: UnusedElaboratable=no
"""The real tools: minutes; `make boards-test`."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from prunus_boards.build.flow import BuildError, build
from prunus_boards.build.netlist import CELLS, NETLIST, write_netlist
from prunus_boards.build.tools import Tools
from prunus_boards.platforms import find_board
from prunus_cli import digits, tiny
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.lib.ram import Ram

pytestmark = pytest.mark.boards


@pytest.fixture(scope="module")
def network() -> Artifact:
    return train(tiny(), digits(600))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.mark.parametrize("name", ["generic-ice40", "generic-ecp5", "tang-nano-9k"])
def test_bitstream_of_each_family(network: Artifact, name: str) -> None:
    board = find_board(name)
    built = build(network, board, ExportOptions(lanes=2), folder=Path("out"))
    report = json.loads(Path("out/report.json").read_text())
    assert report == built.report
    assert built.bitstream.stat().st_size == report["bitstream_bytes"] > 50_000
    assert min(report["fmax_mhz"]) * 1e6 >= board.clock_hz
    assert 500 < report["lut"] < 8000
    assert 300 < report["ff"] < 4000
    assert report["bram"] >= 2
    assert len(report["tools"]) == 3


def test_clock_that_no_design_reaches_is_refused(network: Artifact) -> None:
    board = find_board("generic-ice40")
    options = ExportOptions(lanes=1)
    with pytest.raises(BuildError, match=r"^Clock of 204 MHz must be met, but the design reaches"):
        build(network, board, options, folder=Path("out"), clock_hz=204_000_000)
    assert not Path("out").exists()
    # Where it is lost, from a flip-flop to another.
    failed = json.loads(Path("out-failed/failed.json").read_text())
    assert len(set(failed["critical_path"])) == 2
    assert "Critical path report for clock" in Path("out-failed/timing.log").read_text()


class Reader(wiring.Component):
    """Reads a memory from its first word to its last, again and again."""

    def __init__(self, words: list[int]) -> None:
        self._words = words
        super().__init__({"data": Out(16)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.submodules.ram = ram = Ram(shape=16, depth=256, init=self._words)
        at = Signal(8)
        m.d.sync += at.eq(at + 1)
        m.d.comb += [ram.read.eq(1), ram.read_address.eq(at), self.data.eq(ram.read_data)]
        return m


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
def test_netlist_runs_with_the_models_of_its_cells(tmp_path: Path) -> None:
    words = [(1009 * k) & 0xFFFF for k in range(256)]
    script = ["setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2"]
    write_netlist(Reader(words), tmp_path, name="reader", script=script, tools=Tools())
    assert "SB_RAM40_4K" in (tmp_path / NETLIST).read_text()
    (tmp_path / "bench.v").write_text(
        "module bench; reg clk = 0, rst = 1; wire [15:0] data; integer k;\n"
        "reader dut(.clk(clk), .rst(rst), .data(data));\n"
        "initial begin #1 clk = 1; #1 clk = 0; rst = 0;\n"
        "for (k = 0; k < 256; k = k + 1) begin #1 clk = 1; #1 $display(data); clk = 0; end\n"
        "end endmodule\n"
    )
    sources = [NETLIST, CELLS, "bench.v"]
    flags = ["-DNO_ICE40_DEFAULT_ASSIGNMENTS", "-g2012", "-s", "bench", "-o", "program"]
    subprocess.run(["iverilog", *flags, *sources], cwd=tmp_path, check=True)
    done = subprocess.run(
        ["vvp", "-n", "program"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert [int(line) for line in done.stdout.split()] == words
