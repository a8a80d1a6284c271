"""Every block of code in every document does, as pasted, what it is there for.

Quick commands and all snippets are run in an empty folder. A command that takes too long, or needs
what a machine of CI does not have, is checked instead: it exists, and accepts its arguments.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from prunus_model.cli.common import BUNDLED, bundled
from prunus_model.data.datasets import list_sources
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.plan import plan
from prunus_model.study.trials import read_trials
from prunus_model.training.artifact import Artifact
from prunus_overhead.search.space import read_space
from prunus_readmes import (
    ROOT,
    Block,
    Command,
    blocks_of,
    check_command,
    commands_of,
    documents,
    environment,
    shown,
)

# An installed wheel is tested without a checkout around it.
pytestmark = pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="needs the checkout")

#: Languages of blocks; each has a test below.
LANGUAGES = {"console", "python", "toml", "text"}
#: Parts of commands that are not run here but checked, with the reason.
CHECKED = {
    "--on /dev/tty": "needs a board",
    "--on spi:": "needs a board",
    "--on sim": "compiles a simulation; those of OWN_DATA are run with the marker sim",
    "--config windows-16": "trains 4,800 neurons on MNIST: minutes; reproduce --only frontier does",
    "prunus flash": "needs a board",
    "prunus live": "serves until Ctrl-C; tests/boards/live/test_command.py does",
    "prunus bitstream": "places and routes; those of OWN_DATA are run with the marker boards",
    "python -m prunus_sim.": "simulates: minutes to hours; make sim does the shortest",
    "python -m pytest": "runs other tests",
    "make_sample": "writes into the package",
    "--cluster": "needs a cluster; tests/model/study/test_cluster.py has one",
    "prunus search mnist-100": "minutes; tune.toml is run",
    "pip install": "installs; tests/packaging/test_wheel.py does",
}
#: Transcripts that end with a simulated core and a bitstream.
OWN_DATA = "model/docs/own-data.md"
#: Targets that .ci/run does not run, with the reason.
NOT_IN_CI = {
    "formal": "proofs: minutes",
    "reproduce": "trains some hundred networks: an hour",
    "results": "trains some tens of networks: minutes",
    "stale": "only tells; make check does what it tells of",
    "bitstream": "places and routes: minutes; make boards-test does it",
    "flash": "needs a board",
    "overhead": "synthesises all cores: hours",
    "energy": "trains all networks: minutes",
    "report": "tests/docs/test_report.py makes the page",
    "buses": "simulates, synthesises and places every bus: half an hour",
    "core-sizes": "synthesises and places ten cores: half an hour",
    "fuzz": "minutes to hours; tests/fuzz/test_fuzz.py gives some inputs to each reader",
}
#: Targets that are quick enough to be run here.
QUICK_TARGETS = {"demo"}
#: First words of text blocks that show no output, and what they are.
NO_OUTPUT = {
    "s_axi (AXI4-Lite)": "drawing of a core behind a bus",
    "+---------+ +-------+": "picture of the core",
    "for each view: init": "formula",
    "Cosim mismatch in presentation 0": "message of a lockstep job that fails",
}
#: First words of text blocks that are printed, and by what.
OUTPUT = {"Saved build/demo.npz:": "make demo"}
#: Snippets that are not run but checked by the type checker, by a part of them, with the reason.
CHECKED_SNIPPETS: dict[str, str] = {}
#: Files that the reader has: name, and what stands for it.
READERS = {
    "my.npz": bundled("400"),
    "mine.toml": next(ROOT.rglob("technology.toml"), Path()),
    "net.nir": ROOT / "tests/model/exchange/mnist-10.nir",
}

BLOCKS = [
    block for name in documents() for block in blocks_of(name, (ROOT / name).read_text("utf-8"))
]
COMMANDS = [
    command for block in BLOCKS if block.language == "console" for command in commands_of(block)
]


def of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def reason_not_to_run(command: Command) -> str:
    """Return why a command is only checked; "" if it is run."""
    if command.argv[0] == "make":
        return "" if command.argv[1] in QUICK_TARGETS else "target"
    return next((reason for part, reason in CHECKED.items() if part in command.plain), "")


def missing_data(text: str) -> list[str]:
    """Return the named data sets that are used and not on this machine."""
    return [s.name for s in list_sources() if not s.verified and re.search(rf"\b{s.name}\b", text)]


def run(command: str, folder: Path) -> str:
    """Run a command line as a shell does; return what it prints."""
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout + done.stderr


def run_here(command: Command, folder: Path) -> str:
    """Run a command, or a target with the environment of these tests, and compare its output."""
    line = command.text
    if command.argv[0] == "make":
        tools = Path(sys.executable).parent
        line = f"make -f '{ROOT}/Makefile' -o .venv/.made BIN='{tools}' {command.argv[1]}"
    printed = run(line, folder)
    assert not command.output or shown(command.output, printed), f"{command.place}: {printed}"
    return printed


def bring_readers_files(folder: Path, document: str) -> None:
    for name, source in READERS.items():
        shutil.copy(source, folder / name)
    for block in BLOCKS:
        if block.document == document and block.file:
            (folder / block.file).write_text(block.content, "utf-8")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_language_of_a_block_is_known(block: Block) -> None:
    assert block.language in LANGUAGES


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.place)
def test_command_accepts_its_arguments(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bring_readers_files(tmp_path, command.document)
    check_command(command.argv)


@pytest.mark.tools
@pytest.mark.parametrize(
    "document", sorted({c.document for c in COMMANDS if not reason_not_to_run(c)})
)
def test_commands_of_a_document_run_in_order(document: str, tmp_path: Path) -> None:
    bring_readers_files(tmp_path, document)
    left_out: list[Command] = []
    for command in COMMANDS:
        if command.document != document or reason_not_to_run(command):
            continue
        files = {word for c in left_out for word in c.argv if Path(word).suffix}
        lost = {word for word in files & set(command.argv) if not (tmp_path / word).exists()}
        if missing_data(command.plain) or lost:
            left_out.append(command)
            continue
        printed = run_here(command, tmp_path)
        for block in of("text"):
            source = next((by for start, by in OUTPUT.items() if start in block.content), "")
            if block.document == document and source == command.plain:
                assert shown(block.content, printed), f"{block.place}: {printed}"
    if document.endswith("pretrained/README.md"):
        for name in BUNDLED:
            made = tmp_path / f"{name}.npz"
            assert left_out or made.exists()
            if made.exists():
                expected = Artifact.load(bundled(name)).content_hash
                assert Artifact.load(made).content_hash == expected
    if left_out:
        pytest.skip(f"data is not here: {'; '.join(c.plain for c in left_out)}")


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("--on sim", marks=pytest.mark.sim),
        pytest.param("prunus bitstream", marks=pytest.mark.boards),
    ],
)
def test_transcripts_of_own_data_run_to_their_end(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What was built on this machine is remembered there.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    bring_readers_files(tmp_path, OWN_DATA)
    ends = 0
    for command in COMMANDS:
        if command.document == OWN_DATA and reason_not_to_run(command) in ("", CHECKED[part]):
            run_here(command, tmp_path)
            ends += part in command.plain
    assert ends == 3
    bitstreams = [
        path for path in tmp_path.glob("*/prunus.*") if path.suffix in (".bin", ".bit", ".fs")
    ]
    assert len(bitstreams) == (3 if part == "prunus bitstream" else 0)


@pytest.mark.tools
@pytest.mark.parametrize("block", of("python"), ids=lambda block: block.place)
def test_snippet_runs_as_pasted(block: Block, tmp_path: Path) -> None:
    if missing := missing_data(block.content):
        pytest.skip(f"data is not here: {', '.join(missing)}")
    script = tmp_path / "snippet.py"
    script.write_text(block.content, "utf-8")
    checked = any(part in block.content for part in CHECKED_SNIPPETS)
    check = ["-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    options = ["--disable-error-code", "import-not-found"]
    done = subprocess.run(
        [sys.executable, *([*check, *options] if checked else ["-W", "error"]), str(script)],
        cwd=ROOT if checked else tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    if "vote_accuracy" in block.content:
        accuracy, density = map(float, done.stdout.splitlines()[0].split())
        assert 0.7 < accuracy < 1
        assert 0 < density < 0.6


@pytest.mark.parametrize("block", of("toml"), ids=lambda block: block.place)
def test_toml_is_a_configuration_a_sweep_list_or_a_search(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(block.content, "utf-8")
    if "ranges" in tomllib.loads(block.content):
        read_space(path)
    elif "sweeps" in tomllib.loads(block.content):
        trials = read_trials(path)
        if missing := missing_data(block.content):
            pytest.skip(f"data is not here: {', '.join(missing)}")
        assert len(plan(trials)) > 0
    else:
        NetworkConfig.read(path)


@pytest.mark.parametrize("block", of("text"), ids=lambda block: block.place)
def test_text_is_output_or_known_to_be_none(block: Block) -> None:
    words = " ".join(block.content.split())
    (start,) = [start for start in {**OUTPUT, **NO_OUTPUT} if words.startswith(start)]
    if start in OUTPUT:
        printing = [c for c in COMMANDS if c.plain == OUTPUT[start] and not reason_not_to_run(c)]
        assert block.document in {command.document for command in printing}


def targets_of_ci() -> set[str]:
    """Return the targets that .ci/run makes."""
    path = ROOT / ".ci/run"
    if not path.exists():
        pytest.skip("a source distribution has no .ci")
    return set(re.findall(r"\bmake[\"', ]+([a-z][a-z-]*)", path.read_text()))


def test_every_target_is_run_in_ci_or_has_a_reason() -> None:
    named = {command.argv[1] for command in COMMANDS if command.argv[0] == "make"}
    assert named - targets_of_ci() - QUICK_TARGETS == set(NOT_IN_CI)


def test_every_exception_is_still_needed() -> None:
    run_or_checked = [command.plain for command in COMMANDS]
    assert [part for part in CHECKED if not any(part in line for line in run_or_checked)] == []
    texts = [" ".join(block.content.split()) for block in of("text")]
    unused = [s for s in {**OUTPUT, **NO_OUTPUT} if not any(t.startswith(s) for t in texts)]
    assert unused == []
    snippets = [block.content for block in of("python")]
    assert [part for part in CHECKED_SNIPPETS if not any(part in s for s in snippets)] == []
    words = {word for command in COMMANDS for word in command.argv}
    assert words >= READERS.keys() | QUICK_TARGETS
    assert {block.language for block in BLOCKS} == LANGUAGES
