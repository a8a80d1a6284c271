"""The order of groups: first comes what says most about the class for its synaptic operations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from prunus_cli import Cli, tiny
from prunus_model.data.events.split import Labelled, load_for
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EventsParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.readout import ReadoutParams
from prunus_model.training.ordering import evaluation_order
from prunus_model.training.trainer import train

#: Each group sees a row of four pixels.
INDICES = tuple(tuple(range(4 * g, 4 * g + 4)) for g in range(3))
GROUPED = replace(
    tiny(),
    inputs=4,
    readout=ReadoutParams(classes=4),
    groups=GroupsParams(image_width=4, image_height=3, indices=INDICES),
)
COUNT = 600
LABELS = np.arange(COUNT) % 4


def pixels(*rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which pixels are lit, shape (COUNT, 3, 4): that of each row's number."""
    lit: npt.NDArray[np.bool_] = np.arange(4) == np.stack(rows, axis=1)[:, :, np.newaxis]
    return lit


def written(kind: str, lit: npt.NDArray[np.bool_]) -> tuple[NetworkConfig, Labelled]:
    """Write `data.npz`, and read it: white pixels, or eight events of each lit one."""
    config = GROUPED
    if kind == "images":
        np.savez("data.npz", images=255 * lit.astype(np.uint8), labels=LABELS)
    else:
        number, t, y, x = np.nonzero(np.repeat(lit[:, np.newaxis], 8, axis=1))
        offsets = np.searchsorted(number, np.arange(COUNT + 1))
        np.savez("data.npz", t=2 * t, x=x, y=y, offsets=offsets, labels=LABELS)
        params = EventsParams(width=4, height=3, polarity="merged", step_us=1)
        config = replace(GROUPED, encoder=replace(GROUPED.encoder, events=params))
    return config, load_for(config.encoder, "data.npz", "train")


@pytest.mark.parametrize("kind", ["images", "recordings"])
@pytest.mark.parametrize("telling", range(3))
def test_the_group_that_sees_the_class_is_first(cli: Cli, kind: str, telling: int) -> None:
    rows = [*np.random.default_rng(1).integers(0, 4, (3, COUNT))]
    rows[telling] = LABELS
    config, data = written(kind, pixels(*rows))
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


@pytest.mark.usefixtures("cli")
def test_what_others_have_said_counts_no_more() -> None:
    """Two groups see the same half of the class, the third, less surely, the other one."""
    other = np.where(np.random.default_rng(2).random(COUNT) < 0.8, LABELS // 2, 1 - LABELS // 2)
    config, data = written("recordings", pixels(LABELS % 2, LABELS % 2, other))
    order = evaluation_order(train(config, data, epochs=1), data)
    assert order[2] != 2


@pytest.mark.usefixtures("cli")
def test_what_costs_less_is_first() -> None:
    """All groups see the class, but two of them see twice as many spikes."""
    lit = pixels(LABELS, LABELS, LABELS)
    lit[:, :2, 3] = True
    config, data = written("recordings", lit)
    assert evaluation_order(train(config, data, epochs=1), data)[0] == 2
