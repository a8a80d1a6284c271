# amaranth: UnusedElaboratable=no

from pathlib import Path

import pytest

from prunus_rtl.encoder.rate import Encoder
from prunus_sim.formal.harness import small
from prunus_sim.formal.properties.rate import CASES
from prunus_sim.formal.prove import Case, check, check_independent

FAST = [case for case in CASES if not case.slow]


@pytest.mark.formal
@pytest.mark.parametrize("case", FAST, ids=lambda case: f"{case.name}: {case.sizes}")
def test_events_of_a_step_ascend_and_are_held(case: Case, tmp_path: Path) -> None:
    results = check(case, folder=tmp_path)
    assert "bmc" in {result.mode for result in results}
    assert ("induction" in {result.mode for result in results}) == (case.induction is not None)


@pytest.mark.formal
def test_valid_does_not_depend_on_ready(tmp_path: Path) -> None:
    encoder = Encoder(inputs=small().network.inputs, steps=small().network.encoder.steps)
    check_independent(encoder, sources="events__ready", sinks="events__valid", folder=tmp_path)
    check_independent(encoder, sources="events__ready", sinks="events__payload", folder=tmp_path)
    check_independent(encoder, sources="levels__valid", sinks="levels__ready", folder=tmp_path)
