"""Write the tables of the site's reference that follow from the code: registers, configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from prunus_docs.api import PAGES, api_page
from prunus_docs.formats import core_file_table, network_file_table, results_files_table
from prunus_docs.tables import table
from prunus_model.cli.group import cli
from prunus_model.common.errors import PrunusError
from prunus_model.spec.config import NetworkConfig
from prunus_rtl.bus.registers import REGISTERS

__all__ = ["check_commands", "configuration_table", "registers_table", "write_reference"]


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def registers_table() -> str:
    """Return a row for each field of each register of a core on a bus."""
    rows = [
        [
            f"0x{register.offset:04x}",
            f"`{register.name}.{field.name}`",
            f"{field.lsb + field.width - 1}:{field.lsb}",
            field.access,
            "-" if field.reset is None else hex(field.reset),
            _cell(field.description),
        ]
        for register in REGISTERS
        for field in register.fields
    ]
    headings = ["offset", "field", "bits", "access", "after reset", "meaning"]
    return table(headings, rows, numbers=False)


def _allowed(schema: dict[str, Any]) -> str:
    """Return what values a key takes, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(_allowed(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    low, high = schema.get("minimum"), schema.get("maximum")
    kind = "none" if schema.get("type") == "null" else str(schema.get("type", "table"))
    if low is None and high is None:
        return kind
    return f"{kind}, {'' if low is None else low}..{'' if high is None else high}"


def _keys(schema: dict[str, Any], home: dict[str, Any], prefix: str) -> Iterator[list[str]]:
    for name, one in schema.get("properties", {}).items():
        variants = one.get("oneOf") or one.get("anyOf") or [one]
        nested = [home[v["$ref"].rsplit("/", 1)[1]] for v in variants if "$ref" in v]
        optional = any(variant.get("type") == "null" for variant in variants)
        if not any("properties" in variant for variant in nested):
            shown = nested[0] if nested else one
            default = f"`{one['default']}`" if "default" in one else "required"
            yield [f"`{prefix}{name}`", _cell(_allowed(shown)), _cell(default)]
            continue
        if optional:
            # The keys below it have their defaults as soon as the table is there.
            yield [f"`{prefix}{name}`", "table, or left out", "left out"]
        for variant in nested:
            policy = variant.get("properties", {}).get("policy", {}).get("const")
            key = f"{prefix}{name}." if policy is None else f"{prefix}{name} ({policy})."
            yield from _keys(variant, home, key)


def configuration_table() -> str:
    """Return a row for each key of a configuration: what it takes, and its default."""
    schema = TypeAdapter(NetworkConfig).json_schema()
    home = schema.get("$defs", {})
    return table(["key", "values", "default"], _keys(schema, home, ""), numbers=False)


def check_commands(points: Iterable[EntryPoint] | None = None) -> None:
    """Check that each command can be imported, so that none is left out of its page.

    Parameters
    ----------
    points : iterable of EntryPoint, optional
        The commands. Default: all of ``prunus``.

    Raises
    ------
    PrunusError
        If one cannot, or `prunus` does not list it.
    """
    listed = cli.list_commands(click.Context(cli))
    for point in entry_points(group="prunus.commands") if points is None else points:
        try:
            point.load()
        except ModuleNotFoundError as e:
            raise PrunusError(
                f"Module {e.name} must be installed for the page of `prunus {point.name}`: "
                f"pip install 'prunus[{','.join(point.extras)}]'"
            ) from e
        if point.name not in listed:
            raise PrunusError(f"Command `prunus {point.name}` must be among those that are listed")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def write_reference(folder: Path) -> None:
    """Write all generated parts of the reference into a folder; check the commands.

    Tables that pages include are ``.txt``; pages of the programming interface are in ``api``.
    """
    check_commands()
    tables = {
        "registers": registers_table,
        "configuration": configuration_table,
        "network-file": network_file_table,
        "core-file": core_file_table,
        "results-files": results_files_table,
    }
    for name, make in tables.items():
        _write(folder / f"{name}.txt", make() + "\n")
    for name, page in PAGES.items():
        _write(folder / "api" / f"{name}.rst", api_page(page))
