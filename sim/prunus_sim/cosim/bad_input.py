"""Bench of the harness with input that no core can end with: it must tell so, and not hang."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from prunus_rtl.hardware import Space
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.driver import CoreSimulation
from prunus_sim.cosim.scenario import Job

_CYCLES = 3000


def _core(tb: Any) -> tuple[CoreSimulation, Shapes]:
    job: Job = pickle.loads(Path("job.pickle").read_bytes())
    shapes = Shapes(network=job.network, hardware=job.hardware)
    return CoreSimulation(tb, shapes=shapes, folder=Path.cwd()), shapes


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def events_without_an_end_are_told(tb: Any) -> None:
    """Leave out the last end: the core waits for ever for it, and works after a reset."""
    core, shapes = _core(tb)
    steps = shapes.network.encoder.steps
    end = shapes.event.const({"pre": 0, "end": 1}).as_bits()
    words = np.full(steps, end, dtype=np.int64)
    await core.feed(words)
    told = ""
    try:
        await core.show(first=0, last=steps - 1, shows=1, limit=_CYCLES)
    except AssertionError as e:
        told = str(e)
    want = f"core must give 1 results in {_CYCLES} cycles, but gave 0: {steps} steps must have "
    assert told == f"{want}their end, but only {steps - 1} have", told
    await core.reset()
    (outcome,) = await core.show(first=0, last=steps, shows=1, limit=_CYCLES)
    assert outcome.counters.steps == steps


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def presentation_that_cannot_learn_is_refused(tb: Any) -> None:
    """Before anything is sent."""
    core, _ = _core(tb)
    cycles = core.cycles
    try:
        await core.show(first=0, last=1, shows=1, limit=_CYCLES, learn=True)
    except ValueError as e:
        assert str(e) == "A presentation must not learn in a core that cannot"
    else:
        raise AssertionError("core that cannot learn must refuse to")
    assert core.cycles == cycles


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def state_of_another_size_is_told(tb: Any) -> None:
    """Write a neuron too many: the port answers with an error, and the harness tells which."""
    core, shapes = _core(tb)
    neurons = shapes.network.neurons
    answers = await core.write_space(Space.V, np.arange(neurons + 1)[np.newaxis])
    assert [int(word) >> 32 & 1 for word in answers[0]] == [0] * neurons + [1]
    words = {"v": np.zeros(neurons + 1, np.int64)}
    for name in ("weights", "alive"):
        words[name] = np.zeros((shapes.network.inputs, neurons), np.int64)
    try:
        await core.write_state(words)
    except AssertionError as e:
        assert str(e) == f"memory port must answer request {neurons} without an error"
    else:
        raise AssertionError("a state that is too long must be refused")
