import errno
import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from prunus_cli import Cli, digits, listing, message, process, same, write_digits
from prunus_model.cli import train as train_command
from prunus_model.data.datasets import load
from prunus_model.spec.config import NAMED, POLICIES, AdaptivePruning, NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_model.training.trainer import Trainer, train

#: Five intervals.
TRAIN = ("train", "-c", "tiny", "-d", "digits.npz", "-e", "2", "-o", "n.npz")
#: Two intervals, on the sample.
QUICK = ("train", "--set", "neurons=4", "--set", "encoder.steps=4", "-e", "1", "-o", "n.npz")
OUTPUT = Path("n.npz")
CHECKPOINT = Path("n.checkpoint.npz")
TINY = NAMED["tiny"]


@pytest.fixture
def here(cli: Cli) -> Cli:
    """The command line beside `digits.npz`."""
    write_digits(cli.folder / "digits.npz")
    return cli


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """What `TRAIN` must make."""
    path = write_digits(tmp_path_factory.mktemp("data") / "digits.npz")
    return train(TINY, load(str(path), "train"), epochs=2)


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


def test_command_makes_what_the_api_makes(here: Cli, expected: Artifact) -> None:
    out = here.succeed(*TRAIN)
    artifact = Artifact.load(OUTPUT)
    assert same(artifact, expected)
    assert artifact.content_hash == expected.content_hash
    assert artifact.provenance["command"] == f"prunus {' '.join(TRAIN)}"
    assert set(listing(here.folder)) == {"digits.npz", "n.npz"}
    lines = out.splitlines()
    assert lines[0] == (
        "10 neurons, adaptive pruning, seed 1: 2300 images of digits.npz train, 2 epochs"
    )
    tenths = [line for line in lines if re.match(r"[ 0-9]{3} %  ", line)]
    assert [line[:5] for line in tenths] == [" 20 %", " 40 %", " 60 %", " 80 %", "100 %"]
    assert all(
        re.fullmatch(
            r".{5}  [0-9,]+/s, accuracy (--|[0-9.]+ %), synapses [0-9.]+ %, "
            r"SOPs [0-9.]+ G \([0-9.]+ %\)",
            line,
        )
        for line in tenths
    )
    assert "accuracy --" in tenths[0]
    c = artifact.counters
    sops, dense = c.forward_sops + c.update_sops, c.forward_dense + c.update_dense
    assert tenths[-1].endswith(
        f"synapses {100 * artifact.density:.1f} %, "
        f"SOPs {sops / 1e9:.2f} G ({100 * sops / dense:.1f} %)"
    )
    assert lines[6] == (
        f"Saved n.npz: {100 * artifact.density:.1f} % of the synapses are left; training took "
        f"{100 * c.forward_fraction:.1f} % of the dense forward SOPs and "
        f"{100 * c.update_fraction:.1f} % of the dense update SOPs"
    )
    row = next(line for line in lines if line.startswith("never"))
    e = evaluate(artifact, load("digits.npz", "test"))
    assert row.split()[1:3] == [f"{100 * e.vote_accuracy:.2f}", f"{100 * e.hard_accuracy:.2f}"]


def test_sample_is_learned_evaluated_and_inspected(cli: Cli) -> None:
    cli.succeed(*QUICK)
    artifact = Artifact.load(OUTPUT)
    assert (artifact.config.neurons, artifact.config.encoder.steps) == (4, 4)
    assert artifact.schedule.data == "sample train"
    (row,) = json.loads(cli.succeed("evaluate", "n.npz", "--json"))
    e = evaluate(artifact, load("sample", "test"))
    assert (row["vote"], row["confusion"]) == (e.vote_accuracy, e.confusion.tolist())
    facts = json.loads(cli.succeed("inspect", "n.npz", "--json"))
    assert facts["content_hash"] == artifact.content_hash


def test_source_with_one_split_is_not_tested_on_itself(cli: Cli) -> None:
    data = digits(20)
    np.savez("one.npz", images=data.images, labels=data.labels)
    outcome = cli.run("train", "-c", "tiny", "-d", "one.npz")
    assert outcome.status == 0
    assert outcome.out.endswith(
        "\nNo accuracy: this source has no images other than those of the training.\n"
    )
    assert Artifact.load(Path("network.npz")).schedule.presentations == 100


@pytest.mark.parametrize("policy", list(POLICIES))
def test_policy_and_seed_are_options(here: Cli, policy: str) -> None:
    # After so few images there may be nothing to prune, which is told.
    assert here.run(*TRAIN, "-p", policy, "-s", "7").status == 0
    config = Artifact.load(OUTPUT).config
    assert config.seed == 7
    assert config.pruning == POLICIES[policy]


@pytest.mark.parametrize(
    ("args", "changes"),
    [
        (["--set", "seed=9"], {"seed": 9}),
        (["-s", "8", "--set", "seed=9"], {"seed": 9}),
        (["--set", "pruning.ramp_shift=5"], {"pruning": AdaptivePruning(ramp_shift=5)}),
        (
            ["-p", "adaptive", "--set", "pruning.ramp_shift=5"],
            {"pruning": AdaptivePruning(ramp_shift=5)},
        ),
        (
            ["--set", "pruning.w_prune=9", "--set", 'pruning.policy="post"'],
            {"pruning": {"policy": "post", "w_prune": 9}},
        ),
        (
            ["--set", "pruning.policy=post", "--set", "pruning.w_prune=9"],
            {"pruning": {"policy": "post", "w_prune": 9}},
        ),
        (
            ["-p", "post", "--set", "pruning.w_prune=9"],
            {"pruning": {"policy": "post", "w_prune": 9}},
        ),
    ],
)
def test_settings_change_the_configuration(
    here: Cli, args: list[str], changes: dict[str, object]
) -> None:
    assert here.run(*TRAIN, *args).status == 0
    values = {**TINY.to_mapping(), **changes}
    if isinstance(pruning := values["pruning"], AdaptivePruning):
        values["pruning"] = {
            "policy": "adaptive",
            **{n: getattr(pruning, n) for n in ("ramp_gain", "ramp_shift", "strength_gain")},
            "start": pruning.start,
        }
    assert Artifact.load(OUTPUT).config == NetworkConfig.from_mapping(values)


@pytest.mark.parametrize(
    ("setting", "expected_message"),
    [
        ("neurons", "Setting must be KEY=VALUE, not 'neurons'"),
        ("=3", "Setting must be KEY=VALUE as in TOML, not '=3'"),
        ("a b=3", "Setting must be KEY=VALUE as in TOML, not 'a b=3'"),
        ("nope=3", "Configuration: Key 'nope' is unknown"),
        ("encoder.nope=3", "Configuration: Key 'encoder.nope' is unknown"),
        ("neurons=x", "Configuration: neurons must be an integer, not 'x'"),
        ("neurons=", "Configuration: neurons must be an integer, not ''"),
        ("neurons=1.5", "Configuration: neurons must be an integer, not 1.5"),
        ("neurons=0", "Configuration: neurons must be at least 1, not 0"),
        ("neurons.x=0", "Configuration: neurons must be an integer, not {'x': 0}"),
        ("pruning.w_prune=3", "Configuration: Key 'pruning.w_prune' is unknown"),
        (
            "pruning.policy=x",
            (
                "Configuration: pruning.policy must be one of none, constant, adaptive, soft, "
                "post, not 'x'"
            ),
        ),
    ],
)
def test_bad_settings_are_refused(cli: Cli, setting: str, expected_message: str) -> None:
    assert cli.refuse("train", "--set", setting) == expected_message


@pytest.mark.parametrize(
    ("args", "expected_message"),
    [
        (["-p", "x"], "Invalid value for '-p' / '--policy': 'x' is not one of"),
        (["-s", "-1"], "Configuration: seed must be at least 0, not -1"),
        (["-e", "0"], "Invalid value for '-e' / '--epochs': 0 is not in the range x>=1."),
        (["-e", "99999999"], "Epochs must be in 1..2147483 for 2000 images, not 99999999"),
        (
            ["--checkpoint-every", "0"],
            "Invalid value for '--checkpoint-every': 0 is not in the range x>=1.",
        ),
        (["x"], "Got unexpected extra argument (x)"),
        (["-c", "tiny"], "Images of sample train must have 49 pixels for this configuration, not"),
        (["--set", "readout.classes=9"], "Labels of sample train must be in 0..8 for this"),
        (["-d", "none.npz"], "File none.npz must exist"),
        (["-o", "n.txt"], "Output must end with .npz, not 'n.txt'"),
        (["-o", ""], "Output must end with .npz, not ''"),
        (["-o", "none/n.npz"], "Folder none of the output must exist"),
        (["-o", "file/n.npz"], "Folder file of the output must exist"),
        (["-o", "folder.npz"], "Output folder.npz must be a file, not a folder"),
        (["-o", "taken.npz"], "Output taken.npz must be a file, not a folder"),
        (["--resume"], "Checkpoint network.checkpoint.npz must exist for --resume"),
    ],
)
def test_wrong_use_is_refused_before_any_work(
    cli: Cli, args: list[str], expected_message: str
) -> None:
    (cli.folder / "file").touch()
    (cli.folder / "folder.npz").mkdir()
    (cli.folder / "taken.npz").mkdir()
    assert cli.refuse("train", *args).startswith(expected_message)


def test_folder_that_cannot_be_written_is_refused(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "x")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", fail)
        patched.setattr("tempfile._os.open", fail)
        outcome = cli.run(*QUICK)
    assert (outcome.status, outcome.out) == (2, "")
    assert message(outcome.err) == "Folder . must be writable: Permission denied"


def test_test_images_are_checked_before_the_training(cli: Cli) -> None:
    data = digits(10)
    np.savez(
        "odd.npz",
        train_images=data.images,
        train_labels=data.labels,
        test_images=data.images[:, 1:],
        test_labels=data.labels,
    )
    assert cli.refuse("train", "-c", "tiny", "-d", "odd.npz") == (
        "Images of odd.npz test must have 49 pixels for this configuration, not 48"
    )


def test_output_is_replaced_only_with_force(here: Cli, expected: Artifact) -> None:
    OUTPUT.write_text("old")
    assert here.refuse(*TRAIN) == "Output n.npz must not exist, unless --force is given"
    here.succeed(*TRAIN, "--force")
    assert Artifact.load(OUTPUT).content_hash == expected.content_hash


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


def test_damaged_checkpoint_is_refused(here: Cli, trained: Artifact) -> None:
    leave_checkpoint()
    CHECKPOINT.write_bytes(CHECKPOINT.read_bytes()[:-1])
    assert here.refuse(*TRAIN, "--resume") == (
        "Network file n.checkpoint.npz must end with its SHA-256: it is cut off, or not from prunus"
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


def test_names_are_shown_as_they_are(here: Cli) -> None:
    (here.folder / "d[").mkdir()
    out = here.succeed(*TRAIN[:-1], "d[/x]:smile:.npz")
    assert "\nSaved d[/x]:smile:.npz: " in out


@pytest.mark.parametrize(("no_color", "width"), [(True, 80), (False, 80), (False, 120)])
def test_terminal_has_one_line_that_changes(
    here: Cli, no_color: bool, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Console(
        force_terminal=True, width=width, no_color=no_color, color_system="standard", markup=False
    )
    monkeypatch.setattr(train_command, "console", terminal)
    out = here.succeed(*TRAIN)
    assert "\x1b[?25l" in out
    assert "\x1b[?25h" in out
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out)
    assert "100% " in text
    assert not re.search(r"^ *[0-9]+ %  ", text, re.MULTILINE)
    assert bool(re.search(r"\x1b\[(3[0-7]|1;3[0-7])m", out)) != no_color
    assert ("━━━" in text.split("Saved")[0]) == (width == 120)
    # Nothing is cut off.
    assert "…" not in text
    assert Artifact.load(OUTPUT).complete
