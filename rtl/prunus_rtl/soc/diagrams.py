"""What is drawn of the waveforms of a bench on a bus."""

from __future__ import annotations

from prunus_rtl.export.waves import Diagram

__all__ = ["axi_diagrams", "wishbone_diagrams"]

_WRITE = ("awaddr", "awvalid", "awready", "wdata", "wvalid", "wready", "bresp", "bvalid", "bready")
_READ = ("araddr", "arvalid", "arready", "rdata", "rresp", "rvalid", "rready")


def axi_diagrams(source: str) -> list[Diagram]:
    """Return the diagrams of AXI4-Lite and the streams."""
    sent = ("s_axis_tdata", "s_axis_tlast", "s_axis_tvalid", "s_axis_tready")
    received = ("m_axis_tdata", "m_axis_tlast", "m_axis_tvalid", "m_axis_tready")
    labels = {name: name.replace("s_axis", f"s_axis_{source}") for name in sent}
    labels |= {name: name.replace("m_axis", "m_axis_spikes") for name in received}
    return [
        Diagram(
            name="read",
            title="a register is read: the first one after reset",
            signals=("rst", *(f"s_axi_{name}" for name in _READ)),
            when=("s_axi_arvalid", "s_axi_arready"),
            after=7,
        ),
        Diagram(
            name="write",
            title="a register is written; the first write is refused (bresp 2)",
            signals=tuple(f"s_axi_{name}" for name in _WRITE),
            when=("s_axi_awvalid", "s_axi_awready"),
            after=9,
        ),
        Diagram(
            name="input_stream",
            title=f"the first packet of {source} begins",
            signals=sent,
            when=("s_axis_tvalid", "s_axis_tready"),
            after=8,
            labels=labels,
        ),
        Diagram(
            name="input_last",
            title=f"a packet of {source} ends",
            signals=sent,
            when=("s_axis_tvalid", "s_axis_tready", "s_axis_tlast"),
            before=4,
            labels=labels,
        ),
        Diagram(
            name="spikes",
            title="a presentation ends: the last transfer of its spikes, and the interrupt",
            signals=(*received, "interrupt"),
            when=("m_axis_tvalid", "m_axis_tready", "m_axis_tlast"),
            before=6,
            labels=labels,
        ),
    ]


def wishbone_diagrams() -> list[Diagram]:
    """Return the diagrams of Wishbone."""
    signals = ("cyc", "stb", "we", "adr", "sel", "dat_w", "dat_r", "ack", "err")
    wires = tuple(f"wb_{name}" for name in signals)
    return [
        Diagram(
            name="read",
            title="a register is read: the first one after reset",
            signals=("rst", *wires),
            when=("wb_stb", "wb_ack"),
            before=6,
            after=3,
        ),
        Diagram(
            name="refused",
            title="an access that is refused",
            signals=wires,
            when=("wb_stb", "wb_err"),
            before=5,
            after=3,
        ),
        Diagram(
            name="write",
            title="a register is written",
            signals=wires,
            when=("wb_stb", "wb_we", "wb_ack"),
            before=5,
            after=3,
        ),
        Diagram(
            name="interrupt",
            title="a presentation is over",
            signals=(*wires, "interrupt"),
            when=("interrupt",),
            before=2,
            after=10,
        ),
    ]
