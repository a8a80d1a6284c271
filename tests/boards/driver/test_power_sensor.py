"""Sensors of power: files of the kernel, and tables of instruments."""

import csv
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from prunus_boards.driver.power.sensor import (
    CsvSensor,
    HwmonSensor,
    Samples,
    SensorError,
    open_sensor,
)
from prunus_devices import message
from prunus_power import found, hwmon, recorded


def read(sensor: HwmonSensor) -> float:
    """Mean of some samples."""
    sensor.start()
    while len(sensor._rows) < 5 and sensor._error is None:
        time.sleep(0.01)
    times, watts = sensor.stop(time.time())
    assert np.all(np.diff(times) > 0)
    return float(watts.mean())


def test_units_are_those_of_the_kernel(tmp_path: Path) -> None:
    whole = hwmon(tmp_path / "a", name="ina219", power1_input=1_234_000, in1_input=1, curr1_input=1)
    sensor = open_sensor(str(whole), wait=0)
    assert isinstance(sensor, HwmonSensor)
    assert sensor.name == "ina219, hwmon"
    assert read(sensor) == pytest.approx(1.234)
    parts = hwmon(tmp_path / "b", in1_input=5012, curr1_input=250, update_interval=20)
    sensor = HwmonSensor(parts)
    assert (sensor.name, sensor._period) == ("sensor, hwmon", 0.02)
    assert read(sensor) == pytest.approx(5.012 * 0.25)


def test_folder_without_a_sensor_is_refused(tmp_path: Path) -> None:
    folder = hwmon(tmp_path / "a", in1_input=5)
    assert message(lambda: HwmonSensor(folder), SensorError) == (
        f"Sensor {folder} must have power1_input, or in1_input and curr1_input"
    )
    (folder / "power1_input").write_text("many\n")
    assert message(lambda: HwmonSensor(folder), SensorError) == (
        f"Sensor {folder}/power1_input must hold a whole number, not 'many\\n'"
    )
    assert message(lambda: open_sensor("nowhere", wait=0), SensorError) == (
        "Sensor must be a folder as /sys/class/hwmon/hwmon0, or a table .csv, not 'nowhere'"
    )


def test_sensor_that_vanishes_is_told(tmp_path: Path) -> None:
    folder = hwmon(tmp_path / "a", power1_input=5)
    sensor = HwmonSensor(folder)
    (folder / "power1_input").unlink()
    assert message(lambda: read(sensor), SensorError) == (
        f"Sensor {folder}/power1_input must stay readable: No such file or directory"
    )


# Tables.


def table(path: Path, samples: Samples, *, end: str = "") -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "volts", "watts"])
        rows.writerows(zip(samples[0], np.full(samples[0].size, 5.0), samples[1], strict=True))
        file.write(end)
    return path


def test_table_of_an_instrument_gives_the_same_as_its_samples(tmp_path: Path) -> None:
    samples = recorded(noise=0.01)
    # The last row is being written.
    path = table(tmp_path / "power.csv", samples, end="143.0,5.0")
    sensor = open_sensor(str(path), wait=0)
    sensor.start()
    assert found(sensor.stop(142.0)) == found(samples)


def test_table_may_come_late(tmp_path: Path) -> None:
    path = tmp_path / "power.csv"
    samples = recorded(noise=0.01)
    early = table(tmp_path / "early", (samples[0][:3000], samples[1][:3000]))
    writer = threading.Timer(0.3, lambda: table(tmp_path / "late", samples).replace(path))
    early.replace(path)
    writer.start()
    times, _ = CsvSensor(path, wait=600).stop(142.0)
    writer.join()
    assert times.size == samples[0].size


def test_table_that_ends_early_is_a_sensor_that_stops(tmp_path: Path) -> None:
    samples = recorded(noise=0.01)
    path = table(tmp_path / "power.csv", (samples[0][:2000], samples[1][:2000]))
    times, watts = CsvSensor(path, wait=0).stop(142.0)
    text = message(lambda: found((times, watts)), SensorError)
    assert text.startswith("Sensor must not stop while showing images, but was silent for ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Table {} must exist 0 s after the images"),
        ("", "Table {} must have columns time and watts, not none"),
        ("time,power\n1,2\n", "Table {} must have columns time and watts, not time, power"),
        ("time,watts\n", "Table {} must have rows"),
        ("time,watts\n1,2\nx,2\n3,2\n", "Table {} must have numbers in row 3, not x, 2"),
        ("time,watts\n1,2\n2,nan\n3,2\n", "Table {} must have finite numbers"),
        ("time,watts\n2,2\n1,2\n", "Table {} must be in the order of time"),
    ],
)
def test_bad_table_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "power.csv"
    if content is not None:
        path.write_text(content)
    sensor = CsvSensor(path, wait=0)
    assert message(lambda: sensor.stop(5.0), SensorError) == said.format(path)


def test_folder_of_a_table_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "no" / "power.csv"
    said = f"Folder {path.parent} of the table must exist"
    assert message(lambda: CsvSensor(path, wait=0), SensorError) == said


def test_table_that_is_not_whole_yet_is_waited_for(tmp_path: Path) -> None:
    samples = recorded()
    path = tmp_path / "slow.csv"
    path.write_text("")
    sensor = CsvSensor(path, wait=20.0)

    def write() -> None:
        time.sleep(0.3)
        path.write_text("time,wa")
        time.sleep(0.3)
        table(path, samples)

    thread = threading.Thread(target=write)
    thread.start()
    times, _ = sensor.stop(float(samples[0][-1]))
    thread.join()
    assert len(times) == len(samples[0])
    path.write_text("time,volts\n1,2\n")
    with pytest.raises(SensorError, match="must have columns time and watts, not time, volts"):
        CsvSensor(path, wait=0.2).stop(5.0)


def test_table_as_spreadsheets_write_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(b"\xef\xbb\xbftime, watts\n1, 0.5\n2, 0.25\n")
    times, watts = CsvSensor(path, wait=0.0).stop(2.0)
    assert (times.tolist(), watts.tolist()) == ([1.0, 2.0], [0.5, 0.25])


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    must = "must be a file, not a device, pipe or socket"
    with pytest.raises(SensorError, match=f"^Table .*pipe.csv {must}$"):
        open_sensor(str(tmp_path / "pipe.csv"), wait=9.0)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SensorError, match=r"folder.csv must be a file, not a folder$"):
        open_sensor(str(tmp_path / "folder.csv"), wait=9.0)
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a/power1_input")
    with pytest.raises(SensorError, match=f"^Sensor .*power1_input {must}$"):
        HwmonSensor(tmp_path / "a")
    with pytest.raises(SensorError, match=r"^Sensor must be named, not ''$"):
        open_sensor("", wait=9.0)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("power1_input", b"\xff\xfe\x80", "power1_input must hold a whole number, not "),
        ("power1_input", b"9" * 400, "power1_input must hold a whole number, not "),
        ("power1_input", b"9" * 5000, "power1_input must hold a whole number, not "),
        ("update_interval", b"9" * 30, "update_interval must hold a whole number, not "),
        ("update_interval", b"60001", "update_interval must be 0 to 60000 ms, not 60001"),
        ("update_interval", b"-1", "update_interval must be 0 to 60000 ms, not -1"),
    ],
)
def test_garbage_of_a_sensor_is_one_short_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    folder = hwmon(tmp_path / "a", power1_input=5)
    (folder / name).write_bytes(content)
    with pytest.raises(SensorError) as caught:
        HwmonSensor(folder)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 120 + len(str(folder))


def test_name_of_a_sensor_is_one_line_of_text(tmp_path: Path) -> None:
    folder = hwmon(tmp_path / "a", power1_input=5)
    (folder / "name").write_bytes(b"\xffina" + b"x" * 100 + b"\nmore\n")
    name = HwmonSensor(folder).name
    assert "\n" not in name
    assert len(name) < 60


def test_sensor_that_turns_to_garbage_is_told_when_it_is_read(tmp_path: Path) -> None:
    folder = hwmon(tmp_path / "a", power1_input=5)
    sensor = HwmonSensor(folder)
    sensor.start()
    (folder / "power1_input").write_bytes(b"\xff\xfe")
    assert sensor._thread is not None
    sensor._thread.join(10.0)
    with pytest.raises(SensorError, match="must hold a whole number, not "):
        sensor.stop(0.0)
