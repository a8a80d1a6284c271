"""Simulators that do not start, and hosts that are killed: neither process nor folder is left."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.transports import simulator
from prunus_boards.driver.transports.base import TransportError
from prunus_cli import alive
from prunus_devices import PACKED, network
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

#: Starts a simulation, and tells its process and folder.
HOST = """
import subprocess, sys
from pathlib import Path
from prunus_boards.driver.transports import simulator
from prunus_model.training.artifact import Artifact
from prunus_rtl.link.protocol.description import CoreDescription

class Told(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(command, **options)
        if "prunus_sim.link.server" in command:
            print(self.pid, command[command.index("--build") + 1], flush=True)

subprocess.Popen = Told
core = CoreDescription.load(Path("core.json"))
simulator.SimulatorTransport(Artifact.load(Path("net.npz")), core)
"""


def test_killed_host_leaves_no_simulator(tmp_path: Path) -> None:
    network().save(tmp_path / "net.npz")
    CoreDescription.of(link_plan(network(), PACKED)).save(tmp_path / "core.json")
    with subprocess.Popen(
        [sys.executable, "-c", HOST], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        pid, build = host.stdout.readline().split()
        folder = Path(build).parent
        assert alive(int(pid)) and folder.is_dir()
        host.send_signal(signal.SIGKILL)
    deadline = Deadline(600.0)
    while alive(int(pid)) or folder.exists():
        assert not deadline.over
        time.sleep(0.1)


def starting(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> tuple[str, str]:
    """Start a server that is a script; return why that fails, and what the script has written."""
    server = folder / "server"
    server.write_text(f"#!/bin/sh\necho $$ $@ > {folder}/told\n{script}\n")
    server.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(server))
    core = CoreDescription.of(link_plan(network(), PACKED))
    with pytest.raises(TransportError) as caught:
        simulator.SimulatorTransport(network(), core)
    return str(caught.value), (folder / "told").read_text()


def test_simulator_that_never_listens_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that is deaf to the request to end."""
    monkeypatch.setattr(simulator, "_BUILD_PATIENCE", 0.5)
    said, told = starting(tmp_path, monkeypatch, "trap '' TERM; while :; do sleep 0.1; done")
    assert said == "Simulation must start within 0.5 s, but did not"
    pid, *arguments = told.split()
    assert not alive(int(pid))
    assert not Path(arguments[arguments.index("--build") + 1]).parent.exists()


def test_simulator_that_ends_tells_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, _ = starting(tmp_path, monkeypatch, "echo building; echo 'Error: no compiler'; exit 2")
    assert said == "Simulation must start: no compiler"
    assert starting(tmp_path, monkeypatch, "exit 2")[0] == "Simulation must start: it said nothing"
