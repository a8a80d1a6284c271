"""Pages of the programming interface: a page for each task, with what is public for it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

__all__ = ["PAGES", "Page", "api_page", "own_names"]


@dataclass(frozen=True)
class Page:
    """A page: its title, what it is for, and the modules of which it has every public name."""

    title: str
    purpose: str
    modules: tuple[str, ...]


#: Pages by name. A module is public if somebody who uses Prunus from Python calls it; what only
#: parts of Prunus call is not here.
PAGES = {
    "networks": Page(
        "Train, test and keep networks",
        "Configurations, training, evaluation, and the file of a trained network. "
        "``prunus_model`` itself has the most used of these names.",
        (
            "prunus_model.spec.config",
            "prunus_model.training.trainer",
            "prunus_model.training.evaluation",
            "prunus_model.training.artifact",
            "prunus_model.training.history",
            "prunus_model.training.relabelling",
            "prunus_model.training.ordering",
            "prunus_model.training.regrowth",
        ),
    ),
    "parameters": Page(
        "Parameters of a network",
        "The parts of a configuration, with ranges and defaults.",
        (
            "prunus_model.spec.encoder",
            "prunus_model.spec.units",
            "prunus_model.spec.pruning",
            "prunus_model.spec.readout",
            "prunus_model.spec.groups",
            "prunus_model.spec.feedforward",
        ),
    ),
    "models": Page(
        "Golden models",
        "The reference, which can be stopped after each step, the engine, which is compiled, and "
        "what both take and return.",
        (
            "prunus_model.spec.golden_model",
            "prunus_model.reference.network",
            "prunus_model.reference.view",
            "prunus_model.engine.engine",
            "prunus_model.spec.state",
            "prunus_model.spec.presentation",
            "prunus_model.spec.counters",
            "prunus_model.spec.packed_events",
        ),
    ),
    "units": Page(
        "Units of the reference",
        "The equations of the semantics, one unit in each module.",
        (
            "prunus_model.reference.xorshift",
            "prunus_model.reference.encoder",
            "prunus_model.reference.refractory",
            "prunus_model.reference.membrane",
            "prunus_model.reference.homeostasis",
            "prunus_model.reference.stdp",
            "prunus_model.reference.pruning",
            "prunus_model.reference.lift",
            "prunus_model.reference.feedforward",
            "prunus_model.reference.readout",
        ),
    ),
    "data": Page(
        "Data",
        "Images and events, with labels: read, described and fitted to a configuration.",
        (
            "prunus_model.data.datasets",
            "prunus_model.data.split",
            "prunus_model.data.describe",
            "prunus_model.data.brightness",
            "prunus_model.data.scaling",
            "prunus_model.data.fitting",
            "prunus_model.data.events.recording",
            "prunus_model.data.events.split",
            "prunus_model.spec.levels",
        ),
    ),
    "studies": Page(
        "Studies",
        "Sweep lists: what is trained, kept and compared.",
        (
            "prunus_model.study.trials",
            "prunus_model.study.plan",
            "prunus_model.study.rule",
            "prunus_model.study.runner",
            "prunus_model.study.results_db",
            "prunus_model.study.fingerprint",
        ),
    ),
    "exchange": Page(
        "Other tools",
        "Graphs and traces of NIR, and metrics by the names of NeuroBench.",
        (
            "prunus_model.exchange.graph",
            "prunus_model.exchange.export",
            "prunus_model.exchange.importing",
            "prunus_model.exchange.trace",
            "prunus_model.exchange.metrics",
        ),
    ),
    "cores": Page(
        "Cores and packages",
        "What is built, how large and how quick it is, and the Verilog package of it.",
        (
            "prunus_rtl.hardware",
            "prunus_rtl.export.plan",
            "prunus_rtl.export.interface",
            "prunus_rtl.export.package",
            "prunus_rtl.soc.interfaces",
            "prunus_rtl.core.core",
            "prunus_rtl.timing",
            "prunus_rtl.memory_image.footprint",
            "prunus_rtl.link.protocol.description",
        ),
    ),
    "boards": Page(
        "Boards and the driver",
        "Bitstreams, and a core behind a serial line.",
        (
            "prunus_boards.driver.device",
            "prunus_boards.driver.outcome",
            "prunus_boards.driver.checking",
            "prunus_boards.driver.requests",
            "prunus_boards.driver.selftest.run",
            "prunus_boards.cli.targets",
            "prunus_boards.platforms.board",
            "prunus_boards.build.flow",
        ),
    ),
    "energy": Page(
        "Energy",
        "Energy of a network from counted accesses and operations.",
        (
            "prunus_overhead.energy.technology",
            "prunus_overhead.energy.operations",
            "prunus_overhead.energy.estimate",
        ),
    ),
    "errors": Page(
        "Errors",
        "What is raised for what a user gave that is wrong.",
        ("prunus_model.common.errors",),
    ),
}


def own_names(module: str) -> list[str]:
    """Return the public names that a module itself defines, constants included."""
    there = import_module(module)
    return [
        name
        for name in there.__all__
        if getattr(getattr(there, name), "__module__", module) == module
    ]


def api_page(page: Page) -> str:
    """Return a page as reStructuredText."""
    lines = [page.title, "=" * len(page.title), "", page.purpose, ""]
    for module in page.modules:
        name = f"``{module}``"
        lines += [name, "-" * len(name), "", f".. automodule:: {module}", "   :members: "]
        lines[-1] += ", ".join(own_names(module))
        lines.append("")
    return "\n".join(lines)
