"""Checks of stream rules: each finds the components that break the rule, and passes a good one."""

import re
from typing import Any

import numpy as np
import pytest

from prunus_sim.simulator.amaranth import receive, simulate
from prunus_sim.simulator.runner import BenchError, Built, build
from prunus_sim.simulator.streams import StreamSink
from prunus_sim.unit.stream_rules import Streams

_BENCH = "prunus_sim.unit.stream_rules"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(Streams(), tmp_path_factory.mktemp("streams") / "build")


def check(built: Built, name: str) -> int:
    test = "sink_checks_the_stream"
    return built.run(_BENCH, env={"CASE": name}, only=test, name=name)


@pytest.mark.sim
def test_stream_that_obeys_the_rules_passes(built: Built) -> None:
    assert check(built, "good") == 1


@pytest.mark.sim
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "withdraws",
            "Stream withdraws must hold an offer until it is taken, but 0x7 became nothing",
        ),
        ("changes", "Stream changes must hold an offer until it is taken, but 0x"),
        ("valid_looks", "must not depend on ready, but got nothing without and 0x7 with it"),
        ("payload_looks", "must not depend on ready, but got 0x0 without and 0x1 with it"),
    ],
)
def test_stream_that_breaks_a_rule_is_found(built: Built, name: str, message: str) -> None:
    with pytest.raises(BenchError, match=re.escape(message)):
        check(built, name)


@pytest.mark.sim
@pytest.mark.parametrize("pause", [0.0, 0.6])
def test_source_obeys_the_rules(built: Built, pause: float) -> None:
    env = {"CASE": str(pause)}
    assert built.run(_BENCH, env=env, only="source_obeys_the_rules", name=f"source-{pause}") == 1


@pytest.mark.parametrize("name", ["good", "withdraws", "changes"])
def test_receiver_in_the_simulator_of_amaranth_finds_what_is_not_held(name: str) -> None:
    dut = Streams()
    rng = np.random.default_rng(1)
    received = []

    async def bench(ctx: Any) -> None:
        for _ in range(20):
            received.append(await receive(ctx, getattr(dut, name), rng))

    if name == "good":
        simulate(dut, bench)
        assert received == list(range(20))
        return
    with pytest.raises(AssertionError, match=r"^Offered payload \d+ was withdrawn or changed$"):
        simulate(dut, bench)


def test_pause_must_be_a_probability_below_1() -> None:
    with pytest.raises(ValueError, match=r"^Pause must be at least 0 and less than 1, not 1\.0$"):
        StreamSink(object(), "o", shape=8, rng=np.random.default_rng(0), pause=1.0)
