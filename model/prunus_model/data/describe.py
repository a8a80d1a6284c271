"""What a data set is, before a network is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.data.brightness import Brightness
from prunus_model.data.doubts import training_doubts
from prunus_model.data.fitting import fitted
from prunus_model.data.split import Split, check_pair
from prunus_model.spec.config import NetworkConfig

__all__ = ["Description", "describe"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Description:
    """Training and test images of a source, and what a configuration would make of them.

    Attributes
    ----------
    train, test : Split
        As loaded. If the source has one split only, both are that one.
    config : NetworkConfig
        The configuration, fitted to the data.
    brightness : Brightness
        Of the training images.
    warnings : tuple of str
        What `prunus train` would tell, one line each.
    """

    train: Split
    test: Split
    config: NetworkConfig
    brightness: Brightness
    warnings: tuple[str, ...]

    @property
    def has_test(self) -> bool:
        """Whether there are images other than those of the training."""
        return self.test.sha256 != self.train.sha256

    @property
    def per_class(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Training and test images of each class, int64, shape (classes,)."""
        classes = self.config.readout.classes
        train, test = (np.bincount(s.labels, minlength=classes) for s in (self.train, self.test))
        return train, test

    def class_name(self, label: int) -> str:
        """Return what a class is called; its number if it has no name."""
        names = self.train.class_names
        return names[label] if label < len(names) else str(label)

    def to_mapping(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        train, test = self.per_class
        b, encoder = self.brightness, self.config.encoder
        return {
            "data": self.train.identity,
            "sha256": self.train.sha256,
            "image_shape": list(self.train.image_shape),
            "channels": self.train.channels,
            "inputs": self.config.inputs,
            "classes": [
                {
                    "name": self.class_name(n),
                    "train": int(a),
                    "test": int(c) if self.has_test else 0,
                }
                for n, (a, c) in enumerate(zip(train, test, strict=True))
            ],
            "black": self.train.scale.black,
            "white": self.train.scale.white,
            "levels": [b.darkest, b.brightest],
            "mean_level": round(b.mean, 2),
            "median_level": b.median,
            "gain": encoder.gain,
            "steps": encoder.steps,
            "spikes_per_presentation": round(b.spikes(encoder), 1),
            "suggested_gain": b.suggested_gain,
            "warnings": list(self.warnings),
        }


def describe(train: Split, test: Split, config: NetworkConfig) -> Description:
    """Describe a data set.

    Parameters
    ----------
    train, test : Split
        Of one source.
    config : NetworkConfig
        For the expected number of spikes: steps and gain are those of this one. It must not have
        contrasts or groups, whose spikes are others.

    Raises
    ------
    DataError, ConfigError
        As :func:`prunus_model.data.fitting.fitted` and :func:`prunus_model.data.split.check_pair`.
    """
    check_pair(train, test)
    config = fitted(config, train)
    found = [*training_doubts(train, config), *test.notes]
    return Description(
        train=train,
        test=test,
        config=config,
        brightness=Brightness.of(train.images),
        warnings=tuple(dict.fromkeys(found)),
    )
