"""Shows broken devices to the driver, and measures how and how soon it tells that they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from prunus_boards.driver.device import Device
from prunus_boards.driver.learning import learned
from prunus_boards.driver.transports.base import Transport
from prunus_boards.driver.transports.simulator import SOCKET_PATIENCE
from prunus_boards.measure.broken_devices import KINDS, BrokenDevice, Kind
from prunus_boards.measure.robustness import trial_network
from prunus_model.cli.common import WrongError, user_errors
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.errors import PrunusError
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

__all__ = ["CLOCK_HZ", "LIMIT", "OPTIONS", "PATIENCES", "Told", "trial", "use"]

#: A core that learns: all of the driver is used.
OPTIONS = ExportOptions(mode="learning", lanes=4)
#: Clock that the devices tell.
CLOCK_HZ = 50_000_000
#: Seconds after which an answer is given up: of a serial port, and of a socket.
PATIENCES = {"port": 0.5, "socket": SOCKET_PATIENCE}
#: Seconds within which every broken device must be told.
LIMIT = 10.0
#: Images that are learned from.
_IMAGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the driver has said of a device.

    Attributes
    ----------
    kind, way : str
        Kind of the device, and one of :data:`PATIENCES`.
    message : str
        Message of the error; empty if there was none.
    seconds : float
        How long it took, in the time of the device.
    """

    kind: str
    way: str
    message: str
    seconds: float


def use(transport: Transport, core: CoreDescription, artifact: Artifact) -> Artifact:
    """Do all that can be done with a device that learns; return what it has learned.

    Raises
    ------
    PrunusError
        If it is not what it should be.
    """
    images = np.random.default_rng(2).integers(0, 256, (_IMAGES, core.network.inputs))
    with Device(transport, core=core) as device:
        device.load(artifact)
        device.compare(artifact)
        device.reset()
        device.presentation = device.plan.state.presentation
        outcomes = list(device.present_many(images.astype(np.uint8), learn=True))
        return learned(artifact, device.read_state(), outcomes, correct=None, command="trial")


def trial(name: str, kind: Kind, artifact: Artifact) -> Iterator[Told]:
    """Use a device of a kind, once for each of :data:`PATIENCES`."""
    plan = link_plan(artifact, OPTIONS)
    core = CoreDescription.of(plan, clock_hz=CLOCK_HZ)
    for way, patience in PATIENCES.items():
        device = BrokenDevice(kind, plan, clock_hz=CLOCK_HZ, patience=patience)
        message = ""
        try:
            use(device, core, artifact)
        except PrunusError as e:
            message = str(e)
        yield Told(kind=name, way=way, message=message, seconds=device.now)


@click.command()
@results_option(Path("build/broken_devices.json"))
def main(*, output: Path) -> None:
    """Use a device of every kind, and write how many were told in one line, and how late at most.

    The exit status is 2 if one was not, or not in time.
    """
    with user_errors():
        artifact = trial_network()
        found = [told for name, kind in KINDS.items() for told in trial(name, kind, artifact)]
        missed = [t for t in found if not t.message or "\n" in t.message or t.seconds > LIMIT]
        facts = {
            "kinds": len(KINDS),
            "told": len(KINDS) - len({told.kind for told in missed}),
            "longest_s": round(max(told.seconds for told in found), 3),
        }
        write_json(output, facts)
    for told in found:
        click.echo(f"{told.kind} ({told.way}): {told.seconds:.2f} s: {told.message}")
    if missed:
        raise WrongError(f"Device must be told: {missed[0].kind} at a {missed[0].way}")


if __name__ == "__main__":
    main()
