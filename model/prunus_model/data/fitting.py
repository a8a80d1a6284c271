"""A configuration takes from the data what nobody has said: inputs and classes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from prunus_model.common.errors import DataError
from prunus_model.data.split import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import INPUTS_MAX

__all__ = ["fitted"]

_INPUTS, _CLASSES = "inputs", "readout.classes"
_WIDTH = "encoder.contrast.image_width"


def fitted(
    config: NetworkConfig,
    split: Split,
    *,
    said: Collection[str] = (),
    source: str = "Configuration",
) -> NetworkConfig:
    """Return a configuration with the sizes that the training images have.

    ``inputs`` are as many as an image has levels, ``readout.classes`` the highest label and one.
    What is ``said`` stays, as do groups and the width of contrasts, which are a geometry that
    somebody has chosen: if they do not fit, they are refused.

    Parameters
    ----------
    config : NetworkConfig
        As configured.
    split : Split
        Training images.
    said : collection of str
        Keys with dots, ``"readout.classes"``, whose values are not to be changed.
    source : str
        What to name in errors of the configuration.

    Raises
    ------
    DataError
        If what is said contradicts the data; the message tells the key and its value.
    ConfigError
        If a value that follows from the data is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([0, 2], dtype=np.uint8)
    >>> images = np.zeros((2, 12), dtype=np.uint8)
    >>> config = fitted(
    ...     NetworkConfig.named("demo"),
    ...     Split(name="x", images=images, labels=labels, image_shape=(3, 4)),
    ... )
    >>> config.inputs, config.readout.classes
    (12, 3)
    """
    inputs, (height, width) = split.images.shape[1], split.image_shape
    wanted: dict[str, Any] = {_CLASSES: int(split.labels.max()) + 1}
    if config.encoder.contrast and split.channels > 1:
        raise DataError(
            f"Images of {split.name} must have one channel for encoder.contrast, "
            f"not {split.channels}"
        )
    if not config.groups:
        wanted[_INPUTS] = config.channels * inputs
    # Of a single row or column it is not known what it is a picture of.
    if min(height, width) > 1:
        wanted[_WIDTH] = width
    if wanted.get(_INPUTS, 0) > INPUTS_MAX:
        raise DataError(
            f"Images of {split.name} must have at most {INPUTS_MAX // config.channels} pixels, "
            f"not {inputs}: make them smaller"
        )
    values = config.to_mapping()
    for key, value in wanted.items():
        table = values
        *path, name = key.split(".")
        for part in path:
            table = table[part] or {}
        if name not in table or table[name] == value:
            continue
        if key not in said and key != _WIDTH:
            table[name] = value
        elif key != _CLASSES or value > table[name]:  # More classes may come.
            has = {_CLASSES: f"{value} classes", _INPUTS: f"{value} levels"}
            raise DataError(
                f"Images of {split.name} have {has.get(key, f'rows of {value} pixels')}, "
                f"not {table[name]}: set {key} to {value}"
            )
    return NetworkConfig.from_mapping(values, source=source)
