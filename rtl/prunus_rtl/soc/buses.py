"""A core behind AXI or Wishbone: bench, register files, driver, documents."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.lib import wiring

from prunus_rtl.bus.capability import parameters
from prunus_rtl.bus.event_input import INPUT_BITS, NO_INPUT, QUEUED_EVENTS
from prunus_rtl.bus.registers import MAP_VERSION, WINDOW_BYTES
from prunus_rtl.bus.registers import REGISTERS as REGISTERS_TABLE
from prunus_rtl.bus.system import AxiSystem, WishboneSystem
from prunus_rtl.core.core import Core
from prunus_rtl.export.bench import VECTORS
from prunus_rtl.export.interface import Interface, Made
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.template import fill
from prunus_rtl.export.waves import Diagram
from prunus_rtl.soc.diagrams import axi_diagrams, wishbone_diagrams
from prunus_rtl.soc.driver import FOLDER as DRIVER
from prunus_rtl.soc.driver import driver_files
from prunus_rtl.soc.register_files import FOLDER as REGISTERS
from prunus_rtl.soc.register_files import MISSING, has_exporters, register_files
from prunus_rtl.soc.script import Op, Script, make_script

__all__ = ["AxiInterface", "BusInterface", "WishboneInterface"]


class BusInterface(Interface):
    """A bus with the registers of :mod:`prunus_rtl.bus.registers`; subclasses say which."""

    streams = False
    _system: type[wiring.Component]

    def __init__(self) -> None:
        self._kept: tuple[Made, Script] | None = None

    def system(self, plan: Plan, core: Core) -> wiring.Component:
        """Return the core behind the bus."""
        return self._system(core=core, network=self.network(plan))

    def network(self, plan: Plan) -> bytes:
        """Return the hash that the core says at power-on; all 0 if its store has no contents."""
        found = bytes.fromhex(plan.artifact.content_hash)
        return bytes(len(found)) if plan.hardware.spram else found

    def _script(self, made: Made) -> Script:
        """Return the script of the bench, made once for a package: nobody changes it."""
        if self._kept is None or self._kept[0] is not made:
            network = self.network(made.plan)
            self._kept = made, make_script(made, streams=self.streams, network=network)
        return self._kept[1]

    def bench(self, made: Made) -> str:
        """Return the text of the bench."""
        script = self._script(made)
        slowest = max(image.cycles.most for image in made.vectors.shown)
        stimuli = max(len(image.stimuli) for image in made.vectors.shown)
        names = ["script", *(("sent", "received") if self.streams else ())]
        opened = [*made.netlist.files(), *(f"{VECTORS}/{name}.hex" for name in names)]
        return fill(
            "soc/bus_bench.v.j2",
            master=self._master(made, script),
            top=self.top,
            axi=self.streams,
            vectors=VECTORS,
            images=len(made.vectors.shown),
            entries=len(script.entries),
            ops=list(Op),
            opened=opened,
            # Stalls make everything four times as long.
            patience=8 * slowest + 8 * stimuli + 10_000,
            name_bytes=max(map(len, opened)),
        )

    def _master(self, made: Made, script: Script) -> str:
        """Return the part of the bench that drives the bus, and holds the core."""
        return fill("soc/wishbone_master.v.j2", top=self.top)

    def vectors(self, made: Made, measured: Sequence[int] | None) -> dict[str, str]:
        """Return the script, and the transfers of the streams."""
        script = self._script(made)
        lines = []
        image = 0
        for entry in script.entries:
            data, mask = entry.data, entry.mask
            if entry.op is Op.CYCLES:
                if measured is not None and image < len(measured):
                    data = mask = measured[image]
                image += 1
            lines.append(f"{entry.op:08x} {entry.at:08x} {data:08x} {mask:08x} // {entry.note}")
        files = {f"{VECTORS}/script.hex": "\n".join(lines) + "\n"}
        if self.streams:
            for name, transfers, bits in (
                ("sent", script.sent, _input_bits(made)),
                ("received", script.received, 32),
            ):
                digits = -(-(bits + 1) // 4)
                text = "".join(f"{last << bits | data:0{digits}x}\n" for data, last in transfers)
                files[f"{VECTORS}/{name}.hex"] = text or "0 // nothing at all: not used\n"
        return files

    def files(self, made: Made) -> dict[str, str | bytes]:
        """Return documents of the registers, and the driver."""
        return register_files() | driver_files()

    def missing(self) -> str:
        """Return what is missing of the documents."""
        return "" if has_exporters() else MISSING

    def about(self) -> list[tuple[str, str]]:
        """Return what each of these is."""
        documents = [
            (f"{REGISTERS}/prunus_registers.h", "the same as a C header with structures"),
            (f"{REGISTERS}/html/", "as HTML; for `python -m http.server`, then `/index.html`"),
            (f"{REGISTERS}/prunus.md", "as Markdown"),
            (f"{REGISTERS}/prunus.xml", "as IP-XACT (IEEE 1685-2009)"),
            (f"{REGISTERS}/python/", "as a Python package, for `peakrdl-python`"),
        ]
        return [
            (f"{REGISTERS}/prunus.rdl", "all registers, in SystemRDL 2.0"),
            *(documents if has_exporters() else []),
            (f"{DRIVER}/prunus.h`, `{DRIVER}/prunus.c", "driver in C: bare metal, no library"),
        ]

    def diagrams(self, made: Made) -> list[Diagram]:
        """Return what is drawn of the waveforms of the bench."""
        return axi_diagrams(made.core.hardware.source) if self.streams else wishbone_diagrams()

    def manual(self, made: Made) -> str:
        """Return the registers, and how a program uses them."""
        values = parameters(made.core.shapes, streams=self.streams)
        return fill(
            "soc/bus.md.j2",
            axi=self.streams,
            source=made.core.hardware.source,
            learn=made.core.hardware.learn,
            blank=made.plan.hardware.spram,
            no_input=NO_INPUT,
            queued=QUEUED_EVENTS,
            inputs=values["INPUTS"],
            steps=values["STEPS"],
            window=WINDOW_BYTES,
            version=MAP_VERSION,
            registers=REGISTERS_TABLE,
            values=values,
        )


def _input_bits(made: Made) -> int:
    return made.core.shapes.level.width if made.core.hardware.source == "levels" else INPUT_BITS


class AxiInterface(BusInterface):
    """AXI4-Lite for the registers, AXI4-Stream for inputs and spikes."""

    name = "axi"
    top = "prunus_axi"
    title = "AXI4-Lite and AXI4-Stream"
    streams = True
    _system = AxiSystem

    def _master(self, made: Made, script: Script) -> str:
        return fill(
            "soc/axi_master.v.j2",
            top=self.top,
            source=made.core.hardware.source,
            input_bits=_input_bits(made),
            sent=max(1, len(script.sent)),
            received=max(1, len(script.received)),
        )


class WishboneInterface(BusInterface):
    """Wishbone B4, everything by registers."""

    name = "wishbone"
    top = "prunus_wishbone"
    title = "Wishbone"
    _system = WishboneSystem
