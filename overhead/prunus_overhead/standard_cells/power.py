"""Energy of a workload: transitions times what the Liberty file says of each.

For each net its transitions, times

- the energy inside of the cell that drives it, at its load: mean of rise and fall, and of the
  inputs that may have caused it;
- the energy inside of cells that its change at an input takes (flip-flops without a change of
  their output);
- ``C V^2 / 2`` of the pins that it drives, and of the wires to them.

For the clock, in each cycle, the energy inside of all clock pins, and ``C V^2`` of the net. There
is no tree of buffers in it. Behind a clock gate
(:mod:`prunus_overhead.standard_cells.gating`) only the pulses that it passes on count, and all that
the gate takes is a part of its own: its cells, the clock to it, and what it holds. Leakage: that of
all cells for the duration, apart from the rest. Memories are not included: neither their energy nor
the capacitance of their pins.

Assumed: one transition time for all pins, and a capacitance of wire for each pin that is driven.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from prunus_overhead.standard_cells.activity import CLOCK, SCOPE, WATCH
from prunus_overhead.standard_cells.graph import Graph, Instance, Net
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.saif import Activity, ActivityError

__all__ = ["CLOCK_PARTS", "PARTS", "Assumptions", "Energy", "energy"]

#: Parts of the dynamic energy.
PARTS = (
    "combinational",
    "sequential",
    "net_pins",
    "net_wires",
    "clock_pins",
    "clock_net",
    "clock_gates",
)
#: Those of the clock.
CLOCK_PARTS = ("clock_pins", "clock_net", "clock_gates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What neither netlist nor Liberty file tells.

    Attributes
    ----------
    wire_ff : float
        Capacitance of wire for each pin that a net drives, in fF. 10 fF are some 50 um of metal in
        0.18 um.
    slew_ns : float
        Transition time at all pins, in ns.
    clock_mhz : float
        Clock for the leakage: how long a cycle lasts. Dynamic energy does not depend on it.
    """

    wire_ff: float = 10.0
    slew_ns: float = 0.12
    clock_mhz: float = 50.0

    def __post_init__(self) -> None:
        for name in ("wire_ff", "slew_ns"):
            if not getattr(self, name) >= 0:
                raise ActivityError(f"{name} must not be negative, but is {getattr(self, name)!r}")
        if not self.clock_mhz > 0:
            raise ActivityError(f"clock_mhz must be more than 0, not {self.clock_mhz!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy of a workload.

    Attributes
    ----------
    parts : dict of str to float
        Dynamic energy in pJ by :data:`PARTS`.
    units : dict of str to float
        The same energy by unit, clock pins and net included.
    leakage : float
        Energy of leakage, in pJ.
    cycles : int
        Cycles that were simulated, with those in which the first image is loaded.
    """

    parts: dict[str, float]
    units: dict[str, float]
    leakage: float
    cycles: int

    @property
    def dynamic(self) -> float:
        """Dynamic energy in pJ: the sum of all parts."""
        return sum(self.parts.values())


def energy(
    graph: Graph, liberty: Liberty, activity: Activity, assumptions: Assumptions | None = None
) -> Energy:
    """Sum the energy of a workload.

    Parameters
    ----------
    graph : Graph
        The netlist.
    liberty : Liberty
        Its cells.
    activity : Activity
        How often its nets have changed. The caller checks that it is of this netlist.
    assumptions : Assumptions, optional
        What is assumed.

    Returns
    -------
    Energy

    Raises
    ------
    ActivityError
        If the activity of a net is missing.
    LibertyError
        If there are no power tables.
    """
    liberty.check_power()
    given = assumptions or Assumptions()
    parts = dict.fromkeys(PARTS, 0.0)
    units: dict[str, float] = defaultdict(float)
    cycles = 0

    def add(part: str, unit: str, value: float) -> None:
        parts[part] += value
        units[unit] += value

    wire = given.wire_ff * 1e-3
    swing = liberty.voltage**2 / 2
    for net in graph.nets:
        toggles = _toggles(net, activity)
        pins = [(instance, pin, instance.cell.pins[pin]) for instance, pin in net.sinks]
        if net.clocks:
            # Those behind gates have as many or fewer.
            cycles = max(cycles, toggles // 2)
        load = sum(pin.capacitance for _, _, pin in pins) + wire * net.fanout
        if net.driver is not None:
            instance, name = net.driver
            inside = instance.cell.pins[name].transition(load, given.slew_ns)
            add(_part(instance), instance.unit, toggles * inside)
        # What drives nothing but the gates' own pins belongs to them.
        held = net.driver is not None and net.driver[0].gate and not net.clocks
        for instance, _, pin in pins:
            inside = toggles * pin.transition(load, given.slew_ns)
            reach = toggles * (pin.capacitance + wire) * swing
            if net.clocks or held:
                # Each unit pays for its share of the net.
                gate = instance.gate
                add("clock_gates" if gate else "clock_pins", instance.unit, inside)
                add("clock_gates" if gate else "clock_net", instance.unit, reach)
                continue
            add(_part(instance), instance.unit, inside)
            add("net_pins", net.unit, toggles * pin.capacitance * swing)
            add("net_wires", net.unit, toggles * wire * swing)
        if not net.clocks:
            add("net_wires", net.unit, toggles * wire * net.others * swing)
    leakage = sum(instance.cell.leakage for instance in graph.instances)
    seconds = cycles / (given.clock_mhz * 1e6)
    return Energy(
        parts=parts,
        units=dict(sorted(units.items())),
        leakage=leakage * seconds * 1e12,
        cycles=cycles,
    )


def _part(instance: Instance) -> str:
    if instance.gate:
        return "clock_gates"
    return "sequential" if instance.cell.sequential else "combinational"


def _toggles(net: Net, activity: Activity) -> int:
    if net.clocks and net.driver is None:
        if CLOCK not in activity.toggles:
            raise ActivityError("Activity must tell of the clock")
        return activity.toggles[CLOCK]
    path, index = net.watch
    scope = (*SCOPE, *path)
    for name in (f"{WATCH}[{index}]", WATCH):
        if (scope, name) in activity.toggles:
            # A pulse rises and falls.
            return activity.toggles[scope, name] * (2 if net.pulses else 1)
    place = ".".join([*path, f"{WATCH}[{index}]"])
    raise ActivityError(f"Activity must tell of all nets, but {place} is missing")
