# amaranth: UnusedElaboratable=no
"""Builds with SPI in place of the serial line: pins, what files tell of it, refusals."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from prunus_boards.build.flow import build_name, prepare
from prunus_boards.platforms import BOARDS, find_board
from prunus_boards.platforms.board import BoardError
from prunus_cli import Cli, listing, message
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_tools import FakeTools

GENERIC = ("-b", "generic-ice40", "--tools", "native", "--lanes", "2", "--link", "spi")
PINS = ("--pins", "sck=3,cs=4,mosi=6,miso=9")


def files(network: Artifact, name: str, pins: dict[str, str] | None = None) -> dict[str, str]:
    """Files for the tools, by suffix."""
    board = find_board(name)
    plan = link_plan(network, ExportOptions(lanes=2, device=board.memory))
    _, found = prepare(plan, board, clock_hz=board.clock_hz, link="spi", pins=pins)
    return {file.rpartition(".")[2]: str(text) for file, text in found.files.items()}


def module(rtlil: str, name: str) -> str:
    """Text of one module."""
    found = re.search(rf"^module \\{re.escape(name)}\n(.*?)^end\n", rtlil, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def sites(text: str) -> dict[str, str]:
    found = re.findall(r'(?:LOCATE COMP|set_io) "?([^" ]+)"?(?: SITE)? "?(\w+)"?', text)
    return {name.removesuffix("__io").removeprefix("spi_0__"): pin for name, pin in found}


def test_ulx3s_has_spi_on_its_header(network: Artifact) -> None:
    found = files(network, "ulx3s-85f")
    pins = {"clk25_0": "G2", "led_0": "B2", "wifi_gpio0_0": "L2"}
    # GP0, GN0, GP1, GN1.
    assert sites(found["lpf"]) == pins | {"sck": "B11", "cs": "C11", "mosi": "A10", "miso": "A11"}
    pulled = [line.split('"')[1] for line in found["lpf"].splitlines() if "PULLMODE=UP" in line]
    assert pulled == ["spi_0__cs__io", "wifi_gpio0_0__io"]
    assert found["lpf"].count("IO_TYPE=LVCMOS33") == 7
    # Driven if selected, and nothing is inverted.
    miso = module(found["il"], "top.miso_pin")
    assert re.search(r"cell \$not .*?connect \\A \\oe \[0\]\n\s*connect \\Y \\t\n", miso, re.DOTALL)
    for name in ("miso", "cs", "sck", "mosi"):
        assert re.findall(r"connect \\B (\S+)\n", module(found["il"], f"top.{name}_pin")) == ["1'0"]


def test_icebreaker_has_spi_in_the_order_of_a_pmod(network: Artifact) -> None:
    found = files(network, "icebreaker")
    # Chip select, MOSI, MISO, SCK: pins 1 to 4 of PMOD1A.
    pins = {"cs": "4", "mosi": "2", "miso": "47", "sck": "45"}
    assert sites(found["pcf"]) == {"clk12_0": "35", "led_0": "11"} | pins
    for name in ("cs", "sck", "mosi"):
        pin = module(found["il"], f"top.{name}_pin")
        assert (r"\PULLUP 1" in pin) == (name == "cs")
        assert r"\PIN_TYPE 6'000001" in pin
    # An output with enable.
    miso = module(found["il"], "top.miso_pin")
    assert r"\PIN_TYPE 6'101001" in miso
    assert r"connect \OUTPUT_ENABLE \oe [0]" in miso
    assert r"connect \D_OUT_0 \o [0]" in miso


@pytest.mark.parametrize("name", ["ulx3s-85f", "icebreaker"])
def test_pins_are_joined_to_the_peripheral(network: Artifact, name: str) -> None:
    top = module(files(network, name)["il"], "top")
    joined = {}
    for cell in re.findall(
        r"^  cell \\top\.(\w+) .*?\n(.*?)^  end\n", top, re.DOTALL | re.MULTILINE
    ):
        joined[cell[0]] = dict(re.findall(r"connect \\(\w+)\S* (\S+)", cell[1]))
    system = joined["system"]
    for pin in ("sck", "cs", "mosi"):
        assert system[pin] == joined[f"{pin}_pin"]["i"]
    # The wires have the names of one end.
    same = dict(re.findall(r"^  connect (\S+) (\S+)", top, re.MULTILINE))
    for mine, theirs in (("miso", "o"), ("selected", "oe")):
        wire = joined["miso_pin"][theirs]
        assert system[mine] in (wire, same.get(wire), *(k for k, v in same.items() if v == wire))


def test_build_tells_its_line(cli: Cli, tools: FakeTools, network: Artifact) -> None:
    (tools.folder / "icepack").write_text(
        (tools.folder / "icepack").read_text() + "shutil.copy('top.pcf', here)\n"
    )
    cli.succeed("bitstream", "net.npz", *GENERIC, *PINS, "--baud", "2000000", "--store", "csr")
    folder = Path("build/generic-ice40/inference-10-spi")
    read: dict[str, Any] = {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in ("core", "report", "manifest")
    }
    assert [content["link"] for content in read.values()] == ["spi"] * 3
    assert read["report"]["baud"] == 2_000_000
    # The clock of the line is the host's.
    assert "baud_error_percent" not in read["report"]
    plan = link_plan(network, ExportOptions(lanes=2, store="csr", device="UP5K"))
    expected = CoreDescription.of(plan, clock_hz=18_000_000, baud=2_000_000, link="spi")
    assert CoreDescription.load(folder / "core.json") == expected
    assert sites((tools.folder / "top.pcf").read_text()) == {
        "clk_0": "35",
        "led_0": "11",
        "sck": "3",
        "cs": "4",
        "mosi": "6",
        "miso": "9",
    }
    # The other line is a build of its own.
    cli.succeed("bitstream", "net.npz", *GENERIC[:-2])
    other = Path("build/generic-ice40/inference-10")
    for name in read:
        assert json.loads((other / f"{name}.json").read_text())["link"] == "uart"
    assert "baud_error_percent" in json.loads((other / "report.json").read_text())
    # And it is the same core.
    cli.succeed("bitstream", "net.npz", *GENERIC, *PINS)


def test_digest_of_a_core_does_not_depend_on_its_line(network: Artifact) -> None:
    plan = link_plan(network, ExportOptions(lanes=2))
    uart, spi = (CoreDescription.of(plan, link=link) for link in ("uart", "spi"))
    assert uart != spi
    assert uart.digest == spi.digest


def test_description_without_a_line_is_that_of_a_uart(network: Artifact, tmp_path: Path) -> None:
    core = CoreDescription.of(link_plan(network, ExportOptions(lanes=2)), baud=9600)
    values = json.loads(core.text())
    del values["link"]
    path = tmp_path / "core.json"
    path.write_text(json.dumps(values))
    assert CoreDescription.load(path) == core


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            (*GENERIC,),
            "Pins of generic-ice40 must be named for spi: --pins sck=PIN,cs=PIN,mosi=PIN,miso=PIN",
        ),
        (
            (*GENERIC, "--pins", "sck=3,mosi=6"),
            "Pins of generic-ice40 must be named for spi: --pins cs=PIN,miso=PIN",
        ),
        (
            (*GENERIC, "--pins", "rx=3"),
            "Pin must be one of clock, led, sck, cs, mosi, miso, not 'rx'",
        ),
        (
            (*GENERIC, "--pins", "sck=3,cs=4,mosi=6,miso=11"),
            "Pins led and miso must be two pins, not both 11",
        ),
        (
            (*GENERIC[:-2], "--pins", "sck=3"),
            "Pin must be one of clock, rx, tx, led, not 'sck'",
        ),
        (
            (*GENERIC, *PINS, "--baud", "2250001"),
            "Bit rate of SPI must be 1 to 2250000 with a clock of 18000000 Hz, not 2250001",
        ),
        (
            ("-b", "icebreaker", *GENERIC[2:], "--pins", "sck=3"),
            "Pins of icebreaker must stay where they are on the board",
        ),
    ],
)
def test_what_cannot_be_is_refused(cli: Cli, options: tuple[str, ...], said: str) -> None:
    before = listing(cli.folder)
    outcome = cli.run("bitstream", "net.npz", *options)
    assert (outcome.status, message(outcome.err)) == (2, said)
    assert listing(cli.folder) == before


@pytest.mark.parametrize("name", ["tang-nano-9k", "ecpix5-85f"])
def test_board_without_pins_for_it_is_refused(network: Artifact, name: str) -> None:
    with pytest.raises(BoardError) as caught:
        files(network, name)
    assert str(caught.value) == (
        f"Link of {name} must be uart, not spi: no pins of the board are known for it"
    )


def test_every_board_has_a_serial_line_first(network: Artifact) -> None:
    assert {board.links[0] for board in BOARDS.values()} == {"uart"}
    assert build_name("inference", network.config) == "inference-10"


@pytest.mark.usefixtures("network")
def test_a_board_without_the_line_is_told_before_data_are_read(cli: Cli) -> None:
    board = ("-b", "tang-nano-9k", "--lanes", "2")
    said = cli.refuse("bitstream", "net.npz", *board, "--link", "spi", "--data", "none.npz")
    assert said.startswith("Link of tang-nano-9k must be uart, not spi: no pins of ")
    assert cli.refuse("bitstream", "net.npz", *board, "--pins", "rx=3", "--data", "none.npz") == (
        "Pins of tang-nano-9k must stay where they are on the board"
    )
