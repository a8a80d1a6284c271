"""The digest of gateware follows its logic, and nothing else."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import ConstantPruning
from prunus_rtl.core.core import Core
from prunus_rtl.digest.netlist import design_digest
from prunus_rtl.hardware import HardwareConfig

pytestmark = pytest.mark.tools


class Adder(wiring.Component):
    """A unit within a unit, to be taken apart."""

    def __init__(self, step: int = 1) -> None:
        self.step = step
        super().__init__({"a": In(4), "b": Out(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.b.eq(self.a + self.step)
        return m


class Unit(wiring.Component):
    """A count, a memory and a comparison, in many spellings and with many faults."""

    def __init__(self, spelling: str = "", fault: str = "") -> None:
        self.spelling = spelling
        self.fault = fault
        super().__init__({"go": In(1), "top": In(4), "read": Out(8), "less": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        name = "renamed" if self.spelling == "name" else "count"
        count = Signal(4, name=name, init=3 if self.fault == "initial value" else 2)
        more = Signal(4)
        step = 2 if self.fault == "constant" else 1
        if self.spelling == "hierarchy":
            m.d.comb += more.eq(count + step)
        else:
            m.submodules[f"{self.spelling}adder"] = adder = Adder(step)
            m.d.comb += [adder.a.eq(count), more.eq(adder.b)]
        contents = [7, 1, 2, 4] if self.fault == "contents" else [7, 1, 2, 3]
        memory = Memory(shape=8, depth=4, init=contents)
        m.submodules.memory = memory
        port = memory.read_port(domain="comb" if self.fault == "latency" else "sync")
        comb = [
            port.addr.eq(count),
            self.read.eq(port.data),
            self.less.eq(count <= self.top if self.fault == "tie" else count < self.top),
        ]
        m.d.comb += comb[::-1] if self.spelling == "order" else comb
        with m.If(~self.go if self.fault == "enable" else self.go):
            m.d.sync += count.eq(more)
        return m


@pytest.mark.parametrize("spelling", ["name", "hierarchy", "order", "another_"])
def test_spelling_plays_no_part(spelling: str) -> None:
    assert design_digest(Unit(spelling)) == design_digest(Unit())


@pytest.mark.parametrize(
    "fault", ["constant", "initial value", "contents", "latency", "tie", "enable"]
)
def test_a_fault_changes_it(fault: str) -> None:
    assert design_digest(Unit(fault=fault)) != design_digest(Unit())


class Two(wiring.Component):
    """Two equal chains of registers; the digest must tell which of them is read."""

    def __init__(self, first: int, second: int) -> None:
        self.taps = first, second
        super().__init__({"a": In(1), "b": In(1), "x": Out(1), "y": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for source, out, tap in zip((self.a, self.b), (self.x, self.y), self.taps, strict=True):
            chain = [source, *(Signal(name=f"{out.name}{i}") for i in range(4))]
            for before, after in pairwise(chain):
                m.d.sync += after.eq(before)
            m.d.comb += out.eq(chain[tap])
        return m


def test_equal_cells_are_told_apart_by_where_they_are() -> None:
    assert design_digest(Two(4, 3)) != design_digest(Two(3, 4))


def test_a_core_follows_its_parameters() -> None:
    tiny = replace(NetworkConfig.named("tiny"), pruning=ConstantPruning(w_prune=30, start=60))
    hardware = HardwareConfig(lanes=2)
    of = [
        design_digest(Core(network=network, hardware=hardware))
        for network in (
            tiny,
            tiny,
            replace(tiny, pruning=ConstantPruning(w_prune=31, start=60)),
            replace(tiny, pruning=ConstantPruning(w_prune=30, start=61)),
        )
    ]
    assert of[0] == of[1]
    assert len(set(of)) == 3


class Toggle(wiring.Component):
    """A register that no reset reaches: its initial value is nothing but an attribute."""

    def __init__(self, init: int) -> None:
        self.init = init
        super().__init__({"x": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        state = Signal(init=self.init, reset_less=True)
        m.d.sync += state.eq(~state)
        m.d.comb += self.x.eq(state)
        return m


def test_the_initial_value_of_a_register_without_a_reset_counts() -> None:
    assert design_digest(Toggle(0)) != design_digest(Toggle(1))
