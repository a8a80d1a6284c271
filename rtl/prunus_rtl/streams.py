"""What streams between units carry, and the access of the memory port to one memory."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import STEP_BITS
from prunus_model.spec.presentation import Request

__all__ = [
    "Access",
    "control_fields",
    "control_layout",
    "event_layout",
    "spike_layout",
    "synapse_event_layout",
]


def control_layout(*, learn: bool, score_bits: int) -> data.StructLayout:
    """Return the layout of a request for a presentation; ``learn`` only if the core can learn.

    ``stop_after``, ``margin`` and ``keep`` are those of the semantics (4.6 and 7).
    """
    return data.StructLayout(
        {"stop_after": STEP_BITS, "margin": score_bits, "keep": 1} | ({"learn": 1} if learn else {})
    )


def control_fields(request: Request, *, learn: bool) -> dict[str, int]:
    """Return the fields of :func:`control_layout` that ask for a presentation."""
    fields = {
        "stop_after": request["stop_after"],
        "margin": request["margin"],
        "keep": int(request["keep"]),
    }
    return fields | ({"learn": int(request["learn"])} if learn else {})


def event_layout(*, inputs: int) -> data.StructLayout:
    """Return the layout of an address event of a network with that many inputs.

    An input that spikes (``end`` = 0), or the end of a step (``end`` = 1).
    """
    return data.StructLayout({"pre": Shape.cast(range(inputs)), "end": 1})


def spike_layout(*, post_bits: int) -> data.StructLayout:
    """Return the layout of an output spike: step, and neuron in ``post_bits`` bits."""
    return data.StructLayout({"step": unsigned(STEP_BITS), "post": unsigned(post_bits)})


def synapse_event_layout(*, slots: int, weight_bits: int) -> data.StructLayout:
    """Return the layout of a synapse that a spike has reached, in a lane: slot and weight."""
    return data.StructLayout({"slot": Shape.cast(range(slots)), "weight": unsigned(weight_bits)})


class Access(wiring.Signature):
    """One memory as the memory port sees it, while no presentation runs.

    Parameters
    ----------
    address : shape-like
        Shape of the address.
    data : shape-like
        Shape of a word.

    Members
    -------
    strobe : Out(1)
        Asks for one access; high for one cycle. ``write``, ``address`` and ``data`` are held from
        then until ``done``.
    write : Out(1)
        Write ``data``; else read.
    address : Out(address)
        Where.
    data : Out(data)
        What is written.
    done : In(1)
        The access is over; high for one cycle, one cycle after ``strobe`` or later.
    value : In(data)
        What was read; valid while ``done``.
    """

    def __init__(self, address: Any, data: Any) -> None:
        super().__init__(
            {
                "strobe": Out(1),
                "write": Out(1),
                "address": Out(address),
                "data": Out(data),
                "done": In(1),
                "value": In(data),
            }
        )
