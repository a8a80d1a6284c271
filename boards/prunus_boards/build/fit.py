"""Whether a design can fit a device: its memories before synthesis, the rest after placement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prunus_boards.build.tools import ToolError
from prunus_boards.platforms.board import Board
from prunus_model.common.errors import PrunusError
from prunus_rtl.memory_image.image import pack
from prunus_rtl.memory_image.memory import Memory
from prunus_rtl.memory_image.devices import DEVICES, BlockRam
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.sizes import LOGIC_BITS
from prunus_rtl.link.protocol.description import link_plan

__all__ = ["FitError", "Ram", "check_memories", "explain", "memories_of"]

#: A memory as RTLIL declares it, with the wish for a kind of memory.
_MEMORY = re.compile(
    r"^(?P<attributes>(?: *attribute .*\n)*) *memory width (?P<width>\d+) size (?P<depth>\d+) ",
    re.MULTILINE,
)
_HUGE = r'\ram_style "huge"'
#: A line of the table of what is used, as nextpnr writes it.
_USED = re.compile(r"^Info:\s+(\w+):\s*(\d+)\s*/\s*(\d+)\s+\d+%", re.MULTILINE)
#: Memories of so few words may be LUT RAM, where there is such.
_LUT_WORDS = 64


class FitError(PrunusError):
    """A design needs more than the device has.

    Attributes
    ----------
    missing : int
        How many blocks or cells too few there are.
    """

    def __init__(self, message: str, *, missing: int) -> None:
        self.missing = missing
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ram:
    """A memory of a design.

    Attributes
    ----------
    width, depth : int
        Bits of a word, number of words.
    huge : bool
        Whether it may be one of the large memories that some devices have beside their blocks.
    """

    width: int
    depth: int
    huge: bool = False

    @property
    def logic(self) -> bool:
        """Whether it is so small that it may be made of logic."""
        return self.depth <= _LUT_WORDS or self.width * self.depth < LOGIC_BITS

    @property
    def image(self) -> Memory:
        """A memory of this size that holds zeros."""
        return Memory(name="", fields=(("word", self.width),), words=(0,) * self.depth)


def memories_of(rtlil: str) -> list[Ram]:
    """Return the memories of a design in RTLIL."""
    return [
        Ram(
            width=int(found["width"]),
            depth=int(found["depth"]),
            huge=_HUGE in found["attributes"],
        )
        for found in _MEMORY.finditer(rtlil)
    ]


def check_memories(memories: Sequence[Ram], board: Board, plan: Plan) -> None:
    """Check that there are blocks enough; synthesis of what can't fit would take minutes.

    Memories that may be made of logic are left out: place and route has the last word.

    Raises
    ------
    FitError
        Says how many bits are missing, and what would fit.
    """
    *large, block = DEVICES[board.memory].kinds
    huge = [memory for memory in memories if memory.huge and large]
    other = [memory for memory in memories if memory not in huge and not memory.logic]
    for kind, name, group in ((*large, block)[0], "SPRAM", huge), (block, "block RAM", other):
        blocks = sum(kind.blocks(memory.image) for memory in group)
        if (missing := blocks - kind.count) > 0:
            if group is huge and plan.sizes is not None:
                why, advice = _spram(plan, kind)
            elif plan.learn:
                why, advice = "", _learning(plan, kind, group)
            else:
                # What is lost at the ends of blocks stays lost in a smaller network.
                why, advice = "", _advice(plan, board, missing * kind.bits, kind.count / blocks)
            raise FitError(
                f"{plan.network.neurons} neurons with store {plan.store} must fit the "
                f"{kind.count * kind.bits:,} bits of {name} of {board.device}, not take "
                f"{blocks * kind.bits:,}: {missing * kind.bits:,} bits ({missing} blocks) are "
                f"missing{why}; {advice}",
                missing=missing,
            )


def _spram(plan: Plan, kind: BlockRam) -> tuple[str, str]:
    """Say why there are too few SPRAMs, and what would fit: other lanes, or how large a network.

    The store of a lane takes whole SPRAMs, which it shares with no other lane.
    """
    width, words = _largest_lane(plan)
    why = f", as the store of a lane takes whole blocks and the largest has {words:,} words of "
    why += f"{width} bits"
    near = plan
    for lanes in (1 << k for k in reversed(range(kind.count.bit_length()))):
        options = replace(plan.options, lanes=lanes, store=plan.store)
        if lanes != plan.hardware.lanes and lanes <= plan.network.neurons:
            tried = link_plan(plan.artifact, options)
            if lanes * _blocks(kind, *_largest_lane(tried)) <= kind.count:
                return why, f"{_lanes(lanes)} would fit"
            if near.hardware.lanes > kind.count:
                near = tried
    lanes = near.hardware.lanes
    width, words = _largest_lane(near)
    each = kind.count // lanes
    # If there is no room for words of this width: those of fewer neurons are narrower.
    room = each // min(_blocks(kind, width, 1), each) * kind.shapes[0][1]
    neurons = int(near.network.neurons * min(room / words, 1)) // lanes * lanes
    return why, f"about {neurons} neurons like these would fit in {_lanes(lanes)}"


def _learning(plan: Plan, kind: BlockRam, memories: Sequence[Ram]) -> str:
    """Say how large a network that learns would fit, in as many lanes or fewer.

    With the neurons shrink the store and the memories with a word per neuron, slot or vote.
    """
    neurons, inputs = plan.network.neurons, plan.network.inputs
    now = plan.widths.slots
    depths = (neurons, now, neurons * plan.network.readout.classes)
    rest = [m for m in memories if m not in _store(plan, now)]

    def blocks(slots: int, lanes: int) -> int:
        taken = lanes * sum(kind.blocks(memory.image) for memory in _store(plan, slots))
        for memory in rest:
            share = slots * lanes if memory.depth in depths else neurons
            scaled = replace(memory, depth=-(-memory.depth * share // neurons))
            taken += 0 if scaled.logic else kind.blocks(scaled.image)
        return taken

    best, lanes, tried = 0, 0, plan.hardware.lanes
    while tried:
        slots = -(-neurons // tried)
        if blocks(slots, tried) <= kind.count:
            return f"{_lanes(tried)} would fit"
        while slots and blocks(slots, tried) > kind.count:
            slots -= 1
        if slots * tried > best:
            best, lanes = slots * tried, tried
        tried //= 2
    if not best:
        return f"no core that learns {inputs} inputs would fit"
    return f"about {best} neurons like these would fit in {_lanes(lanes)}"


def _store(plan: Plan, slots: int) -> tuple[Ram, Ram]:
    """Return weights and rows of alive bits of a lane that learns."""
    inputs = plan.network.inputs
    return (
        Ram(width=plan.network.weight_bits, depth=inputs * slots),
        Ram(width=slots, depth=inputs),
    )


def _lanes(count: int) -> str:
    return f"{count} lane{'s' * (count > 1)}"


def _largest_lane(plan: Plan) -> tuple[int, int]:
    """Return bits of a word and number of words of the largest lane, as they are in SPRAM."""
    image = pack(
        plan.state.weights,
        plan.state.alive,
        format=plan.store,
        lanes=plan.hardware.lanes,
        weight_bits=plan.network.weight_bits,
        flagged=True,
    )
    pointers = plan.network.inputs + 1 if plan.store == "csr" else 0
    memories = [lane.memories[-1] for lane in image.lanes]
    return memories[0].width, max(memory.depth for memory in memories) + pointers


def _blocks(kind: BlockRam, width: int, words: int) -> int:
    """Return how many blocks a memory takes that has one mode only."""
    ((bits, depth),) = kind.shapes
    return -(-width // bits) * -(-words // depth)


def _advice(plan: Plan, board: Board, missing: int, share: float) -> str:
    """Say what would fit: another format of the store, or how large a network."""
    if plan.sizes is not None and not plan.hardware.spram:
        now = plan.sizes.row(plan.store).fit(board.memory)
        for row in sorted(plan.sizes.rows, key=lambda row: row.bits):
            if now.bits - row.fit(board.memory).bits >= missing:
                return f"store {row.format} would fit"
    lanes = plan.hardware.lanes
    neurons = int(plan.network.neurons * min(share, 1)) // lanes * lanes
    return f"about {neurons} neurons like these would fit"


def explain(error: ToolError, board: Board) -> PrunusError:
    """Return what is wrong when place and route has failed: mostly that something is too large."""
    for kind, used, there in _USED.findall(error.log):
        if int(used) > int(there):
            return FitError(
                f"Design must fit the {int(there):,} {kind} of {board.device}, but needs "
                f"{int(used):,}: {int(used) - int(there):,} are missing; try fewer lanes or a "
                f"smaller network",
                missing=int(used) - int(there),
            )
    return error
