"""Packed store: what the components of all formats have in common."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.synapses.memory import SPRAM_NAME, StoreMemory

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
    """Packed store of one lane, for inference: signature and memories of every format.

    For each ``pre`` it delivers the unpruned synapses of the neurons of its lane, in the order of
    their slots; pres in the order in which they came. The synapses are those of
    :meth:`prunus_rtl.memory_image.image.LaneImage.unpack`. How they are fetched is up to the
    component of the format (:data:`prunus_rtl.synapses.components.COMPONENTS`).

    Memories
    --------
    Block RAMs with the sizes of the image (:class:`prunus_rtl.synapses.memory.StoreMemory`). They
    start with the contents of the image, and reset does not change them. A host may write the
    words (:meth:`prunus_rtl.memory_image.image.LaneImage.writes`) of any image that has the same
    fields and is not longer, and read all words, but only while ``busy`` is low and no ``pre`` is
    offered, nor in the next cycle: what it asks for is registered here, so that a word for any lane
    is not on the way from the host to each of its memories.

    **The SPRAM of an iCE40UP5K.** It has no initial contents, so the store must be written after
    each start of the device. In simulation it starts with the image. yosys needs ``synth_ice40
    -spram``, and before that, as it takes no SPRAM for a memory with initial contents,
    :data:`prunus_rtl.synapses.memory.SPRAM_SCRIPT`, after ``read_rtlil``.

    Timing
    ------
    A word that is read comes 3 cycles later, from a store with SPRAM 2. ``busy`` depends on
    registers only, rises in the cycle after the transfer of a ``pre``, and stays high for some
    cycles after the last synapse if pres without synapses follow. The rest is that of the format.
    Clock domain ``sync``.

    Parameters
    ----------
    image : LaneImage
        Format, sizes and contents.
    spram : bool
        Whether the largest memory is read in every cycle without a write and marked for SPRAM, as
        the iCE40UP5K wants it.

    Members
    -------
    pre : In(stream.Signature(range(image.inputs)))
        Input that spiked.
    synapse : Out(stream.Signature(synapse_layout(slots=..., weight_bits=...), always_ready=True))
        An unpruned synapse of it; sizes of the image.
    busy : Out(1)
        High while synapses of an accepted ``pre`` are still to be delivered.
    write : In(write_layout(image))
        Write of one word into one memory. Bits beyond its width are ignored.
    read : In(1)
        Read the word that ``write.memory`` and ``write.address`` tell. Not together with a write.
    word : Out(widest word)
        The word that was read 3 cycles ago, until the next access.
    """

    def __init__(self, *, image: LaneImage, spram: bool = False) -> None:
        self._image = image
        self._spram = spram
        # The access of the host, once it is built.
        self._asked: data.View | None = None
        self._reads = Signal()
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

    def _memory(self, m: Module, number: int, *, address: Value, enable: Value) -> data.View:
        """Add a memory; return the word that was read last, as the fields of the image."""
        spec = self._image.memories[number]
        spram = self._spram and number == len(self._image.memories) - 1
        memory = StoreMemory(width=spec.width, words=spec.words, spram=spram)
        host = self._host(m)
        self._attach(m, SPRAM_NAME if spram else spec.name, memory, chosen=host.memory == number)
        m.d.comb += [
            memory.enable.eq(enable),
            memory.address.eq(address),
            memory.place.eq(host.address),
        ]
        return data.View(data.StructLayout(dict(spec.fields)), memory.data)

    def _host(self, m: Module) -> data.View:
        """Return the access of the host, from registers that only this lane's accesses change.

        An iCE40, which has SPRAM, is small: what is asked for is near, and registers take cells.
        """
        if self._asked is None:
            self._asked = asked = Signal(write_layout(self._image), name="host")
            self._reads = Signal(name="host_reads")
            if self._spram:
                m.d.comb += [asked.eq(self.write), self._reads.eq(self.read)]
                return asked
            m.d.sync += [asked.enable.eq(self.write.enable), self._reads.eq(self.read)]
            with m.If(self.write.enable | self.read):
                m.d.sync += [
                    getattr(asked, name).eq(getattr(self.write, name))
                    for name in ("memory", "address", "data")
                ]
        return self._asked

    def _attach(
        self, m: Module, name: str, memory: StoreMemory, *, chosen: Value, always: bool = False
    ) -> None:
        """Add a memory as a submodule, and give the host access to it.

        One that is ``always`` enabled reads on, so the word of the host is kept as it comes.
        """
        host = self._host(m)
        m.submodules[name] = memory
        m.d.comb += [
            memory.read.eq(self._reads & chosen),
            memory.write.eq(host.enable & chosen),
            memory.write_data.eq(host.data),
        ]
        comes = chosen
        if always:
            comes = Signal(name="host_word_comes")
            m.d.sync += comes.eq(self._reads & chosen)
        with m.If(comes):
            m.d.sync += self.word.eq(memory.data)
