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
    config = fitted(NetworkConfig.named("paper"), of(4, 6, channels=3))
    assert (config.inputs, config.readout.classes) == (72, 4)
    # All else stays.
    whole = replace(config, inputs=784, readout=ReadoutParams())
    assert whole == NetworkConfig.named("paper")


def test_what_is_said_stays_if_it_can() -> None:
    wide = replace(DEMO, readout=replace(DEMO.readout, classes=12))
    assert fitted(wide, of(28, 28), said={"readout.classes"}).readout.classes == 12
    # Of one row it is not known what picture it is of.
    assert fitted(tiny_contrast(), of(1, 49)) == fitted(tiny_contrast(), of(7, 7))


@pytest.mark.parametrize(
    ("config", "shape", "message"),
    [
        (DEMO, (5, 6), "Images of set have 30 levels, not 784: set inputs to 30"),
        (
            replace(DEMO, inputs=30, readout=replace(DEMO.readout, classes=3)),
            (5, 6),
            "Images of set have 4 classes, not 3: set readout.classes to 4",
        ),
    ],
)
def test_what_is_said_and_contradicts_is_told_with_the_key(
    config: NetworkConfig, shape: tuple[int, int], message: str
) -> None:
    said = {"inputs", "readout.classes"}
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
