# amaranth: UnusedElaboratable=no

import hashlib
import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from prunus_cli import Cli, listing, message
from prunus_generate import QUICK, manifest
from prunus_model.common.text import printable
from prunus_package import needs_simulator
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.memory_image.devices import DEVICES, BlockRam, Device
from prunus_rtl.soc.register_files import MISSING, has_exporters

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
_POLICY = (
    "pruning.policy must be one of none, constant, adaptive, lift for a core that learns, "
    "not 'soft'"
)


@pytest.mark.sim
@needs_icarus
def test_a_new_user_makes_a_package_and_checks_it(cli: Cli) -> None:
    out = cli.succeed("generate", "net.npz", "-o", "core", "--data", "digits.npz")
    assert "Wrote core: " in out
    assert re.search(r"^(Icarus Verilog|Verilator) \S+: PASS: 3 images, ", out, re.MULTILINE)
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
        "instance.v",
        "manifest.json",
        "memories",
        "neurons.csv",
        "prunus.core",
        "run_icarus.sh",
        "vectors",
        "vivado.tcl",
        "waves",
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
    assert "| `levels__payload` | in | 8 | levels of an image. Ready for the first level" in text
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
        (("none.npz",), "Network none.npz must exist"),
        (
            ("part.npz",),
            "Network must be trained completely, but is at presentation 1000 of 5000",
        ),
        (
            ("soft.npz", "--mode", "learning"),
            _POLICY,
        ),
        (("net.npz", "--lanes", "3"), "lanes must be a power of 2, not 3"),
        (("net.npz", "--lanes", "0"), "lanes must be 1, 2, 4, 8, 16, 32 or 64, not 0"),
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


@pytest.mark.parametrize("bus", ["axi", "wishbone", "uart"])
def test_bus_is_in_the_command_and_makes_the_same_bytes(cli: Cli, bus: str) -> None:
    out = cli.succeed("generate", "net.npz", "-o", "core", "--bus", bus, *QUICK)
    first = listing(Path("core"))
    content = manifest(Path("core"))
    assert content["interface"] == bus
    line = " --clock-hz 25000000 --baud 1000000" if bus == "uart" else ""
    assert f" --bus {bus}{line} " in content["command"]
    assert f"module prunus_{bus}(" in Path("core/core.v").read_text()
    assert (MISSING in out) == (bus != "uart" and not has_exporters())
    words = content["command"].split()
    cli.succeed(*words[1:], "--force", "--simulator", "none")
    assert listing(Path("core")) == first


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("--bus", "uart", "--clock-hz", "1000000"),
            "Baud rate must be at most 125000 with a clock of 1000000 Hz, not 1000000",
        ),
        (("--bus", "uart", "--baud", "0"), "Baud rate must be positive, not 0"),
        (
            ("--bus", "axi", "--baud", "115200"),
            "--clock-hz and --baud are of a serial line: --bus uart, not axi",
        ),
        (("--bus", "can"), None),
    ],
)
def test_a_bus_that_there_is_not_is_refused_in_one_line(
    cli: Cli, arguments: tuple[str, ...], expected: str | None
) -> None:
    found = cli.refuse("generate", "net.npz", "-o", "core", *arguments, *QUICK)
    if expected is not None:
        assert found == expected
    assert not Path("core").exists()


@pytest.mark.parametrize("name", ["mode", "store", "source", "multiplier", "sweep-inputs"])
def test_every_choice_is_an_option_with_its_values_and_its_default(cli: Cli, name: str) -> None:
    found = cli.refuse("generate", "net.npz", f"--{name}", "nonsense")
    assert found.startswith(f"Invalid value for '--{name}': 'nonsense' is not one of '")
    default = getattr(ExportOptions(), name.replace("-", "_"))
    assert f"'{default}'" in found
    cli.succeed("generate", "net.npz", "-o", "core", *QUICK)
    assert f"--{name} {default}" in manifest(Path("core"))["command"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--mode", "learning", "--device", "ECP5-25F"), "dsp"),
        (
            ("--mode", "learning", "--device", "ECP5-25F", "--multiplier", "sequential"),
            "sequential",
        ),
        (("--mode", "learning"), "sequential"),
        (("--device", "ECP5-25F"), "sequential"),
    ],
)
def test_a_core_that_learns_takes_the_multiplier_blocks_of_a_device_that_is_named(
    cli: Cli, arguments: tuple[str, ...], expected: str
) -> None:
    cli.succeed("generate", "net.npz", "-o", "core", *arguments, *QUICK)
    assert f"--multiplier {expected} " in manifest(Path("core"))["command"]


def test_help_names_every_option(cli: Cli) -> None:
    out = cli.succeed("generate", "--help")
    for option in ("--mode", "--lanes", "--store", "--source", "--device", "--images", "--force"):
        assert option in out


def test_names_of_files_are_only_shown(cli: Cli) -> None:
    """They run nothing, break no line, and end no span of code."""
    name = "a`b``<script>`\n# Forged $(touch gone) ; touch gone \"q\" 'p' [x] \x1b[2J"
    shutil.copy("digits.npz", f"{name}.npz")
    cli.succeed("generate", "net.npz", "-o", "core", "-d", f"{name}.npz", "-n", "1")
    shown = printable(f"{name}.npz")
    text = Path("core/README.md").read_text()
    assert f"images of ``` {shown} test ``` without" in text
    assert "\n# Forged" not in text and "\x1b" not in text
    assert manifest(Path("core"))["images"]["data"] == f"{name}.npz test"
    sources = [path for path in Path("core").rglob("*.*") if path.suffix in (".v", ".sh", ".tcl")]
    assert len(sources) >= 4
    assert all("gone" not in path.read_text() for path in sources)
