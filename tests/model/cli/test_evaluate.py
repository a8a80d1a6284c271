import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import Cli, digits, tiny, write_digits
from prunus_model.data.datasets import load
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_model.training.trainer import Trainer


@pytest.mark.parametrize("threads", ["1", "5"])
def test_json_is_what_the_api_says(tiny_cli: Cli, trained: Artifact, threads: str) -> None:
    out = tiny_cli.succeed(
        *("evaluate", "tiny.npz", "-d", "digits.npz", "--json", "--threads", threads),
        *("--stop-after", "1", "--stop-after", "0"),
    )
    data = load("digits.npz", "test")
    expected = []
    for stop_after in (1, 0):
        e = evaluate(trained, data, stop_after=stop_after)
        expected.append(
            {
                "data": "digits.npz test",
                "images": 200,
                "stop_after": stop_after,
                "vote": e.vote_accuracy,
                "hard": e.hard_accuracy,
                "undecided": e.undecided,
                "inference_sop_fraction": e.counters.forward_fraction,
                "confusion": e.confusion.tolist(),
                "counters": asdict(e.counters),
            }
        )
    assert json.loads(out) == expected


def test_text_has_accuracy_cost_and_confusion(tiny_cli: Cli, trained: Artifact) -> None:
    out = tiny_cli.succeed("evaluate", "tiny.npz", "-d", "digits.npz", "--stop-after", "1")
    e = evaluate(trained, load("digits.npz", "test"), stop_after=1)
    c = e.counters
    lines = out.splitlines()
    assert lines[0].strip() == "digits.npz test, 200 images; SOPs, spikes and steps per image"
    row = next(line for line in lines if line.startswith("1 "))
    assert row.split() == [
        "1",
        f"{100 * e.vote_accuracy:.2f}",
        f"{100 * e.hard_accuracy:.2f}",
        str(e.undecided),
        f"{c.forward_sops / 200:,.0f}",
        f"{c.forward_dense / 200:,.0f}",
        f"{c.forward_fraction:.3f}",
        f"{c.output_spikes / 200:.2f}",
        f"{c.steps / 200:.1f}",
    ]
    title = lines.index(
        next(line for line in lines if line.startswith("Class (rows) and vote (columns)"))
    )
    assert lines[title].strip() == "Class (rows) and vote (columns), early exit after 1"
    table = [line.split() for line in lines[title + 4 :]]
    assert len(table) == 10
    for c_, cells in enumerate(table):
        row_ = e.confusion[c_].tolist()
        assert cells[0] == str(c_)
        assert cells[1:12] == [str(n) if n or k == c_ else "." for k, n in enumerate(row_)]
        assert cells[12] == f"{100 * row_[c_] / sum(row_):.1f}"
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_class_without_images_has_no_share(tiny_cli: Cli) -> None:
    data = digits(50, seed=1)
    kept = data.labels != 4
    np.savez("some.npz", images=data.images[kept], labels=data.labels[kept])
    out = tiny_cli.succeed("evaluate", "tiny.npz", "-d", "some.npz")
    assert any(
        line.split()[:1] == ["4"] and line.rstrip().endswith(" --") for line in out.splitlines()
    )


def test_configured_early_exit_is_the_default(tiny_cli: Cli, trained: Artifact) -> None:
    config = replace(trained.config, readout=replace(trained.config.readout, stop_after=2))
    replace(trained, config=config).save(Path("two.npz"))
    out = tiny_cli.succeed("evaluate", "two.npz", "-d", "digits.npz", "--json")
    assert [row["stop_after"] for row in json.loads(out)] == [2]


def test_network_that_is_not_complete_is_refused(tiny_cli: Cli) -> None:
    Trainer(tiny(), digits(2300), epochs=1).checkpoint().save(Path("c.npz"))
    for command in ("evaluate", "plot"):
        assert tiny_cli.refuse(command, "c.npz", "-d", "digits.npz") == (
            "Network must be trained completely, but is at presentation 0 of 2300"
        )


def test_data_that_do_not_fit_are_refused(tiny_cli: Cli) -> None:
    for command in ("evaluate", "plot"):
        assert tiny_cli.refuse(command, "tiny.npz") == (
            "Images of sample test must have 49 pixels for this configuration, not 784"
        )
        assert tiny_cli.refuse(command, "demo", "-d", "digits.npz") == (
            "Images of digits.npz test must have 784 pixels for this configuration, not 49"
        )


def test_bad_data_are_refused(tiny_cli: Cli) -> None:
    (tiny_cli.folder / "empty").mkdir()
    whole = (tiny_cli.folder / "digits.npz").read_bytes()
    (tiny_cli.folder / "cut.npz").write_bytes(whole[:1000])
    np.savez("labels.npz", images=digits(3).images, labels=[1, 2, 10])
    np.savez("many.npz", images=digits(3).images, labels=[1, 2])
    for data, message in (
        ("none.npz", "File none.npz must exist"),
        ("cut.npz", "File cut.npz must be a readable .npz archive, not: File is not a zip file"),
        (
            "labels.npz",
            "Labels of labels.npz must be in 0..9 for this configuration, not 10",
        ),
        (
            "many.npz",
            "Images and labels of many.npz must be equally many, but got 3 images, 2 labels",
        ),
        (
            "nope",
            (
                "Data must be sample, mnist, fashion-mnist, a folder that exists, FILE.npz or "
                "IMAGES,LABELS, not 'nope'"
            ),
        ),
        (
            "empty",
            (
                "Folder empty must hold t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, or "
                "train-images-idx3-ubyte and train-labels-idx1-ubyte"
            ),
        ),
    ):
        assert tiny_cli.refuse("evaluate", "tiny.npz", "-d", data) == message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--stop-after=-1", "'--stop-after': -1 is not in the range 0<=x<=255."),
        ("--stop-after=256", "'--stop-after': 256 is not in the range 0<=x<=255."),
        ("--stop-after=x", "'--stop-after': 'x' is not a valid integer range."),
        ("--threads=0", "'--threads': 0 is not in the range x>=1."),
    ],
)
def test_options_out_of_range_are_refused(cli: Cli, option: str, message: str) -> None:
    assert cli.refuse("evaluate", "demo", option) == f"Invalid value for {message}"


def test_names_are_shown_as_they_are(tiny_cli: Cli) -> None:
    (tiny_cli.folder / "d[").mkdir()
    write_digits(tiny_cli.folder / "d[" / "x]:smile:.npz")
    out = tiny_cli.succeed("evaluate", "tiny.npz", "-d", "d[/x]:smile:.npz")
    assert out.startswith("d[/x]:smile:.npz test, 200 images")
