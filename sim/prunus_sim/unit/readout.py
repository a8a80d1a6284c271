"""Bench of the readout: votes are written and read back, spikes vote, a class is elected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.readout import Readout as ModelReadout
from prunus_model.reference.readout import predict_vote
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.readout import ReadoutParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.neurons.readout import Readout
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import StreamSource, start
from prunus_sim.unit.helpers import Access, case_of, drive, sample, seeds


def _shapes(neurons: int, classes: int, vote_bits: int) -> Shapes:
    params = ReadoutParams(classes=classes, vote_bits=vote_bits)
    network = replace(NetworkConfig(), neurons=neurons, readout=params)
    return Shapes(network=network, hardware=HardwareConfig(lanes=1))


CASES = {
    "ten classes": _shapes(100, 10, 4),
    "one class": _shapes(3, 1, 1),
    "odd sizes": _shapes(7, 13, 8),
}
ELECTIONS = 12


def component(case: str) -> Readout:
    """Return the component under test; its votes start at 0."""
    n = CASES[case].network
    return Readout(neurons=n.neurons, classes=n.readout.classes, vote_bits=n.readout.vote_bits)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def elections_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Elections with no spike, few, and as many as a presentation can have; some votes tie."""
    network = case_of(CASES).network
    neurons, classes = network.neurons, network.readout.classes
    rng, rng_i = np.random.default_rng(seed).spawn(2)
    # Votes of few different values, so that classes tie.
    top = 1 << int(rng.choice([1, network.readout.vote_bits]))
    votes = rng.integers(0, top, (neurons, classes)).astype(np.uint8)
    if seed % 2:
        votes[:] = (1 << network.readout.vote_bits) - 1
    model = ModelReadout(votes=votes, assignment=np.zeros(neurons, dtype=np.int16))
    spikes = StreamSource(
        dut, "spike", shape=case_of(CASES).post, rng=rng_i, pause=float(rng.choice([0, 0.8]))
    )
    access = Access(dut, "access")
    drive(dut, begin=0, finish=0)
    await start(dut)
    for address, vote in enumerate(votes.T.ravel().tolist()):
        await access.write(address, vote)
    for address in rng.integers(0, votes.size, 40).tolist():
        assert await access.read(address) == votes.T.ravel()[address], f"vote {address}"
    for election in range(ELECTIONS):
        count = int(rng.choice([0, 1, 2, 9, 255]))
        posts = rng.integers(0, neurons, count)
        drive(dut, begin=1)
        await sample(dut)
        drive(dut, begin=0)
        for post in posts.tolist():
            spikes.put(post)
        await spikes.drained()
        while not (await sample(dut, "spike__ready"))[0]:
            pass
        drive(dut, finish=1)
        (done,) = await sample(dut, "done")
        drive(dut, finish=0)
        while not done:
            done, prediction, undecided = await sample(dut, "done", "prediction", "undecided")
        counts = np.bincount(posts, minlength=neurons).astype(np.uint8)[np.newaxis]
        want = int(predict_vote(counts, model)[0])
        got = -1 if undecided else prediction
        assert got == want, f"election {election} with {count} spikes: class {got}, not {want}"
