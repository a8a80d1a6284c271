"""Nothing is replaced but what was written."""

import json
import re
from pathlib import Path

import pytest

from prunus_model.common.errors import ConfigError
from prunus_model.common.manifest import MANIFEST, check_replaceable, digests


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it was written."""
    folder = tmp_path / "out"
    (folder / "part").mkdir(parents=True)
    (folder / "a").write_text("a")
    (folder / "part" / "b").write_text("b")
    manifest = {"format": "some thing", "files": digests(folder)}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def check(folder: Path) -> None:
    check_replaceable(folder, format="some thing", what="thing")


def refused(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        check(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"Output {folder} must ")


UNLIKE = "hold a thing of Prunus and nothing else to be replaced; "


def test_digests_are_of_every_file_but_the_manifest(folder: Path) -> None:
    names = digests(folder)
    assert set(names) == {"a", "part/b"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in names.values())
    assert names["a"] != names["part/b"]


def test_what_was_written_may_be_replaced(folder: Path) -> None:
    check(folder)
    (folder / "a").unlink()
    check(folder)
    check(folder.with_name("none"))
    (folder.with_name("empty")).mkdir()
    check(folder.with_name("empty"))


def test_unknown_files_are_named(folder: Path) -> None:
    (folder / "part" / "mine").write_text("x")
    assert refused(folder) == f"{UNLIKE}unknown: 'part/mine'"
    (folder / "\x1b[2J\n").write_text("x")
    assert refused(folder) == rf"{UNLIKE}unknown: '\x1b[2J\n', 'part/mine'"
    for k in range(9):
        (folder / f"k{k}").write_text("x")
    assert refused(folder).endswith("'k0', 'k1', 'k2', 'k3' and 6 more")


def test_altered_files_are_named(folder: Path) -> None:
    (folder / "part" / "b").write_text("c")
    assert refused(folder) == f"{UNLIKE}altered: 'part/b'"
    (folder / "mine").write_text("x")
    assert refused(folder) == f"{UNLIKE}unknown: 'mine'; altered: 'part/b'"


def test_links_and_folders_of_the_user_are_named(folder: Path) -> None:
    (folder / "empty" / "deep").mkdir(parents=True)
    assert refused(folder) == f"{UNLIKE}unknown: 'empty/deep'"
    (folder / "empty" / "deep").rmdir()
    assert refused(folder) == f"{UNLIKE}unknown: 'empty'"
    (folder / "empty").rmdir()
    # Of the same content.
    (folder / "a").rename(folder.with_name("a"))
    (folder / "a").symlink_to(folder.with_name("a"))
    assert refused(folder) == f"{UNLIKE}altered: 'a'"
    (folder / "a").unlink()
    (folder / "a").symlink_to(folder / "part")
    assert refused(folder) == f"{UNLIKE}altered: 'a'"


@pytest.mark.parametrize(
    "manifest",
    [
        '{"format": "other thing", "files": {}}',
        '{"format": "some thing"}',
        '{"format": "some thing", "files": 3}',
        '{"format": "some thing", "files": [1]}',
        "[]",
        "{",
        "[" * 100_000,
        "",
    ],
)
def test_what_is_no_manifest_is_none(folder: Path, manifest: str) -> None:
    (folder / MANIFEST).write_text(manifest)
    assert refused(folder) == "be a thing of Prunus to be replaced"
    # Even if there is nothing else.
    (alone := folder.with_name("alone")).mkdir()
    (folder / MANIFEST).rename(alone / MANIFEST)
    assert refused(alone) == "be a thing of Prunus to be replaced"


def test_forged_manifest_does_not_help(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"format": "some thing", "files": {}}')
    assert refused(folder) == f"{UNLIKE}unknown: 'a', 'part/b'"


def test_files_and_links_are_no_folders(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)
    assert refused(link) == "be a folder, not a file or link"
    assert refused(folder / "a") == "be a folder, not a file or link"
    link.unlink()
    link.symlink_to(folder / "none")
    assert refused(link) == "be a folder, not a file or link"
