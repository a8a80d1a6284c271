"""Queue of one writer and many readers, each at its own pace."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.ram import Ram

__all__ = ["BroadcastQueue"]


class BroadcastQueue(wiring.Component):
    """Queue of one writer and many readers.

    Every item is delivered to every reader, in order. All readers share the write pointer, so that
    a reader costs a memory, a read pointer and a comparison. An item is taken if the slowest reader
    had room for it one cycle ago: so no reader's consumer is on the way to ``i.ready``.

    Timing
    ------
    Latency 2 cycles. Throughput one item per cycle and reader. ``i.ready`` depends on registers
    only, ``o[k].valid`` likewise. Clock domain ``sync``.

    Memory: ``depth`` words per reader (:class:`prunus_rtl.lib.ram.Ram`). An item is read once, in
    the cycle after it was written or later.

    Parameters
    ----------
    shape : shape-like
        Shape of an item.
    depth : int
        Items that the slowest reader may lag behind. A power of 2, at least 2.
    readers : int
        Number of readers. Positive.

    Members
    -------
    i : In(stream.Signature(shape))
        Items.
    o : Array of Out(stream.Signature(shape))
        The same, for each reader.
    busy : Out(1)
        Some reader has not taken every item.

    Raises
    ------
    ValueError
        If ``depth`` is not a power of 2 or below 2, or ``readers`` is not positive.
    """

    def __init__(self, *, shape: Any, depth: int, readers: int) -> None:
        if depth < 2 or depth & (depth - 1):
            raise ValueError(f"Queue depth must be a power of 2 from 2 on, not {depth!r}")
        if readers < 1:
            raise ValueError(f"Readers must be at least 1, not {readers!r}")
        self._shape = shape
        self._depth = depth
        self._readers = readers
        items = stream.Signature(shape)
        super().__init__({"i": In(items), "o": Out(items).array(readers), "busy": Out(1)})

    @property
    def depth(self) -> int:
        """Items that the slowest reader may lag behind."""
        return self._depth

    @property
    def readers(self) -> int:
        """Number of readers."""
        return self._readers

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        depth = self._depth
        pointer = range(2 * depth)
        write = Signal(pointer)
        shown = Signal(pointer)
        next_write = Signal(pointer)
        accept = self.i.valid & self.i.ready
        m.d.comb += next_write.eq(write + accept)
        m.d.sync += [shown.eq(write), write.eq(next_write)]

        fulls = []
        waits = []
        for k, o in enumerate(self.o):
            read = Signal(pointer, name=f"read{k}")
            next_read = Signal(pointer, name=f"next_read{k}")
            full = Signal(name=f"full{k}")
            m.d.comb += [
                next_read.eq(read + (o.valid & o.ready)),
                # A word written in the last cycle has not been read yet.
                o.valid.eq(shown != read),
            ]
            # The index of the only input has no bits, and yosys no memory for words without bits.
            if Shape.cast(self._shape).width:
                m.submodules[f"ram{k}"] = ram = Ram(shape=self._shape, depth=depth)
                m.d.comb += [
                    ram.write.eq(accept),
                    ram.write_address.eq(write),
                    ram.write_data.eq(self.i.payload),
                    # Once for each item: nothing is shown, or it is taken. Registers are compared,
                    # so that `o.ready` only chooses.
                    ram.read.eq(
                        Mux(o.valid, o.ready & (write != (read + 1)[: len(read)]), write != read)
                    ),
                    ram.read_address.eq(next_read),
                    o.payload.eq(ram.read_data),
                ]
            m.d.sync += [
                read.eq(next_read),
                # What is read now makes room one cycle later.
                full.eq(next_write == read ^ depth),
            ]
            fulls.append(full)
            waits.append(write != read)
        m.d.comb += [self.i.ready.eq(~Cat(fulls).any()), self.busy.eq(Cat(waits).any())]
        return m
