"""The mutation engine: what it changes, what it takes, and that it never hides a survivor."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import prunus_rtl
from prunus_cli import alive
from prunus_sim.mutation.__main__ import main
from prunus_sim.mutation.executor import MutationError, Suite
from prunus_sim.mutation.operators import OPERATORS, Mutant, chosen_order, mutants_of
from prunus_sim.mutation.session import known_equivalents
from prunus_sim.mutation.units import stages, units

pytestmark = pytest.mark.tools

GATEWARE = Path(str(prunus_rtl.__file__)).parent
ROOT = Path(__file__).parents[3]
#: A unit of a package that takes no time to elaborate, and its mutants.
RAM = """class Ram:
    def elaborate(self, platform):
        m = Module()
        m.d.comb += a.eq(b < 4)
        m.d.comb += c.eq(d == 5)
        return m
"""
TOY = {
    "__init__.py": "",
    "lib/__init__.py": "",
    "lib/ram.py": RAM,
    "toy_elaboration.py": (
        "from pathlib import Path\n"
        "def elaborate_all():\n"
        "    if 'Missing()' in Path(__file__).with_name('lib').joinpath('ram.py').read_text():\n"
        "        raise NameError('Missing')\n"
    ),
}
PASSES = "def test_passes():\n    pass\n"
#: Fails if a line is not in the mutated copy any more.
WATCHES = """from pathlib import Path
import prunus_rtl

def test_line_is_there():
    assert {line!r} in (Path(prunus_rtl.__file__).parent / "lib/ram.py").read_text()
"""


def test_units_are_the_files_with_gateware() -> None:
    found = units(GATEWARE)
    assert {"core/core.py", "lib/ram.py", "plasticity/pruning.py"} <= set(found)
    assert not {"shapes.py", "hardware.py", "memory_image/image.py"} & set(found)
    for name in found:
        assert stages(name, gateware=GATEWARE, tests=ROOT / "tests/rtl"), name


def test_listed_equivalents_are_mutants_of_today() -> None:
    rows = known_equivalents(ROOT / "sim/results/equivalent_mutants.toml")
    assert rows
    for row in rows:
        found = mutants_of(row["file"], (GATEWARE / row["file"]).read_text())
        assert (row["before"], row["after"]) in {(m.before, m.after) for m in found}, row


def files(folder: Path, contents: dict[str, str]) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def folder(path: Path, content: str) -> Path:
    return files(path / "tests", {"lib/test_ram.py": content})


def toy(path: Path) -> Path:
    return files(path / "prunus_rtl", TOY)


def run(path: Path, tests: Path, *arguments: str) -> tuple[Result, Path]:
    output = path / "mutants.json"
    options = ["--unit", "lib/ram.py", "--count", "1", "--tests", str(tests)]
    options += ["--output", str(output), "--gateware", str(toy(path))]
    options += ["--elaboration", "prunus_rtl.toy_elaboration"]
    if "--equivalent" not in arguments:
        options += ["--equivalent", str(path / "none.toml")]
    return CliRunner().invoke(main, [*options, *arguments]), output


def first() -> Mutant:
    """The first mutant that is taken of the toy."""
    return chosen_order(mutants_of("lib/ram.py", RAM), seed=1)[0]


def test_survivor_is_reported_and_judged_again_and_the_rest_is_kept(tmp_path: Path) -> None:
    tests = folder(tmp_path, PASSES)
    result, output = run(tmp_path, tests)
    assert result.exit_code == 1
    assert "Error: 1 mutants survived; the first: lib/ram.py:" in result.output.replace("\n", " ")
    content = json.loads(output.read_text())
    assert (content["finished"], content["total"], content["survived"]) == (False, 1, 1)
    assert (content["killed"], content["equivalent"]) == (0, [])

    (tests / "lib/test_more.py").write_text(WATCHES.format(line=first().before))
    result, output = run(tmp_path, tests)
    assert result.exit_code == 0, result.output
    content = json.loads(output.read_text())
    assert (content["finished"], content["total"], content["killed"]) == (True, 1, 1)
    assert content["units"]["lib/ram.py"] == {
        "total": 1,
        "killed": 1,
        "timeouts": 0,
        "survived": 0,
        "equivalent": 0,
    }
    (row,) = content["mutants"]
    assert row["file"] == "lib/ram.py"
    assert row["test"].endswith("test_more.py::test_line_is_there")
    assert row["operator"] in OPERATORS

    # An interrupted run keeps its verdicts; a finished one is begun anew.
    content["mutants"][0]["test"] = "kept"
    for finished in (False, True):
        output.write_text(json.dumps(content | {"finished": finished}))
        result, output = run(tmp_path, tests)
        assert result.exit_code == 0, result.output
        assert (json.loads(output.read_text())["mutants"][0]["test"] == "kept") != finished


def test_equivalent_mutant_is_listed_with_its_reason_and_replaced(tmp_path: Path) -> None:
    mutant = first()
    toml = tmp_path / "equivalent.toml"
    fields = (("file", mutant.file), ("before", mutant.before), ("after", mutant.after))
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields]
    toml.write_text("\n".join(["[[mutant]]", *lines, 'reason = "It is\\n the same."']))
    result, output = run(tmp_path, folder(tmp_path, PASSES), "--equivalent", str(toml))
    assert result.exit_code == 1
    content = json.loads(output.read_text())
    equal, *_, survivor = content["mutants"]
    assert (equal["verdict"], equal["reason"]) == ("equivalent", "It is the same.")
    assert survivor["verdict"] == "survived"
    assert (content["total"], content["survived"]) == (2, 1)
    place = f"lib/ram.py:{mutant.line} {mutant.operator}: {mutant.before}  ->  {mutant.after}"
    assert content["equivalent"] == [{"mutant": place, "reason": "It is the same."}]

    toml.write_text("\n".join(["[[mutant]]", *lines]))
    result, _ = run(tmp_path, tmp_path / "tests", "--equivalent", str(toml))
    assert result.exit_code == 2
    assert "Equivalent mutants must have reason" in result.output


def test_endless_run_is_a_timeout_and_broken_source_is_invalid(tmp_path: Path) -> None:
    mutant = first()
    suite = Suite(
        gateware=toy(tmp_path),
        tests=tmp_path / "tests",
        timeout=10,
        elaboration="prunus_rtl.toy_elaboration",
    )
    folder(tmp_path, "import time\n\ndef test_hangs():\n    time.sleep(1000)\n")
    assert suite.judge(mutant)["verdict"] == "timeout"
    broken = type(mutant)(
        **{name: getattr(mutant, name) for name in type(mutant).__slots__ if name != "source"},
        source=mutant.source.replace("m = Module()", "m = Missing()"),
    )
    row = suite.judge(broken)
    assert (row["verdict"], row["test"]) == ("invalid", "NameError: Missing")


def test_tests_that_fail_without_a_fault_are_refused(tmp_path: Path) -> None:
    tests = folder(tmp_path, "def test_fails():\n    raise RuntimeError\n")
    result, output = run(tmp_path, tests)
    assert result.exit_code == 2
    message = "Error: Gateware without a fault must pass the tests, not fail: "
    assert result.output.startswith(message)
    assert result.output.endswith("lib/test_ram.py::test_fails\n")
    assert not output.exists()


def test_all_tests_together_may_take_as_long_as_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path, PASSES)
    suite = Suite(gateware=toy(tmp_path), tests=tmp_path / "tests", timeout=10)
    limits = []

    def run(*_: object, longest: float | None = None) -> tuple[int, str]:
        limits.append(longest)
        return 0, ""

    monkeypatch.setattr(Suite, "run", run)
    suite.check_without_fault(["lib/ram.py"] * 7)
    assert limits == [None, 70]


@pytest.mark.parametrize("content", ["{", "[]", '{"finished": false}'])
def test_results_of_something_else_are_kept(tmp_path: Path, content: str) -> None:
    (tmp_path / "mutants.json").write_text(content)
    result, output = run(tmp_path, folder(tmp_path, PASSES))
    assert result.exit_code == 2
    assert result.output == f"Error: {output} must be results of this command, or be removed\n"
    assert output.read_text() == content


def test_equivalents_must_be_readable(tmp_path: Path) -> None:
    toml = tmp_path / "equivalent.toml"
    toml.write_text("[[mutant")
    result, _ = run(tmp_path, folder(tmp_path, PASSES), "--equivalent", str(toml))
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: {toml} must be TOML: ")


#: Passes on the gateware; tells that it was begun, and waits, on a mutant.
WAITS = """import os, pathlib, time
import prunus_rtl

def test_waits():
    if {line!r} not in (pathlib.Path(prunus_rtl.__file__).parent / "lib/ram.py").read_text():
        pathlib.Path({begun!r}).write_text(str(os.getpid()))
        time.sleep(3600)
"""


def test_terminated_run_leaves_neither_children_nor_files(tmp_path: Path) -> None:
    begun, scratch = tmp_path / "begun", tmp_path / "scratch"
    scratch.mkdir()
    tests = folder(tmp_path, WAITS.format(line=first().before, begun=str(begun)))
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "prunus_sim.mutation.__main__",
            "--unit",
            "lib/ram.py",
            "--tests",
            str(tests),
            "--gateware",
            str(toy(tmp_path)),
            "--elaboration",
            "prunus_rtl.toy_elaboration",
        ],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (begun.exists() and begun.read_text()) and child.poll() is None:
        time.sleep(0.1)
    assert list(scratch.iterdir())
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=600)
    assert (child.returncode, err) == (143, "interrupted\n")
    assert not alive(int(begun.read_text()))
    assert list(scratch.iterdir()) == []


def test_gateware_that_is_not_the_mutated_copy_is_refused(tmp_path: Path) -> None:
    suite = Suite(gateware=GATEWARE, tests=tmp_path, timeout=60)
    elsewhere = tmp_path / "prunus_rtl"
    with pytest.raises(MutationError, match=re.escape(f"must be imported from {elsewhere}, not ")):
        suite.run(elsewhere, "test")


def test_tests_of_the_unit_come_first_then_those_of_its_users(tmp_path: Path) -> None:
    elaborates = "def elaborate():\n    pass\n"
    gateware = files(
        tmp_path / "prunus_rtl",
        {
            "lib/ram.py": elaborates,
            "lib/shapes.py": "",
            "core/core.py": f"from prunus_rtl.lib.ram import Ram\n{elaborates}",
            "bus/port.py": f"from prunus_rtl.lib import ram\n{elaborates}",
            "link/phy/uart.py": elaborates,
        },
    )
    tests = tmp_path / "tests"
    assert units(gateware) == ("bus/port.py", "core/core.py", "lib/ram.py", "link/phy/uart.py")
    assert stages("lib/ram.py", gateware=gateware, tests=tests) == []
    names = ["lib/test_ram.py", "lib/test_other.py", "core/test_core.py", "bus/test_port.py"]
    files(tests, dict.fromkeys([*names, "link/test_phy.py", "test_all.py"], ""))
    found = stages("lib/ram.py", gateware=gateware, tests=tests)
    assert [[str(Path(p).relative_to(tests)) for p in run] for run in found] == [
        ["lib/test_ram.py"],
        ["lib/test_other.py"],
        ["bus/test_port.py"],
        ["core/test_core.py"],
    ]
    # Without tests of its own, those of its folder, wherever they are; then the folder above.
    files(tests, {"link/test_spi.py": ""})
    assert stages("link/phy/uart.py", gateware=gateware, tests=tests) == [
        [str(tests / "link/test_phy.py")],
        [str(tests / "link/test_spi.py")],
    ]


def test_unit_that_is_none_is_refused(tmp_path: Path) -> None:
    tests = folder(tmp_path, PASSES)
    result, output = run(tmp_path, tests, "--unit", "lib/nope.py")
    assert result.exit_code == 2
    assert result.output == "Error: Unit must be one of lib/ram.py, not 'lib/nope.py'\n"
    assert not output.exists()


def test_mutant_of_the_gateware_is_killed() -> None:
    """The one test here that elaborates and mutates the gateware itself."""
    file = "lib/broadcast_fifo.py"
    order = chosen_order(mutants_of(file, (GATEWARE / file).read_text()), seed=1)
    suite = Suite(gateware=GATEWARE, tests=ROOT / "tests/rtl", timeout=600)
    row = suite.judge(next(m for m in order if m.operator == "comparator"))
    assert row["verdict"] == "killed", row
    assert "lib/test_broadcast_fifo.py::" in row["test"]
