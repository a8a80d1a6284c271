"""`prunus train`."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from prunus_cli import Cli, digits, listing, message, same
from prunus_model.cli import train as train_command
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import POLICIES, AdaptivePruning, scheduled
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_train import OUTPUT, QUICK, TINY, TRAIN


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
    assert row.split()[2:4] == [f"{100 * e.vote_accuracy:.2f}", f"{100 * e.hard_accuracy:.2f}"]


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
    presentations = Artifact.load(OUTPUT).schedule.presentations
    assert config.pruning == scheduled(POLICIES[policy], presentations)


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
                "Configuration: pruning.policy must be one of none, constant, adaptive, lift, "
                "soft, post, not 'x'"
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
        (
            ["-e", "0"],
            "Invalid value for '-e' / '--epochs': It must be a whole number of at least 1, not '0'",
        ),
        (["-e", "99999999"], "Epochs must be in 1..2147483 for 2000 images, not 99999999"),
        (
            ["--checkpoint-every", "0"],
            (
                "Invalid value for '--checkpoint-every': It must be a whole number of at least 1, "
                "not '0'"
            ),
        ),
        (["x"], "Got unexpected extra argument (x)"),
        (
            ["--set", "inputs=49"],
            "Images of sample train have 784 levels, not 49: set inputs to 784",
        ),
        (
            ["--set", "readout.classes=9"],
            "Images of sample train have 10 classes, not 9: set readout.classes to 10",
        ),
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


#: What a user's machine may have otherwise; kernels are compiled anew for another processor.
CIRCUMSTANCES = {
    "environment": {
        "PYTHONHASHSEED": "7",
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "3",
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "tr_TR.UTF-8",
    },
    "processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": "cache"},
}


@pytest.mark.parametrize("changes", CIRCUMSTANCES.values(), ids=CIRCUMSTANCES)
def test_circumstances_do_not_change_the_network(
    here: Cli, expected: Artifact, changes: dict[str, str]
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "HOME"} | changes
    done = subprocess.run(
        [sys.executable, "-OO", "-c", "from prunus_model.cli import main; main()", *TRAIN],
        env=environment,
        cwd=here.folder,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Artifact.load(OUTPUT).content_hash == expected.content_hash
