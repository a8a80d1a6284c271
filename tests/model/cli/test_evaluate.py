import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import Cli, digits, tiny, write_digits
from prunus_model.data.datasets import load
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate, whole_dense
from prunus_model.training.relabelling import relabelled
from prunus_model.training.trainer import Trainer, train


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
                "votes": "shares",
                "vote_bits": 4,
                "stop_after": stop_after,
                "margin": 0,
                "vote": e.vote_accuracy,
                "hard": e.hard_accuracy,
                "undecided": e.undecided,
                "output_spikes_per_image": e.spikes_per_image,
                "steps_per_image": e.steps_per_image,
                "neuron_updates_per_image": e.neuron_updates_per_image,
                "forward_sops_per_image": e.sops_per_image,
                "whole_dense_sops_per_image": whole_dense(trained, data),
                "of_dense": e.sops_per_image / whole_dense(trained, data),
                "inference_sop_fraction": e.counters.forward_fraction,
                "class_names": [],
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
    assert lines[0].strip() == (
        "digits.npz test, 200 images; spikes, steps, updates and SOPs per image"
    )
    dense = whole_dense(trained, load("digits.npz", "test"))
    assert f"dense: whole presentations with nothing pruned, {dense:,.0f} forward SOPs" in out
    row = next(line for line in lines if line.startswith("1 "))
    assert row.split() == [
        "1",
        "none",
        f"{100 * e.vote_accuracy:.2f}",
        f"{100 * e.hard_accuracy:.2f}",
        str(e.undecided),
        f"{c.output_spikes / 200:.2f}",
        f"{c.steps / 200:.1f}",
        f"{c.neuron_updates(10) / 200:,.0f}",
        f"{c.forward_sops / 200:,.0f}",
        f"{c.forward_sops / 200 / dense:.3f}",
    ]
    title = lines.index(
        next(line for line in lines if line.startswith("Class (rows) and vote (columns)"))
    )
    assert lines[title].strip() == "Class (rows) and vote (columns)"
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
                "Data must be sample, mnist, fashion-mnist, a folder that exists, a file "
                ".npz, .mat, .csv, .tsv or .txt, or IMAGES,LABELS, not 'nope'"
            ),
        ),
        (
            "empty",
            (
                "Folder empty must hold idx files, arrays, tables or archives with train or test "
                "in their names, or a folder of pictures for each class"
            ),
        ),
    ):
        assert tiny_cli.refuse("evaluate", "tiny.npz", "-d", data) == message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--stop-after=-1", "'--stop-after': It must be a whole number in 0..255, not '-1'"),
        ("--stop-after=256", "'--stop-after': It must be a whole number in 0..255, not '256'"),
        ("--stop-after=x", "'--stop-after': It must be a whole number in 0..255, not 'x'"),
        ("--threads=0", "'--threads': It must be a whole number of at least 1, not '0'"),
    ],
)
def test_options_out_of_range_are_refused(cli: Cli, option: str, message: str) -> None:
    assert cli.refuse("evaluate", "demo", option) == f"Invalid value for {message}"


def test_names_are_shown_as_they_are(tiny_cli: Cli) -> None:
    (tiny_cli.folder / "d[").mkdir()
    write_digits(tiny_cli.folder / "d[" / "x]:smile:.npz")
    out = tiny_cli.succeed("evaluate", "tiny.npz", "-d", "d[/x]:smile:.npz")
    assert out.startswith("d[/x]:smile:.npz test, 200 images")


LOGARITHMS = ("--votes", "logarithms", "--vote-bits", "6")


def test_margins_are_tested_with_other_votes(tiny_cli: Cli, trained: Artifact) -> None:
    out = tiny_cli.succeed(
        *("evaluate", "tiny.npz", "-d", "digits.npz", "--json", *LOGARITHMS),
        *("--margin", "0", "--margin", "40", "--margin", "56"),
    )
    other = relabelled(trained, votes="logarithms", vote_bits=6)
    for row, margin in zip(json.loads(out), (0, 40, 56), strict=True):
        e = evaluate(other, load("digits.npz", "test"), margin=margin)
        assert (row["votes"], row["vote_bits"], row["margin"]) == ("logarithms", 6, margin)
        assert row["counters"] == asdict(e.counters)
        assert row["vote"] == e.vote_accuracy


def test_each_early_exit_is_combined_with_each_margin(tiny_cli: Cli, trained: Artifact) -> None:
    options = ("--stop-after", "0", "--stop-after", "2", "--margin", "0", "--margin", "20")
    command = ("evaluate", "tiny.npz", "-d", "digits.npz", *options)
    rows = json.loads(tiny_cli.succeed(*command, "--json"))
    expected = [(0, 0), (0, 20), (2, 0), (2, 20)]
    assert [(row["stop_after"], row["margin"]) for row in rows] == expected
    data = load("digits.npz", "test")
    e = evaluate(trained, data, stop_after=2, margin=20)
    assert rows[-1]["counters"] == asdict(e.counters)
    # One table, that fits into 80 columns.
    out = tiny_cli.succeed(*command)
    assert "Class (rows)" not in out
    assert max(len(line.rstrip()) for line in out.splitlines()) < 80
    starts = [tuple(line.split()[:2]) for line in out.splitlines()]
    for first in (("never", "none"), ("never", "20"), ("2", "none"), ("2", "20")):
        assert starts.count(first) == 1


def test_configured_margin_is_the_default(tiny_cli: Cli, trained: Artifact) -> None:
    relabelled(trained, margin=20).save(Path("m.npz"))
    out = tiny_cli.succeed("evaluate", "m.npz", "-d", "digits.npz", "--json")
    assert [row["margin"] for row in json.loads(out)] == [20]


@pytest.mark.parametrize("command", ["evaluate", "plot"])
@pytest.mark.parametrize(
    ("bits", "margin", "reach"), [((), 241, 240), (("--vote-bits", "1"), 17, 16)]
)
def test_margin_that_is_never_reached_is_refused(
    tiny_cli: Cli, command: str, bits: tuple[str, ...], margin: int, reach: int
) -> None:
    options = ("-d", "digits.npz", *bits, "--margin", "1", "--margin", str(margin))
    width = 1 if bits else 4
    assert tiny_cli.refuse(command, "tiny.npz", *options) == (
        f"Configuration: readout.margin must be at most {reach}, which 16 output spikes reach with "
        f"{width}-bit votes, not {margin}"
    )


def test_margin_of_one_class_is_its_score(cli: Cli) -> None:
    config = replace(tiny(), readout=replace(tiny().readout, classes=1))
    one = replace(digits(100), labels=np.zeros(100, np.uint8))
    train(config, one).save(Path("one.npz"))
    np.savez("one_class.npz", test_images=one.images.reshape(-1, 7, 7), test_labels=one.labels)
    rows = json.loads(
        cli.run(
            *("evaluate", "one.npz", "-d", "one_class.npz", "--json"),
            *("--margin", "15", "--margin", "16", "--margin", "0"),
        ).out
    )
    # Each spike has 15 votes.
    spikes = [row["counters"]["output_spikes"] for row in rows]
    decided = 100 - rows[0]["undecided"]
    assert spikes[0] == decided
    assert decided < spikes[1] <= 2 * decided <= spikes[2]
    assert cli.refuse("evaluate", "one.npz", "-d", "one_class.npz", "--margin", "241") == (
        "Configuration: readout.margin must be at most 240, which 16 output spikes reach with "
        "4-bit votes, not 241"
    )
