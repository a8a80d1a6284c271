"""`prunus run` and `prunus verify`, on the golden model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prunus_boards.driver.learning import learned
from prunus_boards.driver.transports.base import Transport
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_cli import Cli, digits, message, same, write_digits
from prunus_devices import LEARNING, PACKED, network
from prunus_model.common.errors import PrunusError
from prunus_model.common.locks import claimed
from prunus_model.engine.engine import Engine
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.levels import levels
from prunus_model.spec.presentation import Request
from prunus_model.spec.state import STATE_DTYPES
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_rtl.link.protocol.description import CoreDescription, Line, link_plan
from prunus_rtl.link.protocol.records import Condition
from prunus_rtl.memory_image.address_map import StoreLayout


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    network().save(Path("net.npz"))
    write_digits(Path("digits.npz"), 10, 30)
    return Cli(tmp_path, monkeypatch, capsys)


def test_run_predicts_as_evaluate(cli: Cli) -> None:
    facts = json.loads(cli.succeed("run", "net.npz", "digits.npz", "--json"))
    data = digits(30, seed=1)
    expected = evaluate(network(), data)
    assert [image["prediction"] for image in facts["images"]] == expected.vote.tolist()
    assert [image["label"] for image in facts["images"]] == data.labels.tolist()
    assert [image["presentation"] for image in facts["images"]] == list(range(30))
    assert facts["clock_hz"] == 0
    assert sum(i["counters"]["forward_sops"] for i in facts["images"]) == (
        expected.counters.forward_sops
    )
    assert all(len(i["spikes"]) == i["counters"]["output_spikes"] for i in facts["images"])


def test_network_of_contrasts_takes_images_of_half_as_many_pixels(cli: Cli) -> None:
    contrast = ("inputs=98", "encoder.contrast.image_width=7", "encoder.contrast.window=3")
    settings = [part for setting in contrast for part in ("--set", setting)]
    write_digits(Path("more.npz"), 300, 30)
    cli.succeed("train", "-c", "tiny", *settings, "-d", "more.npz", "-e", "1", "-o", "c.npz")
    artifact = Artifact.load(Path("c.npz"))
    (row,) = json.loads(cli.succeed("evaluate", "c.npz", "-d", "more.npz", "--json"))
    expected = evaluate(artifact, digits(30, seed=1))
    assert row["confusion"] == expected.confusion.tolist()
    assert expected.vote_accuracy > 0.5
    facts = json.loads(cli.succeed("run", "c.npz", "more.npz", "--json"))
    assert [image["prediction"] for image in facts["images"]] == expected.vote.tolist()
    Image.fromarray(np.zeros((14, 7), np.uint8)).save("two.png")
    refused = cli.run("run", "c.npz", "two.png")
    assert (refused.status, refused.err) == (
        2,
        "prunus: Image two.png must have 49 pixels for this network, not 7 x 14\n",
    )


def test_run_prints_a_table(cli: Cli) -> None:
    out = cli.succeed("run", "net.npz", "digits.npz", "-n", "3", "--stop-after", "1")
    rows = [line.split() for line in out.splitlines() if line.startswith("digits.npz test[")]
    assert [row[1] for row in rows] == ["test[0]", "test[1]", "test[2]"]
    expected = evaluate(network(), digits(30, seed=1).take(0, 3), stop_after=1)
    assert [int(row[3]) for row in rows] == expected.vote.tolist()
    assert {row[4] for row in rows} == {"1"}
    right = 100 * expected.vote_accuracy
    assert f"; {right:.1f} % right\n" in out


def test_run_shows_a_picture_without_label(cli: Cli) -> None:
    Image.fromarray(digits(1).images.reshape(7, 7)).save("one.png")
    facts = json.loads(cli.succeed("run", "net.npz", "one.png", "--json"))
    (image,) = facts["images"]
    assert (image["image"], image["label"]) == ("one.png", None)
    assert image["prediction"] is not None


def test_run_hints_at_dark_on_light(cli: Cli) -> None:
    Image.fromarray(255 - digits(1).images.reshape(7, 7)).save("one.png")
    outcome = cli.run("run", "net.npz", "one.png")
    assert outcome.status == 0
    assert outcome.err == (
        "Image one.png looks dark on light; networks expect light on dark: --invert\n"
    )


def test_run_of_black_images_says_that_nothing_fired(cli: Cli) -> None:
    Image.new("L", (7, 7)).save("black.png")
    outcome = cli.run("run", "net.npz", "black.png")
    assert outcome.status == 0
    assert outcome.err == (
        "Image black.png is one single grey, 0 of 255\nNo neuron has fired for any image\n"
    )


def test_run_learns_and_saves_what_the_engine_learns(cli: Cli) -> None:
    out = cli.succeed("run", "net.npz", "digits.npz", "--learn", "--save", "more.npz")
    assert out.endswith("Saved more.npz\n")
    saved, before = Artifact.load(Path("more.npz")), network()
    engine = Engine(before.config, before.state)
    counters, _ = engine.train(levels(digits(30, seed=1).images, before.config.encoder))
    engine.finish()
    assert saved.state.differences(engine.state) == []
    assert saved.counters == before.counters + counters
    assert len(saved.history) == len(before.history) + 1
    assert saved.history.presentations[-1] == 30
    assert saved.provenance["learned"].startswith("prunus run net.npz digits.npz --learn")
    assert not same(saved, before)
    # What was saved can be run, and learned from again.
    cli.succeed("verify", "more.npz", "digits.npz", "--learn")


def test_network_that_learns_is_not_lost(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs to one output, and a file that comes into being meanwhile."""
    command = ("run", "net.npz", "digits.npz", "-n", "3", "--learn", "--save", "more.npz")
    with claimed(more := Path("more.npz")):
        assert cli.refuse(*command).startswith("Output more.npz is being written by process ")

    def learn(*args: Any, **options: Any) -> Artifact:
        with pytest.raises(PrunusError, match="is being written"), claimed(more):
            pass
        more.write_text("of others")
        return learned(*args, **options)

    monkeypatch.setattr("prunus_boards.cli.run.learned", learn)
    outcome = cli.run(*command)
    assert outcome.status == 2
    told = "Output more.npz has come into being meanwhile: saved more-2.npz instead"
    assert message(outcome.err) == told
    assert more.read_text() == "of others"
    assert len(Artifact.load(Path("more-2.npz")).history) == len(network().history) + 1
    with claimed(more):
        pass


def test_verify_agrees(cli: Cli) -> None:
    packed = ("--store", "csr", "--lanes", "4")
    out = cli.succeed("verify", "net.npz", "digits.npz", "-n", "30", "--json", *packed)
    facts = json.loads(out)
    assert (facts["device"], facts["images"], facts["learned"]) == ("golden", 30, False)
    # The words of the packed store; thresholds and votes; then each image, class and lead too.
    config, image = network().config, link_plan(network(), PACKED).image
    assert image is not None
    layout = StoreLayout.of(image.lanes)
    words = len(list(layout.addresses())) + config.neurons * (1 + config.readout.classes)
    per_image = len(COUNTERS) - 1 + 2
    assert facts["values"] == words + 30 * per_image + 2 * facts["output_spikes"]
    assert cli.succeed("verify", "net.npz", "digits.npz", "-n", "30", *packed) == (
        "Golden model against the emulated device (the same model behind driver and protocol, no "
        f"hardware): 30 presentations, {facts['values']:,} values compared (memories, output "
        "spikes, counters, predictions), equal\n"
    )
    out = cli.succeed("verify", "net.npz", "digits.npz", "--learn", "--json")
    facts = json.loads(out)
    assert (facts["images"], facts["learned"], facts["difference"]) == (10, True, "")
    state = network().state
    values = sum(getattr(state, name).size for name in STATE_DTYPES) + 1
    # The memories of a core that learns, where thresholds, strengths and counts are by neuron.
    words = config.neurons * (config.inputs + 4 + config.readout.classes)
    assert facts["values"] == words + values + 10 * per_image + 2 * facts["output_spikes"]
    for store in ("csr", "dense", "bitmask", "learning"):
        out = cli.succeed("verify", "net.npz", "digits.npz", "--store", store)
        assert out.endswith("predictions), equal\n")


def test_verify_finds_a_device_that_differs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Emulator._start_presentation

    def start(self: Emulator, request: Request) -> None:
        real(self, request)
        if self._started == 3:
            self._spikes[0] = (self._spikes[0][0] + 1, self._spikes[0][1])

    monkeypatch.setattr(Emulator, "_start_presentation", start)
    outcome = cli.run("verify", "net.npz", "digits.npz")
    assert (outcome.status, outcome.err) == (1, "")
    assert ": 3 presentations, " in outcome.out
    assert "different: presentation 2: output spike 0 (step, neuron) must be (" in outcome.out


def test_verify_finds_memories_that_differ(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Emulator._read

    def read(self: Emulator, body: bytes) -> bytes:
        answer = real(self, body)
        return bytes([answer[0] ^ 1]) + answer[1:] if body[0] == 8 else answer

    monkeypatch.setattr(Emulator, "_read", read)
    outcome = cli.run("verify", "net.npz", "digits.npz")
    assert outcome.status == 1
    assert ": 0 presentations, 0 values compared (" in outcome.out
    assert "), different: memories: VOTES[0] is " in outcome.out


def test_core_file_says_what_golden_is(cli: Cli) -> None:
    CoreDescription.of(link_plan(network(), LEARNING), clock_hz=12_000_000).save(Path("core.json"))
    cli.succeed("verify", "net.npz", "digits.npz", "--core", "core.json", "--learn")


@pytest.mark.parametrize(
    ("options", "baud"),
    [((), 115_200), (("--baud", "57600"), 57_600)],
    ids=["of the core", "of the user"],
)
def test_serial_port_has_the_baud_rate_of_the_core(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], baud: int
) -> None:
    used = []

    def port(name: str, *, baud: int) -> Transport:
        used.append((name, baud))
        return GoldenTransport(link_plan(network(), PACKED))

    monkeypatch.setattr("prunus_boards.driver.transports.serial.SerialTransport", port)
    CoreDescription.of(link_plan(network(), PACKED), baud=115_200).save(Path("core.json"))
    on = ("--on", "/dev/ttyUSB9")
    cli.succeed("verify", "net.npz", "digits.npz", *on, "--core", "core.json", *options)
    assert used == [("/dev/ttyUSB9", baud)]
    # Without a description of the core the rate can't be known; it is that of a board by default.
    CoreDescription.load(Path("core.json")).register()
    cli.succeed("verify", "net.npz", "digits.npz", *on)
    assert used[1:] == [("/dev/ttyUSB9", 1_000_000)]


@pytest.mark.parametrize(
    ("options", "baud"),
    [((), 2_000_000), (("--baud", "57600"), 57_600)],
    ids=["of the core", "of the user"],
)
def test_spi_bus_has_the_bit_rate_of_the_core(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], baud: int
) -> None:
    used = []

    def bus(path: str, *, baud: int) -> Transport:
        used.append((path, baud))
        return GoldenTransport(link_plan(network(), PACKED))

    monkeypatch.setattr("prunus_boards.driver.transports.spi.SpiTransport", bus)
    core = CoreDescription.of(link_plan(network(), PACKED), baud=2_000_000, link="spi")
    core.save(Path("core.json"))
    on = ("--on", "spi:/dev/spidev1.0")
    cli.succeed("verify", "net.npz", "digits.npz", *on, "--core", "core.json", *options)
    assert used == [("/dev/spidev1.0", baud)]
    core.register()
    cli.succeed("verify", "net.npz", "digits.npz", *on)
    assert used[1:] == [("/dev/spidev1.0", 1_000_000)]


@pytest.mark.parametrize(
    ("on", "link", "other"),
    [("spi:/dev/spidev0.0", "spi", "uart"), ("/dev/ttyUSB9", "uart", "spi")],
)
def test_core_with_another_line_is_told(cli: Cli, on: str, link: str, other: Line) -> None:
    CoreDescription.of(link_plan(network(), PACKED), link=other).save(Path("core.json"))
    assert cli.refuse("verify", "net.npz", "digits.npz", "--on", on, "--core", "core.json") == (
        f"Core must be one that was built with --link {link} for {on}, not with {other}"
    )


def test_patience_is_that_of_the_user(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(_emulator: Emulator, _body: bytes) -> bytes:
        return Condition(
            running=True, image=False, room=True, result=False, broken=0, position=0, started=0
        ).pack()

    monkeypatch.setattr(Emulator, "_condition", forever)
    assert cli.refuse("verify", "net.npz", "digits.npz", "--patience", "1") == (
        "Device at golden must end a presentation in 1 s, but still runs"
    )
    for wrong in ("0", "nan", "inf", "1e9"):
        assert cli.refuse("verify", "net.npz", "digits.npz", "--patience", wrong).startswith(
            "Invalid value for '--patience': "
        )


def test_wrong_requests_are_refused(cli: Cli) -> None:
    CoreDescription.of(link_plan(network(), PACKED)).save(Path("core.json"))
    assert cli.refuse("run", "net.npz", "digits.npz", "--on", "board") == (
        "Device must be golden, sim, socket:PATH, spi:/dev/spidev0.0 or a serial port such as "
        "/dev/ttyUSB0, not 'board'"
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--on", "spi:/dev/no/bus") == (
        "SPI bus /dev/no/bus must exist: on a Raspberry Pi, dtparam=spi=on in config.txt"
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--on", "/dev/no/port").startswith(
        "Serial port /dev/no/port must exist; there are: "
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--on", "socket:none") == (
        "Socket none must be one that is served: No such file or directory"
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--save", "x.npz") == (
        "--save needs --learn: otherwise the network stays as it is"
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--learn", "--mode", "inference") == (
        "Core at golden must be able to learn for --learn"
    )
    assert cli.refuse("verify", "net.npz", "digits.npz", "--learn", "--core", "core.json") == (
        "Core at golden must be able to learn for --learn"
    )
    assert cli.refuse("run", "net.npz", "sample") == (
        "Images of sample must have 49 pixels for this network, not 784"
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "-n", "31") == (
        "Number of images must be in 1..30, not 31"
    )
    assert cli.refuse("run", "demo", "sample", "--core", "core.json").startswith(
        "Network must have the parameters of the core: "
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--core", "none.json") == (
        "Core none.json can't be read: No such file or directory"
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--learn", "--save", "net.npz") == (
        "Output net.npz must not exist, unless --force is given"
    )
    assert cli.refuse("run", "net.npz", "digits.npz", "--lanes", "3").startswith("lanes must be")
