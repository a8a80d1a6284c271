"""What `prunus generate` leaves behind when it does not end well, and what it replaces."""

# amaranth: UnusedElaboratable=no

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import Cli, listing, message, process
from prunus_generate import QUICK, manifest


def test_replaces_a_package_only_if_asked_and_nothing_else_ever(cli: Cli) -> None:
    cli.succeed("generate", "net.npz", "-o", "core", *QUICK)
    found = cli.refuse("generate", "net.npz", "-o", "core", *QUICK)
    assert found == "Output core must not exist, unless --force is given"
    cli.succeed("generate", "net.npz", "-o", "core", "--lanes", "2", "--force", *QUICK)
    assert manifest(Path("core"))["hardware"]["lanes"] == 2
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    Path("mine/manifest.json").write_text("{}")
    found = cli.refuse("generate", "net.npz", "-o", "mine", "--force", *QUICK)
    assert found == "Output mine must be a Verilog package of Prunus to be replaced"
    Path("link").symlink_to("core")
    found = cli.refuse("generate", "net.npz", "-o", "link", "--force", *QUICK)
    assert found == "Output link must be a folder, not a file or link"


def test_an_interrupted_run_leaves_the_older_package(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.succeed("generate", "net.npz", "-o", "core", *QUICK)
    before = listing(cli.folder)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for step, name in (("make_vectors", "other"), ("make_readme", "core"), ("_manifest", "core")):
        with monkeypatch.context() as context:
            context.setattr(f"prunus_rtl.export.package.{step}", interrupt)
            outcome = cli.run("generate", "net.npz", "-o", name, "--force", *QUICK)
            assert outcome.status == 130
            assert listing(cli.folder) == before
    # While the bench runs: the package is kept, and says so.

    def run_bench(*_: object, report: Callable[[str], None], **__: object) -> None:
        report("image 0: class 1, 2 output spikes, 3 cycles")
        report("something else")
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr("prunus_rtl.export.package.run_bench", run_bench)
        context.setattr("prunus_rtl.cli.generate.find_simulator", lambda _: "icarus")
        outcome = cli.run("generate", "net.npz", "-o", "bench", *QUICK)
    assert outcome.status == 130
    assert message(outcome.err) == (
        "interrupted: the package is complete, but its bench was not finished"
    )
    assert "  image 0: class 1, 2 output spikes, 3 cycles\n" in outcome.out
    assert "something else" not in outcome.out
    assert "The bench was interrupted; run it with sh bench/run_icarus.sh" in outcome.out
    shown = manifest(Path("bench"))["images"]["shown"]
    assert all(image["cycles_measured"] is None for image in shown)
    assert (
        "The bench was interrupted when the package was made" in Path("bench/README.md").read_text()
    )
    shutil.rmtree("bench")
    assert listing(cli.folder) == before
    # While it gets its name.
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    outcome = cli.run("generate", "net.npz", "-o", "core", "--force", *QUICK)
    assert outcome.status == 2
    assert message(outcome.err) == "core: No space left on device"
    assert listing(cli.folder) == before


def test_a_full_disk_leaves_nothing_and_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    before = listing(cli.folder)
    write = Path.write_bytes

    def fail(self: Path, *args: Any, **options: Any) -> int:
        if self.name == "manifest.json":
            # As the system says it: without a name.
            raise OSError(28, "No space left on device")
        return write(self, *args, **options)

    monkeypatch.setattr(Path, "write_bytes", fail)
    outcome = cli.run("generate", "net.npz", "-o", "core", *QUICK)
    assert outcome.status == 2
    assert message(outcome.err) == "core: No space left on device"
    assert listing(cli.folder) == before


def test_what_is_missing_is_said_before_the_work_starts(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("Nothing must be computed")

    monkeypatch.setattr("prunus_rtl.cli.generate.load_for", fail)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = cli.refuse("generate", "net.npz", "--simulator", "icarus")
    assert found == "Simulator icarus must have iverilog, vvp: apt install iverilog"

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as context:
        context.setattr("tempfile.TemporaryFile", deny)
        outcome = cli.run("generate", "net.npz", "-o", "core", *QUICK)
    assert outcome.status == 2
    assert message(outcome.err) == "Folder . must be writable: Permission denied"


def test_a_terminated_process_leaves_nothing(cli: Cli) -> None:
    before = listing(cli.folder)
    script = (
        "import prunus_model.cli.group as c\n"
        "from importlib.metadata import EntryPoint\n"
        "c._COMMANDS['generate'] = "
        "EntryPoint('generate', 'prunus_rtl.cli.generate:generate', 'prunus.commands')\n"
        "import time, prunus_rtl.export.package as p\n"
        "def wait(*_):\n"
        "    open('waiting', 'w').close()\n"
        "    time.sleep(3600)\n"
        "p.make_readme = wait"
    )
    child = process("generate", "net.npz", "-o", "core", *QUICK, cwd=cli.folder, before=script)
    waiting = cli.folder / "waiting"
    while not waiting.exists() and child.poll() is None:
        time.sleep(0.05)
    assert any(path.name.startswith(".prunus-") for path in cli.folder.iterdir())
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=600)
    assert child.returncode == 143, err
    assert message(err.lstrip()) == "interrupted"
    waiting.unlink()
    assert listing(cli.folder) == before
