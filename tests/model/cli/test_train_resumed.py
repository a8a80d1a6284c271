"""`prunus train`: checkpoints, and trainings that are stopped and continued."""

import errno
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import Cli, digits, listing, message, process, same
from prunus_model.data.datasets import load
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer, train
from prunus_train import CHECKPOINT, OUTPUT, TINY, TRAIN


def leave_checkpoint(intervals: int = 1) -> None:
    trainer = Trainer(TINY, load("digits.npz", "train"), epochs=2)
    for _ in range(intervals):
        trainer.advance()
    trainer.checkpoint().save(CHECKPOINT)


def fail_after(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk be full after so many files."""
    left = [None] * calls

    def fsync(_handle: int) -> None:
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left.pop()

    monkeypatch.setattr(os, "fsync", fsync)


def test_checkpoint_is_neither_lost_nor_used_unasked(here: Cli, expected: Artifact) -> None:
    leave_checkpoint()
    assert here.refuse(*TRAIN) == (
        "Checkpoint n.checkpoint.npz is there: --resume it, or --force a new start"
    )
    here.succeed(*TRAIN, "--force")
    assert Artifact.load(OUTPUT).content_hash == expected.content_hash
    assert not CHECKPOINT.exists()


def test_checkpoint_that_is_a_folder_is_refused(here: Cli) -> None:
    CHECKPOINT.mkdir()
    assert here.refuse(*TRAIN, "--force") == (
        "Output n.checkpoint.npz must be a file, not a folder"
    )


@pytest.mark.parametrize("intervals", [0, 1, 4])
def test_resumed_training_makes_the_identical_network(
    here: Cli, expected: Artifact, intervals: int
) -> None:
    leave_checkpoint(intervals)
    here.succeed(*TRAIN, "--resume")
    artifact = Artifact.load(OUTPUT)
    assert same(artifact, expected)
    assert artifact.content_hash == expected.content_hash
    assert not CHECKPOINT.exists()


def test_checkpoint_of_another_training_is_refused(here: Cli) -> None:
    leave_checkpoint()
    start = "Checkpoint must be of this training, but differs in "
    assert here.refuse(*TRAIN, "--resume", "-s", "2", "-e", "3") == (
        f"{start}seed (1, not 2), epochs (2, not 3)"
    )
    assert here.refuse(*TRAIN, "--resume", "-p", "none", "--set", "stdp.trace_window=9") == (
        f"{start}stdp.trace_window (255, not 9), pruning.policy ('adaptive', not 'none')"
    )
    old, new = digits(2300), digits(2300, seed=5)
    np.savez("digits.npz", images=new.images, labels=new.labels)
    assert here.refuse(*TRAIN, "--resume") == (
        f"{start}data_sha256 ('{old.sha256}', not '{new.sha256}')"
    )


def test_checkpoint_of_classes_of_other_names_is_refused(here: Cli) -> None:
    kinds = digits(2300)

    def write(names: str) -> None:
        np.savez("digits.npz", images=kinds.images, labels=np.array(list(names))[kinds.labels])

    write("abcdefghij")
    leave_checkpoint()
    # The same numbers for the same images.
    write("abcdefghik")
    assert here.refuse(*TRAIN, "--resume") == (
        "Checkpoint must be of this training, but differs in class_names ('j', not 'k')"
    )


def test_damaged_checkpoint_is_refused(here: Cli, trained: Artifact) -> None:
    leave_checkpoint()
    CHECKPOINT.write_bytes(CHECKPOINT.read_bytes()[:-1])
    assert here.refuse(*TRAIN, "--resume") == (
        "Network file n.checkpoint.npz must be readable: File is not a zip file"
    )
    trained.save(CHECKPOINT)
    assert here.refuse(*TRAIN, "--resume") == (
        "Checkpoint must be of a training that is not complete"
    )


def test_checkpoints_are_saved_on_the_way(here: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    save = Artifact.save

    def spy(self: Artifact, path: Path, *, new: bool = False) -> None:
        saved.append((str(path), self.state.presentation))
        save(self, path, new=new)

    monkeypatch.setattr(Artifact, "save", spy)
    here.succeed(*TRAIN, "--checkpoint-every", "1500")
    # At the end there is the network instead.
    assert saved == [(str(CHECKPOINT), 2000), (str(CHECKPOINT), 4000), (str(OUTPUT), 4600)]


def test_full_disk_keeps_the_last_checkpoint_and_training_goes_on(
    here: Cli, expected: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fail_after(2, patched)
        outcome = here.run(*TRAIN, "--checkpoint-every", "1000")
    assert outcome.status == 2
    told, failed = outcome.err.splitlines(keepends=True)
    assert told == (
        "Checkpoint n.checkpoint.npz can't be written: No space left on device; training goes on\n"
    )
    assert message(failed) == "n.npz: No space left on device"
    assert "100 %" in outcome.out
    assert set(listing(here.folder)) == {"digits.npz", str(CHECKPOINT)}
    assert Artifact.load(CHECKPOINT).state.presentation == 2000
    here.succeed(*TRAIN, "--resume")
    assert Artifact.load(OUTPUT).content_hash == expected.content_hash


def test_disk_that_is_full_for_a_while_costs_nothing(
    here: Cli, expected: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves: list[None] = []

    def fsync(_handle: int) -> None:
        saves.append(None)
        if len(saves) in (2, 3):
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        outcome = here.run(*TRAIN, "--checkpoint-every", "1000")
    assert (outcome.status, outcome.err.count("\n")) == (0, 1)
    assert len(saves) == 5
    assert Artifact.load(OUTPUT).content_hash == expected.content_hash


#: Sends a signal to its own process when a training has come so far: at any speed, in its middle.
STOP = """
import os
from prunus_model.training.trainer import Trainer
advance = Trainer.advance
def stopped(self):
    if self.engine.presentation == {presentation}:
        os.kill(os.getpid(), {number:d})
    return advance(self)
Trainer.advance = stopped
"""


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (0, signal.SIGINT),
        (9_000, signal.SIGINT),
        (23_000, signal.SIGTERM),
        (37_000, signal.SIGINT),
        (2_000, signal.SIGHUP),
        (3_000, signal.SIGXCPU),
        (4_000, signal.SIGUSR1),
        (5_000, signal.SIGUSR2),
    ],
)
def test_stopped_training_goes_on_to_the_identical_network(
    here: Cli, number: signal.Signals, at: int
) -> None:
    args = (*TRAIN, "-e", "20", "--checkpoint-every", "7000")
    before = STOP.format(presentation=at, number=number)
    with process(*args, before=before, cwd=here.folder) as running:
        out, err = running.communicate(timeout=600)
    assert (running.returncode, err) == (128 + number, "")
    checkpoint = Artifact.load(CHECKPOINT)
    presentation = checkpoint.state.presentation
    # It stops where the interval ends.
    assert presentation == at + 1000
    assert not checkpoint.complete
    assert out.endswith(
        f"\nStopped at presentation {presentation}. "
        "The same command with --resume continues from n.checkpoint.npz\n"
    )
    assert set(listing(here.folder)) == {"digits.npz", str(CHECKPOINT)}
    here.succeed(*args, "--resume")
    whole = train(TINY, load("digits.npz", "train"), epochs=20)
    assert Artifact.load(OUTPUT).content_hash == whole.content_hash


def interrupting(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send SIGINT to this process in a method of the trainer."""
    method = getattr(Trainer, call)

    def interrupted(self: Trainer, **options: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return method(self, **options)

    monkeypatch.setattr(Trainer, call, interrupted)


def test_interrupt_while_labelling_is_too_late_to_lose_anything(
    here: Cli, expected: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupting("finish", monkeypatch)
    here.succeed(*TRAIN)
    assert Artifact.load(OUTPUT).content_hash == expected.content_hash
    assert signal.getsignal(signal.SIGINT) is before


def test_second_interrupt_stops_at_once(here: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting("advance", monkeypatch)
    interrupting("checkpoint", monkeypatch)
    before = signal.getsignal(signal.SIGINT)
    outcome = here.run(*TRAIN)
    assert outcome.status == 130
    assert outcome.err == "\nprunus: interrupted\n"
    assert set(listing(here.folder)) == {"digits.npz"}
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("change", [("-s", "2"), ("-e", "3")])
def test_checkpoint_is_checked_before_data_are_read(here: Cli, change: tuple[str, ...]) -> None:
    leave_checkpoint()
    elsewhere = (*TRAIN, "--resume", "-d", "nothing")
    assert here.refuse(*elsewhere).startswith("Data must be")
    assert here.refuse(*elsewhere, *change).startswith("Checkpoint must be of this training")
    CHECKPOINT.write_bytes(b"no network")
    assert "n.checkpoint.npz must be readable" in here.refuse(*elsewhere)


def test_complete_checkpoint_is_refused_before_data_are_read(here: Cli, trained: Artifact) -> None:
    trained.save(CHECKPOINT)
    assert here.refuse(*TRAIN, "--resume", "-d", "nothing") == (
        "Checkpoint must be of a training that is not complete"
    )
