import errno
import os

import pytest

from prunus_cli import Cli, listing
from prunus_model.training.plots import PLOTS

PLOT = ("plot", "tiny.npz", "-d", "digits.npz")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prunus_model.training.plots._DPI", 20)


def test_plots_are_written_into_a_new_folder(tiny_cli: Cli) -> None:
    out = tiny_cli.succeed(*PLOT, "-o", "a/b")
    assert out.splitlines() == [f"Saved a/b/{name}" for name in PLOTS]
    assert set(listing(tiny_cli.folder / "a" / "b")) == set(PLOTS)
    for name in PLOTS:
        assert (tiny_cli.folder / "a" / "b" / name).read_bytes().startswith(b"\x89PNG")


def test_existing_plots_are_replaced_only_with_force(tiny_cli: Cli) -> None:
    tiny_cli.succeed(*PLOT)
    first = listing(tiny_cli.folder)
    assert set(PLOTS) == set(listing(tiny_cli.folder / "plots" / "tiny"))
    assert tiny_cli.refuse(*PLOT) == (
        "Output plots/tiny/receptive_fields.png must not exist, unless --force is given"
    )
    (tiny_cli.folder / "plots" / "tiny" / PLOTS[0]).write_bytes(b"")
    tiny_cli.succeed(*PLOT, "--force")
    assert listing(tiny_cli.folder) == first


def test_plots_of_another_network_are_in_a_folder_of_its_own(tiny_cli: Cli) -> None:
    tiny_cli.succeed(*PLOT)
    first = listing(tiny_cli.folder / "plots" / "tiny")
    (tiny_cli.folder / "second.npz").write_bytes((tiny_cli.folder / "tiny.npz").read_bytes())
    out = tiny_cli.succeed("plot", "second.npz", "-d", "digits.npz")
    assert out.splitlines() == [f"Saved plots/second/{name}" for name in PLOTS]
    assert listing(tiny_cli.folder / "plots" / "tiny") == first


def test_places_that_cannot_be_written_are_refused(tiny_cli: Cli) -> None:
    assert tiny_cli.refuse(*PLOT, "-o", "tiny.npz") == (
        "Output tiny.npz must be a folder, not a file"
    )
    assert tiny_cli.refuse(*PLOT, "-o", "tiny.npz/x") == "tiny.npz/x: Not a directory"
    (tiny_cli.folder / "p" / PLOTS[2]).mkdir(parents=True)
    assert tiny_cli.refuse(*PLOT, "-o", "p", "--force") == (
        f"Output p/{PLOTS[2]} must be a file, not a folder"
    )


def test_full_disk_leaves_no_half_plot(tiny_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tiny_cli.folder / "plots" / "tiny").mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", fail)
    assert tiny_cli.refuse(*PLOT) == "plots/tiny/receptive_fields.png: No space left on device"
