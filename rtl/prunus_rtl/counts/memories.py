"""Physical memories of a core, and which counts tell how often each is read and written.

The one table of them: devices, energy, area and documents are worked out from it. That it lists
what a core is really made of is a test over cores of all kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prunus_model.spec.formats import (
    BIAS_BITS,
    LEVEL_BITS,
    POST_COUNT_BITS,
    RATE_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
)
from prunus_rtl.memory_image.memory import banks
from prunus_rtl.widths import Widths

__all__ = ["LOGIC_BITS", "MemoryUse", "memories"]

#: Memories of fewer bits are made of logic (LUT RAM, flip-flops) and take no block.
LOGIC_BITS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """One kind of memory of a core.

    Attributes
    ----------
    name : str
        What it holds.
    depths : tuple of int
        Words of each physical memory of this kind: of the lanes, and of the banks in a lane
        (:func:`prunus_rtl.memory_image.memory.banks`). An access is one of one of them.
    width : int
        Bits of a word.
    reads, writes : tuple of str, default: none
        Counts of :class:`prunus_rtl.counts.accesses.Accesses` that are its reads and writes, all
        physical memories together.
    every_cycle : bool
        Whether it is SPRAM, which is read in every cycle without a write. Then ``reads`` are those
        that something was wanted from; the others repeat the last one.
    style : "auto", "block" or "distributed"
        What it is made of: block RAM if it is large, block RAM, or LUT RAM.
    """

    name: str
    depths: tuple[int, ...]
    width: int
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    every_cycle: bool = False
    style: Literal["auto", "block", "distributed"] = "auto"

    @property
    def instances(self) -> int:
        """Physical memories of this kind."""
        return len(self.depths)

    @property
    def words(self) -> int:
        """Words of the largest physical memory."""
        return max(self.depths)

    @property
    def bits(self) -> int:
        """Bits of all physical memories."""
        return sum(self.depths) * self.width

    def in_blocks(self, depth: int, *, lut_words: int = 0) -> bool:
        """Return whether a physical memory of so many words takes blocks of a device.

        Parameters
        ----------
        depth : int
            One of ``depths``.
        lut_words : int
            Memories of no more words may be LUT RAM.
        """
        if self.style != "auto":
            return self.style == "block"
        return depth > lut_words and self.width * depth >= LOGIC_BITS


def memories(shapes: Widths) -> tuple[MemoryUse, ...]:
    """Return all memories of a core.

    Parameters
    ----------
    shapes : Widths
        Of the core; with the layout of the store, if it is packed.

    Returns
    -------
    tuple of MemoryUse

    Raises
    ------
    ValueError
        If a packed store has no layout.
    """
    n, hardware = shapes.network, shapes.hardware
    inputs, lanes, slots = n.inputs, hardware.lanes, shapes.slots
    neurons, per_word, visited = n.all_neurons, hardware.encoder_inputs, hardware.sweep_inputs
    found = []

    def add(
        name: str,
        count: str,
        depth: int,
        width: int,
        *,
        each: bool,
        writes: bool,
        copies: int = 1,
        style: Literal["auto", "block", "distributed"] = "auto",
    ) -> None:
        found.append(
            MemoryUse(
                name=name,
                depths=(depth,) * (lanes if each else copies),
                width=width,
                reads=(f"{count}_reads",),
                writes=(f"{count}_writes",) if writes else (),
                style=style,
            )
        )

    if shapes.gathers:
        width = n.image_levels.bit_length()
        depth = (1 << width) + n.image_levels + 1
        add("levels", "level", depth, LEVEL_BITS, each=False, writes=True, copies=per_word)
        depth = n.view_count * shapes.encoder_words
        add("map", "map", depth, per_word * width, each=False, writes=False)
    elif hardware.source == "levels":
        width = LEVEL_BITS * per_word
        add("levels", "level", 2 * shapes.encoder_words, width, each=False, writes=True)
    if hardware.source == "levels":
        add("events", "event", hardware.event_depth, shapes.pre_bits + 1, each=False, writes=True)
    if shapes.refractory:
        width = (n.encoder.steps - 1).bit_length() + 1
        add("refractory", "refractory", inputs, width, each=False, writes=True)
    if shapes.place_bits:
        add("queue", "queue", hardware.queue_depth, shapes.place_bits, each=True, writes=True)
    if hardware.store == "packed":
        found += _packed(shapes)
    else:
        writes = hardware.learn
        depth = shapes.store_words
        add("rows", "row", depth, visited * slots, each=True, writes=writes)
        width = visited * n.weight_bits
        add("weights", "weight", depth * slots, width, each=True, writes=writes)
    style = hardware.neuron_memory
    # With its epoch, but in a feed-forward layer.
    width = n.formats.v_bits + (not shapes.feedforward)
    add("v", "v", slots, width, each=True, writes=True, style=style)
    thresholds = shapes.threshold_words
    writes = hardware.learn
    add("v_fire", "v_fire", thresholds, V_FIRE_BITS, each=True, writes=writes, style=style)
    if shapes.feedforward:
        add("bias", "bias", slots, BIAS_BITS, each=True, writes=False, style=style)
        add("fired", "fired", slots, lanes + shapes.slot_bits, each=False, writes=True)
    if hardware.learn:
        depth, width = shapes.sweep_words, STEP_BITS + 1
        add("last_step", "last_step", depth, width, each=False, writes=True, copies=visited)
        add("theta", "theta", neurons, THETA_BITS, each=False, writes=True)
        add("strength", "strength", neurons, n.formats.strength_bits, each=False, writes=True)
        add("post_count", "post_count", neurons, POST_COUNT_BITS, each=False, writes=True)
    if shapes.lift:
        width = visited * RATE_BITS
        add("input_rate", "input_rate", shapes.store_words, width, each=False, writes=True)
    classes = n.readout.classes
    add("votes", "vote", neurons * classes, n.readout.vote_bits, each=False, writes=False)
    add("scores", "score", classes, shapes.score_bits, each=False, writes=True)
    return tuple(found)


def _packed(shapes: Widths) -> list[MemoryUse]:
    """Return the memories of a packed store."""
    layout = shapes.store
    if layout is None:
        raise ValueError("Layout must be given for a packed store, not None")
    counts = {
        "row_pointers": "row_pointer_reads",
        "entries": "entry_reads",
        "rows": "row_reads",
        "weights": "weight_reads",
    }
    widths = [sum(bits for _, bits in fields) for fields in layout.fields.values()]
    if shapes.hardware.spram and layout.format == "csr":
        # One memory for both, of a power of 2.
        return [
            MemoryUse(
                name="spram",
                depths=tuple(1 << (sum(depths) - 1).bit_length() for depths in layout.depths),
                width=max(widths),
                reads=("row_pointer_reads", "entry_reads"),
                writes=(),
                every_cycle=True,
            )
        ]
    found = []
    for number, (name, width) in enumerate(zip(layout.fields, widths, strict=True)):
        in_spram = shapes.hardware.spram and number == len(widths) - 1
        lanes = [depths[number] for depths in layout.depths]
        found.append(
            MemoryUse(
                name=name,
                depths=tuple(
                    lanes if in_spram else (bank for depth in lanes for bank in banks(depth))
                ),
                width=width,
                reads=(counts[name],),
                writes=(),
                every_cycle=in_spram,
            )
        )
    return found
