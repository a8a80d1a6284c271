"""Sensors of power: the kernel's files of one, or what an instrument writes."""

from __future__ import annotations

import csv
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.deadline import Deadline
from prunus_model.common.errors import PrunusError

__all__ = ["CsvSensor", "HwmonSensor", "Samples", "Sensor", "SensorError", "open_sensor"]

#: Times, in Unix seconds, and watts.
Samples = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
#: Files of the kernel's hwmon, and what they count in: watts; volts and amperes.
_POWER, _VOLTAGE, _CURRENT = "power1_input", "in1_input", "curr1_input"
_MICRO, _MILLI = 1e-6, 1e-3
#: Seconds between two samples, unless the sensor says that it takes longer.
_PERIOD = 0.01
#: Seconds between two looks at a file that is being written.
_LOOK = 0.1
_COLUMNS = ("time", "watts")


class SensorError(PrunusError):
    """There is no such sensor, or it does not do what it should."""


class Sensor(ABC):
    """Gives the power over a while.

    Attributes
    ----------
    name : str
        What it is, for messages and results.
    """

    name: str

    @abstractmethod
    def start(self) -> None:
        """Begin to record.

        Raises
        ------
        SensorError
            If there is nothing to record.
        """

    @abstractmethod
    def stop(self, until: float) -> Samples:
        """End, and return what was recorded, in the order of time, up to that time at least.

        Raises
        ------
        SensorError
            If the sensor has failed meanwhile.
        """

    @abstractmethod
    def abandon(self) -> None:
        """End at once, without samples: something else has failed."""


class HwmonSensor(Sensor):
    """A sensor that the Linux kernel knows, as an INA219 of driver ``ina2xx``.

    Its folder has ``power1_input`` in microwatts, or ``in1_input`` in millivolts and
    ``curr1_input`` in milliamperes. It is read in a thread, no oftener than it measures
    (``update_interval``, in milliseconds).

    Parameters
    ----------
    folder : Path
        As ``/sys/class/hwmon/hwmon2``.

    Raises
    ------
    SensorError
        If it has none of these files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if (folder / _POWER).exists():
            self._read: Callable[[], float] = self._power
        elif (folder / _VOLTAGE).exists() and (folder / _CURRENT).exists():
            self._read = self._product
        else:
            raise SensorError(f"Sensor {folder} must have {_POWER}, or {_VOLTAGE} and {_CURRENT}")
        try:
            kind = (folder / "name").read_text().strip()
        except OSError:
            kind = "sensor"
        self.name = f"{kind}, hwmon"
        self._period = _PERIOD
        if (folder / "update_interval").exists():
            self._period = max(_PERIOD, _MILLI * self._number("update_interval"))
        self._read()
        self._rows: list[tuple[float, float]] = []
        self._error: SensorError | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read it."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def abandon(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def stop(self, until: float) -> Samples:
        """End the thread; ``until`` has passed."""
        self.abandon()
        if self._error is not None:
            raise self._error
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 2)
        return rows[:, 0], rows[:, 1]

    def _sample(self) -> None:
        try:
            while not self._ended.wait(self._period):
                before = time.time()
                watts = self._read()
                # In the middle of what may have taken a while.
                self._rows.append(((before + time.time()) / 2, watts))
        except SensorError as e:
            self._error = e

    def _power(self) -> float:
        return _MICRO * self._number(_POWER)

    def _product(self) -> float:
        return _MILLI * self._number(_VOLTAGE) * _MILLI * self._number(_CURRENT)

    def _number(self, name: str) -> int:
        path = self._folder / name
        try:
            text = path.read_text()
        except OSError as e:
            raise SensorError(f"Sensor {path} must stay readable: {e.strerror}") from e
        try:
            return int(text)
        except ValueError as e:
            raise SensorError(f"Sensor {path} must hold a whole number, not {text!r}") from e


class CsvSensor(Sensor):
    """A table that an instrument writes: columns ``time``, in Unix seconds, and ``watts``.

    It may be written while images are shown, or put there afterwards.

    Parameters
    ----------
    path : Path
        The file.
    wait : float
        Seconds that its last rows may come late.
    """

    def __init__(self, path: Path, *, wait: float) -> None:
        if not path.parent.is_dir():
            raise SensorError(f"Folder {path.parent} of the table must exist")
        self._path = path
        self._wait = wait
        self.name = "table of an instrument"

    def start(self) -> None:
        """Do nothing: the instrument records."""

    def abandon(self) -> None:
        """Do nothing: the instrument goes on."""

    def stop(self, until: float) -> Samples:
        """Wait for rows up to that time, and return all."""
        deadline = Deadline(self._wait)
        while True:
            times, watts = self._rows() if self._path.exists() else (np.zeros(0), np.zeros(0))
            if times.size and times[-1] >= until:
                return times, watts
            if deadline.over:
                break
            time.sleep(min(_LOOK, deadline.left))
        if not self._path.exists():
            raise SensorError(f"Table {self._path} must exist {self._wait:g} s after the images")
        if not times.size:
            raise SensorError(f"Table {self._path} must have rows")
        # What is missing is told by whoever looks for it.
        return times, watts

    def _rows(self) -> Samples:
        try:
            with self._path.open(newline="") as file:
                reader = csv.DictReader(file)
                names = tuple(reader.fieldnames or ())
                if not set(_COLUMNS) <= set(names):
                    raise SensorError(
                        f"Table {self._path} must have columns {' and '.join(_COLUMNS)}, "
                        f"not {', '.join(names) or 'none'}"
                    )
                rows = list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as e:
            raise SensorError(f"Table {self._path} must be readable: {e}") from e
        found = []
        for number, row in enumerate(rows):
            try:
                found.append([float(row[name]) for name in _COLUMNS])
            except (TypeError, ValueError) as e:
                # The last line may be half written.
                if number == len(rows) - 1:
                    break
                raise SensorError(
                    f"Table {self._path} must have numbers in row {number + 2}, "
                    f"not {', '.join(str(row[name]) for name in _COLUMNS)}"
                ) from e
        table = np.array(found, dtype=np.float64).reshape(-1, 2)
        if not np.isfinite(table).all():
            raise SensorError(f"Table {self._path} must have finite numbers")
        if np.any(np.diff(table[:, 0]) < 0):
            raise SensorError(f"Table {self._path} must be in the order of time")
        return table[:, 0], table[:, 1]


def open_sensor(name: str, *, wait: float) -> Sensor:
    """Open the sensor that the user names: a table, if it ends in ``.csv``, else a folder.

    Raises
    ------
    SensorError
        If there is no such sensor.
    """
    path = Path(name)
    if path.suffix.lower() == ".csv":
        return CsvSensor(path, wait=wait)
    if not path.is_dir():
        raise SensorError(
            f"Sensor must be a folder as /sys/class/hwmon/hwmon0, or a table .csv, not {name!r}"
        )
    return HwmonSensor(path)
