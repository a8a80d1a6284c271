"""One reader for all TOML of users: what it takes, and that everything else is one line."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import Cli
from prunus_model.common.errors import ConfigError, PrunusError
from prunus_model.common.toml import parse_toml, read_text
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.trials import read_trials
from prunus_overhead.energy.technology import Technology, TechnologyError

DEEP = "values must be nested at most 32 deep"
LARGE = "integers must have at most 64 bits"
#: What stopped, or did not stop, every reader.
BAD = {
    "lists": ("x = " + "[" * 5000 + "]" * 5000, DEEP),
    "lists that TOML still reads": ("x = " + "[" * 32 + "]" * 32, DEEP),
    "tables": ("x = " + "{a = " * 5000 + "1" + "}" * 5000, DEEP),
    "dotted key": ("a." * 3000 + "a = 1", DEEP),
    "dotted key of 34 parts": (" . ".join(["a", '"\\""', "'.'", "b-_1"] * 9) + " = ", DEEP),
    "dotted key with tabs": ("\t.\t".join(["a", '"b"', "'c'"] * 12) + " = ", DEEP),
    "dotted table": ("[" + "a." * 20 + "a]\n" + "b." * 20 + "b = 1", DEEP),
    "4301 digits": ("x = " + "9" * 4301, LARGE),
    "a million bits": ("x = 0x" + "f" * 60_000, LARGE),
    "65 bits": (f"x = [{{ a = {2**63} }}]", LARGE),
    "65 bits, negative": (f"x = {-(2**63) - 1}", LARGE),
    "long": ("#" * 65537, "text must have at most 65536 characters"),
    "NUL": ("x = \0", "Invalid value (at line 1, column 5)"),
}
READERS: list[tuple[Callable[[Path], Any], str, str, type[PrunusError]]] = [
    (NetworkConfig.read, "Configuration", "Configuration file", ConfigError),
    (read_trials, "Sweep list", "Sweep list", ConfigError),
    (Technology.read, "Technology", "Technology file", TechnologyError),
]


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
@pytest.mark.parametrize(("read", "what", "file", "error"), READERS, ids=lambda r: str(r)[:12])
def test_every_reader_tells_what_is_allowed(
    tmp_path: Path,
    read: Callable[[Path], Any],
    what: str,
    file: str,
    error: type[PrunusError],
    text: str,
    reason: str,
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(error) as info:
        read(path)
    assert str(info.value) == f"{path}: {what} must be TOML: {reason}"
    assert file.startswith(what)


@pytest.mark.parametrize(("read", "what", "file", "error"), READERS, ids=lambda r: str(r)[:12])
def test_what_is_no_text_file_is_not_read(
    tmp_path: Path, read: Callable[[Path], Any], what: str, file: str, error: type[PrunusError]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for encoding in ("utf-16", "latin-1"):
        (tmp_path / encoding).write_text("x = 'ü'", encoding=encoding)
    device = "must be a file, not a device, pipe or socket"
    for path, reason in (
        (tmp_path / "pipe", device),
        (Path("/dev/zero"), device),
        (tmp_path / "utf-16", "must be readable: not UTF-8"),
        (tmp_path / "latin-1", "must be readable: not UTF-8"),
        (tmp_path, "must be a file, not a folder"),
        (tmp_path / "none", "must exist"),
    ):
        with pytest.raises(error) as info:
            read(path)
        assert str(info.value) == f"{file} {path} {reason}"
        assert file.startswith(what)


def test_byte_order_mark_of_an_editor_is_no_part_of_the_text(cli: Cli, tmp_path: Path) -> None:
    text = NetworkConfig.named("up5k").to_toml()
    (tmp_path / "bom.toml").write_text(text, encoding="utf-8-sig")
    assert NetworkConfig.read(tmp_path / "bom.toml") == NetworkConfig.named("up5k")
    assert cli.succeed("config", str(tmp_path / "bom.toml")) == cli.succeed("config", "up5k")
    assert parse_toml("\ufeff") == {}


def test_what_is_just_allowed_is_read(tmp_path: Path) -> None:
    assert parse_toml(f"x = [{2**63 - 1}, {-(2**63)}]") == {"x": [2**63 - 1, -(2**63)]}
    value: Any = parse_toml("x = " + "[" * 31 + "]" * 31)["x"]
    for _ in range(30):
        (value,) = value
    assert value == []
    assert parse_toml("x = '" + "a.b " * 100 + "'")["x"] == "a.b " * 100
    (tmp_path / "x").write_text("#" * 65536)
    assert parse_toml(read_text(tmp_path / "x")) == {}


@pytest.mark.parametrize("name", ["lists", "tables", "dotted key", "4301 digits", "65 bits"])
def test_settings_are_read_as_files_are(cli: Cli, name: str) -> None:
    key, _, value = BAD[name][0].partition(" = ")
    told = f"Setting {key[:40]!r}: {BAD[name][1]}"
    assert cli.refuse("train", "--set", f"{key}={value}") == told
