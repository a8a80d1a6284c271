# amaranth: UnusedElaboratable=no

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import digits
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import MembraneParams
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_package import Made, needs_simulator, passes, small, smallest, smallest_images
from prunus_rtl.synapses.memory import SPRAM_NAME
from prunus_rtl.timing import LATENCY


@needs_simulator
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"store": "csr", "lanes": 4}, id="csr"),
        pytest.param({"store": "bitmask", "lanes": 2, "balanced": False}, id="bitmask"),
        pytest.param({"store": "dense", "lanes": 8}, id="dense"),
        pytest.param({"store": "learning", "lanes": 1}, id="inference from the learning store"),
        pytest.param({"source": "events", "lanes": 4}, id="events"),
        pytest.param({"mode": "learning", "lanes": 4}, id="learning"),
        pytest.param({"mode": "learning", "multiplier": "dsp", "source": "events"}, id="dsp"),
        pytest.param({"mode": "learning", "sweep_inputs": 4}, id="4 inputs per cycle"),
    ],
)
def test_bench_passes(network: Artifact, options: dict[str, Any], tmp_path: Path) -> None:
    made = Made(tmp_path, network, **options)
    assert any(image.spikes for image in made.vectors.shown)
    passes(made)


@needs_simulator
@pytest.mark.parametrize(("store", "lanes"), [("csr", 8), ("csr", 1), ("bitmask", 2), ("dense", 1)])
def test_formula_is_near_what_is_measured(
    network: Artifact, store: str, lanes: int, tmp_path: Path
) -> None:
    """With many lanes the encoder is the slower one, with one lane the lane is."""
    made = Made(tmp_path, network, store=store, lanes=lanes)
    steps = made.plan.network.encoder.steps
    for cycles, image in zip(passes(made), made.vectors.shown, strict=True):
        assert cycles - image.cycles.fewest <= (LATENCY + 1) * steps


@needs_simulator
def test_formula_is_that_of_the_encoder_if_lanes_wait_for_it(
    network: Artifact, tmp_path: Path
) -> None:
    lit = digits(3)
    dark = replace(lit, images=np.zeros_like(lit.images))
    made = Made(tmp_path, network, dark, lanes=8)
    (cycles, *_), (image, *_) = passes(made), made.vectors.shown
    # 13 words of four inputs take longer than the comparison of two slots.
    assert image.cycles.fewest >= 13 * made.plan.network.encoder.steps
    assert cycles - image.cycles.fewest <= 20


@needs_simulator
@pytest.mark.parametrize("policy", ["none", "constant", "soft", "post"])
def test_bench_passes_with_every_policy(policy: str, tmp_path: Path) -> None:
    mode: Any = "learning" if policy in ("none", "constant") else "inference"
    passes(Made(tmp_path, small(policy), mode=mode, lanes=2))


@needs_simulator
@pytest.mark.parametrize("store", ["csr", "dense"])
def test_packed_store_of_an_up5k_is_in_spram(network: Artifact, tmp_path: Path, store: str) -> None:
    """A memory for each SPRAM, filled up with room for other networks."""
    made = Made(tmp_path, network, device="UP5K", store=store)
    hardware, layout = made.plan.hardware, made.core.shapes.store
    assert (hardware.lanes, hardware.spram, hardware.queue_depth) == (4, True, 2)
    assert layout is not None
    for lane in range(4):
        memory = made.memory(f"store{lane}.{SPRAM_NAME}")
        if store == "csr":
            assert (memory.depth, layout.depths[lane][1]) == (16384, 16384 - layout.inputs - 1)
        else:
            assert layout.flagged and memory.depth == layout.depths[lane][0]
    assert passes(made)


@needs_simulator
def test_bench_passes_for_odd_sizes(tmp_path: Path) -> None:
    """Widths of 0, early exit, inhibition, and an image without any output spike."""
    dark = digits(3, seed=5)
    images = dark.images.copy()
    images[1] = 0
    data = replace(dark, images=images)
    one = small(neurons=1, membrane=MembraneParams(leak_shift=0, inhibition_steps=3))
    for mode in ("inference", "learning"):
        folder = tmp_path / mode
        folder.mkdir()
        made = Made(folder, one, data, mode=mode)
        assert [image.undecided for image in made.vectors.shown] == [False, True, False]
        passes(made)
    exits = small(neurons=3, readout=ReadoutParams(stop_after=1))
    folder = tmp_path / "exits"
    folder.mkdir()
    made = Made(folder, exits, source="events", store="bitmask")
    assert {len(image.spikes) for image in made.vectors.shown} == {1}
    assert any(image.counts["steps"] < exits.config.encoder.steps for image in made.vectors.shown)
    passes(made)


@needs_simulator
@pytest.mark.parametrize("inputs", [1, 2])
def test_bench_passes_for_the_smallest_network(tmp_path: Path, inputs: int) -> None:
    """The index of the only input, and of the only neuron, have no bits."""
    made = Made(tmp_path, smallest(inputs=inputs), smallest_images(inputs))
    assert passes(made)


def test_bench_has_the_predictions_of_the_evaluation(network: Artifact, inference: Made) -> None:
    shown = inference.vectors.shown
    assert [image.prediction for image in shown] == evaluate(
        network, digits(3, seed=5)
    ).vote.tolist()
    assert len({image.prediction for image in shown}) > 1
