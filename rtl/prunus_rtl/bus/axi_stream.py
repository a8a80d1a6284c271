"""AXI4-Stream: what of it the streams of a core use."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AxiStreamSignature", "connect_stream", "packet_layout"]


def packet_layout(bits: int) -> data.StructLayout:
    """Return the layout of a transfer: so many bits, and whether it is the last of a packet."""
    return data.StructLayout({"data": bits, "last": 1})


class AxiStreamSignature(wiring.Signature):
    """AXI4-Stream as the transmitter sees it. Names and meaning as in AXI; no strobes, no IDs.

    Parameters
    ----------
    bits : int
        Width of ``tdata``, a multiple of 8.
    """

    def __init__(self, bits: int) -> None:
        super().__init__({"tdata": Out(bits), "tlast": Out(1), "tvalid": Out(1), "tready": In(1)})


def connect_stream(m: Module, transmitter: Any, receiver: Any) -> None:
    """Connect an AXI4-Stream and a stream of :func:`packet_layout`, either way round.

    Parameters
    ----------
    m : Module
        Module that gets the wires.
    transmitter, receiver : interfaces
        One of :class:`AxiStreamSignature` and one stream, as they are seen from within the module.
    """
    there, here = _signals(transmitter), _signals(receiver)
    m.d.comb += [here[name].eq(there[name]) for name in ("data", "last", "valid")]
    m.d.comb += there["ready"].eq(here["ready"])


def _signals(end: Any) -> dict[str, Any]:
    """Return the signals of one end, by the names of AXI without the t."""
    if hasattr(end, "tdata"):
        return {name: getattr(end, f"t{name}") for name in ("data", "last", "valid", "ready")}
    return {"data": end.p.data, "last": end.p.last, "valid": end.valid, "ready": end.ready}
