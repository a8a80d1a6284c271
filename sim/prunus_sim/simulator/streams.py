"""cocotb sources and sinks of Amaranth streams, which check the rules of streams.

Payloads are packed and unpacked by the shape that the component itself was built from; no bench
knows a bit position.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import cocotb
import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data
from cocotb.clock import Clock
from cocotb.triggers import Event, FallingEdge, ReadOnly, RisingEdge, Timer

__all__ = ["CYCLE_NS", "StreamSink", "StreamSource", "packed", "start", "unpacked"]

#: Period of the clock of a bench.
CYCLE_NS = 8


async def start(dut: Any, *, cycles: int = 2) -> None:
    """Start the clock and hold reset; return just after the edge that ends it."""
    dut.rst.value = 1
    Clock(dut.clk, CYCLE_NS, "ns").start()
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)


def packed(shape: Any, payload: Mapping[str, Any] | Sequence[Any] | int) -> int:
    """Return the bits of a payload."""
    if isinstance(shape, data.Layout):
        return int(shape.const(payload).as_bits())
    width = Shape.cast(shape).width
    value = int(payload)  # type: ignore[arg-type]
    if not 0 <= value < 1 << width:
        raise ValueError(f"Payload must fit in {width} bits, not {value}")
    return value


def unpacked(shape: Any, word: int) -> Any:
    """Return what the bits of a payload mean: a constant of its layout, or a number."""
    return shape.from_bits(word) if isinstance(shape, data.Layout) else word


class _Stream:
    """The three signals of a stream."""

    def __init__(
        self, dut: Any, name: str, *, shape: Any, rng: np.random.Generator, pause: float
    ) -> None:
        if not 0 <= pause < 1:
            raise ValueError(f"Pause must be at least 0 and less than 1, not {pause!r}")
        self._name = name
        self._clk = dut.clk
        self._shape = shape
        # A payload of no bits has no port, nor has the `ready` of a stream that never waits.
        width = shape.size if isinstance(shape, data.Layout) else Shape.cast(shape).width
        self._payload = getattr(dut, f"{name}__payload") if width else None
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready", None)
        self._rng = rng
        self._pause = pause

    def _pauses(self) -> bool:
        return self._pause > 0 and bool(self._rng.random() < self._pause)


class StreamSource(_Stream):
    """Drives an input stream of a component.

    Payloads are queued and offered in order, with random pauses between them.
    An offer is held until it is taken.

    Parameters
    ----------
    dut : cocotb handle
        Component under test.
    name : str
        Name of its input stream.
    shape : shape-like
        Shape of the payload.
    rng : numpy.random.Generator
        Random generator of the pauses.
    pause : float
        Probability per cycle of not offering a payload. From 0 to less than 1.
    """

    def __init__(
        self, dut: Any, name: str, *, shape: Any, rng: np.random.Generator, pause: float = 0.0
    ) -> None:
        super().__init__(dut, name, shape=shape, rng=rng, pause=pause)
        self._queue: deque[int] = deque()
        self._some = Event()
        self._idle = Event()
        self._idle.set()
        self.sent = 0
        self._valid.value = 0
        cocotb.start_soon(self._drive())

    def put(self, payload: Mapping[str, Any] | Sequence[Any] | int) -> None:
        """Queue a payload."""
        self._queue.append(packed(self._shape, payload))
        self._idle.clear()
        self._some.set()

    async def send(self, payload: Mapping[str, Any] | Sequence[Any] | int) -> None:
        """Queue a payload, and wait until it has been taken."""
        self.put(payload)
        await self.drained()

    async def drained(self) -> None:
        """Wait until everything has been taken."""
        await self._idle.wait()

    def clear(self) -> None:
        """Forget payloads that were not offered yet."""
        self._queue.clear()

    async def _drive(self) -> None:
        while True:
            if not self._queue:
                self._idle.set()
                self._some.clear()
                await self._some.wait()
                await RisingEdge(self._clk)
            while self._pauses():
                await RisingEdge(self._clk)
            if not self._queue:
                continue
            if self._payload is not None:
                self._payload.value = self._queue.popleft()
            else:
                self._queue.popleft()
            self._valid.value = 1
            taken = False
            while not taken:
                # Sinks decide in the first half of a cycle; `ready` may depend on them.
                await FallingEdge(self._clk)
                await ReadOnly()
                taken = self._ready is None or bool(int(self._ready.value))
                await RisingEdge(self._clk)
            self.sent += 1
            self._valid.value = 0
            if self._payload is not None and self._pause:
                # Random, so that a component that uses a payload that is not offered fails.
                self._payload.value = int(self._rng.integers(0, 1 << 62)) & (
                    (1 << min(62, len(self._payload))) - 1
                )


class StreamSink(_Stream):
    """Takes from an output stream of a component, and checks the rules of streams in every cycle.

    An offered payload is neither changed nor withdrawn before it is taken; and neither it nor
    ``valid`` depends combinationally on ``ready``.

    Parameters
    ----------
    dut : cocotb handle
        Component under test.
    name : str
        Name of its output stream.
    shape : shape-like
        Shape of the payload.
    rng : numpy.random.Generator
        Random generator of the pauses.
    pause : float
        Probability per cycle of not being ready. From 0 to less than 1.
    probe : bool
        Check that nothing depends on ``ready``; this wakes Python once more per cycle.

    Attributes
    ----------
    received : int
        Payloads taken so far.
    paused : bool
        May be set to True to take nothing at all.
    """

    def __init__(
        self,
        dut: Any,
        name: str,
        *,
        shape: Any,
        rng: np.random.Generator,
        pause: float = 0.0,
        probe: bool = True,
    ) -> None:
        super().__init__(dut, name, shape=shape, rng=rng, pause=pause)
        if self._ready is None and pause:
            raise ValueError(f"Stream {name} is always ready, and can't be paused")
        self._probe = probe and self._ready is not None
        self._offered: int | None = None
        self._queue: deque[int] = deque()
        self._some = Event()
        self.received = 0
        self.paused = False
        self.withdrawal_allowed = False
        self._set_ready(False)
        cocotb.start_soon(self._watch())

    def _set_ready(self, ready: bool) -> None:
        if self._ready is not None:
            self._ready.value = int(ready)

    def _look(self) -> int | None:
        if not int(self._valid.value):
            return None
        return 0 if self._payload is None else int(self._payload.value)

    async def _watch(self) -> None:
        while True:
            await RisingEdge(self._clk)
            ready = self._ready is None or (not self.paused and not self._pauses())
            self._set_ready(False)
            before: int | None = None
            if self._probe:
                await Timer(CYCLE_NS // 4, "ns")
                before = self._look()
            self._set_ready(ready)
            await ReadOnly()
            word = self._look()
            if self._probe and word != before:
                raise AssertionError(
                    f"Stream {self._name} must not depend on ready, but got {_hex(before)} "
                    f"without and {_hex(word)} with it"
                )
            if self._offered is not None and word != self._offered and not self.withdrawal_allowed:
                raise AssertionError(
                    f"Stream {self._name} must hold an offer until it is taken, but "
                    f"{_hex(self._offered)} became {_hex(word)}"
                )
            taken = ready and word is not None
            self._offered = None if taken else word
            if taken and word is not None:
                self.received += 1
                self._queue.append(word)
                self._some.set()

    async def receive(self) -> Any:
        """Wait for the next payload and return it: a constant of its layout, or a number."""
        while not self._queue:
            self._some.clear()
            await self._some.wait()
        return unpacked(self._shape, self._queue.popleft())

    async def expect(self, payload: Mapping[str, Any] | Sequence[Any] | int, what: str) -> None:
        """Receive a payload, which must be this one.

        Raises
        ------
        AssertionError
            If it is another.
        """
        while not self._queue:
            self._some.clear()
            await self._some.wait()
        got, want = self._queue.popleft(), packed(self._shape, payload)
        if got != want:
            raise AssertionError(
                f"{what}: {self._name} must be {_show(self._shape, want)}, "
                f"not {_show(self._shape, got)}"
            )

    def forget(self) -> None:
        """Forget payloads that were received, but not asked for."""
        self._queue.clear()

    def check_silent(self) -> None:
        """Check that no payload is left, neither received nor offered.

        Raises
        ------
        AssertionError
            If there is.
        """
        if self._queue or self._offered is not None:
            word = self._queue[0] if self._queue else self._offered
            raise AssertionError(
                f"{self._name} must be silent, but offers {_show(self._shape, word or 0)}"
            )


def _hex(word: int | None) -> str:
    return "nothing" if word is None else f"{word:#x}"


def _show(shape: Any, word: int) -> str:
    if not isinstance(shape, data.StructLayout):
        return str(word)
    value = shape.from_bits(word)
    return "{" + ", ".join(f"{name}={value[name]}" for name in shape.members) + "}"
