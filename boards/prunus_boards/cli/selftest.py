"""`prunus selftest`."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
import numpy.typing as npt

from prunus_boards.cli.common import progress, target_options
from prunus_boards.cli.inputs import read_inputs
from prunus_boards.cli.targets import SOCKET, description, is_board, open_transport
from prunus_boards.driver.device import Device
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.result import Result
from prunus_boards.driver.selftest.run import SelfTest
from prunus_model.cli.common import (
    BUNDLED,
    command_line,
    console,
    load_network,
    terminable,
)
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.outputs import claimed_file
from prunus_model.common.atomic import write_json
from prunus_model.common.errors import DataError
from prunus_model.common.provenance import package_versions
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription

__all__ = ["selftest"]

#: Exit status of a device that fails a test.
_FAILING = 1
#: Bundled images that are shown.
_IMAGES = 3
_FORMAT, _VERSION = "prunus selftest", 1


@click.command(name="selftest")
@click.argument("network", metavar="[NETWORK]", required=False)
@target_options
@click.option("--load", is_flag=True, help="Load NETWORK first, if the device holds another.")
@click.option(
    "--limit",
    type=WholeNumber(min=1, max=86_400),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="When each test is ended.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the report as JSON, to be sent to us.",
)
@click.option("--force", is_flag=True, help="Replace an older file.")
def selftest(
    *,
    network: str | None,
    on: str,
    core: Path | None,
    baud: int | None,
    patience: int | None,
    mode: Literal["inference", "learning"] | None,
    lanes: int | None,
    store: str,
    load: bool,
    limit: int,
    output: Path | None,
    force: bool,
) -> int:
    """Test a device: line, memories, images, counters.

    Identifies it, sends bytes there and back, marches through every memory that it offers, shows 3
    bundled images and compares them with the golden model bit for bit, and looks at its counters.
    Afterwards memories and network are what they were. NETWORK, a file or one of demo, 400, up5k,
    windows, is what the device holds; bundled networks are recognised without. The exit status is 0
    if all is well, 1 if a test has failed, and 2 if something else is wrong.
    """
    if load and network is None:
        raise click.UsageError("--load needs a NETWORK to load")
    built = on in ("golden", "sim")
    artifact = load_network(network or BUNDLED[0]) if network is not None or built else None
    options = ExportOptions(mode=mode or "inference", lanes=lanes, store=store)
    described = None if core is None else CoreDescription.load(core)
    with nullcontext() if output is None else claimed_file(output, force=force):
        return _test(on, artifact, options, described, baud, patience, limit, load, output)


def _test(
    on: str,
    artifact: Artifact | None,
    options: ExportOptions,
    core: CoreDescription | None,
    baud: int | None,
    patience: int | None,
    limit: int,
    load: bool,
    output: Path | None,
) -> int:
    with terminable():
        way, core = open_transport(
            on, artifact, options=options, core=core, baud=baud, patience=patience
        )
        with CountingTransport(way) as transport:
            test = SelfTest(transport, core=core, limit=limit)
            results = [_shown(test.identify())]
            if test.device is not None and load and artifact is not None:
                _load(test.device, artifact)
            known, reason = _known(test.device, artifact)
            images, unfit = _images(known)
            results += map(_shown, test.rest(known, images, reason=reason or unfit))
    failed = [result.name for result in results if result.verdict == "failed"]
    skipped = [result.name for result in results if result.verdict == "skipped"]
    end = f"failed: {', '.join(failed)}" if failed else "all is well"
    console.print(
        f"Self-test of {description(on)}: {end}"
        + (f"; skipped: {', '.join(skipped)}" if skipped else ""),
        soft_wrap=True,
    )
    if output is not None:
        write_json(output, _report(on, test.device, results, limit))
        console.print(f"Wrote {output}", soft_wrap=True)
    return _FAILING if failed else 0


def _shown(result: Result) -> Result:
    console.print(f"{result.name:<9} {result.verdict:<8} {result.text}", soft_wrap=True)
    return result


def _load(device: Device, artifact: Artifact) -> None:
    if not device.holds(artifact):
        with progress("loading") as advance:
            device.load(artifact, progress=advance)


def _known(device: Device | None, artifact: Artifact | None) -> tuple[Artifact | None, str]:
    """Return the network that the device holds, or why it is not known."""
    if device is None:
        return None, ""
    held = device.identity.network.hex()
    if artifact is not None:
        if artifact.content_hash == held:
            return artifact, ""
        there = held[:16] if int(held, 16) else "none"
        return None, f"device must hold the network that is named, not {there}; --load loads it"
    if not int(held, 16):
        return None, "device holds no network; name one, and --load it"
    for name in BUNDLED:
        bundled = load_network(name)
        if bundled.content_hash == held:
            return bundled, ""
    return None, f"network {held[:16]} is not bundled; name its file"


def _images(artifact: Artifact | None) -> tuple[npt.NDArray[np.uint8] | None, str]:
    """Return bundled images as a network takes them, or why there are none."""
    if artifact is None:
        return None, ""
    if artifact.config.encoder.events is not None:
        return None, "network takes events; prunus verify compares recordings"
    try:
        shown = read_inputs(artifact, ["sample"], count=_IMAGES, invert=False, labels=False)
    except DataError as e:
        return None, f"bundled images do not suit the network: {e}"
    return np.asarray(shown.stimuli), ""


def _report(on: str, device: Device | None, results: list[Result], limit: int) -> dict[str, Any]:
    identity: dict[str, Any] | None = None
    if device is not None:
        told = device.identity
        identity = {
            "core": told.core.hex(),
            "network": told.network.hex(),
            "protocol": told.version,
            "neurons": told.neurons,
            "inputs": told.inputs,
            "steps": told.steps,
            "lanes": told.lanes,
            "learn": told.learn,
            "clock_hz": told.clock_hz,
            "store": device.core.options.store,
            "baud": device.core.baud,
        }
    return {
        "format": _FORMAT,
        "version": _VERSION,
        # Of a socket not where it is.
        "device": "socket" if on.startswith(SOCKET) else on,
        "hardware": is_board(on),
        **package_versions("prunus"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "platform": sys.platform,
        "command": command_line(),
        "limit_seconds": limit,
        "identity": identity,
        "ok": all(result.verdict != "failed" for result in results),
        "tests": [
            {
                "name": result.name,
                "verdict": result.verdict,
                "text": result.text,
                "seconds": round(result.seconds, 3),
                **result.figures,
            }
            for result in results
        ],
    }
