# amaranth: UnusedElaboratable=no
"""Clock of the host link alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest
from amaranth.hdl import Shape
from click.testing import CliRunner

from prunus_boards.build.tools import Tools
from prunus_boards.measure import link_clock
from prunus_boards.measure.link_clock import SerialLink, place_link
from prunus_model.spec.config import NetworkConfig
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig

TINY = NetworkConfig.named("tiny")


class FakeTools(Tools):
    """Tools that place nothing, and reach ten times their seed."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[list[str]] = []

    def check(self, names: Sequence[str]) -> None:
        assert list(names) == ["yosys", "nextpnr-ecp5"]

    def run(self, command: Sequence[str], folder: Path, *, log: str = "") -> None:  # noqa: ARG002
        self.commands.append(list(command))
        if command[0] == "yosys":
            assert "endpoint" in (folder / "link.il").read_text()
            return
        seed = int(command[command.index("--seed") + 1])
        report = {
            "fmax": {"clk": {"achieved": 10.0 * seed, "constraint": 100.0}},
            "utilization": {"TRELLIS_FF": {"used": 7}, "DCCA": {"used": 0}},
        }
        (folder / "report.json").write_text(json.dumps(report))


@pytest.mark.parametrize("learn", [False, True])
@pytest.mark.parametrize("source", ["levels", "events"])
def test_ports_are_those_of_the_core(learn: bool, source: str) -> None:
    hardware = HardwareConfig(lanes=2, learn=learn, source=source)  # type: ignore[arg-type]
    members = dict(SerialLink(network=TINY, hardware=hardware).signature.members)
    core = Core(network=TINY, hardware=hardware).signature.members
    more = {"rx", "tx", "running", "reset_core"}
    assert members.keys() - more == {name for name, _ in core.items()}
    for name, member in core.items():
        ours, theirs = (of.signature.members["payload"].shape for of in (members[name], member))
        assert Shape.cast(ours).width == Shape.cast(theirs).width
        assert members[name].flow != member.flow


def test_each_seed_is_placed_once_after_one_synthesis() -> None:
    tools = FakeTools()
    link = SerialLink(network=TINY, hardware=HardwareConfig(lanes=2, learn=False))
    placements = place_link(link, seeds=[3, 9], tools=tools)
    assert [(one.seed, one.fmax_mhz) for one in placements] == [(3, 30.0), (9, 90.0)]
    assert [command[0] for command in tools.commands] == ["yosys", *["nextpnr-ecp5"] * 2]
    assert all("--out-of-context" in command for command in tools.commands[1:])


def test_command_tells_the_median_and_the_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_clock, "Tools", FakeTools)
    result = CliRunner().invoke(link_clock.main, ["--seeds", "4"], catch_exceptions=False)
    assert result.output == "25.0 MHz: median of 10.0, 20.0, 30.0, 40.0\nTRELLIS_FF 7\n"


@pytest.mark.boards
def test_link_does_not_limit_the_clock_of_a_core() -> None:
    """What is placed follows from the seeds and the versions of the tools alone."""
    link = SerialLink(
        network=NetworkConfig.named("demo"), hardware=HardwareConfig(lanes=16, learn=False)
    )
    placements = place_link(link, seeds=range(1, 4))
    assert placements[0].cells["DP16KD"] == 3
    assert median(placement.fmax_mhz for placement in placements) > 90
