# amaranth: UnusedElaboratable=no
"""Our sum beside that of OpenSTA; without it, what is said then."""

import re
import shutil
from pathlib import Path

import pytest

from prunus_liberty import write_liberty
from prunus_model.spec.config import NetworkConfig
from prunus_overhead.standard_cells import sta
from prunus_overhead.standard_cells.graph import Graph
from prunus_overhead.standard_cells.liberty import Liberty, LibertyError, find_liberty
from prunus_overhead.standard_cells.mapping import map_component
from prunus_overhead.standard_cells.power import Assumptions, energy
from prunus_overhead.standard_cells.sta import OpenStaError, cell_ratios, cross_check, uniform
from prunus_rtl.plasticity.pruning import Pruning


@pytest.fixture
def osu018() -> Liberty:
    if shutil.which("sta") is None:
        pytest.skip("OpenSTA is not installed: apt install opensta")
    try:
        return Liberty.read(find_liberty())
    except LibertyError as e:
        pytest.skip(str(e))


def test_opensta_says_twice_ours_of_every_cell(osu018: Liberty) -> None:
    ratios = cell_ratios(osu018)
    assert {"INVX1", "BUFX2", "NAND2X1", "NOR2X1", "XOR2X1", "AND2X2"} <= set(ratios)
    # It charges each transition with that of a rising and of a falling one; six digits are equal.
    assert set(ratios.values()) == {2.0}


@pytest.mark.boards
def test_nets_and_leakage_of_a_block_are_those_of_opensta(osu018: Liberty, tmp_path: Path) -> None:
    network = NetworkConfig.named("demo")
    unit = Pruning(
        policy=network.pruning,
        weight_bits=network.weight_bits,
        strength_bits=network.formats.strength_bits,
        multiplier="sequential",
    )
    mapped = map_component(unit, osu018, tmp_path / "unit", flat=True)
    found = cross_check(mapped, osu018)
    own, other = found["own"], found["opensta"]
    assert own["leakage"] == pytest.approx(other["leakage"], rel=1e-6)
    # Capacitances: ours are means, OpenSTA's by edge.
    assert own["nets"] == pytest.approx(other["nets"], rel=0.005)
    assert 1.9 < other["sequential"] / own["sequential"] < 2.1
    assert 2.0 < other["combinational"] / own["combinational"] < 4.0


def test_uniform_activity_is_that_of_every_net(tmp_path: Path) -> None:
    library = Liberty.read(write_liberty(tmp_path))
    inverter = {"type": "INV", "parameters": {}, "connections": {"A": [2], "Y": [3]}}
    modules = {
        "prunus_core": {
            "ports": {"a": {"direction": "input", "bits": [2]}},
            "cells": {"g0": inverter},
        }
    }
    graph = Graph(modules, library)
    found = energy(graph, library, uniform(graph, 100, 0.25), Assumptions(slew_ns=0.0))
    assert found.parts["combinational"] == pytest.approx(25 * 0.02, rel=1e-12)


def test_opensta_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    message = "OpenSTA (sta) must be installed: apt install opensta"
    with pytest.raises(OpenStaError, match=f"^{re.escape(message)}$"):
        cell_ratios(Liberty.read(write_liberty(tmp_path)))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Error: 7 no clock\n", "OpenSTA must report the power, not: Error: 7 no clock"),
        ("", "OpenSTA must report the power, not: no report"),
    ],
)
def test_a_report_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, message: str
) -> None:
    path = write_liberty(tmp_path)
    monkeypatch.setattr(sta, "run_opensta", lambda *_: said)
    with pytest.raises(OpenStaError, match=f"^{re.escape(message)}$"):
        sta.opensta_power(path, Liberty.read(path), activity=0.1, slew_ns=0.1)
    with pytest.raises(OpenStaError, match=r"^OpenSTA must report the power of 5 cells, not 0$"):
        cell_ratios(Liberty.read(path))
