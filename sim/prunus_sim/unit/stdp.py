"""Bench of the learning sweep: new weights, pruning and strength, equal to the model's."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Timer

from prunus_model.reference import stdp
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.units import StdpParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.plasticity.stdp import LearningSweep
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.dense import Column
from prunus_sim.simulator.streams import start
from prunus_sim.unit.helpers import case_of, drive, sample, seeds


def _shapes(
    inputs: int, up: int, down: int, *, weight_bits: int = 8, slots: int = 7, each: Any = 1
) -> Shapes:
    network = replace(
        NetworkConfig(),
        inputs=inputs,
        neurons=slots,
        weight_bits=weight_bits,
        stdp=StdpParams(potentiation_shift=up, depression_shift=down),
    )
    return Shapes(network=network, hardware=HardwareConfig(lanes=1, sweep_inputs=each))


CASES = {
    "default shifts": _shapes(784, 7, 7),
    "different shifts": _shapes(49, 3, 5),
    "four inputs per cycle": _shapes(49, 6, 5, weight_bits=7, each=4),
    "widest and none": _shapes(10, 8, 0, weight_bits=3),
    "none and widest": _shapes(3, 0, 8, weight_bits=1, slots=1),
}
SWEEPS = 6
_WATCHED = (
    "read", "read_pre", "advance", "column__read", "column__read_address", "column__read_row",
    "column__read_pre", "column__write", "column__write_row", "column__write_address",
    "column__write_pre", "column__write_weight", "column__write_alive", "column__mask", "weight",
    "updated", "pruned", "done",
)  # fmt: skip


def component(case: str) -> LearningSweep:
    """Return the component under test."""
    s = CASES[case]
    params = s.network.stdp
    return LearningSweep(
        inputs=s.network.inputs,
        each=s.hardware.sweep_inputs,
        slots=s.slots,
        weight_bits=s.network.weight_bits,
        strength_bits=s.strength.width,
        potentiation_shift=params.potentiation_shift,
        depression_shift=params.depression_shift,
        column=Column(s),
    )


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def sweeps_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Store, last steps, random stream and pruning unit are played by the bench."""
    shapes = case_of(CASES)
    network, slots = shapes.network, shapes.slots
    inputs, w_max, bits = network.inputs, network.formats.w_max, network.weight_bits
    words, each = shapes.sweep_words, shapes.hardware.sweep_inputs
    watched = (*_WATCHED, *(["column__write_part"] if each > 1 else []))

    def word_of(values: Any, word: int, width: int) -> int:
        """Return the values of the inputs of a word, the first in the low bits."""
        few = values[word * each : (word + 1) * each].tolist()
        return sum(int(value) << width * k for k, value in enumerate(few))

    def inputs_of(word: int) -> Any:
        return enumerate(range(word * each, min(inputs, (word + 1) * each)))

    rng = np.random.default_rng(seed)
    alive = rng.random((inputs, slots)) < 0.7
    weights = rng.integers(0, w_max + 1, (inputs, slots)) * alive
    drive(dut, start=0, slot=0, recent=0, draw=0, prune=0)
    await start(dut)
    for sweep in range(SWEEPS):
        slot = int(rng.integers(0, slots))
        w_prune = int(rng.integers(0, w_max // 2 + 2))
        recent = rng.random(inputs) < 0.5
        number = int(rng.integers(0, 1 << 32))
        stream, model = (Stream(seed=number, presentation=0, constant=0) for _ in range(2))
        new = stdp.updated(weights[:, slot], recent, model.draw_bytes(inputs), w_max, network.stdp)
        pruned = alive[:, slot] & (new < w_prune)
        kept = np.where(alive[:, slot] & ~pruned, new, 0)
        updates = prunes = 0
        # What the bench answers in the cycles to come.
        recents = deque([0, 0])
        draw = stream.draw()
        drive(dut, start=1, slot=slot, draw=draw)
        written, rows = weights.copy(), alive.copy()
        cycles = 0
        while True:
            values = await sample(dut, *watched)
            got = dict(zip(watched, values, strict=True))
            drive(dut, start=0)
            updates += got["updated"]
            prunes += got["pruned"]
            if got["column__write"]:
                word, at = divmod(got["column__write_address"], slots)
                assert at == slot, f"sweep {sweep} writes slot {at}"
                for k, pre in inputs_of(word):
                    written[pre, at] = got["column__write_weight"] >> bits * k & w_max
            if got["column__write_row"]:
                assert got["column__mask"] == 1 << slot, f"sweep {sweep} masks another slot"
                for k, pre in inputs_of(got["column__write_pre"]):
                    if got.get("column__write_part", 1) >> k & 1:
                        rows[pre, slot] = got["column__write_alive"] >> k & 1
            if got["done"]:
                break
            cycles += 1
            assert cycles < words + 10, "done must come a cycle for each word + 4 after start"
            if got["advance"]:
                draw = stream.draw()
            recents.append(word_of(recent, got["read_pre"], 1) if got["read"] else 0)
            recents.popleft()
            drive(dut, draw=draw, recent=recents[0])
            if got["column__read"]:
                word, at = divmod(got["column__read_address"], slots)
                drive(dut, column__weight=word_of(weights[:, at], word, bits))
            if got["column__read_row"]:
                drive(dut, column__alive=word_of(alive[:, slot], got["column__read_pre"], 1))
            # The weight is registered, the decision combinational: it is that of the next cycle.
            await _decide(dut, w_prune, bits, each)
        assert cycles == words + 4, f"sweep {sweep} took {cycles} cycles"
        assert updates == np.count_nonzero(alive[:, slot]), f"update SOPs of sweep {sweep}"
        assert prunes == np.count_nonzero(pruned), f"pruned synapses of sweep {sweep}"
        weights[:, slot], alive[:, slot] = kept, alive[:, slot] & ~pruned
        for pre in range(inputs):
            assert written[pre].tolist() == weights[pre].tolist(), f"sweep {sweep}, input {pre}"
            assert rows[pre].tolist() == alive[pre].tolist(), f"alive, {sweep=}, input {pre}"
        (strength,) = await sample(dut, "strength")
        assert strength == kept.sum(), f"strength after sweep {sweep}"


async def _decide(dut: Any, w_prune: int, bits: int, each: int) -> None:
    """Play the pruning unit: compare the weights that are shown now."""
    await Timer(1, "ns")
    shown = int(dut.weight.value)
    weights = [shown >> bits * k & (1 << bits) - 1 for k in range(each)]
    drive(dut, prune=sum((weight < w_prune) << k for k, weight in enumerate(weights)))
