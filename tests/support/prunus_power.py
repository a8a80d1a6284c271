"""Sensors of known power, for tests of the energy of an image."""

from pathlib import Path

import numpy as np

from prunus_boards.driver.power.evaluate import Phase, Power, evaluate
from prunus_boards.driver.power.sensor import Samples

BEFORE = Phase(name="idle before the images", start=100.0, end=110.0)
ACTIVE = Phase(name="showing images", start=111.0, end=131.0)
AFTER = Phase(name="idle after the images", start=132.0, end=142.0)


def recorded(
    *,
    idle: float = 0.2,
    active: float = 0.25,
    noise: float = 0.0,
    drift: float = 0.0,
    step: float = 0.0,
    seed: int = 1,
    rate: float = 100.0,
) -> Samples:
    """A sensor that sees that power, from a second before to a second after all phases."""
    times = np.arange(99.0, 143.0, 1 / rate) + 0.003
    level = np.where((times >= 110.5) & (times < 131.5), active, idle)
    watts = level + drift * (times - 99.0) / 44.0
    watts += np.random.default_rng(seed).normal(0.0, noise, times.size)
    return times, np.round(watts / step) * step if step else watts


def found(samples: Samples, images: int = 1000) -> Power:
    return evaluate(samples, BEFORE, ACTIVE, AFTER, images)


def hwmon(folder: Path, **files: object) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(f"{content}\n")
    return folder
