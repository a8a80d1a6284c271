"""Bench of the driver with input that no core can finish: it must report that, and not hang."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from prunus_model.spec.presentation import Request
from prunus_rtl.hardware import Space
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.driver import CoreDriver
from prunus_sim.cosim.interface import SCENARIO_FILE
from prunus_sim.cosim.outcome import Outcome
from prunus_sim.cosim.scenario import Scenario

_CYCLES = 3000


async def _present(core: CoreDriver, *, last: int, learn: bool = False) -> list[Outcome]:
    request = Request(learn=learn, stop_after=0, margin=0, keep=False)
    return await core.present(first=0, last=last, presentations=1, limit=_CYCLES, request=request)


def _core(tb: Any) -> tuple[CoreDriver, Shapes]:
    scenario: Scenario = pickle.loads(Path(SCENARIO_FILE).read_bytes())
    shapes = Shapes(network=scenario.network, hardware=scenario.hardware)
    return CoreDriver(tb, shapes=shapes, folder=Path.cwd()), shapes


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def missing_ends_of_events_are_reported(tb: Any) -> None:
    """Leave out the last end: the core waits for ever for it, and works after a reset."""
    core, shapes = _core(tb)
    steps = shapes.network.encoder.steps
    end = shapes.event.const({"pre": 0, "end": 1}).as_bits()
    words = np.full(steps, end, dtype=np.int64)
    await core.feed(words)
    message = ""
    try:
        await _present(core, last=steps - 1)
    except AssertionError as e:
        message = str(e)
    want = f"core must give 1 results in {_CYCLES} cycles, but gave 0: {steps} steps must have "
    assert message == f"{want}their end, but only {steps - 1} have", message
    await core.reset()
    (outcome,) = await _present(core, last=steps)
    assert outcome.counters.steps == steps


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def presentation_that_cannot_learn_is_refused(tb: Any) -> None:
    """Before anything is sent."""
    core, _ = _core(tb)
    cycles = core.cycles
    try:
        await _present(core, last=1, learn=True)
    except ValueError as e:
        assert str(e) == "A presentation must not learn in a core without learning"
    else:
        raise AssertionError("core that cannot learn must refuse to")
    assert core.cycles == cycles


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def state_of_another_size_is_reported(tb: Any) -> None:
    """Write a neuron too many: the port answers with an error, and the driver reports which."""
    core, shapes = _core(tb)
    neurons = shapes.network.neurons
    answers = await core.port.write_space(Space.V, np.arange(neurons + 1)[np.newaxis])
    assert [int(word) >> 32 & 1 for word in answers[0]] == [0] * neurons + [1]
    words = {"v": np.zeros(neurons + 1, np.int64)}
    for name in ("weights", "alive"):
        words[name] = np.zeros((shapes.network.inputs, neurons), np.int64)
    try:
        await core.port.write_state(words)
    except AssertionError as e:
        assert str(e) == f"memory port must answer request {neurons} without an error"
    else:
        raise AssertionError("a state that is too long must be refused")
