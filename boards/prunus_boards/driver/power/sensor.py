"""Sensors of power: the kernel's files of one, or what an instrument writes."""

from __future__ import annotations

import csv
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.deadline import Deadline
from prunus_model.common.errors import PrunusError
from prunus_model.common.reading import refusal

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
#: Longest that is believed: a minute between samples; and most watts, and numbers in a file.
_LONGEST, _MOST_WATTS, _MOST_NUMBER = 60_000, 1e6, 1 << 62
#: Characters of what a file holds, in a message.
_QUOTED = 40
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
            kind = (folder / "name").read_text(encoding="ascii", errors="replace")
        except OSError:
            kind = ""
        self.name = f"{_quoted(kind.strip().partition(chr(10))[0]) or 'sensor'}, hwmon"
        self._period = _PERIOD
        if (folder / "update_interval").exists():
            interval = self._number("update_interval")
            if not 0 <= interval <= _LONGEST:
                raise SensorError(
                    f"Sensor {folder / 'update_interval'} must be 0 to {_LONGEST} ms, "
                    f"not {interval}"
                )
            self._period = max(_PERIOD, _MILLI * interval)
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
            if path.exists() and (wrong := refusal(path)):
                raise SensorError(f"Sensor {path} {wrong}")
            text = path.read_text(encoding="ascii", errors="replace")
        except OSError as e:
            raise SensorError(f"Sensor {path} must stay readable: {e.strerror}") from e
        # Python refuses to convert thousands of digits.
        with suppress(ValueError):
            if abs(number := int(text)) < _MOST_NUMBER:
                return number
        raise SensorError(f"Sensor {path} must hold a whole number, not {_quoted(repr(text))}")


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
        if path.exists() and (wrong := refusal(path)):
            raise SensorError(f"Table {path} {wrong}")
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
            times, watts = np.zeros(0), np.zeros(0)
            # What is wrong may be what is not written yet.
            wrong: SensorError | None = None
            try:
                if self._path.exists():
                    times, watts = self._rows()
            except SensorError as e:
                wrong = e
            if times.size and times[-1] >= until:
                return times, watts
            if deadline.over:
                break
            time.sleep(min(_LOOK, deadline.left))
        if wrong is not None:
            raise wrong
        if not self._path.exists():
            raise SensorError(f"Table {self._path} must exist {self._wait:g} s after the images")
        if not times.size:
            raise SensorError(f"Table {self._path} must have rows")
        # What is missing is told by whoever looks for it.
        return times, watts

    def _rows(self) -> Samples:
        try:
            if wrong := refusal(self._path):
                raise SensorError(f"Table {self._path} {wrong}")
            # Some programs write a mark of the encoding first, and spaces behind commas.
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, skipinitialspace=True)
                names = tuple(reader.fieldnames or ())
                if not set(_COLUMNS) <= set(names):
                    raise SensorError(
                        f"Table {self._path} must have columns {' and '.join(_COLUMNS)}, "
                        f"not {_quoted(', '.join(names)) or 'none'}"
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
        if np.any(np.abs(table[:, 1]) > _MOST_WATTS):
            raise SensorError(f"Table {self._path} must have at most {_MOST_WATTS:g} watts")
        if np.any(np.diff(table[:, 0]) < 0):
            raise SensorError(f"Table {self._path} must be in the order of time")
        return table[:, 0], table[:, 1]


def _quoted(text: str) -> str:
    """Return the beginning of what a file holds."""
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def open_sensor(name: str, *, wait: float) -> Sensor:
    """Open the sensor that the user names: a table, if it ends in ``.csv``, else a folder.

    Raises
    ------
    SensorError
        If there is no such sensor.
    """
    path = Path(name)
    if not name:
        raise SensorError("Sensor must be named, not ''")
    if path.suffix.lower() == ".csv":
        return CsvSensor(path, wait=wait)
    if not path.is_dir():
        raise SensorError(
            f"Sensor must be a folder as /sys/class/hwmon/hwmon0, or a table .csv, not {name!r}"
        )
    return HwmonSensor(path)
