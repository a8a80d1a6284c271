"""Bitstreams: from a trained network to a file that a board can be loaded with."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amaranth.build.run import BuildPlan

from prunus_boards.build.failed import (
    TIMING,
    BuildError,
    check_clock,
    check_constraints,
    check_failed,
    keep_failed,
)
from prunus_boards.build.fit import (
    FitError,
    check_memories,
    design_memories,
    explain,
    with_neuron_memory,
)
from prunus_boards.build.report import Splits, make_report
from prunus_boards.build.tools import ToolError, Tools, ToolTimeoutError
from prunus_boards.build.top import BoardTop
from prunus_boards.build.usage import Placement, read_placement
from prunus_boards.platforms.board import Board
from prunus_boards.platforms.dividers import dividers
from prunus_model.common.atomic import staged, write_json
from prunus_model.common.errors import ConfigError
from prunus_model.common.manifest import MANIFEST, check_replaceable, digests
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.lib.ram import COLLISION_SCRIPT
from prunus_rtl.link.protocol.description import Line, link_plan
from prunus_rtl.link.protocol.protocol import BAUD
from prunus_rtl.synapses.memory import SPRAM_SCRIPT

__all__ = [
    "CORE",
    "REPORT",
    "BuildError",
    "Built",
    "build",
    "build_name",
    "check_output",
    "memory_script",
    "prepare",
    "product",
]

#: Files in the folder of a build, beside the bitstream: description of the core, and report.
CORE, REPORT = "core.json", "report.json"
_FORMAT = "prunus build"
_TOP = "top"
_CELLS = "cells.json"
#: Formats of the packed store in the order in which they are tried: the quickest first.
_STORES = ("csr", "bitmask", "dense")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was built.

    Attributes
    ----------
    folder : Path
        Bitstream, description of the core, report, log of the timing.
    bitstream : Path
        Bitstream.
    report : dict
        Content of the report.
    """

    folder: Path
    bitstream: Path
    report: Mapping[str, Any]


def check_output(folder: Path) -> None:
    """Check, before the work starts, that a build may take the place of what is there.

    Raises
    ------
    ConfigError
        If that is anything but an older build, as it was written, or is the folder we are in; or if
        a failed build that would be kept beside it could not replace what is there.
    """
    if not folder.name:
        raise ConfigError(f"Folder of a build must have a name of its own, not {str(folder)!r}")
    check_replaceable(folder, format=_FORMAT, what="build")
    check_failed(folder)


def build_name(mode: str, config: NetworkConfig, *, link: Line = "uart") -> str:
    """Return what a build is called by default: its mode, its size, and its line if it is another.

    Examples
    --------
    >>> build_name("inference", NetworkConfig.named("windows"))
    'inference-25x200'
    >>> build_name("learning", NetworkConfig.named("demo"), link="spi")
    'learning-100-spi'
    """
    groups = f"{config.group_count}x" if config.groups else ""
    return f"{mode}-{groups}{config.neurons}{'' if link == 'uart' else f'-{link}'}"


def product(board: Board) -> str:
    """Return the file name of a bitstream."""
    return f"prunus.{board.flow.product}"


def memory_script(plan: Plan) -> list[str]:
    """Return the commands for yosys between the reading of a core and its synthesis."""
    return [SPRAM_SCRIPT, COLLISION_SCRIPT] if plan.hardware.spram else [COLLISION_SCRIPT]


def prepare(
    plan: Plan,
    board: Board,
    *,
    clock_hz: int,
    baud: int = BAUD,
    pins: Mapping[str, str] | None = None,
    link: Line = "uart",
) -> tuple[BoardTop, BuildPlan]:
    """Elaborate a design and return it with the files and commands that build it.

    Raises
    ------
    ConfigError
        If clock or bit rate can't be made.
    BoardError
        If a pin can't be moved, or the board has none for the line.
    FitError
        If memory is missing.
    """
    platform = board.make_platform(pins or {}, link=link)
    loop = None
    if clock_hz != board.oscillator_hz:
        loop = dividers(board.family, board.oscillator_hz, clock_hz)
    top = BoardTop(plan=plan, board=board, baud=baud, dividers=loop, link=link)
    check_memories(design_memories(plan.widths), board, plan)
    files = platform.prepare(
        top,
        name=_TOP,
        emit_src=False,
        debug_verilog=False,
        synth_opts=board.flow.synth_opts,
        script_after_read="\n".join(memory_script(plan)),
        **{board.flow.constraints: board.clock_constraint(clock_hz)},
        script_after_synth=f"tee -q -o {_CELLS} stat -json",
    )
    return top, files


def build(
    artifact: Artifact,
    board: Board,
    options: ExportOptions,
    *,
    folder: Path,
    clock_hz: int | None = None,
    baud: int = BAUD,
    pins: Mapping[str, str] | None = None,
    link: Line = "uart",
    seeds: Sequence[int] = (1,),
    tools: Tools | None = None,
    data: Splits | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Built:
    """Build a bitstream.

    Parameters
    ----------
    artifact : Artifact
        A trained network; its contents are in the bitstream.
    board : Board
        For which board.
    options : ExportOptions
        What is built.
    folder : Path
        Where; an older build there is replaced once this one is complete.
    clock_hz : int, optional
        Clock of the core. Default: that of the board.
    baud : int
        Bits per second on the line.
    pins : dict of str to str, optional
        Pins that are moved.
    link : str
        The line: ``uart`` or ``spi``.
    seeds : sequence of int
        Place and route is done once for each; the fastest is taken. One that takes too long is left
        out, and reported.
    tools : Tools, optional
        Default: those of the Python packages.
    data : dict of str to Split, optional
        Images that the report tells the cycles of. Default: those of the bundled sample, if the
        network takes them.
    report : function
        Told what is done next.

    Returns
    -------
    Built

    Raises
    ------
    ToolError
        If a tool is missing or fails, or takes too long: place and route with every seed.
    FitError
        If the design does not fit the device.
    BuildError
        If no attempt reaches the clock, or a constraint is not taken. Then timing log, constraints
        and figures are kept in :func:`prunus_boards.build.failed.failed_folder`.
    ConfigError
        If there is anything in the folder but an older build.
    """
    started = time.monotonic()
    tools = Tools() if tools is None else tools
    clock_hz = board.clock_hz if clock_hz is None else clock_hz
    tools.check(["yosys", board.flow.place, board.flow.pack])
    report("elaborate")
    plan, top, files = _first_that_fits(
        artifact, options, board, clock_hz=clock_hz, baud=baud, pins=pins, link=link
    )
    synthesise, place, pack = json.loads(files.files[f"build_{_TOP}.json"])["commands"]
    with staged(folder) as work:
        build_folder = work / "build"
        files.extract(build_folder)
        report(synthesise[0])
        tools.run(synthesise, build_folder)
        placements, late = [], None
        for seed in seeds:
            report(f"{place[0]}, seed {seed}")
            try:
                placements.append(_place(place, seed, build_folder, board, tools))
            except ToolTimeoutError as e:
                late = e
                report(f"{e}; seed {seed} is left out")
        if late and not placements:
            raise late
        best = max(placements, key=lambda placement: placement.fmax_mhz)
        try:
            check_constraints(placements, place[0], build_folder, clock_hz)
            check_clock(placements, best, clock_hz)
        except BuildError as e:
            kept = keep_failed(folder, build_folder, board, placements, best, clock_hz, str(e))
            raise BuildError(f"{e}; see {kept}") from None
        report(pack[0])
        shutil.copy(build_folder / f"seed{best.seed}", build_folder / board.flow.placed)
        tools.run(pack, build_folder)
        bitstream = work / product(board)
        shutil.move(build_folder / f"{_TOP}.{board.flow.product}", bitstream)
        shutil.move(build_folder / f"seed{best.seed}.tim", work / TIMING)
        top.description.save(work / CORE)
        content = make_report(
            plan,
            board,
            clock_hz=clock_hz,
            baud=baud,
            link=link,
            placements=placements,
            best=best,
            cells=json.loads((build_folder / _CELLS).read_text()),
            bitstream_bytes=bitstream.stat().st_size,
            tools=tools.used,
            seconds=time.monotonic() - started,
            data=data,
        )
        write_json(work / REPORT, content)
        shutil.rmtree(build_folder)
        manifest = {"format": _FORMAT, "link": link, "files": digests(work)}
        write_json(work / MANIFEST, manifest)
        # Again, as all of that has taken a while.
        check_output(folder)
    top.description.register()
    return Built(folder=folder, bitstream=folder / product(board), report=content)


def _first_that_fits(
    artifact: Artifact, options: ExportOptions, board: Board, **pins_and_clock: Any
) -> tuple[Plan, BoardTop, BuildPlan]:
    """Return what is built; if the store is left open, the quickest format that fits."""
    stores = [options.store]
    if options.store == "auto" and options.mode == "inference":
        stores = list(_STORES)
    refusals = []
    for store in stores:
        plan = with_neuron_memory(link_plan(artifact, replace(options, store=store)), board)
        try:
            return plan, *prepare(plan, board, **pins_and_clock)
        except FitError as e:
            refusals.append(e)
    raise min(refusals, key=lambda e: e.missing)


def _place(
    command: Sequence[str], seed: int, folder: Path, board: Board, tools: Tools
) -> Placement:
    """Place and route once; what comes out is kept under the number of the seed."""
    # Whether the clock is met is judged afterwards: other attempts may do better.
    more = ["--seed", str(seed), "--report", "report.json", "--timing-allow-fail"]
    more += board.flow.place_opts
    try:
        tools.run([command[0], *more, *command[1:]], folder, log=f"{_TOP}.tim")
    except ToolTimeoutError:
        raise
    except ToolError as e:
        raise explain(e, board) from e
    shutil.move(folder / board.flow.placed, folder / f"seed{seed}")
    shutil.move(folder / f"{_TOP}.tim", folder / f"seed{seed}.tim")
    return read_placement(folder / "report.json", seed=seed)
