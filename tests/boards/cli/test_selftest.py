"""`prunus selftest`, on the golden model."""

import json
from pathlib import Path
from typing import Any

import pytest

from prunus_boards.driver.transports.base import Transport
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_cli import Cli, message
from prunus_devices import PACKED, Tampering, network
from prunus_model.cli.common import load_network
from prunus_model.training.artifact import Artifact
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

PORT = ("--on", "/dev/ttyUSB9", "--core", "core.json")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    network().save(Path("net.npz"))
    CoreDescription.of(link_plan(network(), PACKED), baud=115_200).save(Path("core.json"))
    return Cli(tmp_path, monkeypatch, capsys)


def board(monkeypatch: pytest.MonkeyPatch, holds: Artifact, *, silent: bool = False) -> Any:
    """A board at the port; return the emulator in it."""
    golden = GoldenTransport(CoreDescription.load(Path("core.json")).plan(holds))
    way = Tampering(golden, sent=lambda _octets: b"") if silent else golden

    def port(_name: str, *, baud: int) -> Transport:
        assert baud == 115_200
        return way

    monkeypatch.setattr("prunus_boards.driver.transports.serial.SerialTransport", port)
    return golden.emulator


def lines(out: str) -> dict[str, str]:
    """Verdicts by test."""
    rows = [line.split() for line in out.splitlines()]
    return {row[0]: row[1] for row in rows if row[1:2] and row[1] in ("ok", "failed", "skipped")}


def test_emulated_device_of_a_bundled_network_passes(cli: Cli) -> None:
    out = cli.succeed("selftest", "-o", "report.json")
    assert list(lines(out).values()) == ["ok"] * 5
    assert "3 equal the golden model, " in out
    last, wrote = out.splitlines()[-2:]
    assert last.startswith("Self-test of the emulated device (the same model behind driver and ")
    assert last.endswith(", no hardware): all is well")
    assert wrote == "Wrote report.json"
    report = json.loads(Path("report.json").read_text())
    assert (report["format"], report["version"]) == ("prunus selftest", 1)
    assert (report["device"], report["hardware"], report["ok"]) == ("golden", False, True)
    assert report["identity"]["network"] == load_network("demo").content_hash
    assert report["identity"]["neurons"] == 100
    assert [test["name"] for test in report["tests"]] == list(lines(out))
    assert {test["verdict"] for test in report["tests"]} == {"ok"}
    assert report["tests"][2]["STORE"]["accesses"] > report["tests"][2]["STORE"]["words"] > 10_000
    assert report["prunus"] and report["python"]


def test_images_that_do_not_suit_are_skipped_with_the_reason(cli: Cli) -> None:
    out = cli.succeed("selftest", "net.npz")
    assert lines(out)["images"] == "skipped"
    assert "images    skipped  bundled images do not suit the network: " in out
    assert out.splitlines()[-1].endswith(": all is well; skipped: images")


def test_failing_device_is_status_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Emulator._read

    def read(self: Emulator, body: bytes) -> bytes:
        answer = real(self, body)
        return bytes([answer[0] | 1]) + answer[1:] if body[0] == Space.V else answer

    monkeypatch.setattr(Emulator, "_read", read)
    outcome = cli.run("selftest", "net.npz", "-o", "report.json")
    assert (outcome.status, outcome.err) == (1, "")
    assert "memory    failed   V[0]" in outcome.out
    assert ": failed: memory; skipped: images\n" in outcome.out
    report = json.loads(Path("report.json").read_text())
    assert report["ok"] is False
    assert report["tests"][2]["text"].startswith("V[0]")


def test_silent_board_is_status_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    board(monkeypatch, network(), silent=True)
    outcome = cli.run("selftest", *PORT, "-o", "report.json")
    assert outcome.status == 1
    assert list(lines(outcome.out).values()) == ["failed", *["skipped"] * 4]
    report = json.loads(Path("report.json").read_text())
    assert report["identity"] is None
    assert (report["device"], report["hardware"]) == ("/dev/ttyUSB9", True)


def test_network_of_a_board_is_named_or_loaded(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = board(monkeypatch, network(900))
    held = network(900).content_hash
    out = cli.succeed("selftest", *PORT)
    assert f"skipped  network {held[:16]} is not bundled; name its file" in out
    out = cli.succeed("selftest", "net.npz", *PORT)
    assert (
        f"skipped  device must hold the network that is named, not {held[:16]}; --load loads it"
        in out
    )
    assert emulator._network.hex() == held
    out = cli.succeed("selftest", "net.npz", *PORT, "--load")
    assert "bundled images do not suit the network" in out
    assert emulator._network.hex() == network().content_hash
    emulator._network = bytes(32)
    out = cli.succeed("selftest", *PORT)
    assert "skipped  device holds no network; name one, and --load it" in out


def test_what_can_not_be_tested_is_status_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.refuse("selftest", "--load") == "--load needs a NETWORK to load"
    assert cli.refuse("selftest", "--on", "nowhere").startswith("Device must be golden, sim, ")
    assert cli.refuse("selftest", "--on", "socket:no").startswith("Socket no must be one that is ")
    assert cli.refuse("selftest", "--limit", "0").startswith("Invalid value for '--limit'")
    board(monkeypatch, network())
    digest = CoreDescription.load(Path("core.json")).digest.hex()
    monkeypatch.setattr(
        "prunus_boards.driver.transports.serial.SerialTransport",
        lambda _name, **_baud: GoldenTransport(link_plan(network(), PACKED)),
    )
    assert cli.refuse("selftest", "--on", "/dev/ttyUSB9") == (
        f"Core {digest} must be known: it was not built here, so its core.json must be named"
    )


def test_older_report_is_not_replaced(cli: Cli) -> None:
    Path("report.json").write_text("mine")
    said = cli.refuse("selftest", "net.npz", "-o", "report.json")
    assert said == "Output report.json must not exist, unless --force is given"
    assert Path("report.json").read_text() == "mine"
    cli.succeed("selftest", "net.npz", "-o", "report.json", "--force")
    assert json.loads(Path("report.json").read_text())["ok"] is True


def test_limit_is_that_of_every_test(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def clock(_transport: Transport) -> float:
        now[0] += 0.01
        return now[0]

    monkeypatch.setattr(GoldenTransport, "clock", property(lambda self: lambda: clock(self)))
    outcome = cli.run("selftest", "net.npz", "--limit", "1")
    assert outcome.status == 1
    assert "not finished in 1 s (" in outcome.out
    assert message(outcome.err) if outcome.err else True
