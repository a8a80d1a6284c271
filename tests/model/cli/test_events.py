"""Events on the command line: made, trained on, tested, drawn; and what is refused."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import Cli, same
from prunus_events import event_digits, write_event_digits
from prunus_model.data.datasets import load
from prunus_model.data.events import saccades
from prunus_model.data.events.split import bin_recordings, load_events
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer, train

TRAIN = ("train", "-c", "tiny", "-d", "ev", "-e", "2", "-o", "n.npz")
PARAMS = EventsParams(width=7, height=7, polarity="merged")
TAKEN = "Events of 7 x 7 pixels, one channel: 49 inputs, 10 classes\n"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """What `TRAIN` must make."""
    folder = write_event_digits(tmp_path_factory.mktemp("data") / "ev")
    encoder = EncoderParams(steps=16, gain=160, events=PARAMS)
    config = replace(NetworkConfig.named("tiny"), encoder=encoder)
    return train(config, load_events(str(folder), "train", encoder), epochs=2)


@pytest.fixture
def here(cli: Cli) -> Cli:
    """The command line beside `ev`."""
    write_event_digits(cli.folder / "ev")
    return cli


def test_a_network_is_trained_on_events_tested_and_drawn(here: Cli, network: Artifact) -> None:
    done = here.run(*TRAIN)
    assert (done.status, done.err) == (0, TAKEN)
    assert "10 neurons, adaptive pruning, seed 1: 1200 recordings of ev train, 2 epochs" in done.out
    made = Artifact.load(Path("n.npz"))
    assert same(made, network)
    assert made.schedule.data.startswith("events ")
    (row,) = [line for line in done.out.splitlines() if line.startswith("never")]
    assert float(row.split()[2]) > 60
    assert row in here.succeed("evaluate", "n.npz", "-d", "ev")
    out = here.run("evaluate", "n.npz", "-d", "ev/train.npz")
    assert out.err == "The network was trained on these recordings, ev/train.npz\n"
    assert "[encoder.events]\nwidth = 7\n" in here.succeed("inspect", "n.npz")
    here.succeed("relabel", "n.npz", "--votes", "logarithms", "--margin", "20", "-o", "m.npz")
    assert "20" in here.succeed("evaluate", "m.npz", "-d", "ev", "--stop-after", "2")
    here.succeed("plot", "n.npz", "-d", "ev", "-o", "pictures")
    assert Path("pictures/events.png").stat().st_size > 10_000


def test_a_stopped_training_on_events_goes_on_to_the_same_network(
    here: Cli, network: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Trainer.advance

    def interrupted(trainer: Trainer) -> Any:
        signal.raise_signal(signal.SIGINT)
        return advance(trainer)

    monkeypatch.setattr(Trainer, "advance", interrupted)
    stopped = here.run(*TRAIN)
    assert (stopped.status, stopped.err) == (130, TAKEN)
    monkeypatch.setattr(Trainer, "advance", advance)
    other = here.run(*TRAIN[:3], "-d", "ev/test.npz", *TRAIN[5:], "--resume")
    assert other.status == 2
    assert other.err.endswith("images (1200, not 200)\n")
    assert here.run(*TRAIN, "--resume").status == 0
    assert same(Artifact.load(Path("n.npz")), network)


@pytest.mark.parametrize("by", ["settings", "file"])
def test_what_is_said_of_events_is_kept_and_the_data_tell_the_rest(here: Cli, by: str) -> None:
    if by == "file":
        Path("said.toml").write_text(
            NetworkConfig.named("tiny").to_toml().replace("inputs = 49\n", "")
            + "[encoder.events]\nscale = 2\nstep_us = 500\n"
        )
        done = here.run("train", "-c", "said.toml", *TRAIN[3:], "--set", "readout.classes=12")
    else:
        given = [f"--set=encoder.events.{key}" for key in ("scale=2", "step_us=500")]
        done = here.run(*TRAIN, *given, "--set", "readout.classes=12")
    assert done.status == 0
    assert done.err.startswith("Events of 7 x 7 pixels, one channel: 16 inputs, 12 classes\n")
    assert "events of ev train are later than the last step and are left out" in done.err
    config = Artifact.load(Path("n.npz")).config
    assert config.encoder.events == replace(PARAMS, scale=2, step_us=500)
    assert (config.inputs, config.readout.classes) == (16, 12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ("encoder.events.scale=2", "inputs=18"),
            "Events of ev have 16 inputs, not 18: set inputs to 16",
        ),
        (("inputs=784",), "Events of ev have 49 inputs, not 784: set inputs to 49"),
        (
            ("encoder.events.height=6",),
            "Events of ev have a height of 7 pixels, not 6: set encoder.events.height to 7",
        ),
        (
            ("readout.classes=9",),
            "Events of ev have 10 classes, not 9: set readout.classes to 10",
        ),
        (("encoder.events.scal=2",), "Configuration: Key 'encoder.events.scal' is unknown"),
        (
            ("encoder.events.scale=0", "neurons=0"),
            (
                "Configuration: neurons must be at least 1, not 0; "
                "encoder.events.scale must be at least 1, not 0"
            ),
        ),
        (("encoder.events=3",), "Configuration: encoder.events must be a table, not 3"),
    ],
)
def test_what_is_said_and_contradicts_is_one_line(
    here: Cli, settings: tuple[str, ...], message: str
) -> None:
    assert here.refuse(*TRAIN, *(f"--set={setting}" for setting in settings)) == message


def test_a_file_says_where_its_events_are_wrong(here: Cli) -> None:
    for text, message in (
        ("scale = 0", "encoder.events.scale must be at least 1, not 0"),
        ("scale = 2\n[encoder]\nsteps = 0", "encoder.steps must be at least 1, not 0"),
    ):
        Path("bad.toml").write_text(f"[encoder.events]\n{text}\n")
        assert here.refuse("train", "-c", "bad.toml", *TRAIN[3:]) == f"bad.toml: {message}"


def test_networks_and_data_of_different_kinds_are_refused(tiny_cli: Cli, network: Artifact) -> None:
    write_event_digits(tiny_cli.folder / "ev", 20, 20)
    network.save(tiny_cli.folder / "n.npz")
    assert tiny_cli.refuse("evaluate", "tiny.npz", "-d", "ev").startswith(
        "Data ev must be images for this network, not events"
    )
    assert tiny_cli.refuse("evaluate", "n.npz", "-d", "digits.npz").startswith(
        "Data digits.npz must be events for this network (encoder.events is set): a file or"
    )
    for setting in ("encoder.events.scale=2", "encoder.events={}"):
        assert tiny_cli.refuse("train", "-d", "digits.npz", "--set", setting).startswith(
            "Data digits.npz must be events for this network"
        )
    assert tiny_cli.refuse("order", "n.npz", "-d", "ev").startswith("Network n.npz must have")


def test_synthetic_events_are_made_and_say_so(cli: Cli) -> None:
    made = cli.run("events", "-n", "3", "-o", "out")
    assert made.status == 0
    assert made.err == "These events are synthetic: simulated, not recorded\n"
    assert made.out.startswith("Wrote out: 6 files, ")
    readme = Path("out/README.md").read_text()
    assert readme.startswith("Synthetic events, not recorded by any sensor")
    assert "images of sample." in readme
    sample = load("sample", "train").head(3)
    encoder = EncoderParams(events=EventsParams())
    expected = saccades.simulate(sample.images.reshape(-1, 28, 28), sample.labels, name="x")
    split = load_events("out", "train", encoder)
    assert split.sha256 == bin_recordings("x", expected, encoder).sha256
    assert cli.refuse("events", "-o", "out") == "Output out must not exist"


def test_what_can_not_be_simulated_leaves_nothing(cli: Cli) -> None:
    black = np.zeros((1, 28, 28), dtype=np.uint8)
    np.savez("black.npz", images=black, labels=np.zeros(1, dtype=np.uint8))
    assert cli.refuse("events", "-d", "black.npz", "-o", "out") == (
        "Recording black.npz[0] must have at least one event"
    )
    np.savez("wide.npz", images=np.ones((1, 9, 29), dtype=np.uint8), labels=np.array([1]))
    assert cli.refuse("events", "-d", "wide.npz", "-o", "out") == (
        "Images of wide.npz must be at most 28 x 28 pixels, not 29 x 9"
    )


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"t": lambda t: t[::-1]}, "must not be earlier than the one before it, but has time"),
        ({"t": lambda t: t.astype(np.float64)}, "must be integers, not float64"),
        ({"x": lambda x: x - 3}, "must have x of 0 or more, not -"),
        ({"p": lambda _: 1}, "must have shape"),
        ({"offsets": lambda o: o[:-1]}, "must go from 0 to"),
        ({"offsets": lambda o: [0, *o[:1], *o[2:]]}, "at least one"),
        ({"labels": None}, "must have a label: a folder for each class, or labels in the file"),
        ({"labels": lambda n: n - 9}, "must be in 0..255, not -"),
    ],
)
def test_bad_events_are_one_line_and_nothing_is_written(
    cli: Cli, changed: dict[str, Any], text: str
) -> None:
    events: dict[str, Any] = dict(event_digits(30))
    for name, change in changed.items():
        if change is None:
            del events[name]
        else:
            events[name] = change(events.get(name))
    np.savez("bad.npz", **events)
    assert text in cli.refuse("train", "-c", "tiny", "-d", "bad.npz", "-o", "n.npz")


def test_a_file_that_is_cut_off_is_one_line(cli: Cli) -> None:
    for k in range(2):
        path = Path("ev", str(k), "a.bin")
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(5 + k))
    assert cli.refuse("train", "-d", "ev", "-o", "n.npz") == (
        "File ev/1/a.bin must have 5 bytes for each event, not 6 bytes"
    )
