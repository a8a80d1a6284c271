"""No output is lost: two trainings to one file, files that appear meanwhile, links, leftovers."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from prunus_cli import Cli, listing, message, process, write_digits
from prunus_model.cli import outputs
from prunus_model.common.locks import claimed
from prunus_model.data.datasets import load
from prunus_model.training import plots
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer

TRAIN = ("train", "-c", "tiny", "-d", "digits.npz", "-e", "1", "-o", "n.npz")
#: Trains until it is killed.
ENDLESS = """
from prunus_model.training.trainer import Trainer
import time
def advance(self):
    print("training", flush=True)
    time.sleep(600)
Trainer.advance = advance
"""


@pytest.fixture
def here(cli: Cli) -> Cli:
    write_digits(cli.folder / "digits.npz")
    return cli


def test_second_training_to_one_output_is_told_who_is_at_it(here: Cli) -> None:
    with process(*TRAIN, before=ENDLESS, cwd=here.folder) as running:
        assert running.stdout is not None
        while running.stdout.readline() not in ("training\n", ""):
            pass
        expected = (
            f"Output n.npz is being written by process {running.pid} on {os.uname().nodename}"
        )
        try:
            assert here.refuse(*TRAIN) == expected
            assert here.refuse(*TRAIN, "--force") == expected
            assert here.refuse(*TRAIN, "--resume") == expected
        finally:
            running.send_signal(signal.SIGKILL)
    here.succeed(*TRAIN)
    assert set(listing(here.folder)) == {"digits.npz", "n.npz"}


def test_file_of_a_process_that_has_just_ended_is_found(
    here: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def late(path: Path) -> Iterator[None]:
        with claimed(path):
            path.write_text("of others")
            yield

    monkeypatch.setattr(outputs, "claimed", late)
    outcome = here.run(*TRAIN)
    assert (outcome.status, outcome.out) == (2, "")
    assert message(outcome.err) == "Output n.npz must not exist, unless --force is given"
    assert Path("n.npz").read_text() == "of others"


@pytest.mark.parametrize("force", [False, True])
def test_file_that_has_come_into_being_meanwhile_is_kept_without_force(
    here: Cli, force: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.folder / "n-2.npz").write_text("of others")
    finish = Trainer.finish

    def slow(self: Trainer, *, command: str = "", threads: int | None = None) -> Artifact:
        Path("n.npz").write_text("of others")
        return finish(self, command=command, threads=threads)

    monkeypatch.setattr(Trainer, "finish", slow)
    outcome = here.run(*TRAIN, *(["--force"] if force else []))
    kept = Path("n.npz")
    if force:
        assert (outcome.status, outcome.err) == (0, "")
    else:
        assert outcome.status == 2
        assert message(outcome.err) == (
            "Output n.npz has come into being meanwhile: saved n-3.npz instead"
        )
        assert kept.read_text() == "of others"
        kept = Path("n-3.npz")
    assert Artifact.load(kept).complete
    assert Path("n-2.npz").read_text() == "of others"
    assert not Path("n.checkpoint.npz").exists()


def test_output_that_is_a_link_is_written_through(here: Cli) -> None:
    (folder := here.folder / "results").mkdir()
    Path("n.npz").symlink_to("results/net.npz")
    here.succeed(*TRAIN)
    assert Path("n.npz").readlink() == Path("results/net.npz")
    first = Artifact.load(folder / "net.npz").content_hash
    assert here.refuse(*TRAIN) == "Output n.npz must not exist, unless --force is given"
    here.succeed(*TRAIN, "--force", "-s", "2")
    assert Path("n.npz").is_symlink()
    assert Artifact.load(folder / "net.npz").content_hash != first
    assert {path.name for path in folder.iterdir()} == {"net.npz"}


def test_link_into_a_folder_that_is_missing_is_refused(here: Cli) -> None:
    Path("n.npz").symlink_to("gone/net.npz")
    assert here.refuse(*TRAIN).endswith("gone of the output must exist")


def test_output_that_is_a_pipe_is_refused(here: Cli) -> None:
    os.mkfifo("n.npz")
    assert here.refuse(*TRAIN, "--force") == (
        "Output n.npz must be a file, not a device, pipe or socket"
    )


def test_what_a_killed_training_left_is_removed_and_told(here: Cli) -> None:
    for name in (".prunus-a.tmp", ".prunus-b.tmp", ".prunus-c.lock"):
        Path(name).touch()
    outcome = here.run(*TRAIN)
    assert (outcome.status, outcome.err) == (
        0,
        "Removed from . what a killed run had left: .prunus-a.tmp, .prunus-b.tmp\n",
    )
    assert set(listing(here.folder)) == {"digits.npz", "n.npz"}


def test_what_a_killed_training_left_is_removed_where_its_network_is_complete(here: Cli) -> None:
    here.succeed(*TRAIN)
    before = listing(here.folder)
    Path(".prunus-a.tmp").touch()
    outcome = here.run(*TRAIN)
    assert outcome.status == 2
    assert outcome.err == (
        "Removed from . what a killed run had left: .prunus-a.tmp\n"
        "prunus: Output n.npz must not exist, unless --force is given\n"
    )
    assert listing(here.folder) == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_training_ended_while_it_reports_leaves_its_network_alone(here: Cli, number: int) -> None:
    evaluates = (
        "import time\nfrom prunus_model.cli import train\n"
        "train.evaluate = lambda *_, **__: print('evaluating', flush=True) or time.sleep(600)"
    )
    with process(*TRAIN, before=evaluates, cwd=here.folder) as running:
        assert running.stdout is not None
        while running.stdout.readline() not in ("evaluating\n", ""):
            pass
        running.send_signal(number)
        assert running.wait(timeout=600) == 128 + number
    assert set(listing(here.folder)) == {"digits.npz", "n.npz"}


def test_plot_does_not_replace_what_has_come_into_being(
    here: Cli, trained: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.save(Path("n.npz"))
    draw = plots.training

    def slow(artifact: Artifact) -> Figure:
        Path("plots/n").mkdir(parents=True)
        Path("plots/n/training.png").write_text("of others")
        return draw(artifact)

    monkeypatch.setattr(plots, "training", slow)
    outcome = here.run("plot", "n.npz", "-d", "digits.npz")
    assert outcome.status == 2
    assert message(outcome.err) == "plots/n/training.png: File exists"
    assert Path("plots/n/training.png").read_text() == "of others"


def test_identity_is_the_content_and_not_the_path(here: Cli) -> None:
    """The content hash, and whether a checkpoint is of this training."""
    here.succeed(*TRAIN)
    first = Artifact.load(Path("n.npz"))
    assert first.schedule.data == f"data {first.schedule.data_sha256[:12]}"
    (here.folder / "below").mkdir()
    absolute = str(here.folder / "below" / ".." / "digits.npz")
    here.succeed("train", "-c", "tiny", "-d", absolute, "-e", "1", "-o", "m.npz")
    assert Artifact.load(Path("m.npz")).content_hash == first.content_hash
    # Another file, packed in another way, of the same content.
    with np.load("digits.npz") as data:
        np.savez_compressed("same.npz", **data)
    trainer = Trainer(first.config, load("digits.npz", "train"), epochs=1)
    trainer.advance()
    trainer.checkpoint().save(Path("k.checkpoint.npz"))
    again = ("train", "-c", "tiny", "-d", "same.npz", "-e", "1", "-o", "k.npz", "--resume")
    here.succeed(*again)
    assert Artifact.load(Path("k.npz")).content_hash == first.content_hash


def test_named_sets_keep_their_names() -> None:
    sample = load("sample", "train")
    assert sample.identity == "sample train"
    assert sample.head(5).identity == "sample train[0:5]"
