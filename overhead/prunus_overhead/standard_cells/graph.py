"""The nets of a mapped design, across its hierarchy: what drives them, and what they drive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prunus_overhead.standard_cells.cell import Cell
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import MappingError
from prunus_rtl.export.netlist import TOP

__all__ = ["CORE", "Graph", "Instance", "Net", "drivers", "gated", "unit_of"]

#: The unit of what is in no other.
CORE = "core"
#: The learning engine, whose units are told apart.
_GROUP = "learning"
_MEMORY = "$mem_v2"
_NUMBERS = re.compile(r"\d*(?:\$\d+)?$")
_OUTPUTS = {_MEMORY: ("RD_DATA",)}

#: Instances on the way from the top to a module.
Path = tuple[str, ...]


def unit_of(path: Path) -> str:
    """Return the unit that a module belongs to, all lanes of it together.

    Examples
    --------
    >>> unit_of(("membrane", "lane3")), unit_of(("store12",)), unit_of(("last_step$446",))
    ('membrane', 'store', 'last_step')
    >>> unit_of(("learning", "sweep")), unit_of(("learning",)), unit_of(())
    ('sweep', 'core', 'core')
    """
    names = [_NUMBERS.sub("", name) or name for name in path]
    if names[:1] == [_GROUP]:
        names.pop(0)
    return names[0] if names else CORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A standard cell in the design.

    Attributes
    ----------
    unit : str
        Unit that it belongs to.
    cell : Cell
        What it is.
    gate : bool
        Whether it is a clock gate, or a part of one.
    """

    unit: str
    cell: Cell
    gate: bool = False


@dataclass(slots=True, kw_only=True)
class Net:
    """A net, one bit.

    Attributes
    ----------
    unit : str
        Unit of the driver; what comes from outside belongs to :data:`CORE`.
    driver : tuple of (Instance, str) or None
        Cell and its pin; None if a memory or an input of the design drives it.
    watch : tuple of (Path, int)
        Module in which it is driven, and its place among the drivers of that (:func:`drivers`).
    sinks : list of (Instance, str)
        Cells, and which pin of each.
    others : int
        Pins of memories and outputs of the design that it drives.
    pulses : bool
        Whether a clock gate drives it: then its driver counts pulses (:func:`gated`).
    """

    unit: str
    driver: tuple[Instance, str] | None
    watch: tuple[Path, int]
    sinks: list[tuple[Instance, str]] = field(default_factory=list)
    others: int = 0
    pulses: bool = False

    @property
    def fanout(self) -> int:
        """How much it drives."""
        return len(self.sinks) + self.others

    @property
    def clocks(self) -> bool:
        """Whether it drives a clock pin."""
        return any(instance.cell.pins[pin].clock for instance, pin in self.sinks)


def drivers(name: str, modules: Mapping[str, Any], liberty: Liberty) -> list[int]:
    """Return the bits that are driven in a module, each once, in a fixed order.

    Outputs of standard cells and memories; in the top module its inputs too.

    Parameters
    ----------
    name : str
        Name of the module.
    modules : mapping
        As of :meth:`prunus_overhead.standard_cells.mapping.Mapped.modules`.
    liberty : Liberty
        The cells.

    Raises
    ------
    MappingError
        If a cell is not in the library.
    """
    module = modules[name]
    bits: list[Any] = []
    if name == TOP:
        ports = module["ports"].values()
        bits += [bit for port in ports if port["direction"] == "input" for bit in port["bits"]]
    for cell in module["cells"].values():
        for pin in _outputs(cell["type"], modules, liberty):
            bits += cell["connections"].get(pin, [])
    # Bits that are constant are strings.
    return list(dict.fromkeys(bit for bit in bits if isinstance(bit, int)))


def gated(name: str, modules: Mapping[str, Any], liberty: Liberty) -> set[int]:
    """Return the bits that are clocks and are driven by cells of the module: by clock gates.

    Parameters
    ----------
    name, modules, liberty
        As of :func:`drivers`.
    """
    clocks, driven = set(), set()
    for cell in modules[name]["cells"].values():
        if cell["type"] not in liberty.cells:
            continue
        for pin in liberty.cells[cell["type"]].pins.values():
            bits = [bit for bit in cell["connections"].get(pin.name, []) if isinstance(bit, int)]
            if pin.direction == "output":
                driven.update(bits)
            elif pin.clock:
                clocks.update(bits)
    return clocks & driven


def _outputs(kind: str, modules: Mapping[str, Any], liberty: Liberty) -> tuple[str, ...]:
    if kind in modules:
        return ()
    if kind in _OUTPUTS:
        return _OUTPUTS[kind]
    if kind not in liberty.cells:
        raise MappingError(f"Cells of the netlist must be in {liberty.path.name}, not {kind!r}")
    pins = liberty.cells[kind].pins.values()
    return tuple(pin.name for pin in pins if pin.direction == "output")


class Graph:
    """All cells and nets of a design.

    Parameters
    ----------
    modules : mapping
        As of :meth:`prunus_overhead.standard_cells.mapping.Mapped.modules`.
    liberty : Liberty
        The cells.

    Attributes
    ----------
    instances : list of Instance
    nets : list of Net

    Raises
    ------
    MappingError
        If a cell is not in the library.
    """

    def __init__(self, modules: Mapping[str, Any], liberty: Liberty) -> None:
        self.instances: list[Instance] = []
        self._modules = modules
        self._liberty = liberty
        self._nets: dict[tuple[Path, int], Net] = {}
        #: Where a bit of a module is driven, if it is not there: joined by the ports.
        self._same: dict[tuple[Path, int], tuple[Path, int]] = {}
        self._sinks: list[tuple[tuple[Path, int], Instance | None, str]] = []
        self._walk(TOP, ())
        for bit in _bits(modules[TOP], "output"):
            self._sinks.append((((), bit), None, ""))
        for place, instance, pin in self._sinks:
            net = self._net(place)
            if net is not None and instance is None:
                net.others += 1
            elif net is not None and instance is not None:
                net.sinks.append((instance, pin))
        self.nets = list(self._nets.values())
        for net in self.nets:
            if net.clocks and net.driver is not None and not net.pulses:
                where = ".".join([*net.watch[0], str(net.watch[1])])
                raise MappingError(
                    f"Clock gates must be in the module that they clock, not {where}"
                )

    def _walk(self, name: str, path: Path) -> None:
        module, unit = self._modules[name], unit_of(path)
        clocks = gated(name, self._modules, self._liberty)
        for k, bit in enumerate(drivers(name, self._modules, self._liberty)):
            self._nets[path, bit] = Net(
                unit=unit, driver=None, watch=(path, k), pulses=bit in clocks
            )
        for called, cell in module["cells"].items():
            kind, pins = cell["type"], cell["connections"]
            if kind in self._modules:
                self._join(self._modules[kind], (*path, called), pins, path)
                self._walk(kind, (*path, called))
            elif kind == _MEMORY:
                self._sink(path, None, {p: b for p, b in pins.items() if p not in _OUTPUTS[kind]})
            else:
                outputs = [
                    bit for p in _outputs(kind, self._modules, self._liberty) for bit in pins[p]
                ]
                found = self._liberty.cells[kind]
                gate = bool(found.latch or clocks & set(outputs))
                instance = Instance(unit=unit, cell=found, gate=gate)
                self.instances.append(instance)
                for pin in _outputs(kind, self._modules, self._liberty):
                    for bit in pins.get(pin, []):
                        if isinstance(bit, int):
                            self._nets[path, bit].driver = (instance, pin)
                inputs = {p: b for p, b in pins.items() if self._is_input(kind, p)}
                self._sink(path, instance, inputs)

    def _is_input(self, kind: str, pin: str) -> bool:
        return self._liberty.cells[kind].pins[pin].direction == "input"

    def _sink(self, path: Path, instance: Instance | None, pins: Mapping[str, list[Any]]) -> None:
        for pin, bits in pins.items():
            for bit in bits:
                if isinstance(bit, int):
                    self._sinks.append(((path, bit), instance, pin))

    def _join(self, module: Any, path: Path, pins: Mapping[str, list[Any]], above: Path) -> None:
        """Join the bits of the ports of a module with those of the module above it."""
        for name, port in module["ports"].items():
            for inner, outer in zip(port["bits"], pins.get(name, []), strict=False):
                if not (isinstance(inner, int) and isinstance(outer, int)):
                    continue
                if port["direction"] == "input":
                    self._same[path, inner] = (above, outer)
                else:
                    self._same.setdefault((above, outer), (path, inner))

    def _net(self, place: tuple[Path, int]) -> Net | None:
        """Return the net that a bit of a module belongs to; None if nothing drives it."""
        while place not in self._nets:
            if place not in self._same:
                return None
            place = self._same[place]
        return self._nets[place]


def _bits(module: Any, direction: str) -> Iterator[int]:
    for port in module["ports"].values():
        if port["direction"] == direction:
            yield from (bit for bit in port["bits"] if isinstance(bit, int))
