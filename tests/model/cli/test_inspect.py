import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import Cli, digits, tiny
from prunus_model.common.toml import without_none
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_model.training.history import percentiles
from prunus_model.training.trainer import Trainer

MNIST = Path(__file__).parents[1] / "exchange" / "mnist-10.nir"


def test_json_is_what_the_api_says(tiny_cli: Cli, trained: Artifact) -> None:
    facts = json.loads(tiny_cli.succeed("inspect", "tiny.npz", "--json"))
    neurons = facts.pop("neurons")
    assert facts == {
        "config": trained.config.to_mapping(),
        "schedule": asdict(trained.schedule),
        "complete": True,
        "presentation": 2300,
        "density": trained.density,
        "groups": [{"density": trained.density, "silent_neurons": 0}],
        "counters": asdict(trained.counters),
        "percentiles": [0, 10, 25, 50, 75, 90, 100],
        "content_hash": trained.content_hash,
        "provenance": trained.provenance,
    }
    state = trained.state
    for name in ("post_count", "strength", "theta", "v_fire"):
        assert neurons.pop(name) == percentiles(getattr(state, name).astype(np.int64))
    assert neurons.pop("synapses_left") == percentiles(state.alive.sum(axis=0))
    assert neurons.pop("w_prune") == trained.history.w_prune[-1].tolist()
    assert neurons == {}


def test_text_has_all_that_is_known(tiny_cli: Cli, trained: Artifact) -> None:
    text = tiny_cli.succeed("inspect", "tiny.npz")
    config, rest = text.split("\nTrained on ", 1)
    assert NetworkConfig.from_toml(config) == trained.config
    lines = rest.splitlines()
    name = f"data {trained.schedule.data_sha256[:12]}"
    assert lines[0] == f"{name}, 2300 images, 1 epochs; presentation 2300 of 2300"
    assert lines[1] == "Running accuracy of the last interval: 100.0 %"
    c = trained.counters
    assert lines[2] == (
        f"Synapses left: 33.7 %; forward SOPs in training {100 * c.forward_fraction:.1f} % of "
        f"dense, update SOPs {100 * c.update_fraction:.1f} % of dense"
    )
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    counts = percentiles(trained.state.post_count.astype(np.int64))
    assert rows["post_count"] == [f"{n:,}" for n in counts]
    assert lines[-1] == f"content hash: {trained.content_hash}"
    assert lines[-2] == f"data SHA-256: {trained.schedule.data_sha256}"
    assert max(map(len, lines)) < 120


def test_checkpoint_is_called_one(cli: Cli) -> None:
    trainer = Trainer(tiny(), digits(2300), epochs=1)
    trainer.checkpoint().save(Path("c.npz"))
    text = cli.succeed("inspect", "c.npz")
    assert "presentation 0 of 2300, a checkpoint\n" in text
    assert "Running accuracy" not in text
    trainer.advance()
    trainer.checkpoint().save(Path("c.npz"))
    assert "presentation 1000 of 2300, a checkpoint\n" in cli.succeed("inspect", "c.npz")
    assert json.loads(cli.succeed("inspect", "c.npz", "--json"))["complete"] is False


def test_names_are_shown_as_they_are(cli: Cli, trained: Artifact) -> None:
    provenance = {**trained.provenance, "command": "prunus [/x] :smile: [red]"}
    replace(trained, provenance=provenance).save(Path("x.npz"))
    assert "\ncommand: prunus [/x] :smile: [red]\n" in cli.succeed("inspect", "x.npz")


def test_feed_forward_network_has_nothing_of_learning(cli: Cli) -> None:
    pytest.importorskip("nir")
    cli.succeed("import", "nir", str(MNIST), "-o", "ten.npz")
    text = cli.succeed("inspect", "ten.npz")
    told = json.loads(cli.succeed("inspect", "ten.npz", "--json"))["config"]
    for word in ("v_th ", "theta", "stdp", "trace_window", "homeostasis"):
        assert word not in text
    assert not {"homeostasis", "stdp"} & told.keys()
    assert 'reset = "zero"' in text
    # Written without them, it is the same configuration.
    artifact = Artifact.load(Path("ten.npz"))
    assert NetworkConfig.from_mapping(without_none(told), source="told") == artifact.config
