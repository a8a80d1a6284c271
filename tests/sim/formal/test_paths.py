# amaranth: UnusedElaboratable=no
"""No unit answers `ready` with `valid` in the same cycle, or the reverse."""

import re
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.core.core import Core
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.synapses.dense import LearningStore
from prunus_sim.formal.case import CounterexampleError
from prunus_sim.formal.harness import small
from prunus_sim.formal.paths import check_independent

pytestmark = pytest.mark.formal


def core() -> Core:
    shapes = small(hardware={"source": "events"})
    return Core(network=shapes.network, hardware=shapes.hardware)


UNITS = {
    "queue": lambda: BroadcastQueue(shape=4, depth=4, readers=2),
    "store": lambda: LearningStore(shapes=small()),
    "encoder": lambda: Encoder(inputs=4, steps=3),
    "core": core,
}


@pytest.mark.parametrize(
    ("unit", "stream"),
    [
        ("queue", "o__*"),
        ("store", "synapse"),
        ("encoder", "events"),
        ("core", "spikes"),
        ("core", "result"),
        ("core", "answers"),
    ],
)
def test_offer_does_not_depend_on_ready(unit: str, stream: str, tmp_path: Path) -> None:
    check_independent(
        UNITS[unit](), sources=f"{stream}__ready", sinks=f"{stream}__*", folder=tmp_path
    )


@pytest.mark.parametrize(
    ("unit", "stream"), [("queue", "i"), ("store", "pre"), ("encoder", "levels")]
)
def test_ready_does_not_depend_on_offer(unit: str, stream: str, tmp_path: Path) -> None:
    check_independent(
        UNITS[unit](), sources=f"{stream}__valid", sinks=f"{stream}__ready", folder=tmp_path
    )


class Passing(wiring.Component):
    """A path from an input to an output."""

    def __init__(self) -> None:
        super().__init__({"ready": In(1), "valid": Out(1)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.d.comb += self.valid.eq(~self.ready)
        return m


def test_combinational_path_is_found(tmp_path: Path) -> None:
    text = "Passing: must not depend combinationally: ready -> valid"
    with pytest.raises(CounterexampleError, match=re.escape(text)):
        check_independent(Passing(), sources="ready", sinks="valid", folder=tmp_path)
