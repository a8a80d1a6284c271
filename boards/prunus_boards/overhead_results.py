"""The file of the ablation and of the energy of networks: each is written beside the other."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from prunus_model.atomic import write_atomically

__all__ = ["OVERHEAD", "keep_part", "package_versions"]

#: Where it is, in the checkout.
OVERHEAD = Path("boards/results/overhead.json")


def keep_part(path: Path, *, command: str, versions: dict[str, str], **parts: Any) -> None:
    """Write some parts of the results; others stay as they are.

    Parameters
    ----------
    path : Path
        The file.
    command : str
        Which has made these parts.
    versions : dict of str to str
        With which versions.
    **parts
        Parts by name.
    """
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    commands = content.get("commands", {}) | dict.fromkeys(parts, command)
    old = content.get("versions", {})
    kept = {name: value for name, value in content.items() if name not in ("command", "commands")}
    kept = {"commands": commands} | kept | {"versions": old | versions} | parts
    text = json.dumps({"command": "; ".join(dict.fromkeys(commands.values()))} | kept, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, f"{text}\n".encode())


def package_versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python packages, and that of Python."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
