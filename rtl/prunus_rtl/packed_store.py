"""Packed store: fetches the live synapses of one lane, for inference."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from prunus_model.store import LaneImage

__all__ = ["PackedStore", "synapse_layout", "write_layout"]


def synapse_layout(*, slots: int, weight_bits: int) -> data.StructLayout:
    """Return the layout of a synapse as a lane sees it: slot of the neuron, weight."""
    return data.StructLayout({"slot": range(slots), "weight": weight_bits})


def write_layout(image: LaneImage) -> data.StructLayout:
    """Return the layout of a write: enable, number of the memory, address, word."""
    return data.StructLayout(
        {
            "enable": 1,
            "memory": range(len(image.memories)),
            "address": range(max(memory.depth for memory in image.memories)),
            "data": max(memory.width for memory in image.memories),
        }
    )


class PackedStore(wiring.Component):
    """Packed store of one lane.

    For each ``pre`` it delivers the live synapses of the neurons of its lane, in the order of their
    slots; pres in the order in which they came. A pruned synapse costs nothing in the formats
    ``list`` and ``bitmap``; in ``dense`` every slot costs a cycle, and a pruned one is not
    delivered. The synapses are those of :meth:`prunus_model.store.LaneImage.unpack`.

    ``list`` reads ahead: while one list is walked, the pointers of the next ones are looked up, and
    up to two starts wait. Lists without entries are dropped there. ``bitmap`` looks up the next
    row, and finds the lowest set bit of the current one. ``dense`` counts.

    Memories
    --------
    Block RAMs with the sizes of the image, read synchronously; reads and writes share one address.
    They start with the contents of the image, and reset does not change them. A host may write the
    words (:meth:`prunus_model.store.LaneImage.writes`) of any image that has the same fields and is
    not longer, but only while ``busy`` is low and no ``pre`` is offered: a write takes the place of
    a read.

    Timing
    ------
    Throughput 1 synapse per cycle, without a gap from pre to pre, and 1 pre per cycle if none has a
    synapse (``dense``: 1 slot per cycle, pruned or not). From the transfer of a ``pre`` to its
    first synapse 3 cycles (``dense``: 2, and 1 for each pruned slot before it), hidden behind the
    pre before.

    ``list``: ``pre.ready`` depends on registers only, and the address of the next read depends
    combinationally on the flag ``last`` of the entry just read and on ``synapse.ready``.
    ``bitmap``, ``dense``: ``pre.ready`` depends combinationally on ``synapse.ready`` and on the
    word just read. ``synapse.valid`` is a register (``dense`` with the flag ``alive``: and that
    flag of the word just read); the weight comes from the memory directly. ``busy`` depends on
    registers only, rises in the cycle after the transfer of a ``pre``, and stays high for some
    cycles after the last synapse if pres without synapses follow. Clock domain ``sync``.

    Parameters
    ----------
    image : LaneImage
        Format, sizes and contents.
    spram : bool
        Whether the memory of entries (``list``) or weights is read in every cycle without a write
        and marked as huge, as a SPRAM of the iCE40UP5K wants it. In hardware it then has no
        initial contents. Nothing else changes.

    Members
    -------
    pre : In(stream.Signature(range(image.inputs)))
        Input that spiked.
    synapse : Out(stream.Signature(synapse_layout(slots=..., weight_bits=...)))
        A live synapse of it; sizes of the image.
    busy : Out(1)
        High while synapses of an accepted ``pre`` are still to be delivered.
    write : In(write_layout(image))
        Write of one word into one memory. Bits beyond its width are ignored.

    Raises
    ------
    TypeError
        If ``image`` is not a :class:`prunus_model.store.LaneImage`, or ``spram`` is not a bool.
    """

    def __init__(self, *, image: LaneImage, spram: bool = False) -> None:
        if not isinstance(image, LaneImage):
            raise TypeError(f"Image must be a LaneImage, not {image!r}")
        if not isinstance(spram, bool):
            raise TypeError(f"Use of SPRAM must be a bool, not {spram!r}")
        self._image = image
        self._spram = spram
        synapse = synapse_layout(slots=image.slots, weight_bits=image.weight_bits)
        super().__init__(
            {
                "pre": In(stream.Signature(range(image.inputs))),
                "synapse": Out(stream.Signature(synapse)),
                "busy": Out(1),
                "write": In(write_layout(image)),
            }
        )

    @property
    def image(self) -> LaneImage:
        """Format, sizes and contents."""
        return self._image

    @property
    def spram(self) -> bool:
        """Whether the largest memory is made for SPRAM."""
        return self._spram

    def elaborate(self, _platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        match self._image.format:
            case "list":
                self._list(m)
            case "bitmap":
                self._bitmap(m)
            case _:
                self._dense(m)
        return m

    def _list(self, m: Module) -> None:
        fetching = Signal()
        pointer = self._memory(m, 0, address=self.pre.payload, enable=fetching)
        start_bits = len(pointer.start)

        # Two starts wait at most; `pointer` belongs to an accepted pre if `looked_up`.
        looked_up = Signal()
        head = Signal(start_bits)
        head_valid = Signal()
        tail = Signal(start_bits)
        tail_valid = Signal()
        take = Signal()
        push = Signal()
        m.d.comb += [
            self.pre.ready.eq(~(looked_up & tail_valid)),
            fetching.eq(self.pre.valid & self.pre.ready),
            push.eq(looked_up & ~pointer.none & ~tail_valid),
        ]
        with m.If(self.pre.ready):
            m.d.sync += looked_up.eq(self.pre.valid)
        with m.Elif(pointer.none):
            m.d.sync += looked_up.eq(0)
        with m.If(take | ~head_valid):
            m.d.sync += [
                head.eq(Mux(tail_valid, tail, pointer.start)),
                head_valid.eq(tail_valid | push),
                tail_valid.eq(0),
            ]
        with m.Elif(push):
            m.d.sync += [tail.eq(pointer.start), tail_valid.eq(1)]

        # `entry` is valid in the cycle after its read, and stays until it is taken.
        valid = Signal()
        step = Signal()
        ends = Signal()
        current = Signal(start_bits)
        address = Signal(start_bits)
        enable = Signal()
        entry = self._memory(m, 1, address=address, enable=enable)
        m.d.comb += [
            step.eq(~valid | self.synapse.ready),
            ends.eq(~valid | entry.last),
            take.eq(step & ends & head_valid),
            address.eq(Mux(ends, head, current + 1)),
            enable.eq(step & (head_valid | ~ends)),
        ]
        with m.If(step):
            m.d.sync += valid.eq(head_valid | ~ends)
        with m.If(enable):
            m.d.sync += current.eq(address)
        m.d.comb += [
            self.synapse.valid.eq(valid),
            self.synapse.p.slot.eq(entry.slot),
            self.synapse.p.weight.eq(entry.weight),
            self.busy.eq(looked_up | head_valid | valid),
        ]

    def _bitmap(self, m: Module) -> None:
        slots = self._image.slots
        fetching = Signal()
        row = self._memory(m, 0, address=self.pre.payload, enable=fetching)

        # `row` belongs to an accepted pre if `looked_up`; it is moved on when the last is done.
        looked_up = Signal()
        some = Signal()
        load = Signal()
        m.d.comb += [
            some.eq(row.alive.any()),
            self.pre.ready.eq(~looked_up | load | ~some),
            fetching.eq(self.pre.valid & self.pre.ready),
        ]
        with m.If(self.pre.ready):
            m.d.sync += looked_up.eq(self.pre.valid)

        # Slots still to be fetched; never 0 while walking.
        walking = Signal()
        left = Signal(slots)
        address = Signal(len(row.start))
        below = Signal(slots)
        rest = Signal(slots)
        lowest = Signal(slots)
        valid = Signal()
        step = Signal()
        enable = Signal()
        m.d.comb += [
            below.eq(left - 1),
            rest.eq(left & below),
            lowest.eq(left & ~below),
            step.eq(~valid | self.synapse.ready),
            enable.eq(step & walking),
            load.eq(~walking | (step & ~rest.any())),
        ]
        with m.If(load):
            m.d.sync += [
                walking.eq(looked_up & some),
                left.eq(row.alive),
                address.eq(row.start),
            ]
        with m.Elif(step):
            m.d.sync += [left.eq(rest), address.eq(address + 1)]

        weights = self._memory(m, 1, address=address, enable=enable)
        slot = Signal(range(slots))
        with m.If(step):
            m.d.sync += valid.eq(walking)
        with m.If(enable):
            m.d.sync += slot.eq(_index(lowest, len(slot)))
        m.d.comb += [
            self.synapse.valid.eq(valid),
            self.synapse.p.slot.eq(slot),
            self.synapse.p.weight.eq(weights.weight),
            self.busy.eq(looked_up | walking | valid),
        ]

    def _dense(self, m: Module) -> None:
        image = self._image
        last = image.slots - 1
        walking = Signal()
        fetched = Signal(range(image.slots))
        address = Signal(range(image.memories[0].depth))
        load = Signal()
        valid = Signal()
        step = Signal()
        enable = Signal()
        weights = self._memory(m, 0, address=address, enable=enable)
        dead = ~weights.alive if "alive" in weights.shape().members else Const(0, 1)
        m.d.comb += [
            step.eq(~valid | dead | self.synapse.ready),
            enable.eq(step & walking),
            load.eq(~walking | (step & (fetched == last))),
            self.pre.ready.eq(load),
        ]
        with m.If(load):
            m.d.sync += [
                walking.eq(self.pre.valid),
                fetched.eq(0),
                address.eq(self.pre.payload * image.slots),
            ]
        with m.Elif(step):
            m.d.sync += [fetched.eq(fetched + 1), address.eq(address + 1)]

        slot = Signal(range(image.slots))
        with m.If(step):
            m.d.sync += valid.eq(walking)
        with m.If(enable):
            m.d.sync += slot.eq(fetched)
        m.d.comb += [
            self.synapse.valid.eq(valid & ~dead),
            self.synapse.p.slot.eq(slot),
            self.synapse.p.weight.eq(weights.weight),
            self.busy.eq(walking | valid),
        ]

    def _memory(self, m: Module, number: int, *, address: Value, enable: Value) -> data.View:
        """Add a memory; return the word that was read last, as the fields of the image."""
        spec = self._image.memories[number]
        layout = data.StructLayout(dict(spec.fields))
        spram = self._spram and number == len(self._image.memories) - 1
        memory = Memory(
            shape=unsigned(spec.width),
            depth=spec.depth,
            init=spec.words,
            attrs={"ram_style": "huge"} if spram else {},
        )
        m.submodules[spec.name] = memory
        read = memory.read_port()
        # One address for both ports: otherwise a flow must build what a read returns while the word
        # is written, which is more logic than the rest of the unit.
        write = memory.write_port()
        m.d.comb += [
            write.en.eq(self.write.enable & (self.write.memory == number)),
            write.data.eq(self.write.data),
            write.addr.eq(read.addr),
        ]
        stalled = address
        if spram:
            # Reads whenever it does not write: the address stands still for the output to do so.
            held = Signal(range(spec.depth))
            with m.If(enable):
                m.d.sync += held.eq(address)
            stalled = Mux(enable, address, held)
            m.d.comb += read.en.eq(~write.en)
        else:
            m.d.comb += read.en.eq(enable & ~write.en)
        m.d.comb += read.addr.eq(Mux(write.en, self.write.address, stalled))
        return data.View(layout, read.data)


def _index(one_hot: Value, bits: int) -> Value:
    """Return the number of the one bit that is set."""
    chosen = [[one_hot[n] for n in range(len(one_hot)) if n >> bit & 1] for bit in range(bits)]
    return Cat(Cat(*signals).any() for signals in chosen)
