"""Rows of both directions in one file."""

import json
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import listing
from prunus_model.common.errors import ResultsError
from prunus_model.exchange import results
from prunus_model.exchange.results import Direction, Row, write_rows
from prunus_model.study.fingerprint import fingerprint


def row(direction: Direction, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "framework": "norse",
        "version": "1",
        "direction": direction,
        "node": "LIF",
        "status": "run",
        "equal_predictions": 0.5,
        "network": "demo",
        "images": 9,
    }
    return Row(**(values | changes))


def write(path: Path, direction: Direction, *rows: Row, tool: str = "nir") -> dict[str, Any]:
    write_rows(
        rows, direction=direction, command=f"make {direction}", data="sample", tools={tool: "1.0"},
        path=path,
    )  # fmt: skip
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def test_rows_of_the_other_direction_stay(tmp_path: Path) -> None:
    path = tmp_path / "nir.json"
    first = write(path, "export", row("export"), row("export", framework="brian"))
    assert [one["framework"] for one in first["rows"]] == ["brian", "norse"]
    assert first["provenance"]["inputs"]["model"] == fingerprint()
    assert first["provenance"]["command"] == "make export"
    assert first["rows"][1] == {
        "framework": "norse",
        "version": "1",
        "direction": "export",
        "node": "LIF",
        "status": "run",
        "equal_predictions": 0.5,
        "network": "demo",
        "images": 9,
        "why": "",
    }
    both = write(path, "import", row("import", status="refused"), tool="torch")
    assert both["provenance"]["command"] == "make import"
    assert both["provenance"]["tools"].items() >= {"nir": "1.0", "torch": "1.0"}.items()
    assert [one["direction"] for one in both["rows"]] == ["export", "export", "import"]
    kept = {key: first["provenance"][key] for key in ("command", "commit", "inputs")}
    assert both["rows"][:2] == [kept | one for one in first["rows"]]
    # Again: the rows of a direction are replaced, those of the other keep their origin.
    again = write(path, "import", row("import", framework="lava"))
    assert again["rows"][:2] == both["rows"][:2]
    assert [one["framework"] for one in again["rows"][2:]] == ["lava"]
    back = write(path, "export", row("export"))
    assert [one["direction"] for one in back["rows"]] == ["export", "import"]
    assert "command" not in back["rows"][0]
    assert back["rows"][1]["command"] == "make import"


def test_rows_must_be_of_the_direction(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="must all be of direction import"):
        write(tmp_path / "nir.json", "import", row("import"), row("export"))
    assert listing(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"provenance": {"kind": "mnist"}, "rows": []}',
     '{"provenance": {"kind": "nir"}, "rows": [{"framework": "x"}]}'],
)  # fmt: skip
def test_file_of_something_else_is_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "nir.json"
    path.write_text(content)
    with pytest.raises(ResultsError, match=r"nir\.json must be one of NIR: "):
        write(path, "export", row("export"))
    assert path.read_text() == content


def test_results_have_their_place() -> None:
    assert Path("model/results/nir.json") == results.RESULTS
