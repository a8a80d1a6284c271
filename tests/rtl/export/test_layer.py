"""Packages of a feed-forward layer."""

# amaranth: UnusedElaboratable=no

from pathlib import Path
from typing import Any

import pytest

from prunus_layer import layer
from prunus_model.common.errors import ConfigError
from prunus_model.spec.readout import ReadoutParams
from prunus_package import Made, needs_simulator, passes
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.hardware import Space


@needs_simulator
@pytest.mark.parametrize(
    "options",
    [
        {"lanes": 4, "store": "csr"},
        {"lanes": 2, "store": "dense", "encoder_inputs": 8},
        {"lanes": 4, "store": "learning", "source": "events"},
        {"store": "bitmask", "device": "UP5K"},
    ],
)
def test_bench_of_a_layer_passes(tmp_path: Path, options: dict[str, Any]) -> None:
    stop_after = 9 if options["store"] == "dense" else 0
    artifact = layer(readout=ReadoutParams(stop_after=stop_after))
    made = Made(tmp_path, artifact, **options)
    assert any(len(image.spikes) > 8 for image in made.vectors.shown)
    read = {found.space for found in made.vectors.reads}
    assert {Space.BIAS, Space.V, Space.V_FIRE} <= read
    passes(made)


def test_a_layer_that_learns_is_refused() -> None:
    with pytest.raises(ConfigError, match="mode must be inference for a feed-forward layer"):
        make_plan(layer(), ExportOptions(mode="learning"))
