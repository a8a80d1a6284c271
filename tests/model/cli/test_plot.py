import errno
import os

import pytest
from matplotlib.figure import Figure

from prunus_cli import Cli, listing
from prunus_model.data.datasets import load
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import Evaluation, whole_dense
from prunus_model.training.plots import PLOTS
from prunus_model.training.relabelling import relabelled

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


def test_accuracy_is_drawn_by_the_margins_and_votes_that_are_given(
    tiny_cli: Cli, trained: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[list[Evaluation], list[Evaluation], float]] = []

    def draw(fixed: list[Evaluation], tests: list[Evaluation], dense: float) -> Figure:
        drawn.append((fixed, tests, dense))
        return Figure()

    monkeypatch.setattr("prunus_model.training.plots.sops_accuracy", draw)
    relabelled(trained, margin=9, stop_after=1).save(tiny_cli.folder / "tiny.npz")
    tiny_cli.succeed(*PLOT)
    tiny_cli.succeed(*PLOT, "--force", "--margin", "50", "--margin", "0", "--margin", "7")
    tiny_cli.succeed(*PLOT, "--force", "--vote-bits", "1")
    expected = [(6, 9, 12, 14, 17, 23, 30, 45), (7, 50), (1, 2, 3)]
    data = load("digits.npz", "test")
    for (fixed, tests, dense), margins in zip(drawn, expected, strict=True):
        assert [(e.readout.stop_after, e.readout.margin) for e in fixed] == [
            (n, 0) for n in (1, 2, 3, 5, 0)
        ]
        assert [(e.readout.stop_after, e.readout.margin) for e in tests] == [
            (0, n) for n in margins
        ]
        assert dense == whole_dense(trained, data)
    assert {e.readout.vote_bits for e in (*drawn[2][0], *drawn[2][1])} == {1}
