"""Core behind a bus: presentations by registers and over streams, equal to the model."""

# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_bus import compare_over_bus, system_of
from prunus_core import LIVELY, Show
from prunus_model.reference.network import Network
from prunus_rtl.hardware import HardwareConfig


def _votes() -> Any:
    rng = np.random.default_rng(3)
    return rng.integers(0, 16, (LIVELY.all_neurons, LIVELY.readout.classes)).astype(np.uint8)


SOME = (
    Show(),
    Show(learn=False, stop_after=1),
    Show(margin=20),
    Show(learn=False, margin=9, keep=True),
)


def _system(bus: str, **hardware: Any) -> tuple[Any, Network]:
    votes = _votes()
    network = Network(LIVELY, None, votes)
    built = HardwareConfig(lanes=2, **hardware)
    return system_of(bus, LIVELY, built, state=network.state, votes=votes), network


@pytest.mark.parametrize(
    ("bus", "source", "stalls"),
    [
        ("axi", "levels", True),
        ("axi", "events", False),
        ("wishbone", "levels", False),
        ("wishbone", "events", True),
    ],
)
def test_presentations_by_registers_equal_those_of_the_model(
    bus: str, source: str, stalls: bool
) -> None:
    dut, network = _system(bus, source=source)
    compare_over_bus(dut, network, SOME, stalls=stalls)


@pytest.mark.parametrize(("source", "stalls"), [("levels", False), ("events", True)])
def test_presentations_over_streams_equal_those_of_the_model(source: str, stalls: bool) -> None:
    dut, network = _system("axi", source=source)
    compare_over_bus(dut, network, SOME, stream=True, stalls=stalls)
