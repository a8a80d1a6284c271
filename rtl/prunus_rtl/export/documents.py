"""The README of a package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from amaranth.lib import wiring

from prunus_model.common.text import printable
from prunus_model.spec.labels import pruning_label, size_label
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.core.core import Core
from prunus_rtl.counts.memories import LOGIC_BITS, memories
from prunus_rtl.export.bench import VECTORS
from prunus_rtl.export.core_sizes import core_sizes
from prunus_rtl.export.interface import Interface
from prunus_rtl.export.lanes import LaneUse, Ties
from prunus_rtl.export.netlist import FOLDER, Netlist
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.ports import fields, ports
from prunus_rtl.export.simulators import BenchRun
from prunus_rtl.export.sizes import device_fits
from prunus_rtl.export.template import fill
from prunus_rtl.export.vectors import Vectors
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.devices import DEVICES
from prunus_rtl.memory_image.footprint import choose
from prunus_rtl.step_work import PER_SPIKE
from prunus_rtl.synapses.memory import SPRAM_NAME, SPRAM_SCRIPT
from prunus_rtl.timing import (
    LATENCY,
    PARTS,
    compare_cycles,
    init_cycles,
    report_cycles,
    spike_cycles,
    vote_cycles,
)

__all__ = ["Facts", "make_readme"]

#: Address and word of the spaces of the memory port.
_SPACES = {
    Space.SYNAPSES: (
        "`{row} << {post} \\| {index}`",
        "bit {weight}: alive; below: weight{signed}, 0 if pruned",
    ),
    Space.THETA: ("`post`", "adaptive part of the firing threshold"),
    Space.STRENGTH: ("`post`", "sum of the weights of a neuron"),
    Space.POST_COUNT: ("`post`", "output spikes while learning"),
    Space.V: ("`{index}`", "membrane potential{signed}{shown}"),
    Space.V_FIRE: ("`{threshold}`", "firing threshold in force"),
    Space.LAST_STEP: ("`pre`", "bit 8: valid; bits 7-0: step of the last spike{shown}"),
    Space.INPUT_RATE: ("`{row}`", "share of the sweeps in which the input was recently active"),
    Space.BIAS: ("`post`", "bias of a neuron{signed}"),
    Space.PRESENTATION: ("0", "number of the next presentation"),
    Space.VOTES: ("`class * {neurons} + post`", "vote of a neuron for a class"),
    Space.STORE: (
        "`lane << {lane} \\| memory << {memory} \\| index`",
        "word of the packed store; memories of a lane: {memories}",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """Everything that the README is made of.

    Attributes
    ----------
    plan : Plan
    core : Core
        The core by itself.
    system : wiring.Component
        What the package holds.
    interface : Interface
        How it is reached.
    manual : str
        What is said of that alone, in Markdown.
    files : list of str
        All files but README and manifest.
    netlist : Netlist
    vectors : Vectors
    data : str
        Name of the images of the bench.
    lanes : list of LaneUse
        Before and after balancing.
    ties : Ties or None
        What balancing changes; None if neurons are in the order of the network.
    run : BenchRun or None
        How the bench ended here; None if there was no simulator, or it was interrupted.
    interrupted : bool
        Whether it was interrupted.
    command : str
        Makes the package again.
    versions : mapping of str to str
        Of everything that had a part in it.
    """

    plan: Plan
    core: Core
    system: wiring.Component
    interface: Interface
    manual: str
    files: list[str]
    netlist: Netlist
    vectors: Vectors
    data: str
    lanes: list[LaneUse]
    ties: Ties | None
    run: BenchRun | None
    interrupted: bool
    command: str
    versions: Mapping[str, str]


def make_readme(facts: Facts) -> str:
    """Return the text."""
    plan, shapes = facts.plan, facts.core.shapes
    placed = memories(plan.widths)
    text = fill(
        "readme.md.j2",
        facts=facts,
        data=_code(facts.data),
        command=printable(facts.command),
        plan=plan,
        network=plan.network,
        hardware=plan.hardware,
        top=facts.interface.top,
        native=facts.system.signature == facts.core.signature,
        folder=FOLDER,
        vectors=VECTORS,
        size=size_label(plan.network),
        pruning=pruning_label(plan.network),
        ports=ports(facts.system),
        fields=fields(facts.system),
        bit_range=_bit_range,
        waves=any(name.startswith("waves/") for name in facts.files),
        drawn=any(name.endswith(".svg") for name in facts.files),
        spaces=list(_spaces(facts)),
        store_is_reached=Space.STORE in spaces(shapes),
        unreadable=[space.name for space in spaces(shapes) if space not in readable(shapes)],
        init=init_cycles(shapes, recomputed=False),
        init_recomputed=init_cycles(shapes, recomputed=True),
        per_spike=PER_SPIKE,
        latency=LATENCY,
        compare=compare_cycles(shapes),
        learn=spike_cycles(shapes, learn=plan.learn, margin=False),
        decide=spike_cycles(shapes, learn=plan.learn, margin=True),
        spaced=vote_cycles(shapes),
        report=report_cycles(shapes, fired=True, learn=plan.learn, margin=False),
        parts=PARTS,
        memories=sorted(placed, key=lambda memory: -memory.bits),
        logic_bits=LOGIC_BITS,
        fits=device_fits(placed),
        devices=DEVICES,
        spram_name=SPRAM_NAME,
        spram_script=SPRAM_SCRIPT,
        placed=_placed,
        measured=core_sizes(mode=plan.options.mode, bus=facts.interface.name),
        smallest=choose(plan.sizes, plan.options.device) if plan.sizes else "",
    )
    # Parts that are left out leave their blank lines.
    return re.sub(r"\n{3,}", "\n\n", text)


def _code(text: str) -> str:
    """Return a text, such as the name of a file, as one span of code, whatever is in it."""
    text = printable(text)
    if "`" not in text:
        return f"`{text}`"
    # Longer than all in the text, which it does not touch.
    fence = "`" * (1 + max(map(len, re.findall("`+", text))))
    return f"{fence} {text} {fence}"


def _spaces(facts: Facts) -> Iterator[tuple[Space, str, int, str]]:
    """Yield each space of the memory port, its addresses, bits of a word, and what that is."""
    shapes, network = facts.core.shapes, facts.plan.network
    names: dict[str, object] = {
        "post": shapes.post.width,
        "weight": network.weight_bits,
        "neurons": network.all_neurons,
        "row": "pre",
        "index": "post",
        "threshold": "post",
        "shown": "",
        "signed": ", two's complement" if shapes.feedforward else "",
    }
    if network.groups:
        names |= {
            "row": f"(group * {network.inputs} + pre)",
            "index": "index",
            "threshold": f"group << {shapes.post.width} \\| index",
            "shown": ", of the group shown last",
        }
    if (layout := shapes.store) is not None:
        names |= {
            "lane": layout.word_bits + layout.memory_bits,
            "memory": layout.word_bits,
            "memories": ", ".join(f"`{name}`" for name in layout.fields),
        }
    for space, (_, bits, _) in spaces(shapes).items():
        address, word = (text.format(**names) for text in _SPACES[space])
        yield space, address, bits, word


def _placed(widths: Iterable[tuple[str, int]]) -> str:
    """Return the fields of a word, the lowest first, with their bits."""
    low, found = 0, []
    for name, width in widths:
        if width:
            found.append(f"`{name}` {_bit_range(low, width)}")
        low += width
    return ", ".join(found)


def _bit_range(low: int, width: int) -> str:
    """Return the bits of a field, as in `7-0`."""
    if width == 0:
        return "none"
    return str(low) if width == 1 else f"{low + width - 1}-{low}"
