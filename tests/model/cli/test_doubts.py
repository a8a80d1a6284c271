"""What cannot be meant is told in one line each; what is not ours cannot write to the terminal."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import Cli, digits, write_digits
from prunus_data import to_idx
from prunus_model.spec.pruning import POLICIES
from prunus_model.training.artifact import Artifact

TRAIN = ("train", "-c", "tiny", "-e", "1", "-o", "n.npz", "-d")


def archive(images: np.ndarray, labels: np.ndarray, name: str = "d.npz") -> str:
    """Write training and test images, which differ in one."""
    np.savez(
        name,
        train_images=images,
        train_labels=labels,
        test_images=images[1:],
        test_labels=labels[1:],
    )
    return name


@pytest.mark.parametrize("white", [1, 16])
def test_levels_that_hardly_anything_has_are_told(cli: Cli, trained: Artifact, white: int) -> None:
    data = digits(300)
    dim = (data.images > 100).astype(np.int64) * white
    name = archive(dim, data.labels)
    told = "No pixel of d.npz {} is above {}: is {} white? Here white is 255; encoder.gain="
    outcome = cli.run(*TRAIN, name)
    lines = outcome.err.splitlines()
    assert lines[0].startswith(told.format("train", white, white))
    if white == 1:
        assert lines[1] == "No neuron has fired in the training: nothing was learned"
    trained.save(Path("t.npz"))
    line = cli.run("evaluate", "t.npz", "-d", name).err.splitlines()[0]
    assert line.startswith(told.format("test", white, white))
    # The gain that is suggested does make up for it.
    gain = line.removeprefix(told.format("test", white, white)).split()[0]
    assert "white" not in cli.run(*TRAIN, name, "--force", "--set", f"encoder.gain={gain}").err


def test_black_images_make_no_neuron_fire_and_nothing_of_nothing_is_no_share(
    cli: Cli, trained: Artifact
) -> None:
    data = digits(300)
    name = archive(np.zeros((300, 49), np.uint8), data.labels)
    outcome = cli.run(*TRAIN, name)
    assert outcome.status == 0
    assert outcome.err.splitlines() == [
        "All pixels of d.npz train are black",
        "No neuron has fired in the training: nothing was learned",
    ]
    assert "training took - of the dense forward SOPs and - of the dense update SOPs" in outcome.out
    assert "SOPs 0.00 G (-)" in outcome.out
    shown = cli.run("inspect", "n.npz").out
    assert "forward SOPs in training - of dense, update SOPs - of dense" in shown
    trained.save(Path("t.npz"))
    evaluated = cli.run("evaluate", "t.npz", "-d", name)
    assert evaluated.err.splitlines() == [
        "All pixels of d.npz test are black",
        "No neuron has fired for any image of d.npz test",
    ]
    row = next(line for line in evaluated.out.splitlines() if line.startswith("never"))
    assert row.split()[-1] == "-"


def test_bits_are_black_and_white(cli: Cli) -> None:
    data = digits(300)
    bits = data.images > 100
    cli.run(*TRAIN, archive(bits, data.labels, "bits.npz"))
    first = Artifact.load(Path("n.npz")).content_hash
    cli.run(*TRAIN, archive(bits * np.uint8(255), data.labels, "bytes.npz"), "--force")
    assert Artifact.load(Path("n.npz")).content_hash == first


def test_classes_without_images_are_told(cli: Cli) -> None:
    data = digits(300)
    name = archive(data.images[data.labels < 3], data.labels[data.labels < 3])
    told = "Only 3 of 10 classes have images in d.npz train"
    assert told in cli.run(*TRAIN, name, "--set", "readout.classes=10").err
    # Without a word about classes there are as many as the labels have.
    assert "classes" not in cli.run(*TRAIN, name, "--force").err
    assert Artifact.load(Path("n.npz")).config.readout.classes == 3


def test_classes_one_after_the_other_are_told(cli: Cli) -> None:
    data = digits(300)
    order = np.argsort(data.labels, kind="stable")
    told = (
        "The images of d.npz train come class by class, so that a network forgets the first ones "
        "while it learns the last: shuffle them"
    )
    name = archive(data.images[order], data.labels[order])
    assert told in cli.run(*TRAIN, name).err.splitlines()
    # A single one of another class in between, too few images, or a single class.
    order[[0, -1]] = order[[-1, 0]]
    few = np.sort(order)[:20][np.argsort(data.labels[:20], kind="stable")]
    one = np.flatnonzero(data.labels == 3)
    for chosen in (order, few, one):
        archive(data.images[chosen], data.labels[chosen])
        assert "class by class" not in cli.run(*TRAIN, name, "--force").err


@pytest.mark.parametrize(
    ("policy", "change", "keys"),
    [
        ("constant", "start=4000000000", {"w_prune", "start"}),
        (
            "adaptive",
            "start=4000000000",
            {"ramp_gain", "strength_gain", "ramp_shift", "start"},
        ),
        ("lift", "share=0", {"share"}),
        ("soft", "percent=0", {"percent", "after_presentations", "min_spikes"}),
        ("post", "w_prune=0", {"w_prune"}),
    ],
)
def test_nothing_pruned_is_told_with_the_keys_to_change(
    cli: Cli, policy: str, change: str, keys: set[str]
) -> None:
    name = str(write_digits(Path("digits.npz")))
    (line,) = cli.run(*TRAIN, name, "-p", policy, "--set", f"pruning.{change}").err.splitlines()
    assert Artifact.load(Path("n.npz")).density == 1
    assert line.startswith("Nothing was pruned: ")
    assert ("no weight is far enough below what chance would make" in line) == (policy == "lift")
    assert set(re.findall(r"pruning\.(\w+)", line)) == keys
    assert keys <= {field.name for field in fields(POLICIES[policy])}


def test_next_to_nothing_pruned_is_told_unless_nothing_was_to_be(cli: Cli) -> None:
    name = str(write_digits(Path("digits.npz")))
    cli.succeed(*TRAIN, name, "-p", "none")
    least = int(Artifact.load(Path("n.npz")).state.weights.min())
    change = ("-p", "post", "--set", f"pruning.w_prune={least + 1}")
    told = "Next to nothing was pruned: raise pruning.w_prune\n"
    assert cli.run(*TRAIN, name, "--force", *change).err == told
    assert 0.99 < Artifact.load(Path("n.npz")).density < 1


def test_images_of_the_training_are_told(cli: Cli, trained: Artifact) -> None:
    trained.save(Path("t.npz"))
    data = digits(2300)
    np.savez("same.npz", images=data.images, labels=data.labels)
    assert cli.run("evaluate", "t.npz", "-d", "same.npz").err == (
        "The network was trained on these images, same.npz\n"
    )


def test_other_split_is_told(cli: Cli, trained: Artifact) -> None:
    """A folder that has the files of the training only, and an archive of that kind."""
    trained.save(Path("t.npz"))
    data = digits(50, seed=4)
    (cli.folder / "f").mkdir()
    Path("f/train-images-idx3-ubyte").write_bytes(to_idx(data.images.reshape(-1, 7, 7)))
    Path("f/train-labels-idx1-ubyte").write_bytes(to_idx(data.labels))
    np.savez("a.npz", x_train=data.images, y_train=data.labels)
    for name in ("f", "a.npz"):
        told = f"The wanted images are missing; those of {name} train are taken instead\n"
        assert cli.run("evaluate", "t.npz", "-d", name).err == told
        assert cli.run("plot", "t.npz", "-d", name, "--force").err == told
    np.savez("b.npz", x_test=data.images, y_test=data.labels)
    assert "those of b.npz test are taken instead\n" in cli.run(*TRAIN, "b.npz").err


ATTACK = "x\x1b[2J\rcontent hash: dead\nbeef\u202e\x9b1m"
SHOWN = r"x\x1b[2J\rcontent hash: dead\nbeef\u202e\x9b1m"


def test_artefacts_do_not_write_to_the_terminal(cli: Cli, trained: Artifact) -> None:
    attack = Artifact(
        **{name: getattr(trained, name) for name in trained.__slots__}
        | {"provenance": {"command": ATTACK, ATTACK: {ATTACK: ATTACK}, "train_seconds": 1}}
    )
    attack.save(Path("n.npz"))
    out = cli.succeed("inspect", "n.npz")
    assert f"\ncommand: {SHOWN}\n{SHOWN}: {SHOWN} {SHOWN}\n" in out
    assert all(line.isprintable() for line in out.splitlines())
    assert out.count("\ncontent hash: ") == 1
    assert cli.succeed("inspect", "n.npz", "--json").isascii()


def test_names_of_files_do_not_write_to_the_terminal(cli: Cli, trained: Artifact) -> None:
    trained.save(Path("t.npz"))
    name = f"{ATTACK}.npz"
    write_digits(Path(name))
    shown = f"{SHOWN}.npz"
    out = cli.succeed("evaluate", "t.npz", "-d", name)
    assert out.startswith(shown)
    # White space becomes one space in messages.
    told = SHOWN.replace(r"\r", " ").replace(r"\n", " ")
    for args, expected in (
        (["inspect", name], f"Network file {told}.npz must be one that prunus has saved"),
        (["evaluate", "t.npz", "-d", f"none{name}"], f"File none{told}.npz must exist"),
        (["config", name], f"Configuration file {told}.npz must be readable"),
        (["data", ATTACK], "Data set must be "),
        (["train", "-o", f"{ATTACK}/n.npz"], f"Folder {told} of the output must exist"),
        ([ATTACK], "No such command "),
    ):
        message = cli.refuse(*args)
        assert message.startswith(expected)
        assert message.isprintable()
