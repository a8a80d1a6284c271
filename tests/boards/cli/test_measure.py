"""`prunus measure`, with a simulated sensor beside the emulated device."""

import json
import re
from pathlib import Path

import pytest

from prunus_boards.cli import measure as module
from prunus_boards.driver.transports.base import Transport
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_cli import Cli, message, write_digits
from prunus_devices import PACKED, network
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

QUICK = ("--idle", "0.6", "--seconds", "0.6", "--sensor", "ina")
DATA = ("net.npz", "digits.npz")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    network().save(Path("net.npz"))
    write_digits(Path("digits.npz"), 10, 30)
    Path("ina").mkdir()
    Path("ina/name").write_text("ina219\n")
    power(200_000)

    def note(text: str) -> None:
        power(250_000 if text.startswith("images") else 200_000)

    monkeypatch.setattr(module, "note", note)
    return Cli(tmp_path, monkeypatch, capsys)


def power(microwatts: int) -> None:
    Path("scratch").write_text(f"{microwatts}\n")
    Path("scratch").replace("ina/power1_input")


def test_energy_is_written_with_where_it_comes_from(cli: Cli) -> None:
    out = cli.succeed("measure", *DATA, *QUICK, "-o", "power.json", "--label", "none, fake")
    facts = json.loads(Path("power.json").read_text())
    assert facts["provenance"]["kind"] == "board-power"
    assert facts["provenance"]["inputs"] == {"network": network().content_hash}
    assert facts["provenance"]["command"].startswith("prunus measure net.npz digits.npz ")
    assert {"python", "prunus", "numpy", "scipy"} == set(facts["provenance"]["tools"])
    assert facts["board_measured"] is False
    assert (facts["label"], facts["sensor"]) == ("none, fake", "ina219, hwmon")
    assert (facts["neurons"], facts["confidence"]) == (10, 0.95)
    assert facts["net_w"]["value"] == pytest.approx(0.05)
    assert facts["net_w"]["least"] < 0.05 < facts["net_w"]["largest"]
    seconds, images = facts["active"]["seconds"], facts["images"]
    assert facts["image_j"]["value"] == pytest.approx(0.05 * seconds / images)
    assert facts["images_per_second"] == pytest.approx(images / seconds)
    assert [phase["mean_w"] for phase in facts["idle"]] == pytest.approx([0.2, 0.2])
    assert all(phase["samples"] >= 20 for phase in [*facts["idle"], facts["active"]])
    # What is printed is that, and says that there was no board.
    assert re.search(r"^Less idle 50\.00 mW, -?[\d.]+ to [\d.]+$", out, re.MULTILINE)
    assert f"Energy of an image {1e6 * facts['image_j']['value']:.1f} uJ, " in out
    assert "No board was measured: images were shown to the emulated device (" in out
    assert out.splitlines()[-1] == "Wrote power.json"


def test_board_is_told_from_what_is_none(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    core = CoreDescription.of(link_plan(network(), PACKED))
    core.save(Path("core.json"))
    golden = GoldenTransport(link_plan(network(), PACKED))

    def port(_name: str, **_baud: int) -> Transport:
        return golden

    monkeypatch.setattr("prunus_boards.driver.transports.serial.SerialTransport", port)
    on = ("--on", "/dev/ttyUSB9", "--core", "core.json")
    out = cli.succeed("measure", *DATA, *QUICK, *on, "-o", "power.json")
    assert json.loads(Path("power.json").read_text())["board_measured"] is True
    assert "No board" not in out


def test_sensor_that_is_stuck_or_missing_is_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "note", lambda _text: None)
    said = cli.refuse("measure", *DATA, *QUICK, "-o", "power.json")
    assert re.fullmatch(
        r"Sensor must follow the power, but gave 0\.2 W \d+ times: it is stuck, or its steps are "
        r"too large",
        said,
    )
    assert not Path("power.json").exists()
    Path("ina/power1_input").unlink()
    said = cli.refuse("measure", *DATA, *QUICK)
    assert said == "Sensor ina must have power1_input, or in1_input and curr1_input"
    assert cli.refuse("measure", *DATA, "--sensor", "no").startswith("Sensor must be a folder as ")
    assert cli.refuse("measure", *DATA).startswith("Missing option '--sensor'")


def test_sensor_that_vanishes_meanwhile_is_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(text: str) -> None:
        if text.startswith("images"):
            Path("ina/power1_input").unlink()

    monkeypatch.setattr(module, "note", note)
    outcome = cli.run("measure", *DATA, *QUICK)
    assert (outcome.status, outcome.out) == (2, "")
    said = message(outcome.err)
    assert said == "Sensor ina/power1_input must stay readable: No such file or directory"


def test_table_without_rows_of_the_images_is_one_line(cli: Cli) -> None:
    Path("old.csv").write_text("time,watts\n" + "".join(f"{k},0.2\n" for k in range(100)))
    said = cli.refuse("measure", *DATA, *QUICK[:4], "--sensor", "old.csv", "--wait", "0")
    assert said.startswith("Sensor must give at least 20 samples while idle before the images, ")
