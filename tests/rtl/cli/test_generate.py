# amaranth: UnusedElaboratable=no

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from prunus_cli import Cli, digits, listing, message, process, tiny, write_digits
from prunus_model.cli.group import _COMMANDS
from prunus_model.training.trainer import Trainer, train
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.simulators import find_simulator
from prunus_rtl.memory_image.devices import DEVICES, BlockRam, Device

SIMULATOR = find_simulator()
needs_simulator = pytest.mark.skipif(SIMULATOR is None, reason="neither iverilog nor verilator")
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
_POINT = EntryPoint("generate", "prunus_rtl.cli.generate:generate", "prunus.commands")
_POLICY = (
    "pruning.policy must be one of none, constant, adaptive for a core that learns, not 'soft'"
)
#: Quick: the bench is not run.
QUICK = ("--data", "digits.npz", "--simulator", "none", "--images", "2")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks and images."""
    folder = tmp_path_factory.mktemp("files")
    write_digits(folder / "digits.npz", train=600, test=50)
    train(tiny(), digits(600)).save(folder / "net.npz")
    train(tiny("soft"), digits(100)).save(folder / "soft.npz")
    trainer = Trainer(tiny(), digits(100), epochs=50)
    trainer.advance()
    trainer.checkpoint().save(folder / "part.npz")
    return folder


@pytest.fixture
def cli(
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    for path in files.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    # Also where the package is not installed.
    monkeypatch.setitem(_COMMANDS, "generate", _POINT)
    return Cli(tmp_path, monkeypatch, capsys)


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


@needs_icarus
def test_a_new_user_makes_a_package_and_checks_it(cli: Cli) -> None:
    out = cli.succeed("generate", "net.npz", "-o", "core", "--data", "digits.npz")
    assert "Wrote core: " in out
    assert re.search(r"^Icarus Verilog \S+: PASS: 3 images, ", out, re.MULTILINE)
    (command,) = re.findall(r"^Check it again: (.*)$", out, re.MULTILINE)
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("PASS: 3 images")
    assert done.stderr == ""
    folder = Path("core")
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "bench.v",
        "core.v",
        "manifest.json",
        "memories",
        "neurons.csv",
        "run_icarus.sh",
        "vectors",
        "vivado.tcl",
    }
    # Elsewhere, after a change, it says so with an exit status.
    shutil.move("core", "elsewhere")
    spikes = Path("elsewhere/vectors/spikes.hex")
    spikes.write_text(spikes.read_text().replace("// step", "0 // step", 1))
    done = subprocess.run(
        ["sh", "elsewhere/run_icarus.sh"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "FAIL: image" in done.stdout


def test_package_is_complete_and_names_no_folder_of_this_machine(cli: Cli) -> None:
    before = set(listing(cli.folder))
    cli.succeed("generate", str(cli.folder / "net.npz"), "-o", str(cli.folder / "core"), *QUICK)
    folder = cli.folder / "core"
    new = {name for name in set(listing(cli.folder)) - before if not name.startswith("core")}
    assert new == set()
    hashes = manifest(folder)["files"]
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*")}
    assert set(found) == {*hashes, "manifest.json"}
    for name, digest in hashes.items():
        assert hashlib.sha256(found[name].read_bytes()).hexdigest() == digest
    for path in found.values():
        text = path.read_text()
        assert str(cli.folder) not in text, path
        assert "/work/" not in text, path
        assert "@" not in text.replace("@(posedge", "").replace("@*", ""), path
    assert os.access(folder / "run_icarus.sh", os.X_OK)
    umask = os.umask(0)
    os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask


def test_same_command_makes_the_same_bytes(cli: Cli) -> None:
    cli.succeed("generate", "net.npz", "-o", "core", *QUICK)
    first = listing(Path("core"))
    cli.succeed("generate", "net.npz", "-o", "core", "--force", *QUICK)
    assert listing(Path("core")) == first
    words = manifest(Path("core"))["command"].split()
    assert words[0] == "prunus"
    cli.succeed(*words[1:], "--force", "--simulator", "none")
    assert listing(Path("core")) == first


def test_readme_says_everything_about_an_inference_core(cli: Cli) -> None:
    cli.succeed("generate", "net.npz", "-o", "core", "--lanes", "4", *QUICK)
    text = Path("core/README.md").read_text()
    content = manifest(Path("core"))
    assert content["network"] in text
    assert content["command"] in text
    assert "| lanes | 4 |" in text
    assert "| `levels__payload` | in | 8 | level of each input. Ready for the first level" in text
    for name in ("csr", "dense", "bitmask"):
        assert f"| {name} | {content['store_bits'][name]} |" in text
    assert "| balanced (this core) |" in text
    assert "No simulator was there" in text
    assert "not run |" in text
    for heading in ("Ports", "Memory port", "Cycles", "Memories", "Packed store", "Origin"):
        assert f"\n## {heading}\n" in text
    assert "`SYNAPSES`" not in text
    rows = [line for line in text.split("\n") if line.startswith("|")]
    for above, row in pairwise(rows):
        if row.startswith("| ---"):
            assert row.count("|") == above.count("|")
    assert "\n\n\n" not in text


@needs_simulator
def test_readme_and_manifest_of_a_learning_core_have_measured_cycles(cli: Cli) -> None:
    data = ("--data", "digits.npz", "--images", "2")
    cli.succeed("generate", "net.npz", "-o", "core", "--mode", "learning", *data)
    text = Path("core/README.md").read_text()
    shown = manifest(Path("core"))["images"]["shown"]
    assert len(shown) == 2
    for image in shown:
        assert image["cycles_formula"] <= image["cycles_measured"]
        assert f"| {image['cycles_formula']} | {image['cycles_measured']} |" in text
        assert image["update_sops"] > 0
    assert "| 0 | `SYNAPSES` | `pre << 4 \\| post` | 9 |" in text
    assert "## Packed store" not in text
    assert "PASS: 2 images" in text
    results = Path("core/vectors/results.hex").read_text()
    for image in shown:
        assert results.count(f"cycles {image['cycles_measured']}\n") == 2


def test_neurons_are_listed_by_position(cli: Cli) -> None:
    cli.succeed("generate", "net.npz", "-o", "core", "--lanes", "4", *QUICK)
    head, *rows = Path("core/neurons.csv").read_text().split()
    assert head == "post,neuron,lane,slot"
    table = [tuple(map(int, row.split(","))) for row in rows]
    assert [post for post, *_ in table] == list(range(10))
    assert sorted(neuron for _, neuron, *_ in table) == list(range(10))
    assert all((lane, slot) == (post % 4, post // 4) for post, _, lane, slot in table)
    cli.succeed("generate", "net.npz", "-o", "core", "--no-balance", "--force", *QUICK)
    rows = Path("core/neurons.csv").read_text().split()[1:]
    assert all(row.split(",")[0] == row.split(",")[1] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("none.npz",), "Network must be a file or one of demo, 400, up5k, not 'none.npz'"),
        (
            ("part.npz",),
            "Network must be trained completely, but is at presentation 1000 of 5000",
        ),
        (
            ("soft.npz", "--mode", "learning"),
            _POLICY,
        ),
        (("net.npz", "--lanes", "3"), "lanes must be a power of 2, not 3"),
        (("net.npz", "--lanes", "0"), "lanes must be 1, 2, 4, 8, 16 or 32, not 0"),
        (
            ("net.npz", "--lanes", "16"),
            "lanes must not be more than neurons, but got lanes=16, neurons=10",
        ),
        (
            ("net.npz", "--mode", "learning", "--store", "csr"),
            "Store must be auto or learning for a core that learns, not 'csr'",
        ),
        (
            ("demo", "--data", "digits.npz"),
            None,
        ),
        (("net.npz", "--images", "51"), None),
        (("net.npz", "-o", "nowhere/core"), "Folder nowhere of the output must exist"),
        (("net.npz", "-o", "digits.npz"), "Output digits.npz must be a folder, not a file or link"),
        (("net.npz", "--images", "0"), None),
        (("net.npz", "--device", "Z80"), None),
    ],
)
def test_refuses_in_one_line_and_writes_nothing(
    cli: Cli, arguments: tuple[str, ...], expected: str | None
) -> None:
    found = cli.refuse("generate", *QUICK[:4], *arguments)
    if expected is not None:
        assert found == expected


def test_refuses_a_device_that_is_too_small(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ram = BlockRam(count=2, bits=4096, shapes=((8, 512),))
    device = Device(name="GW1NR-9", kinds=(ram,))
    monkeypatch.setitem(cast(dict[str, Device], DEVICES), "GW1NR-9", device)
    before = listing(cli.folder)
    outcome = cli.run("generate", "net.npz", "--device", "GW1NR-9", "--lanes", "1", *QUICK)
    assert outcome.status == 2
    bits = re.fullmatch(
        r"Memories must fit the 8192 bits of memory blocks of GW1NR-9, not take (\d+) bits: "
        r"(\d+) bits are missing",
        message(outcome.err),
    )
    assert bits is not None
    assert int(bits[1]) - int(bits[2]) == 8192
    assert listing(cli.folder) == before


def test_replaces_a_package_only_if_asked_and_nothing_else_ever(cli: Cli) -> None:
    cli.succeed("generate", "net.npz", "-o", "core", *QUICK)
    found = cli.refuse("generate", "net.npz", "-o", "core", *QUICK)
    assert found == "Output core must not exist, unless --force is given"
    Path("core/extra").write_text("mine")
    cli.succeed("generate", "net.npz", "-o", "core", "--lanes", "2", "--force", *QUICK)
    assert not Path("core/extra").exists()
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

    def run_bench(*_: object, report: Callable[[str], None]) -> None:
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
    write = Path.write_text

    def fail(self: Path, *args: Any, **options: Any) -> int:
        if self.name == "manifest.json":
            # As the system says it: without a name.
            raise OSError(28, "No space left on device")
        return write(self, *args, **options)

    monkeypatch.setattr(Path, "write_text", fail)
    outcome = cli.run("generate", "net.npz", "-o", "core", *QUICK)
    assert outcome.status == 2
    assert message(outcome.err) == "core: No space left on device"
    assert listing(cli.folder) == before


def test_what_is_missing_is_said_before_the_work_starts(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("Nothing must be computed")

    monkeypatch.setattr("prunus_rtl.cli.generate.load", fail)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = cli.refuse("generate", "net.npz", "--simulator", "icarus")
    assert found == "Simulator icarus must have iverilog, vvp: apt install iverilog"

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as context:
        context.setattr("tempfile.mkdtemp", deny)
        outcome = cli.run("generate", "net.npz", "-o", "core", *QUICK)
    assert outcome.status == 2
    assert message(outcome.err) == "Folder . of the output must be writable: Permission denied"


@pytest.mark.parametrize("name", ["mode", "store", "source", "multiplier"])
def test_every_choice_is_an_option_with_its_values_and_its_default(cli: Cli, name: str) -> None:
    found = cli.refuse("generate", "net.npz", f"--{name}", "nonsense")
    assert found.startswith(f"Invalid value for '--{name}': 'nonsense' is not one of '")
    default = getattr(ExportOptions(), name)
    assert f"'{default}'" in found
    cli.succeed("generate", "net.npz", "-o", "core", *QUICK)
    assert f"--{name} {default}" in manifest(Path("core"))["command"]


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


def test_help_names_every_option(cli: Cli) -> None:
    out = cli.succeed("generate", "--help")
    for option in ("--mode", "--lanes", "--store", "--source", "--device", "--images", "--force"):
        assert option in out
