"""Packages of small networks, without their documents."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from prunus_cli import digits, tiny
from prunus_model.data.split import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import HomeostasisParams
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.export.bench import make_bench, make_bench_files
from prunus_rtl.export.netlist import MemoryImage, Netlist, make_netlist
from prunus_rtl.export.plan import ExportOptions, Plan, make_plan
from prunus_rtl.export.simulators import BenchRun, find_simulator, run_bench
from prunus_rtl.export.vectors import Vectors, make_vectors

_F = TypeVar("_F", bound=Callable[..., None])

SIMULATOR = find_simulator()
_simulated = pytest.mark.skipif(SIMULATOR is None, reason="neither iverilog nor verilator")


def needs_simulator(test: _F) -> _F:
    """Mark a test that runs a bench: it belongs to those of `sim`, and a simulator must be here."""
    marked: _F = pytest.mark.sim(_simulated(test))
    return marked


def small(policy: str = "adaptive", **changes: Any) -> Artifact:
    """A network of another kind, after a short training."""
    return train(replace(tiny(policy), **changes), digits(400))


class Made:
    """A package without its documents, in a folder."""

    def __init__(
        self, folder: Path, artifact: Artifact, data: Split | None = None, **options: Any
    ) -> None:
        self.folder = folder
        self.plan: Plan = make_plan(artifact, ExportOptions(**options))
        self.core = self.plan.core()
        self.netlist: Netlist = make_netlist(self.core)
        shown = digits(3, seed=5) if data is None else data
        self.vectors: Vectors = make_vectors(self.plan, self.core, shown)
        self.write("core.v", self.netlist.text)
        self.write("bench.v", make_bench(self.core, self.vectors, self.netlist))
        for name, image in self.netlist.files().items():
            self.write(name, image.content)
        self.expect(None)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def expect(self, measured: list[int] | None) -> None:
        for name, text in make_bench_files(self.core, self.vectors, measured).items():
            self.write(name, text)

    def run(self) -> BenchRun:
        assert SIMULATOR is not None
        return run_bench(self.folder, SIMULATOR)

    def memory(self, name: str) -> MemoryImage:
        (image,) = [image for image in self.netlist.memories if image.name == name]
        return image


def smallest_images(inputs: int) -> Split:
    images = np.full((3, inputs), 255, np.uint8)
    labels = np.zeros(3, np.uint8)
    return Split(name="light", images=images, labels=labels, image_shape=(1, inputs))


def smallest(inputs: int, neurons: int = 1) -> Artifact:
    config = NetworkConfig(
        inputs=inputs,
        neurons=neurons,
        weight_bits=1,
        encoder=EncoderParams(steps=4, gain=60000),
        homeostasis=HomeostasisParams(v_th=1, fire_shift=0),
        readout=ReadoutParams(classes=1),
    )
    return train(config, smallest_images(inputs))


def passes(made: Made) -> list[int]:
    """Run the bench; return the cycles, which are within the bounds of the formula."""
    run = made.run()
    assert run.passed, run.output
    assert "WARNING" not in run.output
    for cycles, image in zip(run.cycles, made.vectors.shown, strict=True):
        assert image.cycles.fewest <= cycles <= image.cycles.most
    return run.cycles
