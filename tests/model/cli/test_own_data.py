"""From data of one's own to a tested network, without a word about sizes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prunus_cli import Cli, digits, write_digits
from prunus_model.common.errors import DataError
from prunus_model.data.datasets import load
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate

TRAIN = ("train", "-c", "tiny", "-e", "1", "-o", "n.npz", "-d")


def series(path: Path, count: int, seed: int, *, highest: float = 8.0) -> None:
    """Write three kinds of curves of 20 values below 0 and above, with labels in front."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    places = np.arange(20)
    values = highest * np.exp(-((places - 4 - 6 * labels[:, None]) ** 2) / 4) - 1
    np.savetxt(path, np.c_[labels, values + rng.random((count, 20)) / 2], fmt="%.3f", delimiter=",")


@pytest.fixture
def curves(cli: Cli) -> Cli:
    """The command line beside a folder of tables."""
    (cli.folder / "c").mkdir()
    series(cli.folder / "c" / "train.csv", 1200, 1)
    series(cli.folder / "c" / "test.csv", 200, 2)
    return cli


def test_series_in_tables_are_trained_tested_and_drawn(curves: Cli) -> None:
    outcome = curves.run(*TRAIN, "c", "--set", "encoder.gain=100")
    assert outcome.status == 0
    assert outcome.err.splitlines()[0] == "Labels of c/train.csv are in the first column"
    artifact = Artifact.load(Path("n.npz"))
    assert (artifact.config.inputs, artifact.config.readout.classes) == (20, 3)
    row = next(line for line in outcome.out.splitlines() if line.startswith("never"))
    assert float(row.split()[2]) > 90
    assert curves.run("plot", "n.npz", "-d", "c").status == 0
    assert len([*Path("plots/n").glob("*.png")]) == 4


def test_network_is_tested_with_the_scale_of_its_training(curves: Cli) -> None:
    """A file of which nothing tells where white was."""
    curves.run(*TRAIN, "c", "--set", "encoder.gain=100")
    scale = json.loads(curves.succeed("inspect", "n.npz", "--json"))["provenance"]["scale"]
    train = load("c", "train")
    assert scale == {"black": train.scale.black, "white": train.scale.white}
    series(curves.folder / "dim.csv", 150, 3, highest=4.0)
    shown = curves.run("evaluate", "n.npz", "-d", "dim.csv", "--json")
    told = json.loads(shown.out)
    expected = evaluate(
        Artifact.load(Path("n.npz")), load("dim.csv", "test", trained_on=train.kept)
    )
    other = evaluate(Artifact.load(Path("n.npz")), load("dim.csv", "test"))
    sops = [json.dumps(told).count(str(e.counters.forward_sops)) for e in (expected, other)]
    assert sops[0] > 0 == sops[1]


def test_network_of_bytes_refuses_values_of_another_range(curves: Cli) -> None:
    write_digits(Path("digits.npz"))
    curves.succeed(*TRAIN, "digits.npz")
    assert curves.refuse("evaluate", "n.npz", "-d", "c").startswith(
        "File c/test.csv must have values in 0..255 or 0..1, as the images that the network was "
    )


def test_pictures_in_folders_are_trained_and_described(cli: Cli) -> None:
    for split, count, seed in (("train", 600, 0), ("test", 100, 1)):
        data = digits(count, seed=seed)
        for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            folder = cli.folder / "pictures" / split / f"kind{label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.reshape(7, 7)).save(folder / f"{number}.png")
    cli.succeed(*TRAIN, "pictures", "-e", "2")
    # In another order, but the same images.
    trained = Artifact.load(Path("n.npz"))
    assert (trained.config.inputs, trained.schedule.images) == (49, 600)
    # What the classes are called is in the table of the classes.
    shown = cli.succeed("evaluate", "n.npz", "-d", "pictures").splitlines()
    assert [sum(line.startswith(f"{c} kind{c} ") for line in shown) for c in range(10)] == [1] * 10
    out = cli.succeed("data", "describe", "pictures")
    assert "pictures/train: 600 training images, 100 test images\n" in out
    assert "Shape: 7 x 7 (height x width), 49 inputs\n" in out
    assert "kind9" in out


def test_classes_in_words_are_trained_and_named(cli: Cli) -> None:
    data = digits(300)
    words = ["[red]", "\x1b[2J", "a word of more than twenty letters"]
    for name in ("train.csv", "test.csv"):
        with (cli.folder / name).open("w") as file:
            print("label", *(f"p{k}" for k in range(49)), sep=",", file=file)
            for image, label in zip(data.images, data.labels % 3, strict=True):
                print(words[label], *image, sep=",", file=file)
    outcome = cli.run(*TRAIN, ".")
    assert outcome.status == 0, outcome.err
    shown = cli.run("evaluate", "n.npz", "-d", ".").out
    rows = [line for line in shown.splitlines() if line[:2] in ("0 ", "1 ", "2 ")]
    for row, start in zip(
        rows, ("0 \\x1b[2J ", "1 [red] ", "2 a word of more than  "), strict=True
    ):
        assert row.startswith(start)


def test_a_network_knows_its_classes_by_name(cli: Cli) -> None:
    data, words = digits(600), ("fig", "apple", "plum")
    head = ",".join(("label", *(f"p{k}" for k in range(49))))
    for name, kinds in (("train.csv", (0, 1, 2)), ("some.csv", (0, 2))):
        lines = [
            ",".join((words[label % 3], *map(str, image)))
            for image, label in zip(data.images.tolist(), data.labels.tolist(), strict=True)
            if label % 3 in kinds
        ]
        Path(name).write_text("\n".join((head, *lines)))
    assert cli.run(*TRAIN, "train.csv", "-e", "3").status == 0
    told = json.loads(cli.succeed("inspect", "n.npz", "--json"))["provenance"]
    assert told["class_names"] == ["apple", "fig", "plum"]
    # Two of three classes, which by themselves would be 0 and 1.
    (row,) = json.loads(cli.run("evaluate", "n.npz", "-d", "some.csv", "--json").out)
    shown = {told["class_names"][k]: sum(row["confusion"][k]) for k in range(3)}
    kinds = np.bincount(data.labels % 3).tolist()
    assert shown == {words[0]: kinds[0], words[1]: 0, words[2]: kinds[2]}
    assert row["vote"] > 0.8
    Path("other.csv").write_text("\n".join((head, ",".join(("kiwi", *49 * "7")))))
    assert cli.refuse("evaluate", "n.npz", "-d", "other.csv") == (
        "Class 'kiwi' of other.csv must be one of the network: apple, fig, plum"
    )


def test_configuration_file_that_contradicts_is_told_and_one_that_is_silent_is_not(
    curves: Cli,
) -> None:
    Path("said.toml").write_text("inputs = 784\n")
    assert curves.refuse("train", "-c", "said.toml", "-d", "c") == (
        "Images of c/train.csv have 20 levels, not 784: set inputs to 20"
    )
    Path("silent.toml").write_text("neurons = 10\n[encoder]\nsteps = 16\n")
    assert curves.run("train", "-c", "silent.toml", "-d", "c", "-e", "1").status == 0
    config = Artifact.load(Path("network.npz")).config
    assert (config.inputs, config.readout.classes, config.neurons) == (20, 3, 10)


def test_windows_keep_their_geometry(curves: Cli) -> None:
    assert curves.refuse("train", "-c", "windows", "-d", "c") == (
        "Images of c/train.csv must have 784 pixels for this configuration, not 20"
    )


def test_description_is_told_and_drawn(curves: Cli) -> None:
    outcome = curves.run("data", "describe", "c", "-o", "c.png")
    assert outcome.status == 0
    assert outcome.err.splitlines() == [
        "Labels of c/train.csv are in the first column",
        "Labels of c/test.csv are in the first column",
        "Saved c.png",
    ]
    lines = outcome.out.splitlines()
    assert lines[:2] == [
        "c/train.csv: 1200 training images, 200 test images",
        "Shape: 1 x 20 (height x width), 20 inputs",
    ]
    assert lines[2].startswith("Levels: 0..255 of 255, scaled from -1..7.")
    with Image.open("c.png") as picture:
        # A page with nothing on it has one colour or two.
        assert len(np.unique(np.asarray(picture.convert("L")))) > 10
    assert curves.refuse("data", "describe", "c", "-o", "c.png") == (
        "Output c.png must not exist, unless --force is given"
    )
    told = json.loads(curves.run("data", "describe", "c", "--json").out)
    assert (told["inputs"], len(told["classes"])) == (20, 3)
    assert told["warnings"] == outcome.err.splitlines()[:2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("none", "Data must be sample, mnist, fashion-mnist, a folder that exists, a file "),
        ("x.npy,y.npy", "File x.npy must exist"),
        ("turned.npz", "Array images of turned.npz must have the axis of the 90 images first"),
        ("nan.npz", "Array images of nan.npz must have finite values, not nan in image 0"),
    ],
)
def test_bad_data_are_one_line_for_every_command(cli: Cli, data: str, message: str) -> None:
    np.savez("turned.npz", images=np.zeros((7, 7, 90), np.uint8), labels=np.arange(90) % 3)
    np.savez("nan.npz", images=np.full((9, 7, 7), np.nan), labels=np.arange(9))
    for args in (("train", "-d"), ("evaluate", "demo", "-d"), ("data", "describe")):
        assert cli.refuse(*args, data).startswith(message)
    assert cli.refuse("data", "describe", data, "-o", "x.png").startswith(message)


def test_picture_must_be_a_png(cli: Cli) -> None:
    assert cli.refuse("data", "describe", "sample", "-o", "x.jpg") == (
        "Output must end with .png, not 'x.jpg'"
    )


def test_fetch_may_be_said(cli: Cli) -> None:
    assert cli.succeed("data", "fetch", "sample") == cli.succeed("data", "sample")


def test_numbers_to_test_with_are_refused_if_the_training_has_words(cli: Cli) -> None:
    (cli.folder / "c").mkdir()
    (cli.folder / "c" / "train.csv").write_text("label,a,b\nworn,0,90\nloose,70,0\n")
    (cli.folder / "c" / "test.csv").write_text("label,a,b\n0,0,90\n1,70,0\n")
    for command in (TRAIN, ("data", "describe")):
        outcome = cli.run(*command, "c")
        assert outcome.status == 2
        assert outcome.err.splitlines()[-1] == (
            "prunus: Labels of c/test.csv must be words, as those of c/train.csv"
        )


def pictures(root: Path, names: dict[int, str], count: int = 300) -> None:
    """Write digits as pictures into a folder for each class that has a name."""
    data = digits(count)
    for number, (image, label) in enumerate(zip(data.images, data.labels.tolist(), strict=True)):
        if label in names:
            (root / names[label]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.reshape(7, 7)).save(root / names[label] / f"{number}.png")


def test_folders_called_by_numbers_are_these_numbers(cli: Cli) -> None:
    """As digits of house numbers are, where 10 stands for 0."""
    pictures(Path("p"), {label: str(label or 10) for label in range(10)})
    assert cli.run(*TRAIN, "p", "-e", "3").status == 0
    data = digits(300)
    shown = np.isin(data.labels, (3, 7))
    np.savez("n37.npz", images=data.images[shown].reshape(-1, 7, 7), labels=data.labels[shown])
    outcome = cli.run("evaluate", "n.npz", "-d", "n37.npz", "--json")
    (row,) = json.loads(outcome.out)
    assert row["class_names"] == [str(k) for k in range(1, 11)]
    assert [k for k, line in enumerate(row["confusion"]) if sum(line)] == [2, 6]
    assert row["vote"] > 0.8
    lines = cli.run("evaluate", "n.npz", "-d", "n37.npz").out.splitlines()
    head = next(k for k, line in enumerate(lines) if line.split()[:2] == ["1", "2"])
    assert lines[head].split()[:10] == [line.split()[0] for line in lines[head + 2 : head + 12]]
    np.savez("zero.npz", images=data.images[:9].reshape(-1, 7, 7), labels=np.zeros(9, int))
    assert cli.refuse("evaluate", "n.npz", "-d", "zero.npz").startswith(
        "Class '0' of zero.npz must be one of the network: 1, 2, 3, "
    )


def test_images_of_other_names_are_not_those_of_the_network(cli: Cli) -> None:
    pictures(Path("p"), {0: "apple", 1: "fig"})
    assert cli.run(*TRAIN, "p", "-e", "2").status == 0
    network = Artifact.load(Path("n.npz"))
    assert network.trained_on.class_names == ("apple", "fig")
    assert evaluate(network, load("p", "train")).vote_accuracy > 0.5
    Path("p/fig").rename("p/aardvark")
    with pytest.raises(DataError, match="Classes of p must be those of the network: load_data"):
        evaluate(network, load("p", "train"))
    with pytest.raises(DataError, match="Class 'aardvark' of p must be one of the network"):
        load("p", "train", trained_on=network.trained_on)
