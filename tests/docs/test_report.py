"""The report of the results in a checkout, as a command."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from markupsafe import escape

from prunus_docs.report import SOURCES, main, read_results
from prunus_overhead.report.page import html

ROOT = Path(__file__).parents[2]
# An installed wheel is tested without a checkout around it.
pytestmark = pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="needs the checkout")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with two of the results files."""
    for source in SOURCES[:2]:
        target = tmp_path / source.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source.path, target)
    return tmp_path


def test_page_tells_how_each_results_file_was_made() -> None:
    found = read_results(ROOT)
    page = html(found)
    assert set(found.content) == {source.name for source in SOURCES}
    for content in found.content.values():
        assert f"<code>{escape(content['provenance']['command'])}</code>" in page


def test_command_writes_page_and_json_and_tells_what_is_missing(checkout: Path) -> None:
    out = checkout / "out"
    done = CliRunner().invoke(main, ["--root", str(checkout), "--output", str(out)])
    assert done.exit_code == 0
    assert {path.name for path in out.iterdir()} == {"report.html", "report.json"}
    missing = [line for line in done.stdout.splitlines() if line.startswith("Missing: ")]
    assert len(missing) == len(SOURCES) - 2
    assert missing[-1] == (
        "Missing: standard cells, and energy of class c. Run `make cells`; it needs: apt install "
        "qflow-tech-osu018 g++ perl"
    )
    content = json.loads((out / "report.json").read_text())
    assert content["title"] in (out / "report.html").read_text()
    assert [source["name"] for source in content["missing"]] == [s.name for s in SOURCES[2:]]


def changed(path: Path, **values: Any) -> str:
    """Return the text of a results file with something else in its first row."""
    content = json.loads(path.read_text())
    content["runs"][0] |= values
    return json.dumps(content)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, "must be JSON; make them with `make results`"),
        (
            {"vote": 1.5},
            (
                "runs.0.vote: Input should be less than or equal to 1, not 1.5; make them with "
                "`make results`"
            ),
        ),
    ],
)
def test_results_that_are_none_are_refused(
    checkout: Path, values: dict[str, Any] | None, message: str
) -> None:
    path = checkout / "model/results/mnist.json"
    path.write_text("{" if values is None else changed(path, **values))
    done = CliRunner().invoke(main, ["--root", str(checkout), "--output", str(checkout / "out")])
    wanted = f"Error: Results {path}{'' if values is None else ':'} {message}\n"
    assert (done.exit_code, done.stderr) == (2, wanted)
    assert not (checkout / "out").exists()
