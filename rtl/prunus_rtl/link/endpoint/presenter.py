"""Presenter: starts presentations, and knows whether one runs and whether there is a result."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Presenter"]


class Presenter(wiring.Component):
    """Starts a presentation, and takes its result.

    Timing
    ------
    ``done`` is high in the cycle in which the core takes ``control``, and depends combinationally
    on ``control.ready``; ``result.ready`` on ``hold``. Other outputs are functions of registers.
    Clock domain ``sync``.

    Parameters
    ----------
    control, result : StructLayout
        Payloads of these ports of the core.

    Members
    -------
    start, done : In(1), Out(1)
        Start a presentation; it has been started. High for one cycle each.
    stop_after, margin, keep, learn : In
        Arguments of the request, as wide as in ``control``. Valid until ``done``.
    control, result : Out(stream.Signature(control)), In(stream.Signature(result))
        Ports of the core.
    hold : In(1)
        Do not take the result yet.
    running, known : Out(1), Out(1)
        A presentation runs; there is a result.
    started : Out(16)
        Presentations since power-on, modulo 2**16.
    clear : In(1)
        The core is reset: nothing runs, and there is no result. Not while ``control`` is offered.
    """

    def __init__(self, *, control: data.StructLayout, result: data.StructLayout) -> None:
        self._learns = "learn" in control.members
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "stop_after": In(control["stop_after"].shape),
                "margin": In(control["margin"].shape),
                "keep": In(1),
                "learn": In(1),
                "control": Out(stream.Signature(control)),
                "result": In(stream.Signature(result)),
                "hold": In(1),
                "running": Out(1),
                "known": Out(1),
                "started": Out(16),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        control = self.control
        m.d.comb += [
            self.done.eq(control.valid & control.ready),
            control.p.stop_after.eq(self.stop_after),
            control.p.margin.eq(self.margin),
            control.p.keep.eq(self.keep),
            self.result.ready.eq(~self.hold),
        ]
        if self._learns:
            m.d.comb += control.p.learn.eq(self.learn)
        with m.If(self.start):
            m.d.sync += control.valid.eq(1)
        with m.If(self.result.valid & self.result.ready):
            m.d.sync += [self.running.eq(0), self.known.eq(1)]
        with m.If(self.done):
            m.d.sync += [
                control.valid.eq(0),
                self.running.eq(1),
                self.known.eq(0),
                self.started.eq(self.started + 1),
            ]
        with m.If(self.clear):
            m.d.sync += [self.running.eq(0), self.known.eq(0)]
        return m
