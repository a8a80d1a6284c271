"""Bench of the readout: votes are written and read back, spikes vote, a class is elected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np

from prunus_model.reference.readout import add_votes, elect, lead
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import max_of
from prunus_model.spec.readout import UNDECIDED, ReadoutParams
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
    return Readout(
        neurons=n.neurons,
        classes=n.readout.classes,
        vote_bits=n.readout.vote_bits,
        score_bits=n.score_bits,
    )


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def elections_are_those_of_the_model(dut: Any, seed: int) -> None:
    """Class, lead and margin after every spike; scores that are kept or not, and saturate.

    With no spike, few, and as many as a presentation can have; some votes tie.
    """
    network = case_of(CASES).network
    params, neurons, classes = network.readout, network.neurons, network.readout.classes
    rng, rng_i = np.random.default_rng(seed).spawn(2)
    # Votes of few different values, so that classes tie; some neurons have none.
    top = 1 << int(rng.choice([1, params.vote_bits]))
    votes = rng.integers(0, top, (neurons, classes)).astype(np.uint8)
    if seed % 2:
        votes[:] = max_of(params.vote_bits)
    votes[rng.random(neurons) < 0.2] = 0
    spikes = StreamSource(
        dut, "spike", shape=case_of(CASES).post, rng=rng_i, pause=float(rng.choice([0, 0.8]))
    )
    access = Access(dut, "access")
    drive(dut, clear=0, margin=0)
    await start(dut)
    for address, vote in enumerate(votes.T.ravel().tolist()):
        await access.write(address, vote)
    for address in rng.integers(0, votes.size, 40).tolist():
        assert await access.read(address) == votes.T.ravel()[address], f"vote {address}"
    scores = np.zeros(classes, dtype=np.int64)
    for election in range(ELECTIONS):
        count = int(rng.choice([0, 1, 2, 9, 255]))
        if rng.random() < 0.6:
            drive(dut, clear=1)
            await sample(dut)
            drive(dut, clear=0)
            scores[:] = 0
        for post in rng.integers(0, neurons, count).tolist():
            spikes.put(post)
            scores = add_votes(scores, votes[post], max_of(network.score_bits))
        await spikes.drained()
        while not (await sample(dut, "spike__ready"))[0]:
            pass
        ahead = lead(scores)
        for margin in {0, 1, ahead, max(0, ahead - 1), min(ahead + 1, max_of(network.score_bits))}:
            drive(dut, margin=margin)
            prediction, undecided, got, reached = await sample(
                dut, "prediction", "undecided", "lead", "reached"
            )
            want = (elect(scores), ahead, int(0 < margin <= ahead))
            found = (UNDECIDED if undecided else prediction, got, reached)
            assert found == want, f"election {election}, margin {margin}: {found}, not {want}"
            assert not undecided or prediction == 0
