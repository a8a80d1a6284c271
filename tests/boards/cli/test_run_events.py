"""Networks of events at a device: shown, compared, learned from, or refused in one line."""

import json
from pathlib import Path

import pytest

from prunus_boards.cli.bitstream import bitstream
from prunus_cli import Cli
from prunus_events import event_network, write_event_digits
from prunus_model.training.artifact import Artifact


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    write_event_digits(tmp_path / "ev", 60, 20)
    event_network().save(tmp_path / "n.npz")
    return Cli(tmp_path, monkeypatch, capsys)


def test_events_are_shown(cli: Cli) -> None:
    out = cli.succeed("run", "n.npz", "ev", "-n", "4")
    assert "4 recordings in" in out and "recording" in out and "right" in out
    facts = json.loads(cli.succeed("run", "n.npz", "ev/test.npz", "ev/test.npz", "--json"))
    images = facts["images"]
    assert len(images) == 40
    assert [one["presentation"] for one in images] == list(range(40))
    # Events are shown as they are: the number of the presentation plays no part.
    assert [one["spikes"] for one in images[:20]] == [one["spikes"] for one in images[20:]]
    assert sum(one["label"] == one["prediction"] for one in images) > 20


def test_events_are_compared(cli: Cli) -> None:
    found = json.loads(cli.succeed("verify", "n.npz", "ev", "-n", "5", "--json"))
    assert (found["images"], found["difference"]) == (5, "")
    found = json.loads(cli.succeed("verify", "n.npz", "ev", "-n", "5", "--json", "--learn"))
    assert (found["learned"], found["difference"]) == (True, "")


def test_events_are_learned_from(cli: Cli) -> None:
    cli.succeed("run", "n.npz", "ev", "--learn", "--save", "more.npz")
    more = Artifact.load(Path("more.npz"))
    assert more.state.presentation == event_network().state.presentation + 20
    assert more.config == event_network().config


def test_what_is_not_to_be_shown_is_refused(cli: Cli) -> None:
    assert cli.refuse("verify", "n.npz") == (
        "Events must be named for network n.npz, which takes no images"
    )
    assert cli.refuse("run", "n.npz", "sample") == (
        "Data sample must be events for this network (encoder.events is set): a file or a folder "
        "of .bin, .h5, .aedat4, .raw, .dat, .npz or .npy"
    )
    assert cli.refuse("run", "n.npz", "ev", "-n", "21") == (
        "Number of recordings must be in 1..20, not 21"
    )
    assert cli.refuse("run", "n.npz", "ev", "--invert") == (
        "Events must be shown as they are: they have no light and dark to exchange"
    )
    assert cli.refuse("run", "n.npz", "none").startswith("Data none must be events")


def test_bitstream_gets_as_far_as_that_of_images(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the tools, which are looked for first; see test_bitstream.py for the rest."""
    seen = []
    monkeypatch.setattr("prunus_boards.cli.bitstream.build", lambda *args, **_: seen.append(args))
    monkeypatch.setattr("prunus_boards.cli.bitstream._print", lambda _built: None)
    cli.succeed("bitstream", "n.npz", "--board", "ulx3s-85f")
    ((artifact, board, options),) = seen
    assert artifact.config.encoder.events is not None
    assert (board.name, options.mode) == ("ulx3s-85f", "inference")
    assert bitstream.name == "bitstream"
