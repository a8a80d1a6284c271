"""Shows images to a board for a while, with an idle one before and behind, beside a sensor."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.device import Device
from prunus_boards.driver.power.evaluate import Phase, Power, evaluate
from prunus_boards.driver.power.sensor import Sensor
from prunus_model.spec.presentation import Request

__all__ = ["measure"]

#: Seconds between phases that count for none: a sensor may give means over a while.
_SETTLE = 0.25


def measure(
    device: Device,
    sensor: Sensor,
    images: npt.NDArray[np.uint8],
    request: Request,
    *,
    idle: float,
    seconds: float,
    report: Callable[[str], None] = lambda _: None,
) -> Power:
    """Measure the power of a device while it shows images.

    Parameters
    ----------
    device : Device
        With a network.
    sensor : Sensor
        At its supply.
    images : ndarray of uint8, shape (n, image_levels)
        Shown again and again.
    request : Request
        How they are shown; without learning.
    idle : float
        Seconds of each idle phase.
    seconds : float
        Seconds in which images are shown; the last series is finished.
    report : function
        Told what is done next.

    Raises
    ------
    SensorError
        As of the sensor, and of :func:`prunus_boards.driver.power.evaluate.evaluate`.
    """
    sensor.start()
    try:
        report("idle")
        before = _idle("idle before the images", idle)
        report("images")
        # The first one may take longer than all others: a model is compiled, a line wakes up.
        for _ in device.present_many(images[:1], **request):
            pass
        # What is on its way when they begin is not measured.
        settled = time.monotonic() + _SETTLE
        # When images were done, the last one before the phase too.
        done: list[float] = []
        while time.monotonic() < settled + seconds:
            for _ in device.present_many(images, **request):
                if time.monotonic() >= settled:
                    done.append(time.time())
                if time.monotonic() >= settled + seconds:
                    break
        active = Phase(name="showing images", start=done[0], end=done[-1])
        report("idle")
        # What was sent ahead is shown first.
        device.condition()
        after = _idle("idle after the images", idle)
    except BaseException:
        sensor.abandon()
        raise
    samples = sensor.stop(after.end)
    return evaluate(samples, before, active, after, len(done) - 1)


def _idle(name: str, seconds: float) -> Phase:
    time.sleep(_SETTLE)
    start = time.time()
    time.sleep(seconds)
    return Phase(name=name, start=start, end=time.time())
