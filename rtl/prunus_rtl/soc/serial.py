"""A core behind a serial line, with its end of the host link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.lib import wiring

from prunus_rtl.core.core import Core
from prunus_rtl.export.bench import VECTORS
from prunus_rtl.export.interface import Interface, Made
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.template import fill
from prunus_rtl.export.waves import Diagram
from prunus_rtl.link.phy.uart import baud_divisor
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, Status
from prunus_rtl.link.serial_system import SerialSystem
from prunus_rtl.soc.exchanges import exchanges

__all__ = ["CLOCK_HZ", "SerialInterface"]

#: Clock that a serial line is divided from, unless asked otherwise.
CLOCK_HZ = 25_000_000
#: Words of the head of an exchange.
_HEAD = 7
#: Cycles of a presentation that no formula bounds: events come as slowly as the line is.
_ANY = (1 << 31) - 1


class SerialInterface(Interface):
    """A serial line, for `prunus run` and the driver.

    Parameters
    ----------
    clock_hz : int
        Clock of the core.
    baud : int
        Bits per second.

    Raises
    ------
    ConfigError
        If the rate can't be had from the clock.
    """

    name = "uart"
    top = "prunus_uart"
    title = "a serial line"

    def __init__(self, *, clock_hz: int, baud: int) -> None:
        self._clock_hz, self._baud = clock_hz, baud
        self._divisor = baud_divisor(clock_hz=clock_hz, baud=baud)

    def check(self, plan: Plan) -> None:
        """Check that the sizes of the network are those that the protocol can name."""
        self._description(plan)

    def _description(self, plan: Plan) -> CoreDescription:
        return CoreDescription.of(plan, clock_hz=self._clock_hz, baud=self._baud)

    def system(self, plan: Plan, core: Core) -> wiring.Component:
        """Return core, link and UART. The core is made anew of the plan, with its description."""
        return SerialSystem(plan=plan, divisor=self._divisor, clock_hz=self._clock_hz)

    def bench(self, made: Made) -> str:
        """Return the text of the bench."""
        asked = exchanges(made)
        slowest = max(image.cycles.most for image in made.vectors.shown)
        files = made.netlist.files()
        names = [f"{VECTORS}/{name}.hex" for name in ("heads", "octets")]
        opened = [*files, *names]
        return fill(
            "soc/serial_bench.v.j2",
            top=self.top,
            divisor=self._divisor,
            images=len(made.vectors.shown),
            exchanges=len(asked),
            head=_HEAD,
            octets=sum(len(one.request) + len(one.response) for one in asked),
            buffer=2 * BUFFER_BYTES,
            opened=opened,
            vectors=VECTORS,
            # A presentation, and a frame each way.
            patience=2 * slowest + 2 * 12 * self._divisor * 2 * BUFFER_BYTES,
            again=[int(Status.FULL), int(Status.BUSY)],
            name_bytes=max(map(len, opened)),
        )

    def vectors(self, made: Made, measured: Sequence[int] | None) -> dict[str, str]:
        """Return requests and responses, octet by octet."""
        asked = exchanges(made)
        heads, octets = [], []
        for one in asked:
            fewest, most, prediction, spikes = 0, 0, 0, 0
            if one.image is not None:
                shown = made.vectors.presentations[one.image]
                fewest, most = shown.cycles.fewest, shown.cycles.most
                if made.core.hardware.source == "events":
                    most = _ANY
                if measured is not None and one.image < len(measured):
                    fewest = most = measured[one.image]
                prediction, spikes = shown.prediction, len(shown.spikes)
            heads.append(f"// {one.note}")
            at = 0xFFFFFFFF if one.cycles_at < 0 else one.cycles_at
            words = [len(one.request) | len(one.response) << 16, at, fewest, most]
            words += [0xFFFFFFFF if one.image is None else one.image, prediction, spikes]
            heads += [f"{word:08x}" for word in words]
            octets.append(f"// {one.note}")
            octets += [f"{octet:02x}" for octet in (*one.request, *one.response)]
        return {
            f"{VECTORS}/heads.hex": "\n".join(heads) + "\n",
            f"{VECTORS}/octets.hex": "\n".join(octets) + "\n",
        }

    def files(self, made: Made) -> dict[str, str | bytes]:
        """Return the description that a host needs."""
        return {"core.json": self._description(made.plan).text()}

    def about(self) -> list[tuple[str, str]]:
        """Return what each of these is."""
        return [("core.json", "description of the core, for `prunus run` and the driver")]

    def diagrams(self, made: Made) -> list[Diagram]:
        """Return the first bits of a request."""
        return [
            Diagram(
                name="serial",
                title=f"start bit and first bits of a request, {self._divisor} cycles each",
                signals=("rst", "rx", "tx"),
                when=("sending",),
                before=4,
                after=4 * self._divisor,
            )
        ]

    def manual(self, made: Made) -> str:
        """Return how it is used."""
        values: dict[str, Any] = {
            "clock_hz": self._clock_hz,
            "baud": self._baud,
            "divisor": self._divisor,
        }
        return fill("soc/serial.md.j2", **values)
