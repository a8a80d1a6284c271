"""Ports of a core and the fields of their payloads, from its signature."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data, wiring

__all__ = ["FIELDS", "Field", "Port", "fields", "ports"]

#: What the fields of payloads mean.
FIELDS = {
    "pre": "input that spikes; below `inputs`, the sender sees to it",
    "end": "1: end of the step; `pre` is ignored",
    "stop_after": "early exit after so many output spikes; 0: never",
    "margin": "sequential test: end when the leading class is ahead by so much; 0: never",
    "keep": "1: go on with the scores of the presentation before",
    "learn": "1: learn from this presentation",
    "step": "time step of the spike",
    "post": "neuron that fired",
    "prediction": "elected class; 0 if undecided, so look at `undecided` first",
    "undecided": "1: no class has a vote: no output spike, or only of neurons without votes",
    "lead": "largest score less the second largest",
    "counters.steps": "time steps executed",
    "counters.inhibited_steps": "of them, steps in which nothing was integrated",
    "counters.input_spikes": "input spikes",
    "counters.integrated_spikes": "of them, not inhibited",
    "counters.dropped_spikes": "input spikes that refractory inputs dropped, where not inhibited",
    "counters.output_spikes": "output spikes",
    "counters.forward_sops": "unpruned synapses read and added because of an input spike",
    "counters.update_sops": "unpruned synapses rewritten because of an output spike",
    "counters.pruned": "synapses pruned in this presentation",
    "counters.cycles": "clock cycles",
    "data": "word",
    "address": "address in the space",
    "space": "address space",
    "write": "1: write `data`; 0: read",
    "error": "1: no such address or space; nothing was changed",
}
_SIGNALS = {
    "payload": "payload of",
    "valid": "there is a transfer on",
    "ready": "taker is ready on",
}
#: Buses by how their ports begin, and what the rest of the name is called there.
_BUSES = {
    "s_axi_": "AXI4-Lite, registers: ",
    "s_axis_levels_": "AXI4-Stream, levels of an image: ",
    "s_axis_events_": "AXI4-Stream, events: ",
    "m_axis_spikes_": "AXI4-Stream, output spikes: ",
    "wb_": "Wishbone, registers: ",
}
_CLOCKING = {"clk": "clock, rising edge", "rst": "reset, synchronous, active high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port of the module."""

    name: str
    direction: str
    width: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a payload."""

    port: str
    name: str
    low: int
    width: int
    meaning: str


def ports(core: wiring.Component) -> list[Port]:
    """Return all ports, in the order of the signature."""
    about = _members(type(core))
    found = [
        Port(name=name, direction="in", width=1, meaning=text) for name, text in _CLOCKING.items()
    ]
    for path, member, value in core.signature.flatten(core):
        *streams, signal = path
        stream = "__".join(map(str, streams))
        meaning = f"{_SIGNALS[signal]} `{stream}`" if signal in _SIGNALS and stream else ""
        if not meaning:
            # A signal by itself, or one of a bus.
            meaning = about.get(str(path[0])) or _of_bus(str(path[0]))
        elif signal == "payload":
            meaning = about.get(stream, f"{_SIGNALS[signal]} `{stream}`")
        elif signal == "ready" and member.flow == wiring.In:
            meaning = f"you can take a transfer on `{stream}`"
        found.append(
            Port(
                name="__".join(map(str, path)),
                direction="in" if member.flow == wiring.In else "out",
                width=Shape.cast(value.shape()).width,
                meaning=meaning,
            )
        )
    return found


def _of_bus(name: str) -> str:
    """Return what a port of a bus is there."""
    return next(
        f"{bus}{name.removeprefix(start).upper()}"
        for start, bus in _BUSES.items()
        if name.startswith(start)
    )


def fields(core: wiring.Component) -> list[Field]:
    """Return the fields of all payloads that have any."""
    found = []
    for path, _, value in core.signature.flatten(core):
        layout = value.shape()
        if isinstance(layout, data.StructLayout):
            for name, low, width in _flat(layout):
                found.append(
                    Field(
                        port="__".join(map(str, path)),
                        name=name,
                        low=low,
                        width=width,
                        meaning=FIELDS[name],
                    )
                )
    return found


def _flat(layout: Any, prefix: str = "", offset: int = 0) -> Iterator[tuple[str, int, int]]:
    """Yield name, lowest bit and width of each field, those of parts with a dotted name."""
    for name, field in layout:
        if isinstance(field.shape, data.StructLayout):
            yield from _flat(field.shape, f"{prefix}{name}.", offset + field.offset)
        else:
            yield f"{prefix}{name}", offset + field.offset, field.width


def _members(component: type) -> dict[str, str]:
    """Return what the docstring of a component says about its members."""
    text = (inspect.getdoc(component) or "").partition("Members\n")[2].partition("Raises\n")[0]
    found = re.findall(r"^(\w+(?:, \w+)*) : .*\n((?:    .*(?:\n|$))+)", text, re.MULTILINE)
    about = {
        name: " ".join(lines.split()).replace("``", "`")
        for names, lines in found
        for name in names.split(", ")
    }
    # A port that is there needs no condition for being there.
    return {name: re.sub(r'^With `source="\w+"`: ', "", text) for name, text in about.items()}
