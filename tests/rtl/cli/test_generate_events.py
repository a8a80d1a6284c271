"""A network of events as Verilog: its bench sends the events of a data set."""

# amaranth: UnusedElaboratable=no

from pathlib import Path

import pytest

from prunus_cli import Cli
from prunus_events import write_event_digits
from prunus_generate import manifest
from prunus_model.data.events.split import load_events
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_package import needs_simulator

TRAIN = ("train", "-c", "tiny", "-d", "ev", "-e", "1", "-o", "n.npz")
GENERATE = ("generate", "n.npz", "-d", "ev", "-o", "core", "--images", "3", "--lanes", "2")


@pytest.fixture
def here(cli: Cli) -> Cli:
    """The command line beside `ev` and a network that was trained on it."""
    write_event_digits(cli.folder / "ev", 400, 40)
    assert cli.run(*TRAIN).status == 0
    return cli


@needs_simulator
def test_the_core_does_with_the_events_of_the_data_what_the_model_does(here: Cli) -> None:
    assert ": PASS: 3 images, " in here.succeed(*GENERATE, "--source", "events")
    artifact = Artifact.load(Path("n.npz"))
    split = load_events("ev", "test", artifact.config.encoder)
    images = manifest(Path("core"))["images"]
    assert images["data"] == "ev test"
    expected = evaluate(artifact, split.head(3))
    assert [one["prediction"] for one in images["shown"]] == expected.vote.tolist()
    assert [one["label"] for one in images["shown"]] == split.labels[:3].tolist()
    assert [one["input_spikes"] for one in images["shown"]] == (
        split.events.counts[:3].sum(axis=1).tolist()
    )


def test_a_core_for_images_is_refused(here: Cli) -> None:
    assert here.refuse(*GENERATE) == (
        "source must be 'events' for a network whose inputs are events (encoder.events), "
        "not 'levels'"
    )
    assert here.refuse("generate", "n.npz", "--source", "events").startswith(
        "Data sample must be events for this network"
    )
