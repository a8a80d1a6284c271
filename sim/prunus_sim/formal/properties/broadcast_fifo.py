"""Properties of the broadcast queue: nothing lost, doubled, reordered; never too full."""

from __future__ import annotations

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Array, Assert, Cover, Module, Signal

from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import held, implies, opened, stream_rules, words_of

__all__ = ["CASES", "QueueProperties"]


class QueueProperties(Properties):
    """Every reader gets every item once and in order; here for any reader and any item.

    One item is followed: any one with number ``tracked``, counted modulo some power of 2, so that
    the proof has no end. A reader must get it as its item of the same number.

    Parameters
    ----------
    bits : int
        Width of an item.
    depth, readers : int
        Of the queue.
    """

    def __init__(self, *, bits: int, depth: int, readers: int) -> None:
        self._bits, self._depth, self._readers = bits, depth, readers
        pointer = range(2 * depth)
        probes: dict[str, tuple[str, Any]] = {
            "write": ("unit.write", pointer),
            "shown": ("unit.shown", pointer),
        }
        for k in range(readers):
            probes[f"read{k}"] = (f"unit.read{k}", pointer)
            probes[f"full{k}"] = (f"unit.full{k}", 1)
        super().__init__(free={"valid": 1, "item": bits, "ready": readers}, probes=probes)

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        depth = self._depth
        pointer_bits = depth.bit_length()
        unit = BroadcastQueue(shape=self._bits, depth=depth, readers=self._readers)
        inside = opened(unit)
        m.submodules.unit = unit
        m.d.comb += [unit.i.valid.eq(self.valid), unit.i.payload.eq(self.item)]
        held(m, unit.i, name="i")

        number = range(4 * depth)
        tracked = Signal(number)
        accepted = Signal(number)
        followed = Signal(self._bits)
        following = Signal()
        m.d.comb += tracked.eq(AnyConst(number))
        with m.If(unit.i.valid & unit.i.ready):
            m.d.sync += accepted.eq(accepted + 1)
            with m.If(accepted == tracked):
                m.d.sync += [followed.eq(unit.i.payload), following.eq(1)]
        m.d.comb += Assert(self.write == accepted[:pointer_bits], "write pointer counts items")

        waitings = []
        for k, o in enumerate(unit.o):
            m.d.comb += o.ready.eq(self.ready[k])
            stream_rules(m, o, name=f"o{k}")
            delivered = Signal(number, name=f"delivered{k}")
            waiting = Signal(number, name=f"waiting{k}")
            before = Signal(number, name=f"before{k}")
            took = Signal(name=f"took{k}")
            m.d.sync += took.eq(o.valid & o.ready)
            m.d.comb += [waiting.eq(accepted - delivered), before.eq(tracked - delivered)]
            with m.If(o.valid & o.ready):
                m.d.sync += delivered.eq(delivered + 1)
            waits = following & (before < waiting)
            words = words_of(m, inside.submodules[f"ram{k}"], name=f"word{k}_")
            read = getattr(self, f"read{k}")
            last = accepted - 1
            m.d.comb += [
                Assert(waiting <= depth, "a reader never lags behind more than there is room"),
                Assert(implies(o.valid, waiting != 0), "nothing is delivered that was not taken"),
                Assert(
                    implies(o.valid & waits & (before == 0), o.payload == followed),
                    "the n-th item delivered is the n-th item taken",
                ),
                Assert(implies(waiting != 0, unit.busy), "busy while an item waits"),
                # Invariants.
                Assert(read == delivered[:pointer_bits], "read pointer counts deliveries"),
                Assert(
                    (self.shown == accepted[:pointer_bits])
                    | ((self.shown == last[:pointer_bits]) & (waiting != 0)),
                    "an item is shown two cycles after it was taken",
                ),
                Assert(
                    implies(waiting == depth, getattr(self, f"full{k}")),
                    "full if no room is left",
                ),
                Assert(
                    implies(getattr(self, f"full{k}"), waiting + took == depth),
                    "full only if no room was left a cycle ago",
                ),
                Assert(
                    implies(waits, Array(words)[tracked[: pointer_bits - 1]] == followed),
                    "a memory keeps an item that waits",
                ),
                Cover(waiting == depth, "no room is left"),
                Cover(
                    o.valid & o.ready & waits & (before == 0) & (delivered == depth),
                    "an item is delivered after the pointers wrapped round",
                ),
            ]
            # What was read from the memory is what was delivered, and what is shown.
            ram = inside.submodules[f"ram{k}"]
            fetched = Signal(number, name=f"fetched{k}")
            m.d.sync += fetched.eq(fetched + ram.read)
            m.d.comb += Assert(
                (fetched - delivered)[: len(fetched)] == o.valid,
                "an item is read once, and then shown",
            )
            waitings.append(waiting)
        if self._readers > 1:
            m.d.comb += Cover(
                (waitings[0] == depth) & (waitings[1] == 0), "one reader is done, another full"
            )
        return m


CASES = (
    Case(
        name="order, no loss, no duplication, room",
        sizes="2-bit items, depth 4, 2 readers",
        build=lambda: QueueProperties(bits=2, depth=4, readers=2),
        bmc=14,
        induction=4,
        cover=14,
        deep=30,
    ),
    Case(
        name="order, no loss, no duplication, room",
        sizes="10-bit items, depth 16, 1 reader",
        build=lambda: QueueProperties(bits=10, depth=16, readers=1),
        bmc=8,
        induction=4,
        cover=40,
    ),
)
