"""AXI4-Stream: what of it the streams of a core use."""

from __future__ import annotations

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


def connect_stream(m: Module, transmitter: object, receiver: object) -> None:
    """Connect an AXI4-Stream and a stream of :func:`packet_layout`, either way round.

    Parameters
    ----------
    m : Module
        Module that gets the wires.
    transmitter, receiver : interfaces
        One of :class:`AxiStreamSignature` and one stream, as they are seen from within the module.
    """
    there: list[object] = []
    for end in (transmitter, receiver):
        axi = hasattr(end, "tdata")
        there.append(
            [end.tdata, end.tlast, end.tvalid, end.tready]
            if axi
            else [end.p.data, end.p.last, end.valid, end.ready]
        )
    (data_from, last_from, valid_from, ready_from), (data_to, last_to, valid_to, ready_to) = there
    m.d.comb += [
        data_to.eq(data_from),
        last_to.eq(last_from),
        valid_to.eq(valid_from),
        ready_from.eq(ready_to),
    ]
