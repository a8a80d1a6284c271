"""What a configuration takes from the data, and what it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_cli import tiny_contrast, tiny_windows
from prunus_data import message_of, small_split
from prunus_model.data.datasets import load
from prunus_model.data.fitting import fitted
from prunus_model.data.split import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presets import PRESETS
from prunus_model.spec.pruning import RedundancyParams
from prunus_model.spec.readout import ReadoutParams

DEMO = NetworkConfig.named("demo")


def of(height: int, width: int, *, channels: int = 1, classes: int = 4, **changes: Any) -> Split:
    return small_split(
        images=np.zeros((classes, height * width * channels), np.uint8),
        labels=np.arange(classes, dtype=np.uint8),
        image_shape=(height, width),
        channels=channels,
        **changes,
    )


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_for_mnist(name: str) -> None:
    """Nothing that is published changes."""
    if name != "tiny":
        assert fitted(NetworkConfig.named(name), load("sample", "train")) == NetworkConfig.named(
            name
        )


def test_sizes_come_from_the_data() -> None:
    config = fitted(NetworkConfig.named("sparse"), of(4, 6, channels=3))
    assert (config.inputs, config.readout.classes) == (72, 4)
    assert config.redundancy == RedundancyParams(shift=12, image_width=6, start=40_000)
    # All else stays.
    assert replace(
        config,
        inputs=784,
        readout=ReadoutParams(),
        redundancy=NetworkConfig.named("sparse").redundancy,
    ) == NetworkConfig.named("sparse")


@pytest.mark.parametrize(("shape", "width"), [((1, 30), 30), ((30, 1), 1)])
def test_series_have_neighbours_in_one_direction(shape: tuple[int, int], width: int) -> None:
    redundancy = fitted(replace(DEMO, redundancy=RedundancyParams()), of(*shape)).redundancy
    assert redundancy is not None
    assert redundancy.image_width == width


def test_what_is_said_stays_if_it_can() -> None:
    wide = replace(DEMO, readout=replace(DEMO.readout, classes=12))
    assert fitted(wide, of(28, 28), said={"readout.classes"}).readout.classes == 12
    # Of one row it is not known what picture it is of.
    rows = replace(DEMO, redundancy=RedundancyParams(image_width=5))
    said = {"redundancy.image_width"}
    assert fitted(rows, of(1, 30), said=said).redundancy == RedundancyParams(image_width=5)


@pytest.mark.parametrize(
    ("config", "shape", "message"),
    [
        (DEMO, (5, 6), "Images of set have 30 levels, not 784: set inputs to 30"),
        (
            replace(DEMO, inputs=30, readout=replace(DEMO.readout, classes=3)),
            (5, 6),
            "Images of set have 4 classes, not 3: set readout.classes to 4",
        ),
        (
            replace(DEMO, inputs=30, redundancy=RedundancyParams()),
            (5, 6),
            "Images of set have rows of 6 pixels, not 28: set redundancy.image_width to 6",
        ),
    ],
)
def test_what_is_said_and_contradicts_is_told_with_the_key(
    config: NetworkConfig, shape: tuple[int, int], message: str
) -> None:
    said = {"inputs", "readout.classes", "redundancy.image_width"}
    assert message_of(lambda: fitted(config, of(*shape), said=said)) == message


def test_contrasts_keep_their_geometry() -> None:
    config = fitted(tiny_contrast(), of(9, 7))
    assert (config.inputs, config.readout.classes) == (126, 4)
    assert message_of(lambda: fitted(tiny_contrast(), of(7, 14))) == (
        "Images of set have rows of 14 pixels, not 7: set encoder.contrast.image_width to 14"
    )
    assert message_of(lambda: fitted(tiny_contrast(), of(7, 7, channels=3))) == (
        "Images of set must have one channel for encoder.contrast, not 3"
    )


def test_groups_keep_their_inputs() -> None:
    config = fitted(tiny_windows(), of(7, 7))
    assert (config.inputs, config.readout.classes) == (16, 4)
    assert config.groups == tiny_windows().groups


def test_too_large_images_are_refused() -> None:
    assert message_of(lambda: fitted(DEMO, of(224, 224, channels=3, classes=1))) == (
        "Images of set must have at most 65536 pixels, not 150528: make them smaller"
    )
