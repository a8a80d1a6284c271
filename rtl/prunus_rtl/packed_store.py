"""Packed store: fetches the live synapses of one lane, for inference."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from prunus_model.store import LaneImage

__all__ = [
    "SPRAM_NAME",
    "SPRAM_SCRIPT",
    "PackedStore",
    "spram_room",
    "synapse_layout",
    "write_layout",
]

#: Name of a memory that is in SPRAM.
SPRAM_NAME = "spram"
#: Commands for yosys, after the design was read and before ``synth_ice40 -spram``.
SPRAM_SCRIPT = f"delete t:$meminit_v2 r:MEMID=*{SPRAM_NAME}* %i"
#: Words of a SPRAM, of 16 bits each.
_SPRAM_WORDS = 16384


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


def spram_room(image: LaneImage) -> int:
    """Return how many entries, or weights, a lane with this image has room for in its SPRAMs."""
    # Pointers of a list are there too.
    others = image.inputs if image.format == "list" else 0
    words = image.memories[-1].depth + others
    return -(-words // _SPRAM_WORDS) * _SPRAM_WORDS - others


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
    not longer, and read all words, but only while ``busy`` is low and no ``pre`` is offered: an
    access takes the place of a read.

    With ``spram``, ``list`` has one memory for both: entries from address 0 on, and the pointer of
    ``pre`` at ``~pre``, counted from the end of a memory whose size is the next power of 2: 784
    inputs leave 15,600 words of a SPRAM to entries. So pointers take no block RAM, and no pointer
    is looked up while an entry is read. ``bitmap`` and ``dense`` keep weights there only.

    **The SPRAM of an iCE40UP5K.** It has no initial contents, so the store must be written after
    each start of the device. In simulation it starts with the image. yosys needs ``synth_ice40
    -spram``, and before that, as it takes no SPRAM for a memory with initial contents,
    :data:`SPRAM_SCRIPT`, after ``read_rtlil``.

    Timing
    ------
    Throughput 1 synapse per cycle, without a gap from pre to pre, and 1 pre per cycle if none has a
    synapse (``dense``: 1 slot per cycle, pruned or not). From the transfer of a ``pre`` to its
    first synapse 3 cycles (``dense``: 2, and 1 for each pruned slot before it), hidden behind the
    pre before. ``list`` with ``spram``: 1 cycle more for each pre, and 2 cycles to the first
    synapse. A word that is read comes in the next cycle.

    ``list``: ``pre.ready`` depends on registers only, and the address of the next read depends
    combinationally on the flag ``last`` of the entry just read and on ``synapse.ready``.
    ``bitmap``, ``dense``, ``spram``: ``pre.ready`` depends combinationally on ``synapse.ready``
    and on the word just read. ``synapse.valid`` is a register (``dense`` with the flag ``alive``:
    and that flag of the word just read); the weight comes from the memory directly. ``busy``
    depends on registers only, rises in the cycle after the transfer of a ``pre``, and stays high
    for some cycles after the last synapse if pres without synapses follow. Clock domain ``sync``.

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
    synapse : Out(stream.Signature(synapse_layout(slots=..., weight_bits=...)))
        A live synapse of it; sizes of the image.
    busy : Out(1)
        High while synapses of an accepted ``pre`` are still to be delivered.
    write : In(write_layout(image))
        Write of one word into one memory. Bits beyond its width are ignored.
    read : In(1)
        Read the word that ``write.memory`` and ``write.address`` tell. Not together with a write.
    word : Out(widest word)
        The word that was read in the last cycle from ``write.memory``, which must be held.

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

    def _joint_list(self, m: Module) -> None:
        pointers, entries = self._image.memories
        address_bits = (pointers.depth + entries.depth - 1).bit_length()
        words = [0] * (1 << address_bits)
        words[: entries.depth] = entries.words
        words[: -pointers.depth - 1 : -1] = pointers.words

        # The word that was read last is a pointer of an accepted pre if `found`, an entry if
        # `valid`. As all lists end, the read after the last entry of one is free for a pointer.
        found = Signal()
        valid = Signal()
        begins = Signal()
        stays = Signal()
        looked_up = Signal(address_bits)
        current = Signal(address_bits)
        address = Signal(address_bits)
        place = Signal(address_bits)
        m.d.comb += place.eq(self.write.address)
        word = self._add_memory(
            m,
            SPRAM_NAME,
            width=max(pointers.width, entries.width),
            words=words,
            huge=True,
            chosen=Const(1),
            place=Mux(self.write.memory, place, ~place),
            address=address,
            enable=Const(1),
        )
        pointer = data.View(data.StructLayout(dict(pointers.fields)), word[: pointers.width])
        entry = data.View(data.StructLayout(dict(entries.fields)), word[: entries.width])
        m.d.comb += [
            begins.eq(found & ~pointer.none),
            stays.eq(valid & ~(entry.last & self.synapse.ready)),
            self.pre.ready.eq(~begins & ~stays),
            looked_up.eq(self.pre.payload),
            address.eq(~looked_up),
        ]
        with m.If(begins):
            m.d.comb += address.eq(pointer.start)
        with m.Elif(stays):
            m.d.comb += address.eq(current + self.synapse.ready)
        m.d.sync += [
            found.eq(self.pre.valid & self.pre.ready),
            valid.eq(begins | stays),
            current.eq(address),
        ]
        m.d.comb += [
            self.synapse.valid.eq(valid),
            self.synapse.p.slot.eq(entry.slot),
            self.synapse.p.weight.eq(entry.weight),
            self.busy.eq(found | valid),
            self.word.eq(word),
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
        huge = self._spram and number == len(self._image.memories) - 1
        chosen = self.write.memory == number
        if huge:
            # Reads whenever it does not write: the address stands still for the output to do so.
            held = Signal(range(spec.depth))
            with m.If(enable):
                m.d.sync += held.eq(address)
            address, enable = Mux(enable, address, held), Const(1)
        word = self._add_memory(
            m,
            SPRAM_NAME if huge else spec.name,
            width=spec.width,
            words=spec.words,
            huge=huge,
            chosen=chosen,
            place=self.write.address,
            address=address,
            enable=enable,
        )
        with m.If(chosen):
            m.d.comb += self.word.eq(word)
        return data.View(data.StructLayout(dict(spec.fields)), word)

    def _add_memory(
        self,
        m: Module,
        name: str,
        *,
        width: int,
        words: Sequence[int],
        huge: bool,
        chosen: Value,
        place: Value,
        address: Value,
        enable: Value,
    ) -> Value:
        """Add a memory; return the word that was read last.

        The unit reads ``address`` if ``enable``; an access of the host is to ``place`` if
        ``chosen``.
        """
        m.submodules[name] = memory = Memory(
            shape=unsigned(width),
            depth=len(words),
            init=words,
            attrs={"ram_style": "huge"} if huge else {},
        )
        # One address for both ports: otherwise a flow must build what a read returns while the word
        # is written, which is more logic than the rest of the unit.
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            write.en.eq(self.write.enable & chosen),
            write.data.eq(self.write.data),
            write.addr.eq(read.addr),
            read.en.eq((enable | self.read) & ~write.en),
            read.addr.eq(Mux((self.write.enable | self.read) & chosen, place, address)),
        ]
        return read.data


def _index(one_hot: Value, bits: int) -> Value:
    """Return the number of the one bit that is set."""
    chosen = [[one_hot[n] for n in range(len(one_hot)) if n >> bit & 1] for bit in range(bits)]
    return Cat(Cat(*signals).any() for signals in chosen)
