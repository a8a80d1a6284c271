"""Tables of the file formats on the site, from a bundled network and from the forms of files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from prunus_docs.kinds import kinds
from prunus_docs.schemas import SCHEMAS
from prunus_docs.tables import table
from prunus_model.cli.common import bundled
from prunus_model.training.artifact import Artifact
from prunus_rtl.link.protocol.description import CoreDescription

__all__ = ["core_file_table", "network_file_table", "results_files_table"]


def _shape(shape: tuple[int, ...], artifact: Artifact) -> str:
    config, records = artifact.config, len(artifact.history.presentations)
    names = {
        config.inputs: "inputs",
        config.neurons: "neurons",
        config.readout.classes: "classes",
        records: "records",
    }
    return " x ".join(names.get(size, str(size)) for size in shape)


def network_file_table() -> str:
    """Return a row for each member of the file of a network: its type and shape."""
    path = bundled("demo")
    artifact = Artifact.load(path)
    rows = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            content = archive.read(member)
            if member.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                rows.append([f"`{member}`", str(array.dtype), _shape(array.shape, artifact)])
            else:
                keys = ", ".join(f"`{key}`" for key in json.loads(content))
                rows.append([f"`{member}`", "JSON", keys])
    return table(["member", "type", "shape, or keys"], rows, numbers=False)


def core_file_table() -> str:
    """Return a row for each key of `core.json`, with those of the tables in it."""
    rows = []
    for field in fields(CoreDescription):
        kind = str(field.type).removesuffix(" | None")
        rows.append([f"`{field.name}`", f"`{kind}`", "may be null" if "None" in field.type else ""])
    return table(["key", "what it has the keys of", ""], rows, numbers=False)


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return "none" if schema.get("type") == "null" else str(schema.get("type", "any"))


def _columns(schema: dict[str, Any], home: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the keys of an object, those of rows below the name of their list."""
    for name, one in schema.get("properties", {}).items():
        item = one.get("items", one) if one.get("type") == "array" else one
        inner = home.get(item["$ref"].rsplit("/", 1)[1]) if "$ref" in item else None
        mark = "[]" if one.get("type") == "array" else ""
        if inner is None or "properties" not in inner:
            yield f"`{prefix}{name}{mark}` ({_type(one)})"
        elif name != "provenance":
            yield from _columns(inner, home, f"{prefix}{name}{mark}.")


def results_files_table() -> str:
    """Return a row for each kind of results: its files, the command that makes them, its keys."""
    rows = []
    for name, kind in sorted(kinds().items()):
        schema = SCHEMAS[name].model_json_schema()
        keys = ", ".join(_columns(schema, schema.get("$defs", {})))
        rows.append([name, f"`{kind.files}`", f"`{kind.command}`", keys])
    return table(["kind", "files", "made by", "keys"], rows, numbers=False)
