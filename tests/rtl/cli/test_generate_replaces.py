"""`generate --force` replaces what it has written, and never a file of the user."""

import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from prunus_cli import Cli, digits, message, tiny, write_digits
from prunus_model.cli.group import _COMMANDS
from prunus_model.training.trainer import train

GENERATE = (
    *("generate", "net.npz", "-o", "core", "--data", "digits.npz"),
    *("--simulator", "none", "--images", "1", "--force"),
)
MUST = "Output core must hold a Verilog package of Prunus and nothing else to be replaced; "


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    point = EntryPoint("generate", "prunus_rtl.cli.generate:generate", "prunus.commands")
    monkeypatch.setitem(_COMMANDS, "generate", point)
    write_digits(Path("digits.npz"), train=100, test=5)
    train(tiny(), digits(100)).save(Path("net.npz"))
    return Cli(tmp_path, monkeypatch, capsys)


def test_files_of_the_user_are_named_and_stay(cli: Cli) -> None:
    cli.succeed(*GENERATE)
    Path("core/my_wrapper.v").write_text("mine")
    assert cli.refuse(*GENERATE) == f"{MUST}unknown: 'my_wrapper.v'"
    Path("core/my_wrapper.v").unlink()
    before = Path("core/core.v").read_text()
    Path("core/core.v").write_text(before + "// mine\n")
    assert cli.refuse(*GENERATE) == f"{MUST}altered: 'core.v'"
    Path("core/core.v").write_text(before)
    cli.succeed(*GENERATE)


def test_a_forged_manifest_opens_no_folder(cli: Cli) -> None:
    Path("core").mkdir()
    Path("core/manifest.json").write_text('{"format": "prunus verilog package"}')
    Path("core/my_wrapper.v").write_text("mine")
    assert cli.refuse(*GENERATE) == (
        "Output core must be a Verilog package of Prunus to be replaced"
    )


def test_a_file_that_is_put_there_meanwhile_stays(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.succeed(*GENERATE)

    def neurons(_plan: object) -> str:
        Path("core/mine").write_text("mine")
        return "post\n"

    monkeypatch.setattr("prunus_rtl.export.package._neurons", neurons)
    outcome = cli.run(*GENERATE)
    assert (outcome.status, message(outcome.err)) == (2, f"{MUST}unknown: 'mine'")
    assert Path("core/mine").read_text() == "mine"
    assert list(Path().glob(".prunus-*")) == []


def test_what_a_killed_run_has_left_is_removed_and_told(cli: Cli) -> None:
    left = Path(".prunus-abc.tmp")
    (left / "old").mkdir(parents=True)
    (left / "old" / "file").write_text("x")
    (left / "name").write_text("before")
    os.utime(left, (0, 0))
    outcome = cli.run(*GENERATE)
    assert outcome.status == 0
    assert outcome.err == f"Removed from . what a killed run had left: {left}; put back: before\n"
    assert Path("before/file").read_text() == "x"
