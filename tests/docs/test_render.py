"""Blocks are renewed between their markers, and say by themselves how old their results are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jinja2 import UndefinedError
from pydantic import ValidationError

from prunus_docs import freshness
from prunus_docs.__main__ import main
from prunus_docs.kinds import Kind, kinds
from prunus_docs.render import BLOCKS, rendered
from prunus_docs.results import read
from prunus_docs.schemas import SCHEMAS
from prunus_docs.templates import filled
from prunus_model.common.errors import PrunusError, ResultsError
from prunus_model.common.provenance import INPUTS

ROOT = Path(__file__).parents[2]
TODAY = dict.fromkeys(INPUTS, "0" * 16)
OLD = "1" * 16


@pytest.fixture(autouse=True)
def digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give digests of today that take no time."""
    monkeypatch.setattr(freshness, "today", lambda name: frozenset({TODAY[name]}))


def lockstep(commit: str = "c" * 12, **inputs: str) -> dict[str, Any]:
    """Return results of lockstep runs, of today but for some inputs."""
    row: dict[str, Any] = {"bench": "b", "simulator": "s", "mode": "learning", "policy": "none"}
    row |= {"neurons": 10, "lanes": 4, "presentations": 1000, "cycles": 6}
    row |= {"core_cycles": 5, "cycles_per_presentation": 2.5, "values_compared": 99}
    row |= {"differences": 0, "equal": True, "cycles_per_second": 1}
    row |= {"presentations_per_second": 1.5, "build_seconds": 1.0, "seconds": 1.0}
    row |= {"simulation_seconds": 1.0, "wall_seconds": 1.0}
    today = {name: TODAY[name] for name in kinds()["lockstep"].inputs}
    return {
        "provenance": {
            "kind": "lockstep",
            "command": "run it",
            "commit": commit,
            "tools": {"python": "3"},
            "inputs": today | inputs,
        },
        "rows": [row],
    }


def put(root: Path, content: dict[str, Any], kind: str = "lockstep") -> Path:
    path = root / kinds()[kind].files
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


HEADLINE = "1,000 presentations, 99 values compared, 0 differences"


def test_what_is_around_the_markers_stays(tmp_path: Path) -> None:
    put(tmp_path, lockstep())
    text = "a <!-- lockstep-headline -->old<!-- /lockstep-headline --> b\n<!-- other\n"
    new = rendered(text, tmp_path)
    assert new == text.replace("old", HEADLINE)
    assert rendered(new, tmp_path) == new
    lines = "a\n<!-- lockstep-headline -->\n<!-- /lockstep-headline -->\nb\n"
    assert rendered(lines, tmp_path) == lines.replace(" -->\n<", f" -->\n{HEADLINE}\n<")


def test_what_was_not_measured_says_how_to(tmp_path: Path) -> None:
    text = "<!-- lockstep -->\nold\n<!-- /lockstep -->\n"
    assert rendered(text, tmp_path) == text.replace("old", "Not measured yet: `make sim-full`.")


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, ""),
        ({"gateware": OLD}, "measured at commit ccccccc, the gateware has changed since"),
        ({"gateware": "unknown"}, "measured at commit ccccccc, the gateware has changed since"),
        (
            {"gateware": OLD, "model": OLD},
            "measured at commit ccccccc, the model and the gateware have changed since",
        ),
        # Noted, but not what these results are judged by.
        ({"network": OLD}, ""),
    ],
)
def test_stale_results_say_so(tmp_path: Path, inputs: dict[str, str], told: str) -> None:
    put(tmp_path, lockstep(**inputs))
    inline = rendered("x <!-- lockstep-headline --><!-- /lockstep-headline -->\n", tmp_path)
    assert (f"{HEADLINE} ({told})" if told else f"{HEADLINE}<") in inline
    lines = rendered("<!-- lockstep -->\n<!-- /lockstep -->\n", tmp_path).splitlines()
    assert (lines[-2] == f"*{told.capitalize()}.*") is bool(told)


def test_an_input_that_is_not_noted_counts_as_changed(tmp_path: Path) -> None:
    content = lockstep()
    del content["provenance"]["inputs"]["gateware"]
    put(tmp_path, content)
    assert "the gateware has changed since" in freshness.age(
        [read(put(tmp_path, content), kinds()["lockstep"])]
    )


def test_rows_of_other_inputs_count(tmp_path: Path) -> None:
    content = lockstep()
    own = {"commit": "a" * 12, "command": "x", "inputs": {"model": TODAY["model"]}}
    content["rows"].append(content["rows"][0] | own | {"inputs": TODAY | {"gateware": OLD}})
    content["rows"].append(content["rows"][0] | own | {"commit": "b" * 12})
    told = freshness.age([read(put(tmp_path, content), kinds()["lockstep"])])
    assert told == (
        "measured at commit aaaaaaa, the gateware has changed since; measured at commit bbbbbbb, "
        "the options of the model and the gateware have changed since"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- lockstep -->\n", "Marker <!-- lockstep --> must be followed by <!-- /lockstep -->"),
        (
            "<!-- lockstep -->\n<!-- cycles -->\n",
            "Marker <!-- lockstep --> must be followed by <!-- /lockstep -->",
        ),
        ("<!-- /lockstep -->\n", "Marker <!-- /lockstep --> must open a block: "),
        ("<!-- lokstep -->\n<!-- /lokstep -->\n", "Marker <!-- lokstep --> must open a block: "),
    ],
)
def test_wrong_markers_are_refused(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path, lockstep())
    with pytest.raises(PrunusError, match=f"^{re.escape(message)}"):
        rendered(text, tmp_path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a checkout with one document and no kind of results but lockstep runs and cycles."""
    chosen = {name: kinds()[name] for name in ("lockstep", "cycles")}
    monkeypatch.setattr(freshness, "kinds", lambda: chosen)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(
        "<!-- lockstep-headline -->\nold\n<!-- /lockstep-headline -->\n"
    )
    return tmp_path


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, args)
    return done.exit_code, done.output


def test_check_fails_until_documents_are_renewed(here: Path) -> None:
    put(here, lockstep())
    code, said = run("--check")
    assert (code, said) == (1, "Error: README.md is not in step: run `make render`\n")
    assert "old" in (here / "README.md").read_text()
    assert run() == (0, "")
    assert HEADLINE in (here / "README.md").read_text()
    assert run("--check") == (0, "")


def test_check_fails_for_stale_results_that_must_be_of_today(here: Path) -> None:
    path = put(here, lockstep(gateware=OLD))
    run()
    code, said = run("--check")
    assert code == 1
    assert said == (
        f"Error: {path.relative_to(here)}: measured at commit ccccccc, the gateware has changed "
        f"since: run `make sim-full`\n"
    )


def test_stale_results_are_listed_the_quick_ones_first(here: Path) -> None:
    put(here, lockstep(gateware=OLD))
    code, said = run("--stale")
    assert code == 0
    assert said.index("make sim-full") < said.index("make cycles")
    assert said.endswith("2 to run, about 55 minutes\n")
    put(here, lockstep())
    assert run("--stale")[1].endswith("1 to run, about 30 minutes\n")


def test_wrong_results_are_one_line(here: Path) -> None:
    path = put(here, lockstep() | {"rows": []})
    code, said = run("--check")
    assert code == 2
    assert re.fullmatch(
        f"Error: Results {path.relative_to(here)}: rows: [^\n]+`make sim-full`\n", said
    )


@pytest.mark.parametrize("kind", list(kinds().values()), ids=lambda kind: kind.name)
def test_committed_results_have_the_form_of_their_kind(kind: Kind) -> None:
    paths = kind.paths(ROOT)
    if not (ROOT / "README.md").exists():
        pytest.skip("needs the checkout")
    assert paths or kind.strict == "dated"
    for path in paths:
        found = read(path, kind)
        assert set(kind.inputs) <= found.provenance.inputs.keys(), path


def test_every_results_file_is_of_one_kind() -> None:
    if not (ROOT / "README.md").exists():
        pytest.skip("needs the checkout")
    of_kinds = [path for kind in kinds().values() for path in kind.paths(ROOT)]
    # Sizes of cores are in the wheel, as the README of a generated package shows them.
    shipped = ROOT / "rtl/prunus_rtl/export/core_sizes.json"
    assert sorted(of_kinds) == sorted([*ROOT.glob("*/results/*.json"), shipped])
    assert SCHEMAS.keys() == kinds().keys()


ROW = lockstep()["rows"][0]
ORIGIN = lockstep()["provenance"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rows": [{k: v for k, v in ROW.items() if k != "lanes"}]}, "rows.0.lanes must be there"),
        ({"rows": [ROW | {"lains": 4}]}, "rows.0.lains is no key of this kind"),
        ({"more": 1}, "more is no key of this kind"),
        (
            {"rows": [ROW, ROW | {"lanes": "4"}]},
            "rows.1.lanes: Input should be a valid integer, not '4'",
        ),
        ({"rows": [ROW | {"lanes": True}]}, "rows.0.lanes: Input should be a valid integer, "),
        (
            {"rows": [ROW | {"differences": -1}]},
            "rows.0.differences: Input should be greater than or equal to 0, not -1",
        ),
        ({"rows": [ROW | {"seconds": float("nan")}]}, "rows.0.seconds: Input should be "),
        (
            {"rows": [ROW | {"mode": "teaching"}]},
            "rows.0.mode: Input should be 'learning' or 'inference', not 'teaching'",
        ),
        ({"rows": [ROW | {"commit": "HEAD"}]}, "rows.0.commit: "),
        ({"rows": 3}, "rows: Input should be a valid list, not 3"),
        ({"provenance": ORIGIN | {"commit": "HEAD"}}, "provenance.commit: "),
        ({"provenance": ORIGIN | {"inputs": {}}}, "provenance.inputs: "),
        ({"provenance": ORIGIN | {"inputs": {"wether": OLD}}}, "provenance.inputs.wether"),
        ({"provenance": ORIGIN | {"more": 1}}, "provenance.more is no key of this kind"),
        ({"provenance": None}, "provenance: "),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path = put(tmp_path, lockstep() | change)
    with pytest.raises(
        ResultsError,
        match=f"^Results {re.escape(f'{path}: {told}')}[^\n]*; make them with `make sim-full`$",
    ):
        read(path, kinds()["lockstep"])


@pytest.mark.parametrize("kind", list(SCHEMAS))
def test_every_value_of_every_kind_is_checked(kind: str) -> None:
    """Take each value of a committed file away, or put another type there: it is refused."""
    if not (ROOT / "README.md").exists():
        pytest.skip("needs the checkout")
    if not (paths := kinds()[kind].paths(ROOT)):
        pytest.skip("not measured yet")
    content = json.loads(paths[0].read_text())
    form = SCHEMAS[kind]
    rows = [found[0] for found in content.values() if isinstance(found, list) and found]
    for place in [content, *(row for row in rows if isinstance(row, dict))]:
        for key in list(place):
            value = place[key]
            # Of no type that there is in any form.
            place[key] = [[[]]]
            with pytest.raises(ValidationError):
                form.model_validate(content)
            place[key] = value
        place["no such key"] = 1
        with pytest.raises(ValidationError):
            form.model_validate(content)
        del place["no such key"]
        form.model_validate(content)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"a"'])
def test_content_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, lockstep())
    path.write_text(text)
    with pytest.raises(ResultsError, match=r"^Results [^\n]*: content: .*make sim-full`$"):
        read(path, kinds()["lockstep"])


def test_a_row_that_a_block_needs_and_is_not_there_is_one_line(here: Path) -> None:
    path = ROOT / "sim/results/cycles.json"
    if not path.exists():
        pytest.skip("needs the checkout")
    content = json.loads(path.read_text())
    content["rows"] = [row for row in content["rows"] if row["network"] != "paper"]
    put(here, content, "cycles")
    (here / "README.md").write_text("<!-- cycles-headline --><!-- /cycles-headline -->\n")
    code, said = run()
    assert code == 2
    assert re.fullmatch(
        "Error: Results sim/results/cycles.json must have all rows that block cycles-headline is "
        "made of[^\n]*\n",
        said,
    )


def test_files_of_another_kind_and_no_json_are_refused(tmp_path: Path) -> None:
    content = lockstep()
    content["provenance"]["kind"] = "cycles"
    path = put(tmp_path, content)
    with pytest.raises(ResultsError, match="must be of kind lockstep, not cycles"):
        read(path, kinds()["lockstep"])
    for text in (b"{", b"\xff"):
        path.write_bytes(text)
        with pytest.raises(ResultsError, match=r"must be JSON; make them with `make sim-full`$"):
            read(path, kinds()["lockstep"])


def test_kinds_name_targets_that_there_are() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for kind in kinds().values():
        target = kind.command.split()[1]
        assert f"\n{target}: " in makefile
    assert {name for of, _ in BLOCKS.values() for name in of} <= kinds().keys()


def test_a_name_that_is_not_in_the_results_is_an_error() -> None:
    values = {"rows": [{"bench": "b"}], "origin": "x"}
    with pytest.raises(UndefinedError, match="lanes"):
        filled("lockstep", **values)


def test_every_template_is_of_a_block_or_part_of_one() -> None:
    folder = Path(freshness.__file__).parent / "templates"
    names = {path.name.removesuffix(".md.j2") for path in folder.iterdir()}
    assert names - BLOCKS.keys() == {"budgets"}
