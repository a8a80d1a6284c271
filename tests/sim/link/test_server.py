# amaranth: UnusedElaboratable=no
"""The simulator's server, as it is started by hand; what it serves: tests/boards."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from prunus_boards.driver.checking import check
from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.simulator import SocketTransport
from prunus_devices import PACKED, network, shown
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.serial_system import SerialSystem
from prunus_rtl.link.spi_system import SpiSystem
from prunus_rtl.link.system import System
from prunus_sim.link import server


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "prunus_sim.link.server", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        umask=0,
    )


def refuse(folder: Path, *arguments: str) -> str:
    out, err = (process := start(folder, *arguments)).communicate(timeout=600)
    assert (process.returncode, out) == (2, "")
    return err.strip().splitlines()[-1].removeprefix("Error: ")


def test_wrong_arguments_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    assert refuse(tmp_path, "demo", "--socket", "there") == "there: there must be no such file yet"
    assert refuse(tmp_path, "nothing", "--socket", "s") == (
        "Network must be a file or one of demo, 400, up5k, windows, not 'nothing'"
    )
    assert refuse(tmp_path, "demo", "--socket", "s", "--core", "none.json") == (
        "Core none.json can't be read: No such file or directory"
    )
    assert refuse(tmp_path, "demo", "--socket", "s", "--netlist", "none") == (
        "none/netlist.v: there must be such a file"
    )
    assert "--pins" in refuse(tmp_path, "demo", "--socket", "s", "--pins", "3")
    assert "--socket" in refuse(tmp_path, "demo")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize(
    ("arguments", "device", "line"),
    [
        ((), System, "uart"),
        (("--pins", "8"), SerialSystem, "uart"),
        (("--pins", "8", "--link", "spi"), SpiSystem, "spi"),
        (("--pins", "8", "--core", "core.json"), SpiSystem, "spi"),
        (("--pins", "8", "--core", "core.json", "--link", "uart"), SerialSystem, "uart"),
    ],
)
def test_line_is_that_of_the_user_else_of_the_core(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    device: type,
    line: str,
) -> None:
    served: list[Any] = []
    monkeypatch.setattr(server, "serve", lambda one, *_, **how: served.extend([one, how]))
    monkeypatch.chdir(tmp_path)
    network().save(Path("net.npz"))
    CoreDescription.of(link_plan(network(), PACKED), link="spi").save(Path("core.json"))
    done = CliRunner().invoke(server.main, ["net.npz", "--socket", "s", *arguments])
    assert done.exit_code == 0, done.output
    one, how = served
    assert type(one) is device
    assert (how["line"], how["divisor"]) == (line, 8 if arguments else None)


@pytest.mark.sim
def test_hosts_are_served_one_after_the_other_until_it_is_ended(tmp_path: Path) -> None:
    network().save(tmp_path / "net.npz")
    process = start(tmp_path, "net.npz", "--socket", "s", "--lanes", "4", "--store", "csr")
    try:
        path = tmp_path / "s"
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.1)
        assert path.stat().st_mode & 0o777 == 0o600
        core = CoreDescription.of(link_plan(network(), PACKED))
        for started in (0, 3):
            with Device(SocketTransport(path), core=core) as device:
                device.attach(network())
                assert device.condition().started == started
                *_, found = check(device, shown(3))
                assert found.difference == ""
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=600)
    assert process.returncode == 143
    assert err.splitlines()[-1] == "interrupted"
    assert not path.exists()
