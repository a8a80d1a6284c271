"""What a Liberty file says of cells: area, capacitances, energy per transition, leakage."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
from platformdirs import site_data_dir

from prunus_model.common.errors import PrunusError
from prunus_overhead.standard_cells.cell import Cell, Pin, Power, Table
from prunus_overhead.standard_cells.liberty_text import Group, LibertySyntaxError, parse

__all__ = ["Liberty", "LibertyError", "find_liberty"]

#: Where Debian's package qflow-tech-osu018 puts its Liberty file, in the system's data folders.
_OSU018 = Path("tech/osu018/osu018_stdcells.lib")
_INSTALL = "apt install qflow-tech-osu018, or name a file with --liberty"
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_UNIT = re.compile(r"([0-9.]+)([munpf]?)(?:[wvs]|ohm|a|f)", re.IGNORECASE)
_NAME = re.compile(r"\w+")
_NAND2 = re.compile(r"nand2(?!\d)", re.IGNORECASE)
#: Areas in um2 that a Liberty file has as 0: those of the LEF file of the same package (5.6 um x
#: 10 um; for other cells both files say the same).
_AREAS = {("osu018_stdcells", "LATCH"): 56.0}
#: What a pin of a clock gate is.
_GATING = {
    "clock_gate_clock_pin": "clock",
    "clock_gate_enable_pin": "enable",
    "clock_gate_test_pin": "test",
    "clock_gate_out_pin": "out",
}
_P = ParamSpec("_P")
_R = TypeVar("_R")
_LOAD, _SLEW = "total_output_net_capacitance", ("input_transition_time", "input_net_transition")


class LibertyError(PrunusError):
    """A Liberty file is missing, is none, or lacks what is asked for."""


def find_liberty(path: Path | None = None) -> Path:
    """Return the Liberty file: the one that is named, or OSU018 of Debian's qflow-tech-osu018.

    Raises
    ------
    LibertyError
        If there is none; says what to install.
    """
    if path is not None:
        if not path.is_file():
            raise LibertyError(f"Liberty file {path} must exist: {_INSTALL}")
        return path
    for root in site_data_dir("qflow", multipath=True).split(":"):
        if (found := Path(root) / _OSU018).is_file():
            return found
    raise LibertyError(f"Liberty file {_OSU018.name} must be installed: {_INSTALL}")


@dataclass(frozen=True, kw_only=True)
class Liberty:
    """A library of cells.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        Name of the library.
    voltage : float
        Nominal, in V.
    temperature : float
        Nominal, in degrees Celsius.
    cells : dict of str to Cell
    sha256 : str
        Of the file.
    """

    path: Path
    name: str
    voltage: float
    temperature: float
    cells: Mapping[str, Cell] = field(repr=False)
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Liberty:
        """Read a Liberty file.

        Raises
        ------
        LibertyError
            If it is missing, is no Liberty file, has no voltage, or a cell has numbers that are
            missing, none, or not finite; tells in which group.
        """
        content = find_liberty(path).read_bytes()
        try:
            library = parse(content.decode())
        except (LibertySyntaxError, UnicodeDecodeError) as e:
            reason = e if isinstance(e, LibertySyntaxError) else "it is no text"
            raise LibertyError(f"Liberty file {path} must be a Liberty file: {reason}") from e
        if library.name != "library":
            raise LibertyError(
                f"Liberty file {path} must be a group 'library', not {library.name!r}"
            )
        try:
            return _library(library, path, hashlib.sha256(content).hexdigest())
        except LibertyError:
            raise
        except ValueError as e:
            raise LibertyError(f"Liberty file {path} must be readable: {e}") from e

    @property
    def technology(self) -> str:
        """Short name and voltage, as results tell it."""
        return f"{self.name.removesuffix('_stdcells')} {self.voltage:g} V"

    @cached_property
    def nand2(self) -> Cell:
        """The smallest NAND of two inputs: the unit of size.

        Raises
        ------
        LibertyError
            If there is none.
        """
        found = [cell for cell in self.cells.values() if _NAND2.search(cell.name) and cell.area]
        if not found:
            raise LibertyError(f"Liberty file {self.path} must have a cell NAND2")
        return min(found, key=lambda cell: cell.area)

    @cached_property
    def buffer(self) -> Cell:
        """The smallest buffer.

        Raises
        ------
        LibertyError
            If there is none.
        """
        return self.smallest("{0}", 1, "a buffer")

    def smallest(self, function: str, inputs: int, name: str) -> Cell:
        """Return the smallest cell with one output of a function; of several, the strongest.

        Parameters
        ----------
        function : str
            As Liberty files write it, without spaces and parentheses; inputs are ``{0}``, ``{1}``.
        inputs : int
            How many there are.
        name : str
            What it is called in a message.

        Raises
        ------
        LibertyError
            If there is none.
        """
        found = []
        for cell in self.cells.values():
            names = [pin.name for pin in cell.pins.values() if pin.direction == "input"]
            outputs = [pin for pin in cell.pins.values() if pin.direction == "output"]
            if not cell.area or cell.sequential or len(names) != inputs or len(outputs) != 1:
                continue
            # AND is written as `*`, `&`, or as nothing between two names.
            told = re.sub(r"\s*[*&]\s*|(?<=\w)\s+(?=\w)", "*", outputs[0].function)
            if re.sub(r"[()\s]", "", told) == function.format(*names):
                found.append((cell.area, -outputs[0].max_load, cell))
        if not found:
            raise LibertyError(f"Liberty file {self.path} must have {name}")
        return min(found, key=lambda entry: entry[:2])[2]

    def check_power(self) -> None:
        """Check that energies are there.

        Raises
        ------
        LibertyError
            If no cell has power tables.
        """
        pins = (pin for cell in self.cells.values() for pin in cell.pins.values())
        if not any(pin.powers for pin in pins):
            raise LibertyError(
                f"Liberty file {self.path} must have power tables (internal_power) for energies, "
                f"but has none"
            )


def _placed(read: Callable[Concatenate[Group, _P], _R]) -> Callable[Concatenate[Group, _P], _R]:
    """Let a function that reads a group put the group before what is wrong in it."""

    def placed(group: Group, /, *args: _P.args, **options: _P.kwargs) -> _R:
        try:
            return read(group, *args, **options)
        except LibertyError:
            raise
        except KeyError as e:
            reason = f"{e} is missing or unknown"
        except (ValueError, IndexError) as e:
            reason = str(e) if isinstance(e, ValueError) else "a name or value is missing"
        raise ValueError(f"{' '.join((group.name, *group.arguments))}: {reason}")

    return placed


@_placed
def _library(library: Group, path: Path, sha256: str) -> Liberty:
    if "nom_voltage" not in library.simple:
        raise LibertyError(f"Liberty file {path} must have a nom_voltage")
    farads = library.complex.get("capacitive_load_unit", ("1", "pf"))
    load_pf = float(farads[0]) * {"f": 1e-3, "p": 1.0}[farads[1].lower()[0]]
    scales = _Scales(
        load_pf=load_pf,
        slew_ns=_unit(library.simple.get("time_unit", "1ns")) / 1e-9,
        # Energy is in the units of capacitance times voltage squared.
        energy_pj=load_pf * _unit(library.simple.get("voltage_unit", "1V")) ** 2,
        leakage_w=_unit(library.simple.get("leakage_power_unit", "1nW")),
        templates={
            group.arguments[0]: group
            for kind in ("power_lut_template", "lu_table_template")
            for group in library.all(kind)
        },
    )
    cells = [_cell(group, scales) for group in library.all("cell")]
    for k, cell in enumerate(cells):
        if not cell.area:
            area = _AREAS.get((library.arguments[0], cell.name), 0.0)
            cells[k] = replace(cell, area=area)
    if not cells:
        raise LibertyError(f"Liberty file {path} must have cells, but has none")
    voltage = float(library.simple["nom_voltage"])
    temperature = float(library.simple.get("nom_temperature", 25))
    if not np.isfinite([voltage, temperature]).all():
        raise ValueError(
            f"nom_voltage and nom_temperature must be finite, not {voltage} and {temperature}"
        )
    return Liberty(
        path=path,
        name=library.arguments[0],
        voltage=voltage,
        temperature=temperature,
        cells={cell.name: cell for cell in cells},
        sha256=sha256,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scales:
    """Factors from the units of a library to ours, and the templates of its tables."""

    load_pf: float
    slew_ns: float
    energy_pj: float
    leakage_w: float
    templates: Mapping[str, Group]


def _unit(text: str) -> float:
    found = _UNIT.fullmatch(text.strip())
    if found is None:
        raise LibertyError(f"Unit of a Liberty file must be like 1ns, not {text!r}")
    return float(found[1]) * _PREFIXES[found[2].lower()]


@_placed
def _cell(group: Group, scales: _Scales) -> Cell:
    pins = [_pin(pin, scales) for pin in group.all("pin")]
    gate = group.simple.get("clock_gating_integrated_cell", "")
    return Cell(
        name=group.arguments[0],
        area=float(group.simple.get("area", 0)),
        leakage=float(group.simple.get("cell_leakage_power", 0)) * scales.leakage_w,
        sequential=bool(gate)
        or any(group.all(kind) for kind in ("ff", "latch", "ff_bank", "latch_bank")),
        latch=_latch(group),
        gate=gate,
        pins={pin.name: pin for pin in pins},
    )


def _latch(group: Group) -> str:
    """Return the pin while which is high data passes through a latch without set and reset."""
    for latch in group.all("latch"):
        data, enable = (latch.simple.get(name, "") for name in ("data_in", "enable"))
        if not {"clear", "preset"} & set(latch.simple) and _NAME.fullmatch(data):
            return enable if _NAME.fullmatch(enable) else ""
    return ""


@_placed
def _pin(group: Group, scales: _Scales) -> Pin:
    powers = []
    for power in group.all("internal_power"):
        tables = {table.name: _table(table, scales) for table in power.groups}
        both = tables.get("power")
        powers.append(
            Power(rise=tables.get("rise_power", both), fall=tables.get("fall_power", both))
        )
    gating = [told for name, told in _GATING.items() if group.simple.get(name) == "true"]
    return Pin(
        name=group.arguments[0],
        direction=group.simple.get("direction", "input"),
        capacitance=float(group.simple.get("capacitance", 0)) * scales.load_pf,
        clock=group.simple.get("clock", "false") == "true",
        three_state="three_state" in group.simple,
        function=group.simple.get("function", ""),
        powers=tuple(powers),
        max_load=float(group.simple.get("max_capacitance", "inf")) * scales.load_pf,
        gating=gating[0] if gating else "",
    )


@_placed
def _table(group: Group, scales: _Scales) -> Table:
    one = np.zeros(1)
    template = scales.templates.get(group.arguments[0]) if group.arguments else None
    axes = {}
    for k in (1, 2):
        if template is not None and f"variable_{k}" in template.simple:
            # A table without an index has that of its template.
            index = group.complex.get(f"index_{k}") or template.complex[f"index_{k}"]
            axes[template.simple[f"variable_{k}"]] = _numbers(index)
    loads = axes.get(_LOAD)
    slews = next((axes[name] for name in _SLEW if name in axes), None)
    energy = _numbers(group.complex["values"]).reshape([axis.size for axis in axes.values()] or 1)
    if loads is not None and slews is not None and next(iter(axes)) != _LOAD:
        energy = energy.T
    return Table(
        loads=one if loads is None else loads * scales.load_pf,
        slews=one if slews is None else slews * scales.slew_ns,
        energy=energy.reshape(
            1 if loads is None else loads.size, 1 if slews is None else slews.size
        )
        * scales.energy_pj,
    )


def _numbers(values: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.array(
        [float(word) for value in values for word in re.split(r"[,\s]+", value) if word]
    )
