"""Outputs that are symbolic links, that are no files, or that must be new."""

import os
from pathlib import Path

import pytest

from prunus_cli import listing
from prunus_model.common.atomic import write_atomically


@pytest.mark.parametrize("there", [True, False])
def test_link_is_kept_and_what_it_leads_to_is_written(tmp_path: Path, there: bool) -> None:
    (folder := tmp_path / "folder").mkdir()
    link, middle, target = tmp_path / "link", tmp_path / "middle", folder / "target"
    link.symlink_to("middle")
    middle.symlink_to("folder/target")
    if there:
        target.write_bytes(b"old")
    write_atomically(link, b"new")
    assert link.readlink() == Path("middle")
    assert middle.readlink() == Path("folder/target")
    assert target.read_bytes() == b"new"
    assert {path.name for path in folder.iterdir()} == {"target"}


def test_circle_of_links_is_refused(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.symlink_to(b)
    b.symlink_to(a)
    with pytest.raises(OSError, match=r"Too many levels of symbolic links: '.*/a'"):
        write_atomically(a, b"x")
    assert a.is_symlink() and b.is_symlink()


def test_pipe_is_not_replaced(tmp_path: Path) -> None:
    """Nor would a device be, which root could rename over."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a file, but a device, pipe or socket"):
        write_atomically(tmp_path / "pipe", b"x")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("links", [True, False])
def test_new_file_never_replaces_another(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "file"
    write_atomically(path, b"first", new=True)
    assert path.read_bytes() == b"first"
    with pytest.raises(FileExistsError, match=f"File exists: '{path}'"):
        write_atomically(path, b"second", new=True)
    assert path.read_bytes() == b"first"
    assert list(listing(tmp_path)) == ["file"]
