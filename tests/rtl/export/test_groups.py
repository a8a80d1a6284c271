"""Packages of networks with groups: vectors, benches, and the README."""

# amaranth: UnusedElaboratable=no

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import Cli, digits, tiny_views, windows
from prunus_model.reference.network import Network
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_package import Made, needs_simulator, passes
from prunus_rtl.bus.spaces import synapse_addresses
from prunus_rtl.export.lanes import lane_use
from prunus_rtl.hardware import Space

KINDS: dict[str, dict[str, Any]] = {
    "packed": {"lanes": 4},
    "learning": {"lanes": 2, "mode": "learning"},
    "dense": {"lanes": 1, "store": "learning"},
}


def sequential() -> Artifact:
    """The same groups, with both early exits; votes are those of the training."""
    config = tiny_views()
    readout = replace(config.readout, stop_after=1, margin=30)
    return replace(windows(), config=replace(config, readout=readout))


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    return Made(tmp_path, windows(), **KINDS[request.param])


@needs_simulator
def test_bench_passes(made: Made) -> None:
    passes(made)


@needs_simulator
def test_bench_passes_with_the_sequential_test(tmp_path: Path) -> None:
    made = Made(tmp_path, sequential(), digits(12, seed=6), lanes=4)
    views = [image.counts["steps"] for image in made.vectors.shown]
    assert len(set(views)) > 3
    passes(made)


def test_stimuli_are_whole_images_and_spikes_of_all_groups(made: Made) -> None:
    shown = made.vectors.shown
    assert [len(image.stimuli) for image in shown] == [49, 49, 49]
    posts = {post for image in shown for _, post in image.spikes}
    assert {post // 5 for post in posts} == {0, 1, 2, 3}
    views = 4 if made.plan.learn else 8
    assert [image.counts["steps"] for image in shown] == [16 * views] * 3


def test_words_are_read_where_they_are(made: Made) -> None:
    reads = {space: [read for read in made.vectors.reads if read.space is space] for space in Space}
    layout = made.core.shapes
    assert len(reads[Space.V_FIRE]) == 20
    if made.plan.learn:
        assert len(reads[Space.THETA]) == 20
        group, post = divmod(made.vectors.shown[0].spikes[0][1], 5)
        at = synapse_addresses(layout)[16 * group : 16 * group + 16, post]
        mask = (1 << layout.row_bits + layout.post_bits) - 1
        addresses = [read.request >> 32 & mask for read in reads[Space.SYNAPSES]]
        assert addresses == at.tolist()


def test_lanes_are_as_busy_as_all_groups_make_them(tmp_path: Path) -> None:
    made = Made(tmp_path, windows(), lanes=2)
    uses = lane_use(made.plan, made.vectors)
    cycles = 0
    network = Network(made.plan.network, made.plan.state, made.plan.votes)
    for image in levels(digits(3, seed=5).images, made.plan.network.encoder):
        for step in network.steps(image, learn=False):
            rows = step.view % 4 * 16 + np.flatnonzero(step.spikes)
            unpruned = made.plan.state.alive[rows]
            cycles += max(int(unpruned[:, lane::2].sum()) for lane in range(2))
    assert uses[-1].cycles == cycles
    assert [use.order for use in uses] == ["as in the network", "balanced (this core)"]


def test_neurons_are_numbered_through_all_groups(cli_with_windows: Cli) -> None:
    cli = cli_with_windows
    out = cli.succeed(
        *("generate", "windows.npz", "-o", "core", "--data", "digits.npz", "--lanes", "4"),
        *("--simulator", "none", "--images", "2"),
    )
    assert "4 groups of 5 neurons in 4 lanes" in out
    rows = [line.split(",") for line in Path("core/neurons.csv").read_text().splitlines()[1:]]
    assert [int(row[0]) for row in rows] == list(range(20))
    assert all(int(post) // 5 == int(neuron) // 5 for post, neuron, _, _ in rows)
    assert [(int(lane), int(slot)) for _, _, lane, slot in rows[5:10]] == [
        (index % 4, index // 4) for index in range(5)
    ]
    text = Path("core/README.md").read_text()
    for line in (
        "# prunus_core: 4 groups of 5 neurons, inference",
        "| levels of an image | 49 |",
        "| groups | 4 |",
        "| views of an image | 8 |",
        "| neurons of a group | 5 |",
        "| 4 | `V` | `index` | ",
        "| 5 | `V_FIRE` | `group << 3 \\| index` | ",
        "| 8 | `VOTES` | `class * 20 + post` | ",
    ):
        assert line in text, line
    assert "Send 49 per" in text
