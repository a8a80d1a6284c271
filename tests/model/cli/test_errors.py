"""What every command has in common: errors are one line, output can be cut off, help is there."""

import errno
import os
import resource
import signal
import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from prunus_cli import Cli, listing, message, process
from prunus_model.cli import main
from prunus_model.cli.common import user_errors
from prunus_model.common.errors import PrunusError
from prunus_model.training.artifact import Artifact

COMMANDS = ("train", "evaluate", "inspect", "plot", "data", "config", "reproduce")


def test_console_command_is_installed() -> None:
    (entry,) = entry_points(group="console_scripts", name="prunus")
    assert entry.load() is main


def test_alone_it_shows_its_help(cli: Cli) -> None:
    outcome = cli.run()
    assert (outcome.status, outcome.err) == (2, "")
    assert outcome.out == cli.succeed("--help")
    assert outcome.out.startswith("Usage: prunus [OPTIONS] COMMAND [ARGS]...\n")
    assert all(f"\n  {name} " in outcome.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cli: Cli, name: str) -> None:
    assert cli.succeed(name, "-h").startswith(f"Usage: prunus {name} ")


def test_version_is_that_of_the_package(cli: Cli) -> None:
    assert cli.succeed("--version") == f"prunus, version {version('prunus')}\n"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["foo"], "No such command 'foo'."),
        (["--foo"], "No such option '--foo'."),
        (["evaluate", "--xyzzy"], "No such option '--xyzzy'."),
        (["evaluate"], "Missing argument 'NETWORK'."),
        (["evaluate", "demo", "x"], "Got unexpected extra argument (x)"),
        (
            ["evaluate", "nope"],
            "Network must be a file or one of demo, 400, up5k, windows, not 'nope'",
        ),
        (
            ["inspect", "a\nb"],
            r"Network must be a file or one of demo, 400, up5k, windows, not 'a\nb'",
        ),
        (
            ["evaluate", "dmeo"],
            (
                "Network must be a file or one of demo, 400, up5k, windows, not 'dmeo': "
                "did you mean 'demo'?"
            ),
        ),
        (
            ["train", "-c", "papr"],
            (
                "Configuration must be a TOML file or one of tiny, demo, 400, up5k, paper, "
                "1600, windows, windows-large, windows-xl, windows-16, lean, "
                "windows-fashion, not 'papr': "
                "did you mean 'paper'?"
            ),
        ),
        (
            ["reproduce", "papr"],
            (
                "Sweep list must be a TOML file or paper, results, datasets, not 'papr': "
                "did you mean 'paper'?"
            ),
        ),
        (["plot", ""], "Network file . must be a file, not a folder"),
        (
            ["config", "/dev/zero"],
            "Configuration file /dev/zero must be a file, not a device, pipe or socket",
        ),
        (
            ["inspect", "/dev/zero"],
            "Network file /dev/zero must be a file, not a device, pipe or socket",
        ),
        (
            ["reproduce", "/dev/zero"],
            "Sweep list /dev/zero must be a file, not a device, pipe or socket",
        ),
    ],
)
def test_wrong_use_is_one_line(cli: Cli, args: list[str], expected: str) -> None:
    assert cli.refuse(*args) == expected


@pytest.mark.parametrize("command", ["evaluate", "inspect", "plot"])
def test_damaged_networks_are_refused(tiny_cli: Cli, command: str) -> None:
    path = tiny_cli.folder / "tiny.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    readable = "Network file tiny.npz must be readable: "
    assert tiny_cli.refuse(command, "tiny.npz") == f"{readable}File is not a zip file"
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert tiny_cli.refuse(command, "tiny.npz").startswith(readable)
    assert tiny_cli.refuse(command, "digits.npz") == (
        "Network file digits.npz must be one that prunus has saved"
    )
    path.unlink()
    assert tiny_cli.refuse(command, "tiny.npz") == ("Network tiny.npz must exist")
    path.mkdir()
    assert tiny_cli.refuse(command, "tiny.npz") == (
        "Network file tiny.npz must be a file, not a folder"
    )


def test_bundled_name_comes_before_a_file_of_that_name(cli: Cli) -> None:
    (cli.folder / "demo").mkdir()
    assert "neurons = 100\n" in cli.succeed("inspect", "demo")


def test_too_little_memory_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> Artifact:
        raise MemoryError

    monkeypatch.setattr(Artifact, "load", fail)
    assert cli.refuse("inspect", "demo") == "Memory must suffice for the network and its data"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "Memory must suffice for the network and its data"),
        (EOFError(), "Network file tiny.npz must be readable: EOFError"),
    ],
)
def test_error_without_a_text_is_told(
    tiny_cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr("prunus_model.training.network_file.read_arrays", fail)
    assert tiny_cli.refuse("inspect", "tiny.npz") == told


def test_interrupt_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_path: Path) -> Artifact:
        raise KeyboardInterrupt

    monkeypatch.setattr(Artifact, "load", interrupt)
    outcome = cli.run("evaluate", "demo")
    assert (outcome.status, outcome.out) == (130, "")
    # The empty line is for terminals, which show ^C.
    assert outcome.err == "\nprunus: interrupted\n"


def test_error_of_the_system_names_the_file(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(errno.EIO, "Input/output error")

    def fail(_path: Path) -> Artifact:
        raise error

    monkeypatch.setattr(Artifact, "load", fail)
    assert cli.refuse("inspect", "demo") == "Input/output error"
    error.filename = "x.npz"
    assert cli.refuse("inspect", "demo") == "x.npz: Input/output error"


@pytest.mark.parametrize("args", [[], ["config"], ["inspect", "demo"]])
def test_output_may_be_cut_off(args: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with process(*args, cwd=tmp_path, stdout=writer) as cut:
        os.close(writer)
        assert cut.communicate()[1] == ""
    assert cut.returncode == 128 + signal.SIGPIPE


def test_output_may_be_closed(tmp_path: Path) -> None:
    before = "import sys; sys.stdout.close(); sys.stdout = None"
    with process("inspect", "demo", before=before, cwd=tmp_path) as closed:
        assert closed.communicate() == ("", "")
    assert closed.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="No /dev/full here")
def test_full_output_is_one_line(tmp_path: Path) -> None:
    with (
        Path("/dev/full").open("w") as full,
        process("inspect", "demo", cwd=tmp_path, stdout=full) as failed,
    ):
        _, err = failed.communicate()
    assert failed.returncode == 2
    assert message(err) == "No space left on device"


def test_output_in_ascii_is_possible(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from prunus_model.cli import main; main()", "evaluate", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.isascii()
    assert "87.00" in done.stdout


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """No file may be larger than 100 bytes: a real error of a real system call."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, {hard}))"
    args = ["train", "--set", "neurons=2", "--set", "encoder.steps=2", "-e", "1", "-o", "a.npz"]
    with process(*args, before=limit, cwd=tmp_path) as full:
        _, err = full.communicate()
    assert full.returncode == 2
    assert message(err) == "a.npz: File too large"
    assert listing(tmp_path) == {}
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == (soft, hard)


@pytest.mark.parametrize(
    ("failure", "status", "told"),
    [
        (PrunusError("a\n  b"), 2, "Error: a b\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), 2, "Error: x: No such file\n"),
        (OSError("only text"), 2, "Error: only text\n"),
        (click.ClickException("a difference"), 1, "Error: a difference\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_commands_that_are_modules_end_as_this_one(
    failure: BaseException, status: int, told: str
) -> None:
    @click.command()
    def command() -> None:
        with user_errors():
            raise failure

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.stdout, result.stderr) == (status, "", told)


def test_commands_that_are_modules_end_at_sigterm_and_then_no_more() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    try:
        with pytest.raises(SystemExit) as caught, user_errors():
            signal.raise_signal(signal.SIGTERM)
        assert (caught.value.code, seen) == (143, [])
        signal.raise_signal(signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
