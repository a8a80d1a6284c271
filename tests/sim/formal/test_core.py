# amaranth: UnusedElaboratable=no

from pathlib import Path

import pytest

from prunus_rtl.core.core import Core
from prunus_sim.formal.harness import small
from prunus_sim.formal.properties.core import CASES
from prunus_sim.formal.prove import Case, check, check_independent

FAST = [case for case in CASES if not case.slow]


@pytest.mark.formal
@pytest.mark.parametrize("case", FAST, ids=lambda case: f"{case.name}: {case.sizes}")
def test_output_spikes_are_held_until_taken(case: Case, tmp_path: Path) -> None:
    assert {result.mode for result in check(case, folder=tmp_path)} == {"bmc", "induction", "cover"}


@pytest.mark.formal
@pytest.mark.parametrize("name", ["spikes", "result", "answers"])
def test_valid_does_not_depend_on_ready(name: str, tmp_path: Path) -> None:
    shapes = small(hardware={"source": "events"})
    core = Core(network=shapes.network, hardware=shapes.hardware)
    for part in ("valid", "payload"):
        check_independent(core, sources=f"{name}__ready", sinks=f"{name}__{part}", folder=tmp_path)
