"""Benchmark builds, with committed results: `python -m prunus_boards.measure.benchmark_builds`.

With `--times`, only what follows from cycles is computed anew, for builds that are there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from prunus_boards.build.fit import FitError
from prunus_boards.build.flow import build, build_name, prepare
from prunus_boards.build.options import build_options
from prunus_boards.build.report import times
from prunus_boards.platforms import find_board
from prunus_model.cli.common import (
    WrongError,
    console,
    load_network,
    user_errors,
)
from prunus_model.cli.number import WholeNumber
from prunus_model.common.atomic import write_json
from prunus_model.common.errors import PrunusError
from prunus_model.common.provenance import header
from prunus_model.training.artifact import Artifact
from prunus_rtl.digest.gateware import gateware_digest, link_digest
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import link_plan

__all__ = [
    "BENCHMARK_BUILDS",
    "RESULTS",
    "BenchmarkBuild",
    "build_and_write",
    "main",
    "retime",
]

#: Where results are, in the checkout.
RESULTS = Path("boards/results")
_PAPER = Path("build/paper.npz")
_IMPORTED = Path("build/nir/mnist-10.npz")
_SUPERVISED = "supervised, by snnTorch"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkBuild:
    """A build whose result is committed.

    Attributes
    ----------
    board : str
        Name of the board.
    network : str
        A bundled network; or one that is a file: ``paper``, that of the paper's size, and
        ``mnist-10``, the layer of 10 neurons that has come from snnTorch.
    mode : "inference" or "learning"
        Whether the core can learn.
    training : str
        How the network was trained.
    store : str, optional
        As of :class:`prunus_rtl.export.plan.ExportOptions`. Default: that of the board.
    lanes : int, optional
        Lanes of the core. Default: those of the board, or fewer if there are fewer neurons.
    encoder_inputs, sweep_inputs, host_access
        As of :class:`prunus_rtl.export.plan.ExportOptions`.
    clock_hz : int, optional
        Clock of the core. Default: that of the board.
    fits : bool
        Whether it is expected to fit; if not, the result is the refusal.
    variant : str
        What tells it from another build of the same network, in the name of its file.
    """

    board: str
    network: str
    mode: Literal["inference", "learning"] = "inference"
    training: str = "unsupervised"
    store: str | None = None
    lanes: int | None = None
    encoder_inputs: Literal[4, 8, 16] = 4
    sweep_inputs: Literal[1, 2, 4, 8, 16] = 1
    host_access: Literal["all", "load", "none"] = "all"
    clock_hz: int | None = None
    fits: bool = True
    variant: str = ""

    @property
    def title(self) -> str:
        """What ``--only`` looks at."""
        words = (self.board, self.network, self.mode, self.store, self.variant)
        return " ".join(word for word in words if word)

    def name(self, artifact: Artifact) -> str:
        """Return what the build of a network is called, in the names of folder and file."""
        name = build_name(self.mode, artifact.config)
        return f"{name}-{self.variant}" if self.variant else name


#: All of them.
BENCHMARK_BUILDS = (
    BenchmarkBuild(board="ulx3s-85f", network="paper", host_access="load", clock_hz=60_000_000),
    BenchmarkBuild(
        board="ulx3s-85f",
        network="paper",
        lanes=32,
        encoder_inputs=8,
        host_access="load",
        clock_hz=50_000_000,
        variant="32-lanes",
    ),
    BenchmarkBuild(
        board="ulx3s-85f",
        network="paper",
        lanes=64,
        encoder_inputs=8,
        host_access="load",
        clock_hz=40_000_000,
        variant="64-lanes",
    ),
    BenchmarkBuild(board="ulx3s-85f", network="paper", store="dense", fits=False),
    # The weights of all 25 groups on the chip; with more lanes the rows' pointers do not fit.
    BenchmarkBuild(
        board="ulx3s-85f",
        network="windows",
        store="bitmask",
        lanes=4,
        host_access="load",
    ),
    # With `sweep_inputs=4` the router of nextpnr 0.11 does not come to an end.
    BenchmarkBuild(
        board="ulx3s-85f",
        network="demo",
        mode="learning",
        encoder_inputs=8,
        sweep_inputs=2,
        host_access="load",
        clock_hz=35_000_000,
    ),
    # With `sweep_inputs=4` the columns take 13 block RAMs more than there are; with 2 the router
    # does not come to an end.
    BenchmarkBuild(board="ulx3s-85f", network="400", mode="learning", host_access="load"),
    BenchmarkBuild(
        board="ulx3s-85f",
        network="400",
        mode="learning",
        lanes=32,
        encoder_inputs=8,
        host_access="load",
        clock_hz=37_500_000,
        variant="32-lanes",
    ),
    BenchmarkBuild(board="icebreaker", network="up5k"),
    BenchmarkBuild(
        board="icebreaker", network="up5k", lanes=4, host_access="load", variant="4-lanes"
    ),
    # A layer with 8-bit weights of either sign, imported; see `_IMPORTED`.
    BenchmarkBuild(board="ulx3s-85f", network="mnist-10", training=_SUPERVISED),
    # With 2 lanes there is no placement: potentials and thresholds of 10 neurons are in registers.
    BenchmarkBuild(
        board="icebreaker",
        network="mnist-10",
        training=_SUPERVISED,
        lanes=1,
        host_access="load",
    ),
    BenchmarkBuild(board="ecpix5-85f", network="demo"),
    BenchmarkBuild(board="tang-nano-9k", network="demo"),
)


def build_and_write(
    wanted: BenchmarkBuild, artifact: Artifact, *, seeds: int, results: Path = RESULTS
) -> Path:
    """Build once and write the result.

    Parameters
    ----------
    wanted : BenchmarkBuild
        What is built.
    artifact : Artifact
        Its network.
    seeds : int
        Attempts to place and route.
    results : Path
        Where the result is written.

    Returns
    -------
    Path
        File with the result.

    Raises
    ------
    PrunusError
        If it can't be built; or if it can, though it is expected not to fit.
    """
    board = find_board(wanted.board)
    options = build_options(
        board,
        artifact,
        mode=wanted.mode,
        store=wanted.store,
        lanes=wanted.lanes,
        encoder_inputs=wanted.encoder_inputs,
        sweep_inputs=wanted.sweep_inputs,
        host_access=wanted.host_access,
    )
    name = wanted.name(artifact)
    content: dict[str, Any]
    if wanted.fits:
        built = build(
            artifact,
            board,
            options,
            folder=Path("build") / board.name / name,
            clock_hz=wanted.clock_hz,
            seeds=range(1, seeds + 1),
            report=lambda what: console.print(f"{board.name} {name}: {what} ...", soft_wrap=True),
        )
        content = dict(built.report)
    else:
        name = f"{name}-{options.store}"
        content = {
            "board": board.name,
            "device": board.device,
            "mode": wanted.mode,
            "neurons": artifact.config.neurons,
            "lanes": options.lanes,
            "store": options.store,
            "artifact_hash": artifact.content_hash,
            "refused": _refusal(artifact, options, wanted),
        }
    head = header(
        "bitstream",
        command=f"python -m prunus_boards.measure.benchmark_builds --seeds {seeds} "
        f"--only '{wanted.title}'",
        inputs={
            "gateware": gateware_digest(),
            "link": link_digest(),
            "network": artifact.content_hash,
        },
        tools=content.pop("tools", {}),
    )
    path = results / f"{board.name}-{name}.json"
    own = {"network": wanted.network, "training": wanted.training}
    write_json(path, {"provenance": head} | own | content)
    return path


def retime(wanted: BenchmarkBuild, artifact: Artifact, *, results: Path = RESULTS) -> Path:
    """Compute cycles and times in the result of a build anew, by the formula of the core.

    Parameters
    ----------
    wanted : BenchmarkBuild
        What was built.
    artifact : Artifact
        Its network.
    results : Path
        Where the result is.

    Returns
    -------
    Path
        File with the result.

    Raises
    ------
    PrunusError
        If there is no such result, or it is of another network.
    """
    path = results / f"{wanted.board}-{wanted.name(artifact)}.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as e:
        raise PrunusError(f"Result {path} must exist; `make boards` builds it") from e
    if content["artifact_hash"] != artifact.content_hash:
        raise PrunusError(
            f"Result {path} must be of network {artifact.content_hash[:12]}, not "
            f"{content['artifact_hash'][:12]}; `make boards` builds it anew"
        )
    if "options" not in content:
        raise PrunusError(
            f"Result {path} must tell the options of its core; `make boards` builds it anew"
        )
    # The store is the one that was found to fit.
    store = content["store"] if wanted.mode == "inference" else None
    options = build_options(find_board(wanted.board), artifact, mode=wanted.mode, store=store)
    options = replace(options, lanes=content["lanes"], **content["options"])
    facts = times(link_plan(artifact, options), clock_hz=round(content["clock_mhz"] * 1e6))
    older = {key: value for key, value in content.items() if key not in facts}
    own = {"network": wanted.network, "training": wanted.training}
    older = {"provenance": older.pop("provenance")} | own | older
    keys = list(older)
    at = keys.index("clock_mhz") + 1
    ordered = {key: older[key] for key in keys[:at]} | facts | {k: older[k] for k in keys[at:]}
    write_json(path, ordered)
    return path


def _refusal(artifact: Artifact, options: ExportOptions, wanted: BenchmarkBuild) -> str:
    board = find_board(wanted.board)
    try:
        prepare(link_plan(artifact, options), board, clock_hz=board.clock_hz)
    except FitError as e:
        return str(e)
    raise PrunusError(f"{wanted.network} with store {options.store} must not fit {board.name}")


@click.command()
@click.option(
    "--only", metavar="TEXT", default="", help="Boards or networks with this in the name."
)
@click.option("--seeds", type=WholeNumber(min=1), default=5, show_default=True)
@click.option(
    "--paper",
    type=click.Path(path_type=Path),
    default=_PAPER,
    show_default=True,
    help="Network of the paper's size: `prunus train -c paper -d mnist -e 2`.",
)
@click.option(
    "--imported",
    type=click.Path(path_type=Path),
    default=_IMPORTED,
    show_default=True,
    help="Network of a graph from snnTorch: `prunus import nir "
    "tests/model/exchange/mnist-10.nir --steps 32 --set encoder.spikes=low-discrepancy`, or what "
    "`make nir` leaves.",
)
@click.option(
    "--times", "only_times", is_flag=True, help="Build nothing; compute cycles and times anew."
)
def main(*, only: str, seeds: int, paper: Path, imported: Path, only_times: bool) -> None:
    """Build everything that is wanted, and write the results; minutes to an hour."""
    chosen = [wanted for wanted in BENCHMARK_BUILDS if only == wanted.title] or [
        wanted for wanted in BENCHMARK_BUILDS if only in wanted.title
    ]
    if not chosen:
        raise WrongError(f"Boards or networks must have {only!r} in the name, but none has")
    failed, own = [], {"paper": paper, "mnist-10": imported}
    with user_errors():
        for wanted in chosen:
            try:
                artifact = load_network(str(own.get(wanted.network, wanted.network)))
                if not only_times:
                    path = build_and_write(wanted, artifact, seeds=seeds)
                elif wanted.fits:
                    path = retime(wanted, artifact)
                else:
                    continue
                console.print(f"Wrote {path}", soft_wrap=True)
            except PrunusError as e:
                # The others may still be built.
                failed.append(f"{wanted.title}: {e}")
    if failed:
        raise WrongError(" ".join("; ".join(failed).split()))


if __name__ == "__main__":
    main()
