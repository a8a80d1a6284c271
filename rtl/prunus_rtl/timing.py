"""Cycles of a presentation: the one formula, of which documents, benches and reports are made.

A presentation takes, for each view of the image that is shown, ``init + (for each step: integrate +
compare + learn) + report`` cycles, from the cycle after the transfer of ``control`` to the cycle
before ``result.valid`` rises, if all outputs are always ready and the input is there in time. A
network without groups has one view, and all numbers of neurons and inputs are those of one group.

init
    1 if a view was shown before, and ``slots + log2(lanes) + 6``; with refractory inputs at least
    ``inputs + 1``; in a core that learns the largest of this, ``visits + 1`` (``ceil(inputs /
    sweep_inputs)`` visits of the sweep) and, if all thresholds of the group are computed, one more
    than that takes with ``m`` cycles of the multiplier: ``neurons + m + 1`` with a block, ``neurons
    * (m + 2)`` with the sequential one. They are computed if ``theta`` decays, and else if they may
    be stale (:class:`prunus_rtl.counts.thresholds.StaleThresholds`).
integrate
    The largest over the lanes of the synapses that they fetch; never less than the events of the
    step (its spikes, and 1 for its end), nor than the encoder needs if it lags behind. At most
    :data:`~prunus_rtl.step_work.PER_SPIKE` cycles per spike and :data:`LATENCY` more. An inhibited
    step takes only its events.
compare
    ``slots + log2(lanes) + 6``; 0 in an inhibited step. Later if a threshold is still computed.
    In a feed-forward layer ``slots + 7``, also in ``init``.
learn
    For each output spike 1, and ``visits + 4`` more if it is learned from, with pruning by lift
    ``visits + 36``; with a margin, until its votes are counted, ``classes + 5``
    cycles after the first. Later if the votes of the spike before are still counted. In a
    feed-forward layer ``classes + 5`` more for each further spike of the step, as votes are counted
    one after the other; after the last one of a step, with a margin, until its votes are counted,
    and with ``stop_after`` alone 1.
report
    1; after an output spike in the last step, until its votes are counted. Later if a threshold is
    still computed and, if events come in, after those that are left.

The formula gives the fewest cycles, and the most. Between them is what depends on when things
happen: whether a lane waits for another one, and whether the encoder is ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from prunus_rtl.step_work import PER_SPIKE, StepWork
from prunus_rtl.widths import Widths

__all__ = [
    "LATENCY",
    "PARTS",
    "PIPELINE",
    "Cycles",
    "compare_cycles",
    "init_cycles",
    "presentation",
    "report_cycles",
    "spike_cycles",
    "threshold_cycles",
    "vote_cycles",
]

#: Parts of a presentation.
PARTS = ("init", "integrate", "compare", "learn", "report")
#: Cycles from an event to the end of the integration of its last synapse, beside those in which
#: synapses are fetched: the pipeline through queue, learning store, membranes and end of the step.
PIPELINE = 9
#: The same at most: a store of row pointers delivers its first synapse four cycles later.
LATENCY = PIPELINE + 4
#: Cycles until the stream of the encoder is seeded, and then until its first event is there.
_SEED, _FIRST = 12, 12
#: Cycles from the end of a step to the first event of the next, if the encoder waits for it.
_HELD = 3
#: The same if levels are looked up in a map.
_HELD_BY_MAP = 4
#: Cycles of an event through the unit of refractory inputs.
_FILTERED = 2
#: Cycles to start and end the computation of a threshold, beside the multiplication.
_THRESHOLD = 4
#: Cycles of a comparison beside its slots and the levels of its tree.
_COMPARED = 6
#: The same for a feed-forward layer, which has no tree.
_COMPARED_FORWARD = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycles:
    """Cycles of one presentation by the formula.

    Attributes
    ----------
    parts : dict of str to int
        Fewest cycles of each of :data:`PARTS`.
    most : int
        Most cycles of the presentation.
    """

    parts: dict[str, int]
    most: int

    @property
    def fewest(self) -> int:
        """Fewest cycles of the presentation: all lanes as busy as they can be."""
        return sum(self.parts.values())


def threshold_cycles(widths: Widths) -> int:
    """Return the cycles to compute all thresholds of a group."""
    neurons, multiply = widths.network.neurons, widths.multiply_cycles
    if widths.hardware.multiplier == "dsp":
        return neurons + multiply + 1
    return neurons * (multiply + 2)


def init_cycles(widths: Widths, *, recomputed: bool) -> int:
    """Return the cycles before the first step of the first view.

    Parameters
    ----------
    widths : Widths
        Of the core.
    recomputed : bool
        Whether all thresholds are computed; without effect on a core that does not learn.
    """
    clear = compare_cycles(widths)
    if widths.refractory:
        clear = max(clear, widths.network.inputs + 1)
    if widths.hardware.learn:
        clear = max(clear, widths.sweep_words + 1)
    if not (widths.hardware.learn and recomputed):
        return clear
    return max(clear, threshold_cycles(widths) + 1)


def compare_cycles(widths: Widths) -> int:
    """Return the cycles of the comparison of a step that is not inhibited, or of clearing."""
    if widths.feedforward:
        return widths.slots + _COMPARED_FORWARD
    return widths.slots + widths.tree_levels + _COMPARED


def vote_cycles(widths: Widths) -> int:
    """Return the cycles from an output spike to the scores with its votes."""
    return widths.network.readout.classes + 5


def spike_cycles(
    widths: Widths, *, learn: bool, margin: bool, stop: bool = False, spikes: int = 1
) -> int:
    """Return the cycles of the output spikes of a step, of learning, and of waiting for votes.

    Parameters
    ----------
    widths : Widths
        Of the core.
    learn, margin, stop : bool
        Whether it learns from it; whether the presentation has a margin, or may stop early.
    spikes : int
        Output spikes of the step, 1 or more. More than one only in a feed-forward layer.
    """
    sweep = widths.factor_cycles + widths.sweep_words + 4 if learn else 0
    cycles = 1 + (spikes - 1) * vote_cycles(widths) + sweep
    if margin:
        return cycles + max(1, vote_cycles(widths) - sweep)
    return cycles + (widths.feedforward and stop)


def report_cycles(
    widths: Widths, *, fired: bool, learn: bool, margin: bool, stop: bool = False
) -> int:
    """Return the cycles after the last step of a view, with or without an output spike in it."""
    spent = spike_cycles(widths, learn=learn, margin=margin, stop=stop) - 1
    return max(1, vote_cycles(widths) - spent) if fired else 1


def presentation(
    widths: Widths,
    steps: Iterable[StepWork],
    *,
    learn: bool,
    stop_after: int = 0,
    margin: int = 0,
    left: int = 0,
    recomputed: Sequence[bool] | bool = True,
) -> Cycles:
    """Return the cycles of a presentation.

    Views follow each other, and nothing of one runs while another does: their cycles are added.

    Parameters
    ----------
    widths : Widths
        Of the core.
    steps : iterable of StepWork
        What each step of each view gives to do.
    learn : bool
        Whether it learns.
    stop_after : int
        Early exit after so many output spikes; 0: never. The encoder then waits for each step,
        because any spike may be the last.
    margin : int
        Sequential test with this margin; 0: none. The encoder waits, too.
    left : int
        Events that are still to come after the last step.
    recomputed : bool or sequence of bool
        Whether all thresholds are computed: in all views, or for each. Without effect on a core
        that does not learn.

    Returns
    -------
    Cycles
    """
    shown = [list(view) for _, view in groupby(steps, key=lambda step: step.view)] or [[]]
    if isinstance(recomputed, bool):
        recomputed = [recomputed] * len(shown)
    views = [
        _view(
            widths,
            view,
            learn=learn,
            stop_after=stop_after,
            margin=margin,
            left=left,
            recomputed=anew,
        )
        for view, anew in zip(shown, recomputed, strict=True)
    ]
    parts = {part: sum(view.parts[part] for view in views) for part in PARTS}
    between = len(views) - 1
    parts["init"] += between
    return Cycles(parts=parts, most=between + sum(view.most for view in views))


def _view(
    widths: Widths,
    steps: Iterable[StepWork],
    *,
    learn: bool,
    stop_after: int,
    margin: int,
    left: int,
    recomputed: bool,
) -> Cycles:
    """Return the cycles of one view; as :func:`presentation`."""
    hardware = widths.hardware
    held = (stop_after > 0 or margin > 0) and hardware.source == "levels"
    wait = _HELD_BY_MAP if widths.gathers else _HELD
    # Until the votes of a spike before are counted.
    votes = vote_cycles(widths) - 1
    threshold = widths.multiply_cycles + _THRESHOLD
    parts = dict.fromkeys(PARTS, 0)
    parts["init"] = init_cycles(widths, recomputed=recomputed)
    # Fewest: the clocks of the lanes and of the encoder, which runs ahead, start together.
    early, encoded = parts["init"], 0
    # Most: when the lanes begin a step at the latest, and when the encoder has sent all of it.
    late = max(parts["init"], _SEED) + _FIRST
    begun = sent = _SEED + _FIRST
    # A filter between them holds the events of a step back, at most, by its two stages.
    filtered = _FILTERED if widths.refractory else 0
    before, last_fired = 0, 0
    for step in steps:
        events = step.spikes + 1
        encoded += step.encode
        ready = max(early + max(step.busiest, events), encoded)
        parts["integrate"] += ready - early
        early = ready
        if hardware.source == "levels":
            # The encoder waits for the step if it is held or its queue is full; if the queue has
            # room for two steps, it is ahead since the step before began.
            roomy = hardware.event_depth >= before + events
            since = late + wait if held else begun if roomy else late
            sent = max(sent, since) + step.encode
        begun, before = late, events
        late = max(late, sent) + filtered
        last_fired = step.fired
        if step.inhibited:
            late += events
            continue
        alone = step.spikes <= hardware.queue_depth
        lanes = step.busiest if alone else max(step.busiest, step.slowest)
        late += max(lanes + PER_SPIKE * step.spikes, events) + LATENCY
        parts["compare"] += compare_cycles(widths)
        early += compare_cycles(widths)
        late += compare_cycles(widths)
        if step.fired:
            cycles = spike_cycles(
                widths,
                learn=learn,
                margin=margin > 0,
                stop=stop_after > 0,
                spikes=step.fired,
            )
            parts["learn"] += cycles
            early += cycles
            late += cycles + votes + (threshold if learn else 0)
    parts["report"] = report_cycles(
        widths, fired=last_fired > 0, learn=learn, margin=margin > 0, stop=stop_after > 0
    )
    late += parts["report"] + votes + threshold + left
    return Cycles(parts=parts, most=late)
