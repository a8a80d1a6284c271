"""The scenarios of the co-simulation: every option of the generator is in at least two of them."""

from functools import cache
from typing import Any, get_args, get_type_hints

import pytest

from prunus_rtl.export.plan import ExportOptions
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.registry import BOUNDED, SCENARIOS

#: Options of the generator that are those of the hardware, with all values that they can have.
_HINTS = get_type_hints(ExportOptions)
OPTIONS = [
    (name, value)
    for name in ("multiplier", "source", "encoder_inputs", "sweep_inputs", "neuron_memory")
    for value in get_args(_HINTS[name])
] + [("lanes", lanes) for lanes in (1, 2, 4, 8, 16, 32, 64)]
#: Cores with these do not learn.
INFERENCE = [("store", "packed"), ("spram", True), ("host_access", "none")]
ACCESS = [("host_access", "all"), ("host_access", "load")]


@cache
def scenarios() -> dict[str, Scenario]:
    return {name: case(0) for name, case in SCENARIOS.items()}


def those(name: str, value: Any, *, learning: bool = False) -> list[str]:
    return [
        one
        for one, scenario in scenarios().items()
        if getattr(scenario.hardware, name) == value
        and (not learning or any(sequence.learn for sequence in scenario.sequences))
    ]


@pytest.mark.parametrize(("name", "value"), [*OPTIONS, *ACCESS])
def test_every_option_is_in_two_scenarios_and_learns_in_one(name: str, value: Any) -> None:
    assert len(those(name, value)) >= 2
    assert those(name, value, learning=True)


@pytest.mark.parametrize(("name", "value"), INFERENCE)
def test_options_of_inference_are_in_two_scenarios(name: str, value: Any) -> None:
    assert len(those(name, value)) >= 2
    assert not those(name, value, learning=True)


def test_what_make_sim_runs_is_there() -> None:
    assert set(BOUNDED) <= set(SCENARIOS)
    assert len(set(BOUNDED)) == len(BOUNDED)
