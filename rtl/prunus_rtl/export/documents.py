"""The README of a package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prunus_model.spec.config import pruning_label
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.core import Core
from prunus_rtl.counts.memories import memories
from prunus_rtl.export.bench import VECTORS
from prunus_rtl.export.lanes import LaneUse, Ties
from prunus_rtl.export.markdown import bit_range, table
from prunus_rtl.export.netlist import FOLDER, TOP, Netlist
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.ports import fields, ports
from prunus_rtl.export.simulators import BenchRun
from prunus_rtl.export.sizes import LOGIC_BITS, device_fits
from prunus_rtl.export.template import fill
from prunus_rtl.export.vectors import Vectors
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.devices import DEVICES, Fit
from prunus_rtl.memory_image.footprint import choose
from prunus_rtl.synapses.memory import SPRAM_NAME, SPRAM_SCRIPT
from prunus_rtl.timing import (
    LATENCY,
    PARTS,
    PER_SPIKE,
    compare_cycles,
    init_cycles,
    report_cycles,
    spike_cycles,
)

__all__ = ["Facts", "make_readme"]

#: Address and word of the spaces of the memory port.
_SPACES = {
    Space.SYNAPSES: ("`pre << {post} \\| post`", "bit {weight}: alive; below: weight, 0 if pruned"),
    Space.THETA: ("`post`", "adaptive part of the firing threshold"),
    Space.STRENGTH: ("`post`", "sum of the weights of a neuron"),
    Space.POST_COUNT: ("`post`", "output spikes while learning"),
    Space.V: ("`post`", "membrane potential"),
    Space.V_FIRE: ("`post`", "firing threshold in force"),
    Space.LAST_STEP: ("`pre`", "bit 8: valid; bits 7-0: step of the last spike"),
    Space.COACTIVITY: (
        "`pre`",
        "share of the sweeps in which the input follows its neighbour",
    ),
    Space.PRESENTATION: ("0", "number of the next presentation"),
    Space.VOTES: ("`class * {neurons} + post`", "vote of a neuron for a class"),
    Space.STORE: (
        "`lane << {lane} \\| memory << {memory} \\| index`",
        "word of the packed store; memories of a lane: {memories}",
    ),
}

#: Why the bench has not been run to its end, by whether it was interrupted.
_WHY_NOT_RUN = {
    False: "No simulator was there when the package was made",
    True: "The bench was interrupted when the package was made",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """Everything that the README is made of.

    Attributes
    ----------
    plan : Plan
    core : Core
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
    plan, core, run = facts.plan, facts.core, facts.run
    network = plan.network
    values = {
        "TOP": TOP,
        "FOLDER": FOLDER,
        "VECTORS": VECTORS,
        "NEURONS": network.neurons,
        "MODE": plan.options.mode,
        "WHAT": "learns, prunes and infers" if plan.learn else "infers",
        "START": (
            f"It goes on where\nthe training has ended, at presentation {plan.state.presentation}."
            if plan.learn
            else "It starts at\npresentation 0, so that image `i` gives what `prunus evaluate` "
            "gives for image `i`."
        ),
        "SHOWN": len(facts.vectors.shown),
        "DATA": facts.data,
        "HOW": "with learning" if plan.learn else "without learning",
        "READS": len(facts.vectors.reads),
        "RUN": (
            f"{_WHY_NOT_RUN[facts.interrupted]}: it has not\n"
            "been run, and the cycles are only expected to be within the bounds of the formula."
            if run is None
            else f"When the package was made:\n\n    {run.simulator}\n    {run.verdict}"
        ),
        "PARAMETERS": _parameters(plan),
        "PORTS": table(
            ("port", "direction", "width", "meaning"),
            [(f"`{p.name}`", p.direction, p.width, p.meaning) for p in ports(core)],
        ),
        "FIELDS": table(
            ("port", "field", "bits", "meaning"),
            [
                (f"`{f.port}`", f"`{f.name}`", bit_range(f.low, f.width), f.meaning)
                for f in fields(core)
            ],
        ),
        "INPUT": _input(plan),
        "ORDER": (
            "\n\n`post` is a *position*: neurons are distributed over the lanes so that all are "
            "equally busy.\n`neurons.csv` says which neuron of the network is at which position."
            if plan.permuted
            else ""
        ),
        "SPACES": _spaces(facts),
        "PACKED": (
            "\n\nWords of the packed store are too wide for the memory port: synapses are in the "
            "memory images only."
            if plan.image is not None and Space.STORE not in spaces(core.shapes)
            else ""
        ),
        "INIT": init_cycles(core.shapes),
        "PER_SPIKE": PER_SPIKE,
        "LATENCY": LATENCY,
        "COMPARE": compare_cycles(core.shapes),
        "LEARN": spike_cycles(core.shapes, learn=plan.learn),
        "REPORT": report_cycles(core.shapes, fired=True),
        "SILENT": report_cycles(core.shapes, fired=False),
        "ENCODER": (
            "\nThe encoder takes one cycle per four inputs, one more for each further event, and "
            "runs ahead of\nthe lanes; where it is the slower one, `integrate` is its time.\n"
            if plan.hardware.source == "levels"
            else ""
        ),
        "CYCLES": _cycles(facts),
        "LANES": table(
            ("neurons over lanes", "cycles", "lanes busy"),
            [(use.order, use.cycles, f"{100 * use.utilisation:.1f} %") for use in facts.lanes],
        ),
        "TIES": _ties(facts),
        "MEMORIES": _memories(facts),
        "LOGIC_BITS": LOGIC_BITS,
        "DEVICES": table(
            ("device", "bits of its blocks", "bits taken", "result"),
            [
                (fit.device, DEVICES[fit.device].bits, fit.bits, _missing(fit) or "fits")
                for fit in device_fits(memories(facts.plan.widths))
            ],
        ),
        "SPRAM": (
            f"\n\nMemories `{SPRAM_NAME}` are for the SPRAM of the UP5K, which has no initial "
            "contents: after each start,\nload them through the memory port (space `STORE`). So "
            f"that yosys takes SPRAM, give it, once the\ndesign is read, `{SPRAM_SCRIPT}`, and "
            "then `synth_ice40 -spram`."
            if plan.hardware.spram
            else ""
        ),
        "STORE": _store(plan),
        "HASH": plan.artifact.content_hash,
        "COMMAND": facts.command,
        "VERSIONS": "\n".join(f"- {name} {version}" for name, version in facts.versions.items()),
    }
    return fill("readme.md.in", values)


def _parameters(plan: Plan) -> str:
    network, hardware = plan.network, plan.hardware
    rows: list[tuple[str, object]] = [
        ("inputs", network.inputs),
        ("neurons", network.neurons),
        ("steps of a presentation", network.encoder.steps),
        ("bits of a weight", network.weight_bits),
        ("classes", network.readout.classes),
        ("seed", network.seed),
        ("pruning", pruning_label(network)),
        ("lanes", hardware.lanes),
        ("neurons of a lane (slots)", hardware.slots(network)),
        ("learns", "yes" if hardware.learn else "no"),
        ("store", plan.store),
        ("input", hardware.source),
        ("multiplier", hardware.multiplier if hardware.learn else "none"),
        ("spikes that a lane may lag behind", hardware.queue_depth),
    ]
    if hardware.source == "levels":
        rows.append(("events that the encoder may be ahead", hardware.event_depth))
    return table(("parameter", "value"), rows)


def _input(plan: Plan) -> str:
    if plan.hardware.source == "events":
        return ""
    gain = plan.network.encoder.gain
    return (
        f"\n\nA level is made of a pixel before it comes here: `min(255, (pixel * {gain}) >> 8)`. "
        f"Send {plan.network.inputs} per\nimage, input 0 first; the next image may be sent while "
        "one is shown."
    )


def _spaces(facts: Facts) -> str:
    shapes = facts.core.shapes
    names: dict[str, object] = {
        "post": shapes.post.width,
        "weight": facts.plan.network.weight_bits,
        "neurons": facts.plan.network.neurons,
    }
    if (layout := shapes.store) is not None:
        names |= {
            "lane": layout.word_bits + layout.memory_bits,
            "memory": layout.word_bits,
            "memories": ", ".join(f"`{name}`" for name in layout.fields),
        }
    rows = []
    for space, (_, bits, _) in spaces(shapes).items():
        address, word = (text.format(**names) for text in _SPACES[space])
        rows.append((space.value, f"`{space.name}`", address, bits, word))
    return table(("space", "name", "address", "bits", "word"), rows)


def _cycles(facts: Facts) -> str:
    shown, run = facts.vectors.shown, facts.run
    measured: list[object] = ["not run"] * len(shown) if run is None else [*run.cycles]
    rows = [
        (
            k,
            image.label,
            "undecided" if image.undecided else image.prediction,
            image.counts["output_spikes"],
            image.counts["forward_sops"],
            *(image.cycles.parts[part] for part in PARTS),
            image.cycles.fewest,
            measured[k],
        )
        for k, image in enumerate(facts.vectors.shown)
    ]
    heads = ("image", "label", "class", "spikes", "forward SOPs", *PARTS, "formula", "measured")
    return table(heads, rows)


def _ties(facts: Facts) -> str:
    ties = facts.ties
    if ties is None:
        return ""
    return (
        f"\n\nA tie of two neurons goes to the lowest position, not to the lowest neuron. Of "
        f"{ties.images} images of\n`{facts.data}`, {ties.spikes} have other output spikes than in "
        f"the order of the network, and {ties.classes} another class."
    )


def _memories(facts: Facts) -> str:
    found = memories(facts.plan.widths)
    rows: list[tuple[object, ...]] = [
        (
            f"`{memory.name}`",
            memory.instances,
            "-".join(map(str, sorted({min(memory.depths), max(memory.depths)}))),
            memory.width,
            memory.bits,
            "logic" if memory.words * memory.width < LOGIC_BITS else "blocks",
        )
        for memory in sorted(found, key=lambda memory: -memory.bits)
    ]
    rows.append(("all", sum(m.instances for m in found), "", "", sum(m.bits for m in found), ""))
    return table(("memory", "number", "words", "bits of a word", "bits", "made of"), rows)


def _store(plan: Plan) -> str:
    if plan.sizes is None or plan.image is None:
        return ""
    smallest = choose(plan.sizes, plan.options.device)
    target = "" if plan.options.device is None else f" for {plan.options.device}"
    asked = "" if plan.options.store == "auto" else ", as was asked for"
    sizes = [
        (
            row.format,
            row.bits,
            max(row.lane_bits),
            *(_missing(fit) or f"{fit.bits} fits" for fit in row.fits),
        )
        for row in plan.sizes.rows
    ]
    words = [
        (f"`{memory.name}`", memory.width, ", ".join(_fields(memory.fields)))
        for memory in plan.image.lanes[0].memories
    ]
    density = f"{100 * float(plan.state.alive.mean()):.1f} %"
    return f"""

## Packed store

Live synapses: {density}. Smallest format{target}: `{smallest}`; this core has
`{plan.store}`{asked}. Bits of the synapses alone, of the largest lane, and in whole memory blocks:

{table(("format", "bits", "largest lane", *DEVICES), sizes)}

Words of the memory images of this core:

{table(("memory", "bits of a word", "fields"), words)}"""


def _missing(fit: Fit) -> str:
    return f"{fit.missing_bits} bits missing" if fit.missing_bits else ""


def _fields(widths: Iterable[tuple[str, int]]) -> Iterable[str]:
    low = 0
    for name, width in widths:
        if width:
            yield f"`{name}` {bit_range(low, width)}"
        low += width
