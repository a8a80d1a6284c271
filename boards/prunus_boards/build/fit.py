"""Whether a design can fit a device: its memories before synthesis, the rest after placement."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from prunus_boards.build.tools import ToolError
from prunus_boards.platforms.board import Board
from prunus_model.common.errors import PrunusError
from prunus_model.spec.labels import size_label
from prunus_rtl.counts.memories import MemoryUse, memories
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.queued_system import queued_memories
from prunus_rtl.memory_image.devices import DEVICES, BlockRam
from prunus_rtl.memory_image.image import pack
from prunus_rtl.widths import Widths

__all__ = ["FitError", "check_memories", "design_memories", "explain", "with_neuron_memory"]

#: A line of the table of what is used, as nextpnr writes it.
_USED = re.compile(r"^Info:\s+(\w+):\s*(\d+)\s*/\s*(\d+)\s+\d+%", re.MULTILINE)
#: Memories of so few words may be LUT RAM, where there is such.
_LUT_WORDS = 64
#: Words of one LUT RAM.
_LUT_RAM_WORDS = 16


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


def design_memories(widths: Widths) -> list[MemoryUse]:
    """Return the memories of a core and of the link in front of it."""
    return [*memories(widths), *queued_memories(widths)]


def check_memories(found: Sequence[MemoryUse], board: Board, plan: Plan) -> None:
    """Check that there are blocks enough; synthesis of what can't fit would take minutes.

    Memories that may be made of logic are left out: place and route has the last word.

    Raises
    ------
    FitError
        Says how many bits are missing, and what would fit.
    """
    if why := DEVICES[board.memory].style_refusal(plan.hardware.neuron_memory):
        raise FitError(f"neuron_memory must be auto or block for {board.device}{why}", missing=0)
    *large, block = DEVICES[board.memory].kinds
    huge = [memory for memory in found if memory.every_cycle and large]
    other = [memory for memory in found if memory not in huge]
    for kind, name, group in ((*large, block)[0], "SPRAM", huge), (block, "block RAM", other):
        blocks = _taken(kind, group)
        if (missing := blocks - kind.count) > 0:
            if group is huge and plan.sizes is not None:
                why, advice = _spram(plan, kind)
            elif plan.learn:
                why, advice = "", _learning(plan, kind)
            else:
                # What is lost at the ends of blocks stays lost in a smaller network.
                why, advice = "", _advice(plan, board, missing * kind.bits, kind.count / blocks)
            raise FitError(
                f"{size_label(plan.network)} with store {plan.store} must fit the "
                f"{kind.count * kind.bits:,} bits of {name} of {board.device}, not take "
                f"{blocks * kind.bits:,}: {missing * kind.bits:,} bits ({missing} blocks) are "
                f"missing{why}; {advice}",
                missing=missing,
            )


def with_neuron_memory(plan: Plan, board: Board) -> Plan:
    """Return the plan with potentials and thresholds in block RAM, if that is left open and fits.

    LUT RAM of 16 words costs less than a block; of more it needs multiplexers. A tenth of the
    blocks is kept for what synthesis may put there, too.
    """
    if plan.options.neuron_memory != "auto" or plan.widths.slots <= _LUT_RAM_WORDS:
        return plan
    options = replace(plan.options, neuron_memory="block")
    hardware = replace(plan.hardware, neuron_memory="block")
    blocked = replace(plan, options=options, hardware=hardware)
    kind = DEVICES[board.memory].kinds[-1]
    taken = _taken(kind, (m for m in design_memories(blocked.widths) if not m.every_cycle))
    return blocked if 10 * taken <= 9 * kind.count else plan


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
    return why, f"about {size_label(plan.network, neurons)} like these would fit in {_lanes(lanes)}"


def _taken(kind: BlockRam, found: Iterable[MemoryUse]) -> int:
    """Return how many blocks memories take, without those that may be made of logic."""
    return sum(
        kind.blocks(width=memory.width, depth=depth)
        for memory in found
        for depth in memory.depths
        if memory.in_blocks(depth, lut_words=_LUT_WORDS)
    )


def _learning(plan: Plan, kind: BlockRam) -> str:
    """Say how large a network that learns would fit, in as many lanes or fewer."""
    neurons, inputs = plan.network.neurons, plan.network.inputs

    def blocks(slots: int, lanes: int) -> int:
        widths = Widths(
            network=replace(plan.network, neurons=min(slots * lanes, neurons)),
            hardware=replace(plan.hardware, lanes=lanes),
        )
        return _taken(kind, design_memories(widths))

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
    return f"about {size_label(plan.network, best)} like these would fit in {_lanes(lanes)}"


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
    # Row pointers are in SPRAM too, rows of alive bits are not.
    there = slice(0, None) if plan.store == "csr" else slice(-1, None)
    lanes = [lane.memories[there] for lane in image.lanes]
    width = max(memory.width for memory in lanes[0])
    return width, max(sum(memory.depth for memory in lane) for lane in lanes)


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
    return f"about {size_label(plan.network, neurons)} like these would fit"


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
