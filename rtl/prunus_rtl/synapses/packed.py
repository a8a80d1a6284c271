"""Packed store: fetches the live synapses of one lane, for inference."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.synapses.memory import StoreMemory

__all__ = [
    "SPRAM_NAME",
    "SPRAM_SCRIPT",
    "PackedStore",
    "synapse_layout",
    "write_layout",
]

#: Name of a memory that is in SPRAM.
SPRAM_NAME = "spram"
#: Commands for yosys, after the design was read and before ``synth_ice40 -spram``.
SPRAM_SCRIPT = f"delete *.{SPRAM_NAME}/t:$meminit_v2"


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
    delivered. The synapses are those of :meth:`prunus_rtl.memory_image.image.LaneImage.unpack`.

    ``list`` reads ahead: while one list is walked, start and end of the next are looked up, and one
    waits. Lists without entries are dropped there. No address depends on a word that was just
    read. ``bitmap`` looks up the next row, and finds the lowest set bit of the current one.
    ``dense`` counts.

    Memories
    --------
    Block RAMs with the sizes of the image (:class:`prunus_rtl.synapses.memory.StoreMemory`). They
    start with the contents of the image, and reset does not change them. A host may write the
    words (:meth:`prunus_rtl.memory_image.image.LaneImage.writes`) of any image that has the same
    fields and is not longer, and read all words, but only while ``busy`` is low and no ``pre`` is
    offered.

    With ``spram``, ``list`` has one memory for both: entries from address 0 on, and the pointer of
    ``pre`` at ``~pre``, counted from the end of a memory whose size is the next power of 2: 784
    inputs leave 15,599 words of a SPRAM to entries. So pointers take no block RAM, and no pointer
    is looked up while an entry is read. ``bitmap`` and ``dense`` keep weights there only.

    **The SPRAM of an iCE40UP5K.** It has no initial contents, so the store must be written after
    each start of the device. In simulation it starts with the image. yosys needs ``synth_ice40
    -spram``, and before that, as it takes no SPRAM for a memory with initial contents,
    :data:`SPRAM_SCRIPT`, after ``read_rtlil``.

    Timing
    ------
    Throughput 1 synapse per cycle, without a gap from pre to pre (``list``: from pre to pre of two
    synapses or more), and 1 pre per cycle if none has a synapse (``list``: 2 cycles for each pre of
    one synapse or none; ``dense``: 1 slot per cycle, pruned or not). From the transfer of a ``pre``
    to its first synapse 3 cycles (``list``: 6; ``dense``: 2, and 1 for each pruned slot before it),
    hidden behind the pre before. ``list`` with ``spram``: 2 cycles for each pre and 1 for each
    synapse, and 4 cycles to the first. A word that is read comes 2 cycles later.

    ``list``: all outputs depend on registers only, and so do the addresses, but for that of the
    pointer of ``pre``. ``bitmap``, ``dense``: ``pre.ready`` depends on registers only, or
    (``bitmap``) on the row just read; ``synapse`` comes from registers and from the memory of
    weights. ``busy`` depends on registers only, rises in the cycle after the transfer of a
    ``pre``, and stays high for some cycles after the last synapse if pres without synapses follow.
    Clock domain ``sync``.

    Parameters
    ----------
    image : LaneImage
        Format, sizes and contents.
    spram : bool
        Whether entries (``list``: and pointers) or weights are in a memory that is read in every
        cycle without a write and marked as huge, as a SPRAM of the iCE40UP5K wants it.

    Members
    -------
    pre : In(stream.Signature(range(image.inputs)))
        Input that spiked.
    synapse : Out(stream.Signature(synapse_layout(slots=..., weight_bits=...), always_ready=True))
        A live synapse of it; sizes of the image.
    busy : Out(1)
        High while synapses of an accepted ``pre`` are still to be delivered.
    write : In(write_layout(image))
        Write of one word into one memory. Bits beyond its width are ignored.
    read : In(1)
        Read the word that ``write.memory`` and ``write.address`` tell. Not together with a write.
    word : Out(widest word)
        The word that was read 2 cycles ago from ``write.memory``, which must be held.

    Raises
    ------
    TypeError
        If ``image`` is not a :class:`prunus_rtl.memory_image.image.LaneImage`, or ``spram`` is not
        a bool.
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
                "synapse": Out(stream.Signature(synapse, always_ready=True)),
                "busy": Out(1),
                "write": In(write_layout(image)),
                "read": In(1),
                "word": Out(write_layout(image)["data"].width),
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
            case "list" if self._spram:
                self._joint_list(m)
            case "list":
                self._list(m)
            case "bitmap":
                self._bitmap(m)
            case _:
                self._dense(m)
        return m

    def _list(self, m: Module) -> None:
        # Look-up of a pre takes two reads: `second` says that the next one is that of its end, and
        # `ended`, that the end has just been read.
        second = Signal()
        ended = Signal()
        none = Signal()
        pre = Signal.like(self.pre.payload)
        place = Signal(range(self._image.inputs + 1))
        looking = Signal()
        pointer = self._memory(m, 0, address=place, enable=looking)
        start = Signal(len(pointer.start))

        # One list waits in `head`; one is walked, at `current`.
        head = Signal(len(start))
        head_end = Signal(len(start))
        head_valid = Signal()
        current = Signal(len(start))
        end = Signal(len(start))
        walking = Signal()
        ends = Signal()
        push = Signal()
        m.d.comb += [
            ends.eq(~walking | ((current + 1)[: len(end)] == end)),
            push.eq(ended & ~none & (~head_valid | ends)),
            self.pre.ready.eq(~second & (~ended | none | ~head_valid | ends)),
            place.eq(Mux(second, pre + 1, self.pre.payload)),
            looking.eq(second | (self.pre.valid & self.pre.ready)),
        ]
        with m.If(self.pre.ready):
            m.d.sync += [
                second.eq(self.pre.valid),
                ended.eq(0),
                pre.eq(self.pre.payload),
            ]
        with m.If(second):
            m.d.sync += [
                second.eq(0),
                ended.eq(1),
                start.eq(pointer.start),
                none.eq(pointer.none),
            ]
        with m.If(push):
            m.d.sync += [head.eq(start), head_end.eq(pointer.start), head_valid.eq(1)]
        with m.Elif(ends):
            m.d.sync += head_valid.eq(0)
        with m.If(ends):
            m.d.sync += [walking.eq(head_valid), current.eq(head), end.eq(head_end)]
        with m.Else():
            m.d.sync += current.eq(current + 1)

        valid = Signal()
        entry = self._memory(m, 1, address=current, enable=walking)
        m.d.sync += [
            valid.eq(walking),
            self.synapse.valid.eq(valid),
            self.synapse.p.slot.eq(entry.slot),
            self.synapse.p.weight.eq(entry.weight),
        ]
        m.d.comb += self.busy.eq(second | ended | head_valid | walking | valid | self.synapse.valid)

    def _joint_list(self, m: Module) -> None:
        pointers, entries = self._image.memories
        address_bits = (pointers.depth + entries.depth - 1).bit_length()
        words = [0] * (1 << address_bits)
        words[: entries.depth] = entries.words
        words[: -pointers.depth - 1 : -1] = pointers.words

        # What was read last: the pointer of a pre, that of the next one, or an entry.
        found = Signal()
        ended = Signal()
        valid = Signal()
        begins = Signal()
        stays = Signal()
        none = Signal()
        wanted = Signal(address_bits)
        pre = Signal(address_bits)
        current = Signal(dict(pointers.fields)["start"])
        end = Signal.like(current)
        address = Signal(address_bits)
        place = Signal(address_bits)
        memory = StoreMemory(width=max(pointers.width, entries.width), words=words, huge=True)
        self._attach(m, SPRAM_NAME, memory, chosen=Const(1))
        m.d.comb += [
            memory.enable.eq(1),
            memory.address.eq(address),
            place.eq(self.write.address),
            memory.place.eq(Mux(self.write.memory, place, ~place)),
        ]
        word = memory.data
        pointer = data.View(data.StructLayout(dict(pointers.fields)), word[: pointers.width])
        entry = data.View(data.StructLayout(dict(entries.fields)), word[: entries.width])
        m.d.comb += [
            begins.eq(ended & ~none),
            stays.eq(valid & (current != end)),
            self.pre.ready.eq(~found & ~begins & ~stays),
            wanted.eq(self.pre.payload),
            address.eq(~wanted),
        ]
        with m.If(found):
            m.d.comb += address.eq(~(pre + 1))
            m.d.sync += [current.eq(pointer.start), none.eq(pointer.none)]
        with m.Elif(begins | stays):
            m.d.comb += address.eq(current)
            m.d.sync += current.eq(current + 1)
        with m.If(ended):
            m.d.sync += end.eq(pointer.start)
        with m.If(self.pre.ready):
            m.d.sync += pre.eq(wanted)
        m.d.sync += [
            found.eq(self.pre.valid & self.pre.ready),
            ended.eq(found),
            valid.eq(begins | stays),
            self.synapse.valid.eq(valid),
            self.synapse.p.slot.eq(entry.slot),
            self.synapse.p.weight.eq(entry.weight),
        ]
        m.d.comb += self.busy.eq(found | ended | valid | self.synapse.valid)

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
        current = Signal(len(row.start))
        below = Signal(slots)
        rest = Signal(slots)
        lowest = Signal(slots)
        m.d.comb += [
            below.eq(left - 1),
            rest.eq(left & below),
            lowest.eq(left & ~below),
            load.eq(~walking | ~rest.any()),
        ]
        with m.If(load):
            m.d.sync += [
                walking.eq(looked_up & some),
                left.eq(row.alive),
                current.eq(row.start),
            ]
        with m.Else():
            m.d.sync += [left.eq(rest), current.eq(current + 1)]

        weights = self._memory(m, 1, address=current, enable=walking)
        m.d.sync += [
            self.synapse.valid.eq(walking),
            self.synapse.p.slot.eq(_index(lowest, len(self.synapse.p.slot))),
        ]
        m.d.comb += [
            self.synapse.p.weight.eq(weights.weight),
            self.busy.eq(looked_up | walking | self.synapse.valid),
        ]

    def _dense(self, m: Module) -> None:
        image = self._image
        walking = Signal()
        fetched = Signal(range(image.slots))
        current = Signal(range(image.memories[0].depth))
        valid = Signal()
        weights = self._memory(m, 0, address=current, enable=walking)
        flagged = "alive" in weights.shape().members
        m.d.comb += self.pre.ready.eq(~walking | (fetched == image.slots - 1))
        with m.If(self.pre.ready):
            m.d.sync += [
                walking.eq(self.pre.valid),
                fetched.eq(0),
                current.eq(self.pre.payload * image.slots),
            ]
        with m.Else():
            m.d.sync += [fetched.eq(fetched + 1), current.eq(current + 1)]

        m.d.sync += [valid.eq(walking), self.synapse.p.slot.eq(fetched)]
        m.d.comb += [
            self.synapse.valid.eq(valid & (weights.alive if flagged else 1)),
            self.synapse.p.weight.eq(weights.weight),
            self.busy.eq(walking | valid),
        ]

    def _memory(self, m: Module, number: int, *, address: Value, enable: Value) -> data.View:
        """Add a memory; return the word that was read last, as the fields of the image."""
        spec = self._image.memories[number]
        huge = self._spram and number == len(self._image.memories) - 1
        memory = StoreMemory(width=spec.width, words=spec.words, huge=huge)
        chosen = self.write.memory == number
        self._attach(m, SPRAM_NAME if huge else spec.name, memory, chosen=chosen)
        m.d.comb += [
            memory.enable.eq(enable),
            memory.address.eq(address),
            memory.place.eq(self.write.address),
        ]
        return data.View(data.StructLayout(dict(spec.fields)), memory.data)

    def _attach(self, m: Module, name: str, memory: StoreMemory, *, chosen: Value) -> None:
        """Add a memory as a submodule, and give the host access to it."""
        m.submodules[name] = memory
        m.d.comb += [
            memory.read.eq(self.read & chosen),
            memory.write.eq(self.write.enable & chosen),
            memory.write_data.eq(self.write.data),
        ]
        with m.If(chosen):
            m.d.sync += self.word.eq(memory.data)


def _index(one_hot: Value, bits: int) -> Value:
    """Return the number of the one bit that is set."""
    chosen = [[one_hot[n] for n in range(len(one_hot)) if n >> bit & 1] for bit in range(bits)]
    return Cat(Cat(*signals).any() for signals in chosen)
