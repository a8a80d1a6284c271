"""What properties of several units share: networks of small sizes, stream rules, open units."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cover, Module, Signal, Value

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions, Ram
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.memory import StoreMemory

__all__ = ["held", "implies", "opened", "past", "small", "started", "stream_rules", "words_of"]


def small(
    *,
    inputs: int = 4,
    neurons: int = 4,
    weight_bits: int = 3,
    lanes: int = 2,
    network: dict[str, Any] | None = None,
    hardware: dict[str, Any] | None = None,
) -> Shapes:
    """Return the shapes of a network that a solver can take."""
    return Shapes(
        network=NetworkConfig(
            inputs=inputs, neurons=neurons, weight_bits=weight_bits, **(network or {})
        ),
        hardware=HardwareConfig(lanes=lanes, **(hardware or {})),
    )


def opened(unit: Any) -> Module:
    """Elaborate a unit now, and return its module, so that its submodules can be reached.

    What its memories return for a read that collides with a write is wrong: no proof relies on it.
    """
    module: Module = unit.elaborate(Collisions())
    object.__setattr__(unit, "elaborate", lambda _platform: module)
    return module


def words_of(m: Module, memory: Any, *, name: str) -> list[Any]:
    """Return all words of a memory in an open unit, as they are in this cycle."""
    if isinstance(memory, StateMemory):
        memory = opened(memory).submodules["ram"]
    if isinstance(memory, (Ram, StoreMemory)):
        memory = opened(memory).submodules["memory"]
    words = []
    for address in range(memory.depth):
        port = memory.read_port(domain="comb")
        word = Signal(memory.shape, name=f"{name}{address}")
        m.d.comb += [port.addr.eq(address), word.eq(port.data)]
        words.append(word)
    return words


def implies(condition: Any, consequence: Any) -> Value:
    """Return whether a consequence holds wherever a condition does."""
    return ~Value.cast(condition).any() | Value.cast(consequence).any()


def past(m: Module, value: Any, *, name: str, cycles: int = 1) -> Any:
    """Return a value of an earlier cycle; 0 in the first cycles."""
    for n in range(cycles):
        late = Signal(Value.cast(value).shape(), name=f"{name}_{n + 1}")
        m.d.sync += late.eq(value)
        value = late
    return value


def started(m: Module, *, cycles: int, name: str = "started") -> Any:
    """Return whether that many cycles have passed since power-up."""
    return past(m, Value.cast(1), name=name, cycles=cycles)


def stream_rules(m: Module, stream: Any, *, name: str, withdrawn: Any = 0) -> None:
    """Assert that a unit holds what it offers until it is taken, or withdrawn."""
    _rules(m, stream, name=name, withdrawn=withdrawn, statement=Assert)
    m.d.comb += [
        Cover(stream.valid & ~stream.ready, f"{name} is stalled"),
        Cover(stream.valid & stream.ready, f"{name} is taken"),
    ]


def held(m: Module, stream: Any, *, name: str) -> None:
    """Assume that the environment holds what it offers until it is taken."""
    _rules(m, stream, name=name, withdrawn=0, statement=Assume)


def _rules(m: Module, stream: Any, *, name: str, withdrawn: Any, statement: Any) -> None:
    payload = Value.cast(stream.payload)
    stalled = Signal(name=f"{name}_stalled")
    offered = Signal(payload.shape(), name=f"{name}_offered")
    m.d.sync += [stalled.eq(stream.valid & ~stream.ready & ~withdrawn), offered.eq(payload)]
    m.d.comb += [
        statement(~stalled | stream.valid, f"{name}.valid is held until ready"),
        statement(~stalled | (payload == offered), f"{name}.payload is held until ready"),
    ]
