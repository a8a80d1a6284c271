"""From samples of power to the energy of an image, with bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import stats

from prunus_boards.driver.power.sensor import Samples, SensorError

__all__ = ["CONFIDENCE", "Phase", "Power", "Summary", "evaluate"]

#: Probability with which the bounds hold what the noise hides.
CONFIDENCE = 0.95
#: Means over so many parts of a phase are taken as independent: neighbouring samples are not.
_BATCHES = 10
#: Samples that a phase must have.
_LEAST = 2 * _BATCHES
#: A sensor has stopped if it says nothing for so many periods, and for so many seconds.
_PERIODS, _SECONDS = 10, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A while in which a board does one thing.

    Attributes
    ----------
    name : str
        What it does.
    start, end : float
        Unix seconds.
    """

    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Power in a phase.

    Attributes
    ----------
    name : str
        What the board does.
    seconds : float
        How long.
    samples : int
        How many there are.
    mean_w, deviation_w : float
        Mean and standard deviation of the samples.
    error_w : float
        Standard error of the mean, from the means of parts of the phase.
    """

    name: str
    seconds: float
    samples: int
    mean_w: float
    deviation_w: float
    error_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What showing images takes. Each figure with its least and largest value.

    Bounds hold noise with probability :data:`CONFIDENCE`, half of the drift between the idle phases
    and the steps of the sensor; not an error of its scale, which only its maker knows.

    Attributes
    ----------
    idle : tuple of Summary
        Before and after the images.
    active : Summary
        While they were shown.
    net_w : tuple of float
        Power while images are shown, less that of the idle board: value, least, largest.
    image_j : tuple of float
        Energy that an image takes of that.
    whole_image_j : float
        Energy per image with that of the idle board.
    drift_w : float
        Idle power after the images, less that before.
    step_w : float
        Smallest difference of two samples; 0 if the sensor's steps are too small to be seen.
    images : int
        Images shown.
    """

    idle: tuple[Summary, Summary]
    active: Summary
    net_w: tuple[float, float, float]
    image_j: tuple[float, float, float]
    whole_image_j: float
    drift_w: float
    step_w: float
    images: int

    @property
    def told(self) -> bool:
        """Whether images take more than the bounds are wide."""
        return self.net_w[1] > 0


def evaluate(samples: Samples, before: Phase, active: Phase, after: Phase, images: int) -> Power:
    """Return what images take.

    Parameters
    ----------
    samples : Samples
        Of all phases.
    before, active, after : Phase
        Idle, showing images, idle.
    images : int
        How many were shown in ``active``.

    Raises
    ------
    SensorError
        If no image was shown, samples are missing in a phase, or all samples are the same number.
    """
    if images < 1:
        raise SensorError("Images must be shown while power is measured, but none was")
    found = [(phase, _within(samples, phase)) for phase in (before, active, after)]
    every = np.concatenate([watts for _, watts in found])
    if every.min() == every.max():
        raise SensorError(
            f"Sensor must follow the power, but gave {every[0]:g} W {every.size} times: "
            f"it is stuck, or its steps are too large"
        )
    first, shown, last = (_summary(phase, watts) for phase, watts in found)
    idle = (first.mean_w + last.mean_w) / 2
    drift = last.mean_w - first.mean_w
    step = _step(every)
    net = shown.mean_w - idle
    parts = (shown.error_w, first.error_w / 2, last.error_w / 2)
    half = _quantile(parts) * sqrt(sum(part**2 for part in parts)) + abs(drift) / 2 + step
    scale = active.seconds / images
    bounds = (net, net - half, net + half)
    return Power(
        idle=(first, last),
        active=shown,
        net_w=bounds,
        image_j=(bounds[0] * scale, bounds[1] * scale, bounds[2] * scale),
        whole_image_j=shown.mean_w * scale,
        drift_w=drift,
        step_w=step,
        images=images,
    )


def _within(samples: Samples, phase: Phase) -> npt.NDArray[np.float64]:
    """Return the samples of a phase, which must have no gap."""
    times, watts = samples
    inside = (times >= phase.start) & (times <= phase.end)
    if np.count_nonzero(inside) < _LEAST:
        raise SensorError(
            f"Sensor must give at least {_LEAST} samples while {phase.name}, "
            f"not {np.count_nonzero(inside)} in {phase.seconds:.1f} s"
        )
    edges = np.concatenate([[phase.start], times[inside], [phase.end]])
    gaps = np.diff(edges)
    most = max(_SECONDS, _PERIODS * float(np.median(gaps)))
    at = int(np.argmax(gaps))
    if gaps[at] > most:
        raise SensorError(
            f"Sensor must not stop while {phase.name}, but was silent for {gaps[at]:.1f} s "
            f"after {edges[at] - phase.start:.1f} s"
        )
    return watts[inside]


def _summary(phase: Phase, watts: npt.NDArray[np.float64]) -> Summary:
    means = [float(part.mean()) for part in np.array_split(watts, _BATCHES)]
    return Summary(
        name=phase.name,
        seconds=phase.seconds,
        samples=watts.size,
        mean_w=float(watts.mean()),
        deviation_w=float(watts.std(ddof=1)),
        error_w=float(np.std(means, ddof=1)) / sqrt(_BATCHES),
    )


def _quantile(errors: Sequence[float]) -> float:
    """Return Student's t for a sum of means, with the degrees of freedom of Welch."""
    whole = sum(error**2 for error in errors) ** 2
    parts = sum(error**4 for error in errors) / (_BATCHES - 1)
    degrees = whole / parts if parts else float(_BATCHES - 1)
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees))


def _step(watts: npt.NDArray[np.float64]) -> float:
    """Return the step of a sensor: the smallest difference, if values come again and again."""
    values = np.unique(watts)
    if values.size > watts.size // 2:
        return 0.0
    return float(np.diff(values).min())
