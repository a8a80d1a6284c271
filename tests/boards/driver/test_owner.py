"""A host that is killed leaves neither its simulator nor its folder behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from prunus_boards.driver.deadline import Deadline
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
