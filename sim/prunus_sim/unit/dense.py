"""Bench of the learning store: fetches, and column accesses in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt
from cocotb.triggers import ReadOnly, RisingEdge

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.dense import LearningStore
from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.helpers import case_of, drive, sample, seeds


def _shapes(inputs: int, slots: int, weight_bits: int = 8) -> Shapes:
    network = replace(NetworkConfig(), inputs=inputs, neurons=2 * slots, weight_bits=weight_bits)
    return Shapes(network=network, hardware=HardwareConfig(lanes=2))


CASES = {
    "full size": _shapes(784, 25),
    "odd size": _shapes(13, 7, weight_bits=3),
    "one slot": _shapes(5, 1, weight_bits=1),
}
FETCHES = 150
ROUNDS = 3


def component(case: str) -> LearningStore:
    """Return the component under test; its memories start empty."""
    return LearningStore(shapes=CASES[case])


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def unpruned_synapses_are_delivered_in_order(dut: Any, seed: int) -> None:
    """Columns are written, random inputs are fetched, columns are changed and read back."""
    shapes = case_of(CASES)
    inputs, slots = shapes.network.inputs, shapes.slots
    rng, rng_i, rng_o = np.random.default_rng(seed).spawn(3)
    pres = StreamSource(dut, "pre", shape=shapes.pre, rng=rng_i, pause=float(rng.choice([0, 0.4])))
    synapses = StreamSink(
        dut, "synapse", shape=shapes.synapse, rng=rng_o, pause=float(rng.choice([0, 0.3]))
    )
    await start(dut)
    weights = rng.integers(0, shapes.network.formats.w_max + 1, (inputs, slots))
    # Rows that are empty, full, and in between.
    alive = rng.random((inputs, slots)) < rng.choice([0, 0.1, 0.5, 1], (inputs, 1))
    for slot in range(slots):
        await _sweep(dut, slot, _column(weights, alive, slot), None)
    for _ in range(ROUNDS):
        fetched = rng.integers(0, inputs, FETCHES).tolist()
        for pre in fetched:
            pres.put(pre)
        for pre in fetched:
            for slot in np.flatnonzero(alive[pre]).tolist():
                payload = {"slot": slot, "weight": int(weights[pre, slot])}
                await synapses.expect(payload, f"input {pre}")
        await pres.drained()
        while (await sample(dut, "busy"))[0]:
            pass
        synapses.check_silent()
        slot = int(rng.integers(0, slots))
        new: list[tuple[int, bool] | None] = []
        old = _column(weights, alive, slot)
        for pre in range(inputs):
            if rng.random() < 0.3:
                new.append(None)
                continue
            weights[pre, slot] = int(rng.integers(0, shapes.network.formats.w_max + 1))
            alive[pre, slot] &= rng.random() < 0.7
            new.append((int(weights[pre, slot]), bool(alive[pre, slot])))
        await _sweep(dut, slot, new, old)


def _column(
    weights: npt.NDArray[np.int64], alive: npt.NDArray[np.bool_], slot: int
) -> list[tuple[int, bool]]:
    return list(zip(weights[:, slot].tolist(), alive[:, slot].tolist(), strict=True))


async def _sweep(
    dut: Any,
    slot: int,
    new: Sequence[tuple[int, bool] | None],
    old: Sequence[tuple[int, bool]] | None,
) -> None:
    """Visit one column, one input per cycle; compare what is read, write what is given."""
    slots = case_of(CASES).slots
    inputs = len(new)
    for cycle in range(inputs + 3):
        read, row, write = cycle < inputs, 1 <= cycle <= inputs, cycle - 3
        entry = new[write] if write >= 0 else None
        drive(
            dut,
            column__mask=1 << slot,
            column__read=read,
            column__read_address=cycle * slots + slot if read else 0,
            column__read_row=row,
            column__read_pre=cycle - 1 if row else 0,
            column__write=entry is not None,
            column__write_row=entry is not None,
            column__write_address=write * slots + slot if entry else 0,
            column__write_pre=write if entry else 0,
            column__write_weight=entry[0] if entry else 0,
            column__write_alive=entry[1] if entry else 0,
        )
        weight, alive = await sample(dut, "column__weight", "column__alive")
        if old is not None and 1 <= cycle <= inputs:
            assert weight == old[cycle - 1][0], f"weight of input {cycle - 1}, slot {slot}"
        if old is not None and 2 <= cycle <= inputs + 1:
            assert alive == old[cycle - 2][1], f"alive of input {cycle - 2}, slot {slot}"
    drive(dut, column__read=0, column__read_row=0, column__write=0, column__write_row=0)
    await ReadOnly()
    await RisingEdge(dut.clk)
