"""The results file of the attacks, of which each part is written by its own program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.study.fingerprint import fingerprint
from prunus_rtl.digest.gateware import link_digest

__all__ = ["DEFAULT", "write"]

#: From the checkout on.
DEFAULT = Path("tests/results/attack.json")


def write(path: Path, parts: Mapping[str, Any]) -> None:
    """Write some parts of the file; the others are kept as they are.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    parts : mapping of str to object
        By key: ``readers``, ``kills``, ``devices``.
    """
    before = json.loads(path.read_text()) if path.exists() else {}
    origin = header(
        "attack",
        command="make fuzz",
        inputs={"model": fingerprint(), "link": link_digest()},
        tools=package_versions("prunus", "numpy", "pydantic", "pillow"),
    )
    content = before | {"provenance": origin} | dict(parts)
    keys = ("provenance", "readers", "kills", "devices")
    write_json(path, {key: content[key] for key in keys if key in content})
