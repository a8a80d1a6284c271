"""Start of presentations for a program on a bus: waits for the input, can be withdrawn."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["BusPresenter"]


class BusPresenter(wiring.Component):
    """Starts a presentation once its input is there, and takes its result.

    Timing
    ------
    ``control`` is offered 1 cycle after ``start`` and ``ready`` are there, and is not withdrawn
    then. ``began`` and ``done`` are high in the cycle of a transfer, and depend combinationally on
    it; ``result.ready`` on ``hold``. Other outputs are functions of registers. Clock domain
    ``sync``.

    Parameters
    ----------
    control, result : StructLayout
        Payloads of these ports of the core.

    Members
    -------
    start : In(1)
        Start a presentation. Only while it is not ``busy``.
    request : In(control)
        How; kept at ``start``.
    ready : In(1)
        The core holds the input, or will get it while it runs.
    withdraw : In(1)
        Forget the start if it waits for ``ready``.
    waiting, busy, running, known : Out(1)
        A start waits for ``ready``; it waits or runs; the core has been started; there is a result.
    began, done, withdrawn : Out(1)
        A presentation begins; it is over; a start was forgotten. High for one cycle each.
    hold : In(1)
        Do not take the result yet.
    control, result : Out(stream.Signature(control)), In(stream.Signature(result))
        Ports of the core.
    """

    def __init__(self, *, control: data.StructLayout, result: data.StructLayout) -> None:
        self._control = control
        super().__init__(
            {
                "start": In(1),
                "request": In(control),
                "ready": In(1),
                "withdraw": In(1),
                "waiting": Out(1),
                "busy": Out(1),
                "running": Out(1),
                "known": Out(1),
                "began": Out(1),
                "done": Out(1),
                "withdrawn": Out(1),
                "hold": In(1),
                "control": Out(stream.Signature(control)),
                "result": In(stream.Signature(result)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        control, result = self.control, self.result
        kept = Signal(self._control)
        m.d.comb += [
            control.payload.eq(kept),
            result.ready.eq(~self.hold),
            self.began.eq(control.valid & control.ready),
            self.done.eq(result.valid & result.ready),
            self.busy.eq(self.waiting | control.valid | self.running),
        ]
        m.d.comb += self.withdrawn.eq(self.waiting & ~self.ready & self.withdraw)
        with m.If(self.ready | self.withdrawn):
            m.d.sync += self.waiting.eq(0)
        with m.If(self.waiting & self.ready):
            m.d.sync += control.valid.eq(1)
        with m.If(self.start):
            m.d.sync += [self.waiting.eq(1), kept.eq(self.request)]
        with m.If(self.done):
            m.d.sync += [self.running.eq(0), self.known.eq(1)]
        with m.If(self.began):
            m.d.sync += [control.valid.eq(0), self.running.eq(1), self.known.eq(0)]
        return m
