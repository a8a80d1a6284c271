"""Notebooks run from start to end, in an empty folder, and show what their text announces."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "notebooks"

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs the checkout")

#: Of each notebook: pictures that it shows, and what it must have said.
SHOWN: dict[str, tuple[int, tuple[str, ...]]] = {
    "train-prune-read": (3, ("pruned: accuracy", "synaptic operations per image")),
    "one-presentation": (4, ("synapses removed: 42", "equal")),
    "model-beside-core": (0, ("318,398 values compared, 0 differences", "unit pruning: alive[")),
    "own-data-to-bitstream": (2, ("unpruned: accuracy", "104,090 bytes")),
}
#: Those that build a simulation or a bitstream: they take minutes.
LONG = ("model-beside-core", "own-data-to-bitstream")


def read(path: Path) -> Any:
    """Return a notebook."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def executed(name: str, folder: Path) -> Any:
    """Run a notebook in a folder, and return it with its outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        With the cell that failed.
    """
    notebook = read(FOLDER / f"{name}.ipynb")
    client = NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    asyncio.run(client.async_execute())
    return notebook


def outputs(notebook: Any) -> list[Any]:
    """Return the outputs of all cells."""
    return [
        out for cell in notebook.cells if cell.cell_type == "code" for out in cell.get("outputs")
    ]


def check_shown(notebook: Any, pictures: int, texts: tuple[str, ...]) -> None:
    """Check what an executed notebook has shown."""
    found = outputs(notebook)
    said = "".join(out.text for out in found if out.get("name") == "stdout")
    drawn = [out.data["image/png"] for out in found if "image/png" in out.get("data", {})]
    assert len(drawn) == pictures
    assert all(base64.b64decode(png).startswith(b"\x89PNG") for png in drawn)
    assert [text for text in texts if text not in said] == [], said
    # Warnings would be what the reader sees first.
    assert [out.text for out in found if out.get("name") == "stderr"] == []


def test_all_notebooks_are_run() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_notebook_is_kept_without_outputs_and_begins_with_a_heading(name: str) -> None:
    notebook = read(FOLDER / f"{name}.ipynb")
    nbformat.validate(notebook)
    assert outputs(notebook) == []
    assert notebook.cells[0].source.startswith("# ")
    assert all(cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize("name", [name for name in SHOWN if name not in LONG])
def test_notebook_runs_and_shows_what_it_announces(name: str, tmp_path: Path) -> None:
    check_shown(executed(name, tmp_path), *SHOWN[name])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.tools
@pytest.mark.parametrize("name", LONG)
def test_long_notebook_runs_and_shows_what_it_announces(name: str, tmp_path: Path) -> None:
    check_shown(executed(name, tmp_path), *SHOWN[name])
    assert list(tmp_path.iterdir()) == []
