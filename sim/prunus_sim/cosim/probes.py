"""Probes in a simulated core: what the enables of its memories and datapaths do, cycle by cycle.

Each count of :class:`prunus_rtl.counts.accesses.Accesses` is a SystemVerilog expression: what is
added to it in a cycle. Accesses are counted at the enables of the memories themselves, as the
Verilog of the core has them, and every memory must be one that is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields

from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, LiftPruning
from prunus_model.spec.random_streams import PRE_PER_DRAW, words
from prunus_rtl.counts.accesses import Accesses
from prunus_rtl.shapes import Shapes
from prunus_rtl.widths import theta_decays
from prunus_sim.simulator.netlist import Design

__all__ = ["COUNTS", "IDLE", "STRAY", "probe_lines", "probes"]

#: Writes of memories that must not be written in a presentation.
STRAY = "stray_writes"
#: Accesses between presentations, while the memory port is idle, but for levels that are written.
IDLE = "idle_accesses"
#: What a line of counts holds, in this order.
COUNTS = (*(field.name for field in fields(Accesses)), STRAY, IDLE)

#: Memories of the core, and the count that each belongs to.
_MEMORIES = {
    r"encoder\.images(\.copy\d+)?": "level",
    r"encoder\.images\.map": "map",
    r"events\.ram0": "event",
    r"refractory": "refractory",
    r"queue\.ram\d+": "queue",
    r"store\d+\.row_pointers(\.memory\d+)?": "row_pointer",
    r"store\d+\.entries(\.memory\d+)?": "entry",
    r"store\d+\.(alive|rows(\.memory\d+)?)": "row",
    r"store\d+\.weights(\.memory\d+)?": "weight",
    r"membrane\.lane\d+\.v": "v",
    r"membrane\.lane\d+\.v_fire": "v_fire",
    r"membrane\.lane\d+\.bias": "bias",
    r"membrane\.queue": "fired",
    r"learning\.last_step(\.bank\d+)?": "last_step",
    r"learning\.homeostasis\.theta": "theta",
    r"learning\.homeostasis\.strength": "strength",
    r"learning\.homeostasis\.post_count": "post_count",
    r"learning\.lift": "input_rate",
    r"readout\.votes": "vote",
    r"readout\.scores": "score",
}

#: SPRAM reads in every cycle; what counts is what it is asked for.
_SPRAM = re.compile(r"store\d+\.spram")

#: Conditions, and how much each adds.
_Terms = list[tuple[str, int]]


def probes(shapes: Shapes, design: Design) -> dict[str, str]:
    """Return what is added to each count in a cycle.

    Parameters
    ----------
    shapes : Shapes
        Of the core.
    design : Design
        Its Verilog.

    Returns
    -------
    dict of str to str
        SystemVerilog expressions of 32 bits, for each of :data:`COUNTS`.

    Raises
    ------
    ValueError
        If a memory is not among those that are counted, or the design has no signal that is needed.
    """
    terms = _accesses(design)
    parts = (_spram(shapes, design), _operations(shapes, design), _learning(shapes, design))
    for found in parts:
        for name, more in found.items():
            terms.setdefault(name, []).extend(more)
    return {name: _sum(terms.get(name, ())) for name in COUNTS}


def _accesses(design: Design) -> dict[str, _Terms]:
    """Return the enables of all memories, by count."""
    found: dict[str, _Terms] = {STRAY: [], IDLE: []}
    for name, storage in design.memories.items():
        if _SPRAM.fullmatch(name):
            found[STRAY].append((storage.write, 1))
            found[IDLE].append((storage.write, 1))
            continue
        kinds = [kind for pattern, kind in _MEMORIES.items() if re.fullmatch(pattern, name)]
        if len(kinds) != 1:
            raise ValueError(f"Memory must be one whose accesses are counted, not {name!r}")
        read, write = f"{kinds[0]}_reads", f"{kinds[0]}_writes"
        found.setdefault(read, []).append((storage.read, 1))
        found.setdefault(write if write in COUNTS else STRAY, []).append((storage.write, 1))
        found[IDLE].append((storage.read, 1))
        if kinds[0] != "level":
            found[IDLE].append((storage.write, 1))
    return found


def _spram(shapes: Shapes, design: Design) -> dict[str, _Terms]:
    """Return when something is wanted from SPRAM, by count."""
    found: dict[str, _Terms] = {}
    for name in filter(_SPRAM.fullmatch, design.memories):
        lane = name.partition(".")[0]
        if shapes.store is None or shapes.store.format != "csr":
            enable = (_signal(design, f"{name}.enable"), 1)
            found.setdefault("weight_reads", []).append(enable)
            found.setdefault(IDLE, []).append(enable)
            continue
        # A start was read in the last cycle, and the end is read in this; an entry was read.
        found.setdefault("row_pointer_reads", []).append((_signal(design, f"{lane}.found"), 2))
        found.setdefault("entry_reads", []).append((_signal(design, f"{lane}.valid"), 1))
    return found


def _signal(design: Design, name: str) -> str:
    if name not in design.signals:
        raise ValueError(f"Design must have a signal {name!r}, but has none")
    return f"dut.{design.signals[name].path}"


def _operations(shapes: Shapes, design: Design) -> dict[str, _Terms]:
    """Return the enables of the datapaths that every core has, by count."""
    hardware, lanes, levels = shapes.hardware, shapes.hardware.lanes, shapes.tree_levels

    def each(name: str) -> _Terms:
        return [(_signal(design, f"membrane.lane{k}.{name}"), 1) for k in range(lanes)]

    if shapes.feedforward:
        membrane = {
            "bias_additions": each("swept"),
            "margin_additions": each("comparing"),
            "leak_additions": each("leaking") if shapes.network.membrane.leak_shift else [],
            "clip_comparisons": each("settled"),
        }
    else:
        # A token follows each sweep cycle through the lanes, the levels of the tree, and to the
        # root.
        tokens = _signal(design, "membrane.tree.tokens")
        root = design.signals["membrane.tree.tokens"].width - 1
        tree = [(f"{tokens}[{root - levels + k}]", lanes >> k + 1) for k in range(levels)]
        membrane = {
            "leak_additions": each("swept"),
            "margin_additions": each("swept"),
            "winner_comparisons": [*tree, (f"{tokens}[{root}]", 1)],
        }
    found = {
        "integrate_additions": each("adding"),
        **membrane,
        "vote_additions": [(design.memories["readout.scores"].write, 1)],
        "lead_additions": [(_signal(design, "readout.settling"), 1)],
        "election_comparisons": [(design.memories["readout.scores"].write, 2)],
        "stream_key_additions": [(_signal(design, "stream_key.step"), 1)],
        "discarded_draws": [],
    }
    if shapes.views:
        found["stream_key_additions"].append((_signal(design, "views.next_view"), 1))
    streams = {"encoder.random": hardware.source == "levels", "learning.random": hardware.learn}
    for stream in (name for name, there in streams.items() if there):
        ready, load = (_signal(design, f"{stream}.{name}") for name in ("ready", "load"))
        found["discarded_draws"].append((f"~{ready} & ~{load}", 1))
    if hardware.source == "levels":
        draw = _signal(design, "encoder.random.advance")
        at_once = hardware.encoder_inputs
        found["encoder_draws"] = _draws(shapes, design, "encoder.random", at_once)
        found["encoder_comparisons"] = [(draw, at_once)]
        if shapes.low_discrepancy:
            found["offset_additions"] = [(draw, at_once)]
    if shapes.refractory:
        judged = [(_signal(design, "refractory.judged"), 1)]
        found["refractory_additions"] = found["refractory_comparisons"] = judged
    return found


def _draws(shapes: Shapes, design: Design, stream: str, inputs: int) -> _Terms:
    """Return the draws of a stream of which inputs take their bytes so many at once.

    Several in a cycle, and of the last ones of a pass those that are left.
    """
    advance = _signal(design, f"{stream}.advance")
    draws = max(1, inputs // PRE_PER_DRAW)
    rest = words(shapes.network.inputs) % draws
    if not rest:
        return [(advance, draws)]
    last = _signal(design, f"{stream}.last")
    return [(f"{advance} & ~{last}", draws), (f"{advance} & {last}", rest)]


def _learning(shapes: Shapes, design: Design) -> dict[str, _Terms]:
    """Return the enables of the datapaths of a core that learns, by count."""
    hardware, network = shapes.hardware, shapes.network
    if not hardware.learn:
        return {}
    # One bit for each stage of the sweep.
    valid, updated = (_signal(design, f"learning.sweep.{n}") for n in ("valid", "updated"))
    raised = design.memories["learning.homeostasis.post_count"].write
    threshold = "learning.homeostasis.fire_threshold"
    start, done = (_signal(design, f"{threshold}.{n}") for n in ("start", "done"))
    each = hardware.sweep_inputs
    found: dict[str, _Terms] = {
        "age_additions": [(f"{valid}[0]", each)],
        "recent_comparisons": [(f"{valid}[0]", each)],
        "stdp_additions": [(f"{valid}[1]", 2 * each)],
        "strength_additions": [(updated, 1)],
        "theta_additions": [(raised, 1)],
        "theta_comparisons": [(raised, 1)],
        "post_count_additions": [(raised, 1)],
        "post_count_comparisons": [(raised, 1)],
        "base_additions": [(start, 1)],
        "multiplications": [(start, 1)],
        "threshold_comparisons": [(done, 1)],
        "learning_draws": _draws(shapes, design, "learning.random", each),
    }
    if theta_decays(network.homeostasis):
        found["theta_additions"] = [(design.memories["learning.homeostasis.theta"].write, 1)]
    if hardware.multiplier == "sequential":
        count = _signal(design, f"{threshold}.count")
        found["multiply_additions"] = [(f"{count} != 0", 1)]
    # Operands of the pruning threshold are registered when theta is raised.
    match network.pruning:
        case AdaptivePruning():
            found["constant_products"] = [(raised, 2)]
            found["pruning_threshold_comparisons"] = [(raised, 4)]
            found["pruning_comparisons"] = [(updated, 1)]
        case ConstantPruning():
            found["pruning_threshold_comparisons"] = [(raised, 1)]
            found["pruning_comparisons"] = [(updated, 1)]
        case LiftPruning():
            found["pruning_comparisons"] = [(updated, 1)]
            found |= _lift(design, raised, each)
    return found


def _lift(design: Design, raised: str, each: int) -> dict[str, _Terms]:
    """Return the enables of pruning by lift, by count."""
    # One bit for each of two cycles after a rate was read.
    visited = _signal(design, "learning.lift.visited")
    swept = f"{visited}[1] & {_signal(design, 'learning.lift.sweeping')}"
    busy = _signal(design, "learning.lift.factor.working")
    return {
        "constant_products": [(raised, 1)],
        "input_rate_additions": [(swept, each)],
        "rate_sum_additions": [(f"{visited}[1]", each)],
        "lift_factor_additions": [(busy, 1)],
        "lift_products": [(swept, each)],
        "pruning_threshold_comparisons": [(raised, 3), (swept, each)],
    }


def _sum(terms: Iterable[tuple[str, int]]) -> str:
    # In braces an expression keeps the width that it has.
    return " + ".join(["32'd0", *(f"32'd{factor} * {{{term}}}" for term, factor in terms)])


def probe_lines(shapes: Shapes, design: Design) -> str:
    """Return the part of a testbench that counts, and writes a line with the counts at each result.

    The line is ``a`` and the counts, hexadecimal, in the order of :data:`COUNTS`. Words of levels
    are counted when they are written, by the bank that they go to, with the presentation that shows
    the bank.

    Parameters
    ----------
    shapes, design
        As for :func:`probes`.
    """
    found = probes(shapes, design)
    first, more = [], []
    for name in COUNTS[: COUNTS.index(IDLE)]:
        if name != "level_writes":
            first.append(f"      n_{name} <= {found[name]};")
            more.append(f"      n_{name} <= n_{name} + {found[name]};")
    lines = [f"  reg [31:0] n_{name} = 0;" for name in COUNTS]
    lines += [
        "  reg showing = 0;",
        "  wire starts = control__valid & control__ready;",
        "  always @(posedge clk) begin",
        "    if (starts) begin",
        *first,
        "    end else if (showing) begin",
        *more,
        f"    end else if ({_signal(design, 'memory_port.idle')} & ~rst)",
        f"      n_{IDLE} <= n_{IDLE} + {found[IDLE]};",
        "    showing <= ~rst & (starts | showing & ~(result__valid & result__ready));",
        "    if (result__valid & result__ready & running)",
        f'      $fwrite(results, "a{" %h" * len(COUNTS)}\\n",',
        f"        {', '.join(f'n_{name}' for name in COUNTS)});",
        "  end",
    ]
    if shapes.hardware.source == "levels":
        load, show = (_signal(design, f"encoder.images.{bank}_bank") for bank in ("load", "show"))
        if not shapes.gathers:
            # A word is written in the cycle after its last level, maybe the last of an image.
            lines += ["  reg loaded_bank;", f"  always @(posedge clk) loaded_bank <= {load};"]
            load = "loaded_bank"
        lines += [
            "  reg [31:0] n_bank [0:1];",
            "  always @(posedge clk) begin",
            "    if (rst) begin n_bank[0] <= 0; n_bank[1] <= 0; end",
            f"    else n_bank[{load}] <= n_bank[{load}] + {found['level_writes']};",
            f"    if (starts) begin n_level_writes <= n_bank[{show}]; n_bank[{show}] <= 0; end",
            "  end",
        ]
    return "\n".join(lines)
