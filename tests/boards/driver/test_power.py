"""Energy of an image, from sensors of known power."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from prunus_boards.driver.device import Device
from prunus_boards.driver.power import workload
from prunus_boards.driver.power.sensor import (
    CsvSensor,
    HwmonSensor,
    Samples,
    Sensor,
    SensorError,
)
from prunus_boards.driver.power.workload import measure
from prunus_boards.driver.transports.base import TransportError
from prunus_devices import device, message, shown
from prunus_model.spec.presentation import Request
from prunus_power import found, hwmon, recorded

REQUEST = Request(learn=False, stop_after=0, margin=0, keep=False)


def test_power_without_noise_is_exact() -> None:
    power = found(recorded())
    assert power.net_w == pytest.approx((0.05, 0.0, 0.1), abs=1e-12)
    # As the sensor knows two values only, its step is what is between them.
    assert power.step_w == pytest.approx(0.05)
    assert power.image_j[0] == pytest.approx(0.05 * 20 / 1000)
    assert power.whole_image_j == pytest.approx(0.25 * 20 / 1000)
    assert power.idle[0].samples == power.idle[1].samples == 1000
    assert power.active.samples == 2000
    assert (power.active.seconds, power.images, power.drift_w) == (20.0, 1000, 0.0)
    assert power.active.mean_w == pytest.approx(0.25)
    assert power.active.deviation_w == pytest.approx(0.0)


def test_bounds_hold_the_true_power_as_often_as_they_say() -> None:
    """1.96 standard errors of white noise, or a little more for the unknown variance."""
    inside, widths = 0, []
    for seed in range(200):
        power = found(recorded(noise=0.02, seed=seed))
        inside += power.net_w[1] <= 0.05 <= power.net_w[2]
        widths.append(power.net_w[2] - power.net_w[1])
        assert power.step_w == 0.0
        assert power.image_j[1] == pytest.approx(power.net_w[1] * 0.02)
        assert power.image_j[2] == pytest.approx(power.net_w[2] * 0.02)
    # Half of the drift, which is noise too, makes them wider.
    assert 185 <= inside <= 200
    error = 0.02 * np.sqrt(1 / 2000 + 1 / 2000)
    assert 3 * error < np.mean(widths) < 8 * error


def test_noise_whose_samples_hang_together_widens_the_bounds() -> None:
    """A sensor that gives means over a second tells a hundred times less than its samples."""
    rng = np.random.default_rng(5)
    times, watts = recorded()
    white = watts + rng.normal(0, 0.02, times.size)
    slow = watts + np.repeat(rng.normal(0, 0.02, times.size // 100 + 1), 100)[: times.size]
    narrow, wide = found((times, white)), found((times, slow))
    assert wide.active.error_w > 3 * narrow.active.error_w


def test_drift_is_in_the_bounds() -> None:
    power = found(recorded(noise=1e-4, drift=0.02))
    assert power.drift_w == pytest.approx(0.02 * 32 / 44, abs=1e-4)
    # It is linear, so that the mean of both idle phases is right.
    assert power.net_w[0] == pytest.approx(0.05, abs=1e-4)
    assert power.net_w[2] - power.net_w[0] >= power.drift_w / 2


def test_steps_of_the_sensor_are_in_the_bounds() -> None:
    power = found(recorded(noise=1e-3, step=0.02, active=0.231))
    assert power.step_w == pytest.approx(0.02)
    assert power.net_w[2] - power.net_w[0] >= 0.02
    assert power.net_w[1] <= 0.031 <= power.net_w[2]


def test_images_that_take_nothing_are_not_told_apart() -> None:
    power = found(recorded(active=0.2, noise=0.01))
    assert not power.told
    assert power.net_w[1] < 0 < power.net_w[2]
    assert found(recorded(noise=0.01)).told


def test_sensor_that_is_stuck_is_refused() -> None:
    times, watts = recorded()
    assert message(lambda: found((times, np.full_like(watts, 0.2))), SensorError) == (
        "Sensor must follow the power, but gave 0.2 W 4000 times: "
        "it is stuck, or its steps are too large"
    )


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (105.0, "idle before the images, but was silent for 5.0 s after 5.0 s"),
        (121.0, "showing images, but was silent for 10.0 s after 10.0 s"),
    ],
)
def test_sensor_that_stops_is_refused(at: float, said: str) -> None:
    times, watts = recorded(noise=0.01)
    kept = times < at
    text = message(lambda: found((times[kept], watts[kept])), SensorError)
    assert text == f"Sensor must not stop while {said}"


def test_sensor_with_a_gap_is_refused() -> None:
    times, watts = recorded(noise=0.01)
    kept = (times < 115.0) | (times > 117.0)
    text = message(lambda: found((times[kept], watts[kept])), SensorError)
    assert text == (
        "Sensor must not stop while showing images, but was silent for 2.0 s after 4.0 s"
    )
    # A slow one is none that stops.
    assert found(recorded(noise=0.01, rate=2.5)).active.samples == 50


def test_too_few_samples_and_no_images_are_refused() -> None:
    assert message(lambda: found(recorded(noise=0.01, rate=1.5)), SensorError) == (
        "Sensor must give at least 20 samples while idle before the images, not 15 in 10.0 s"
    )
    said = "Images must be shown while power is measured, but none was"
    assert message(lambda: found(recorded(noise=0.01), images=0), SensorError) == said


# All of it.


def test_images_of_a_device_are_counted_beside_the_sensor(tmp_path: Path) -> None:
    """A sensor whose power is higher while images are shown, which a thread sees to."""
    folder = hwmon(tmp_path / "a", name="ina219", power1_input=200_000)
    phases = []

    def report(what: str) -> None:
        phases.append(what)
        # In one step, as the kernel gives it.
        scratch = tmp_path / "scratch"
        scratch.write_text("250000\n" if what == "images" else "200000\n")
        scratch.replace(folder / "power1_input")

    with device() as one:
        before = one.condition().started
        power = measure(
            one, HwmonSensor(folder), shown(5), REQUEST, idle=0.6, seconds=0.6, report=report
        )
        started = one.condition().started - before
    assert phases == ["idle", "images", "idle"]
    assert 0 < power.images < started
    assert power.active.mean_w == pytest.approx(0.25)
    assert power.net_w[0] == pytest.approx(0.05)
    assert power.image_j[0] == pytest.approx(0.05 * power.active.seconds / power.images)


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_images_are_those_of_their_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image takes 0.1 s; those that end in the first quarter of a second count for none."""
    clock = Clock()
    monkeypatch.setattr(workload, "time", clock)
    shown_from: list[float] = []
    settled: list[float] = []

    class Board:
        def present_many(self, levels: np.ndarray, **_request: object) -> Iterator[None]:
            shown_from.append(clock.now)
            for _ in levels:
                clock.now += 0.1
                yield None

        def condition(self) -> None:
            # What was sent ahead is shown before the device answers.
            settled.append(clock.now)
            clock.now += 2.0

    class Meter(Sensor):
        name = "meter"

        def start(self) -> None:
            assert clock.now == 1000.0

        def abandon(self) -> None:
            raise AssertionError("nothing has failed")

        def stop(self, until: float) -> Samples:
            # Until the end of the last phase, and no longer.
            assert until == clock.now
            times = np.arange(999.995, until, 0.01)
            end = settled[0] + 2.0
            return times, np.where((times > shown_from[0]) & (times < end), 0.25, 0.2)

    # Series of 4 images: 13 end until 1.25 s are over, the first two too early.
    power = measure(cast(Device, Board()), Meter(), shown(4), REQUEST, idle=1.0, seconds=1.0)
    assert len(shown_from) == 1 + 4
    assert power.images == 10
    assert power.active.seconds == pytest.approx(1.0)
    assert power.net_w[0] == pytest.approx(0.05)
    assert power.image_j[0] == pytest.approx(0.005)
    assert len(settled) == 1
    assert [idle.seconds for idle in power.idle] == pytest.approx([1.0, 1.0])


def test_thread_of_a_sensor_ends_when_showing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = HwmonSensor(hwmon(tmp_path / "a", power1_input=5))
    with device() as one:

        def fail(*_args: object, **_options: object) -> None:
            raise ValueError("no")

        monkeypatch.setattr(one, "present_many", fail)
        with pytest.raises(ValueError, match="no"):
            measure(one, sensor, shown(5), REQUEST, idle=0.05, seconds=0.5)
    assert sensor._thread is not None and not sensor._thread.is_alive()


def test_what_fails_is_told_at_once_and_not_what_the_table_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = CsvSensor(tmp_path / "later.csv", wait=86_400.0)
    with device() as one:

        def fail(*_args: object, **_options: object) -> None:
            raise TransportError("gone")

        monkeypatch.setattr(one, "present_many", fail)
        with pytest.raises(TransportError, match=r"^gone$"):
            measure(one, sensor, shown(5), REQUEST, idle=0.05, seconds=0.5)


def test_power_that_can_not_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    path.write_text("time,watts\n1,1e200\n2,1\n")
    with pytest.raises(SensorError, match="must have at most 1e\\+06 watts"):
        CsvSensor(path, wait=0.0).stop(2.0)
