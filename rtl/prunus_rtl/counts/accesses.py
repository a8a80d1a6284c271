"""What is counted of a core: accesses of its memories, and operations of its datapaths.

All counts follow, exactly, from the counters of the golden model and the widths of the core
(:mod:`prunus_rtl.counts.presentation`); the lockstep benches count the same at the enables of the
simulated core (:mod:`prunus_sim.cosim.probes`).

*An access* is one read or write enable of one physical memory of one lane, in one clock cycle, from
the cycle in which a presentation begins to the one in which its result is taken; also if what is
read is not used. Only SPRAM, which has no read enable, is counted when something is wanted of it.
A word is as wide as :func:`prunus_rtl.counts.memories.memories` tells; that of a learning store is
of ``sweep_inputs`` inputs, also where one of them is used. Inputs that fill up the last word of a
group count as inputs where operations of the sweep are counted. What the memory port does between
presentations is no part of them. Levels are counted with the presentation that shows them,
whenever they are written.

*An operation* is counted when its result is registered or decides something. Left out are
addresses, pointers, the sequencer, the counters themselves, and the memory port.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Accesses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accesses:
    """Accesses and operations of one presentation, or of many added up; all lanes together.

    Attributes
    ----------
    level_reads, level_writes : int
        Levels: a word of as many inputs as the encoder handles per cycle. With groups there are as
        many copies of the levels; of each one level is read for a word, and all are written.
    map_reads : int
        Which levels the inputs of a word have in a view, with groups.
    event_reads, event_writes : int
        Queue between encoder and lanes: input spikes, and the ends of steps.
    refractory_reads, refractory_writes : int
        Last step of an input, where refractory inputs are found: both for each input spike; and
        written for all inputs before the first step of a view.
    queue_reads, queue_writes : int
        Queue of each lane: integrated input spikes.
    row_pointer_reads : int
        CSR: start and end of the synapses of an input, for each integrated spike and lane.
    entry_reads : int
        CSR: weight and slot of an unpruned synapse.
    row_reads, row_writes : int
        Alive bits of an input in a lane (learning store, packed bitmask): for each integrated spike
        and lane; the learning store also for each word of a learned spike, in the lane of the
        neuron, and writes one for each pruned synapse; words of several inputs are all written.
    weight_reads, weight_writes : int
        Weights (learning store, packed bitmask and dense): for each forward SOP; dense for each
        slot of each lane, pruned or not; the learning store also for each word of a learned spike,
        and writes one for each update SOP; words of several inputs are all written.
    v_reads, v_writes : int
        Potential and epoch: for each forward SOP, and in each sweep for each slot of each lane.
        Sweeps are one that clears for each view, and one for each step that is not inhibited.
    v_fire_reads, v_fire_writes : int
        Firing thresholds: read in sweeps; written for each multiplication.
    bias_reads : int
        Biases of a feed-forward layer: read in sweeps.
    fired_reads, fired_writes : int
        Queue of output spikes of a feed-forward layer: read for each spike; written for each slot
        in each step.
    last_step_reads, last_step_writes : int
        Last step of an input: read for each input of a learned spike; written when it spikes, and
        cleared for all inputs before the first step of a view; also for those that fill up a word.
    theta_reads, theta_writes, strength_reads, strength_writes : int
        Read for each neuron of the group before the first step of a view in which all thresholds
        are computed, and once for a learned spike; written once for a learned spike, and ``theta``
        for each neuron if it decays.
    post_count_reads, post_count_writes : int
        Once each for a learned spike.
    input_rate_reads, input_rate_writes : int
        Rates of inputs, with pruning by lift: both for each word of a learned spike, and read for
        all words before the first step of a view.
    vote_reads : int
        Votes: for each output spike and class.
    score_reads, score_writes : int
        Sums of votes: both for each output spike and class.
    offset_additions : int
        Byte and offset of the step, for low-discrepancy spikes: each of all words.
    refractory_additions : int
        ``step - last_step`` for each input spike, if inputs are refractory.
    integrate_additions : int
        Weight to potential, for each forward SOP.
    leak_additions, margin_additions : int
        ``v - (v >> leak_shift)`` and ``v - v_fire`` of each slot of each lane, in each sweep. In a
        feed-forward layer without leak there is no subtractor for it.
    bias_additions : int
        Bias to potential of each slot of each lane, in each sweep of a feed-forward layer.
    stdp_additions : int
        Rounding and change of a weight: two for each input of a learned spike, alive or not.
    age_additions : int
        ``step - last_step``, for each input of a learned spike.
    strength_additions : int
        New weight to the new strength, for each update SOP.
    theta_additions : int
        Decay of each neuron that decays, and ``theta_plus`` for a learned spike.
    post_count_additions : int
        One for a learned spike.
    input_rate_additions : int
        Updates of rates: one for each input of a learned spike.
    rate_sum_additions : int
        Sum of the rates: one for each rate that is read.
    lift_factor_additions : int
        Steps of the level, the product and the quotient that give the factor of a learned spike.
    base_additions : int
        ``v_th + theta``, for each multiplication.
    multiply_additions : int
        Steps of the sequential multiplier: ``strength_bits`` for each multiplication.
    vote_additions : int
        Vote to score, for each output spike and class.
    lead_additions : int
        Largest score less the second, for each output spike.
    stream_key_additions : int
        Seed of the next presentation, or view.
    multiplications : int
        Firing thresholds computed: one for each neuron of the group before the first step of a
        view if ``theta`` decays or they may be stale, and one for a learned spike. Steps of the
        sequential one are ``multiply_additions``.
    constant_products : int
        Adaptive pruning: ``post_count * ramp_gain`` and ``strength * strength_gain``, for a learned
        spike; shifts and additions, unless the multiplier is a block. Pruning by lift:
        presentation times ``share``, once for a learned spike.
    lift_products : int
        Pruning by lift: rate times factor, for each input of a learned spike; 14 rows of adders,
        unless the multiplier is a block.
    encoder_comparisons : int
        Random byte with level: as many for each word as it has inputs, beyond the last, too.
    refractory_comparisons : int
        That age with ``refractory_steps``.
    winner_comparisons : int
        Tree over the lanes, and its root with the best of the lower slots: as many as lanes for
        each slot of each sweep.
    clip_comparisons : int
        Saturation of the potential of each slot of each lane in each step of a feed-forward layer,
        which has no such tree.
    recent_comparisons : int
        Age with ``trace_window``, for each input of a learned spike.
    pruning_comparisons : int
        New weight with ``w_prune``, for each update SOP; none without pruning.
    pruning_threshold_comparisons : int
        For a learned spike: whether pruning has started; adaptive: also two limits and a minimum.
        Pruning by lift: two minima and a condition for a learned spike, and a limit for each input
        of it.
    theta_comparisons, post_count_comparisons : int
        Saturation, once each for a learned spike.
    threshold_comparisons : int
        Saturation of a firing threshold, for each multiplication.
    election_comparisons : int
        Score with the largest and the second largest, for each output spike and class.
    encoder_draws, learning_draws, discarded_draws : int
        Steps of the random streams, 32 bits each; and the eight thrown away after each seeding.
    """

    level_reads: int = 0
    level_writes: int = 0
    map_reads: int = 0
    event_reads: int = 0
    event_writes: int = 0
    refractory_reads: int = 0
    refractory_writes: int = 0
    queue_reads: int = 0
    queue_writes: int = 0
    row_pointer_reads: int = 0
    entry_reads: int = 0
    row_reads: int = 0
    row_writes: int = 0
    weight_reads: int = 0
    weight_writes: int = 0
    v_reads: int = 0
    v_writes: int = 0
    v_fire_reads: int = 0
    v_fire_writes: int = 0
    bias_reads: int = 0
    fired_reads: int = 0
    fired_writes: int = 0
    last_step_reads: int = 0
    last_step_writes: int = 0
    theta_reads: int = 0
    theta_writes: int = 0
    strength_reads: int = 0
    strength_writes: int = 0
    post_count_reads: int = 0
    post_count_writes: int = 0
    input_rate_reads: int = 0
    input_rate_writes: int = 0
    vote_reads: int = 0
    score_reads: int = 0
    score_writes: int = 0
    offset_additions: int = 0
    refractory_additions: int = 0
    integrate_additions: int = 0
    leak_additions: int = 0
    margin_additions: int = 0
    bias_additions: int = 0
    stdp_additions: int = 0
    age_additions: int = 0
    strength_additions: int = 0
    theta_additions: int = 0
    post_count_additions: int = 0
    input_rate_additions: int = 0
    rate_sum_additions: int = 0
    lift_factor_additions: int = 0
    base_additions: int = 0
    multiply_additions: int = 0
    vote_additions: int = 0
    lead_additions: int = 0
    stream_key_additions: int = 0
    multiplications: int = 0
    constant_products: int = 0
    lift_products: int = 0
    encoder_comparisons: int = 0
    refractory_comparisons: int = 0
    winner_comparisons: int = 0
    clip_comparisons: int = 0
    recent_comparisons: int = 0
    pruning_comparisons: int = 0
    pruning_threshold_comparisons: int = 0
    theta_comparisons: int = 0
    post_count_comparisons: int = 0
    threshold_comparisons: int = 0
    election_comparisons: int = 0
    encoder_draws: int = 0
    learning_draws: int = 0
    discarded_draws: int = 0

    def __add__(self, other: Accesses) -> Accesses:
        mine, others = self.as_dict(), other.as_dict()
        return Accesses(**{name: count + others[name] for name, count in mine.items()})

    def as_dict(self) -> dict[str, int]:
        """Return all counts by their names, in the order of the attributes."""
        return asdict(self)

    def total(self, kind: str) -> int:
        """Return the sum of all reads, writes, additions, comparisons or draws (``kind``)."""
        return sum(n for name, n in self.as_dict().items() if name.endswith(f"_{kind}"))
