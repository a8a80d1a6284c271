"""Options that make a package quickly, and its manifest."""

# amaranth: UnusedElaboratable=no

import json
from pathlib import Path
from typing import Any

#: Quick: the bench is not run.
QUICK = ("--data", "digits.npz", "--simulator", "none", "--images", "2")


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content
