"""The order of groups: first comes what says most about the class for its synaptic operations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prunus_cli import Cli, tiny
from prunus_model.data.events.split import Labelled, load_for
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EventsParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.readout import ReadoutParams
from prunus_model.training.ordering import evaluation_order
from prunus_model.training.trainer import train

INDICES = tuple(tuple(range(4 * g, 4 * g + 4)) for g in range(3))
GROUPED = replace(
    tiny(),
    inputs=4,
    readout=ReadoutParams(classes=4),
    groups=GroupsParams(image_width=4, image_height=3, indices=INDICES),
)
COUNT = 600


def written(kind: str, telling: int) -> tuple[NetworkConfig, Labelled]:
    """Write `data.npz`: one pixel of each row of four, which is the class in one of the rows."""
    labels = np.arange(COUNT) % 4
    pixels = np.random.default_rng(1).integers(0, 4, (COUNT, 3))
    pixels[:, telling] = labels
    if kind == "images":
        images = 255 * (np.arange(4) == pixels[:, :, np.newaxis]).astype(np.uint8)
        np.savez("data.npz", images=images, labels=labels)
        config = GROUPED
    else:
        steps = np.arange(1, 16, 2)
        t, x, y = (
            np.broadcast_to(values, (COUNT, len(steps), 3)).ravel()
            for values in (steps[:, np.newaxis], pixels[:, np.newaxis], np.arange(3))
        )
        offsets = np.arange(COUNT + 1) * 3 * len(steps)
        np.savez("data.npz", t=t, x=x, y=y, offsets=offsets, labels=labels)
        params = EventsParams(width=4, height=3, polarity="merged", step_us=1)
        config = replace(GROUPED, encoder=replace(GROUPED.encoder, events=params))
    return config, load_for(config.encoder, "data.npz", "train")


@pytest.mark.parametrize("kind", ["images", "recordings"])
@pytest.mark.parametrize("telling", range(3))
def test_the_group_that_sees_the_class_is_first(cli: Cli, kind: str, telling: int) -> None:
    config, data = written(kind, telling)
    artifact = train(config, data, epochs=1)
    order = evaluation_order(artifact, data)
    assert order[0] == telling
    assert sorted(order) == [0, 1, 2]
    artifact.save(Path("n.npz"))
    lines = [f"  {list(INDICES[group])}," for group in evaluation_order(artifact, data.head(500))]
    assert cli.succeed("order", "n.npz", "-d", "data.npz", "-n", "500").splitlines() == [
        f"# By 500 training {kind} of data.npz[0:500].",
        "indices = [",
        *lines,
        "]",
    ]
