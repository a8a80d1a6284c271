"""A core behind AXI or Wishbone: bench, register files, driver, documents."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.lib import wiring

from prunus_rtl.bus.event_input import INPUT_BITS
from prunus_rtl.bus.system import AxiSystem, WishboneSystem
from prunus_rtl.export.bench import VECTORS
from prunus_rtl.export.interface import Interface, Made
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.template import fill
from prunus_rtl.export.waves import Diagram
from prunus_rtl.soc.script import Op, Script, make_script

__all__ = ["AxiInterface", "BusInterface", "WishboneInterface"]


class BusInterface(Interface):
    """A bus with the registers of :mod:`prunus_rtl.bus.registers`; subclasses say which."""

    streams = False
    _system: type[wiring.Component]

    def system(self, plan: Plan) -> wiring.Component | None:
        """Return the core behind the bus."""
        return self._system(core=plan.core(), network=self.network(plan))

    def network(self, plan: Plan) -> bytes:
        """Return the hash that the core says at power-on; all 0 if the store starts without contents."""
        found = bytes.fromhex(plan.artifact.content_hash)
        return bytes(len(found)) if plan.hardware.spram else found

    def _script(self, made: Made) -> Script:
        return make_script(made, streams=self.streams, network=self.network(made.plan))

    def bench(self, made: Made) -> str:
        """Return the text of the bench."""
        script = self._script(made)
        slowest = max(image.cycles.most for image in made.vectors.shown)
        stimuli = max(len(image.stimuli) for image in made.vectors.shown)
        names = ["script", *(("sent", "received") if self.streams else ())]
        opened = [*made.netlist.files(), *(f"{VECTORS}/{name}.hex" for name in names)]
        return fill(
            "soc/bus_bench.v.j2",
            top=self.top,
            axi=self.streams,
            source=made.core.hardware.source,
            input_bits=_input_bits(made),
            vectors=VECTORS,
            images=len(made.vectors.shown),
            entries=len(script.entries),
            sent=max(1, len(script.sent)),
            received=max(1, len(script.received)),
            ops=list(Op),
            opened=opened,
            # Stalls make everything four times as long.
            patience=8 * slowest + 8 * stimuli + 10_000,
            name_bytes=max(map(len, opened)),
        )

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

    def diagrams(self, made: Made) -> list[Diagram]:
        """Return what is drawn of the waveforms of the bench."""
        return []


def _input_bits(made: Made) -> int:
    return made.core.shapes.level.width if made.core.hardware.source == "levels" else INPUT_BITS


class AxiInterface(BusInterface):
    """AXI4-Lite for the registers, AXI4-Stream for inputs and spikes."""

    name = "axi"
    top = "prunus_axi"
    title = "AXI4-Lite and AXI4-Stream"
    streams = True
    _system = AxiSystem


class WishboneInterface(BusInterface):
    """Wishbone B4, everything by registers."""

    name = "wishbone"
    top = "prunus_wishbone"
    title = "Wishbone"
    _system = WishboneSystem
