"""The complete top after synthesis for the iCE40, through its serial pins; `make boards-test`."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from prunus_boards.build.netlist import CELLS, NETLIST, count_cells, write_core
from prunus_boards.measure import netlist_trial
from prunus_boards.measure.netlist_trial import DIVISOR, Compared, compare
from prunus_boards.platforms import find_board
from prunus_devices import network, shown
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

#: A packed core, and one that learns. With SPRAM: `make netlist`.
PACKED = ExportOptions(lanes=4, store="csr")
LEARNING = ExportOptions(mode="learning", lanes=4)

Netlists = Callable[[ExportOptions], tuple[CoreDescription, Path]]


@pytest.fixture(scope="module")
def netlists(tmp_path_factory: pytest.TempPathFactory) -> Netlists:
    """Synthesise each core once."""
    made: dict[ExportOptions, tuple[CoreDescription, Path]] = {}

    def make(options: ExportOptions) -> tuple[CoreDescription, Path]:
        if options not in made:
            folder = tmp_path_factory.mktemp("netlist")
            core = write_core(link_plan(network(), options), folder, divisor=DIVISOR)
            made[options] = core, folder
        return made[options]

    return make


@pytest.mark.sim
@pytest.mark.boards
def test_packed_core_infers_as_the_model_after_synthesis(netlists: Netlists) -> None:
    core, folder = netlists(PACKED)
    assert count_cells(folder)["SB_LUT4"] > 1000
    found = compare(network(), core, folder, shown(5))
    assert (found.images, found.differences) == (5, [])
    assert found.cycles > 5 * 49


@pytest.mark.sim
@pytest.mark.boards
def test_learning_core_learns_as_the_model_after_synthesis(netlists: Netlists) -> None:
    core, folder = netlists(LEARNING)
    found = compare(network(), core, folder, shown(5, seed=4), learn=True)
    assert (found.images, found.differences) == (5, [])


def corrupted(
    folder: Path, into: Path, pattern: str, change: Callable[[re.Match[str]], str]
) -> Path:
    """Copy a netlist, with a change where the pattern is found first."""
    text = (folder / NETLIST).read_text()
    found = re.search(pattern, text)
    assert found is not None
    into.mkdir()
    (into / NETLIST).write_text(text[: found.start()] + change(found) + text[found.end() :])
    shutil.copy(folder / CELLS, into)
    return into


@pytest.mark.sim
@pytest.mark.boards
def test_a_fault_in_a_memory_of_the_netlist_is_found(netlists: Netlists, tmp_path: Path) -> None:
    core, folder = netlists(LEARNING)

    def change(found: re.Match[str]) -> str:
        word = int(found[1], 16)
        return f".INIT_0(256'h{word ^ 1 << word.bit_length() - 1:064x})"

    bad = corrupted(folder, tmp_path / "bad", r"\.INIT_0\(256'h([0-9a-f]*[1-9a-f])\)", change)
    assert compare(network(), core, bad, shown(3)).differences


@pytest.mark.sim
@pytest.mark.boards
def test_a_fault_in_the_logic_of_the_netlist_is_found(netlists: Netlists, tmp_path: Path) -> None:
    core, folder = netlists(LEARNING)

    def change(found: re.Match[str]) -> str:
        return f".LUT_INIT(16'h{int(found[1], 16) ^ 0xFFFF:04x}){found[2]}"

    # A look-up table from which a bit of the membrane potential comes, as a lane has read it.
    pattern = (
        r"\.LUT_INIT\(16'h([0-9a-f]+)\)((?:(?!endmodule|;).)*\.O\([^;]*?membrane\.lane\d\.held_)"
    )
    bad = corrupted(folder, tmp_path / "bad", f"(?s){pattern}", change)
    # The memories are right: only images show it.
    found = compare(network(), core, bad, shown(3), memories=False)
    assert found.images >= 1
    assert "presentation" in found.differences[0]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(netlist_trial.main, [*arguments, "--output", "out/netlist.json"])


@pytest.fixture
def faked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Neither yosys nor simulator; return the differences that are found."""
    monkeypatch.chdir(tmp_path)
    differences: list[str] = []

    def write(_plan: Plan, folder: Path, *, divisor: int) -> None:
        assert divisor == DIVISOR
        cells = "  SB_LUT4 #(\n  SB_DFF \\a (\n  SB_LUT4 b (\n"
        (folder / NETLIST).write_text(cells)

    def find(*args: object, **_: object) -> Compared:
        assert len(args[3]) == 3  # type: ignore[arg-type]
        return Compared(images=3, cycles=99, differences=differences)

    monkeypatch.setattr(netlist_trial, "write_core", write)
    monkeypatch.setattr(netlist_trial, "compare", find)
    monkeypatch.setattr(netlist_trial, "gateware_digest", lambda: "of today")
    monkeypatch.setattr(netlist_trial, "link_digest", lambda: "of today")
    return differences


def test_result_tells_what_was_compared(faked: list[str]) -> None:
    outcome = run("demo", "-b", "generic-ice40")
    assert outcome.exit_code == 0, outcome.output
    facts = json.loads(Path("out/netlist.json").read_text())
    assert (
        facts["provenance"]["command"]
        == "python -m prunus_boards.measure.netlist_trial demo -b generic-ice40 -n 3"
    )
    assert facts["provenance"]["inputs"]["gateware"] == "of today"
    assert facts["cells"] == {"SB_DFF": 1, "SB_LUT4": 2}
    assert (facts["board"], facts["neurons"], facts["lanes"]) == (
        "generic-ice40",
        100,
        find_board("generic-ice40").lanes,
    )
    assert (facts["images"], facts["cycles"], facts["differences"]) == (3, 99, 0)

    faked += ["presentation 1: prediction must be 3, not 4", "x"]
    outcome = run("demo", "-b", "generic-ice40")
    assert outcome.exit_code == 1
    assert outcome.output.splitlines()[-1] == (
        "Error: Netlist must do as the model does: presentation 1: prediction must be 3, not 4"
    )
    assert json.loads(Path("out/netlist.json").read_text())["differences"] == 2


@pytest.mark.usefixtures("faked")
def test_only_families_with_models_of_their_cells_are_simulated() -> None:
    outcome = run("-b", "ulx3s-85f")
    assert outcome.exit_code == 2
    assert outcome.output.splitlines()[-1] == (
        "Error: Board must have an iCE40, not LFE5U-85F-6: no cell models"
    )
    assert not Path("out").exists()
