"""What a core does in presentations, from the counters of the golden model and its widths."""

from __future__ import annotations

from prunus_model.spec.counters import Counters
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning
from prunus_model.spec.random_streams import DISCARD, words
from prunus_rtl.counts.accesses import Accesses
from prunus_rtl.widths import Widths, theta_decays

__all__ = ["accesses", "presentation_accesses"]


def accesses(
    shapes: Widths,
    counters: Counters,
    *,
    decays: int,
    views: int | None = None,
    recomputed: int | None = None,
) -> Accesses:
    """Return what a core does in presentations that the golden model has counted.

    Every count is a sum of products of the shapes with the counters; so those of many presentations
    may be added up first.

    Parameters
    ----------
    shapes : Widths
        Of the core; with the layout of the store, if it is packed.
    counters : Counters
        Of the golden model. Early exit, inhibition, learning and pruning are in them.
    decays : int
        Views that learned in presentations that were not the very first (number 0): ``theta``
        decays before.
    views : int, optional
        Views that were shown. Needed if a presentation may have more than one.
    recomputed : int, optional
        Those of them for which all thresholds of the group were computed
        (:class:`prunus_rtl.counts.thresholds.StaleThresholds`). Default: no more than the decay of
        ``theta`` demands, as if thresholds had been in force before.

    Returns
    -------
    Accesses

    Raises
    ------
    ValueError
        If a packed store has no layout, if views are needed, or if the counters cannot be those of
        such a core.

    Examples
    --------
    >>> from prunus_model.spec.config import NetworkConfig
    >>> from prunus_rtl.hardware import HardwareConfig
    >>> shapes = Widths(network=NetworkConfig.named("demo"), hardware=HardwareConfig(lanes=16))
    >>> counters = Counters(presentations=1, steps=64, encoder_draws=64 * 196, input_spikes=5000,
    ...     integrated_spikes=5000, forward_sops=200_000)
    >>> found = accesses(shapes, counters, decays=0)
    >>> found.v_reads == 200_000 + 65 * 16 * 7, found.row_reads
    (True, 80000)
    """
    if views is None:
        if shapes.views:
            raise ValueError("views must be given for a network that sees several of an image")
        views = counters.presentations
    changing = theta_decays(shapes.network.homeostasis)
    if recomputed is None:
        recomputed = decays * changing
    _check(shapes, counters, decays, views)
    if not decays * changing <= recomputed <= views * shapes.hardware.learn:
        raise ValueError(
            f"recomputed must be from {decays * changing} to {views * shapes.hardware.learn}, the "
            f"views of a core that learns, not {recomputed}"
        )
    n, hardware, c = shapes.network, shapes.hardware, counters
    inputs, neurons, classes, lanes = n.inputs, n.neurons, n.readout.classes, hardware.lanes
    learned = c.update_dense // inputs
    # Words that sweeps visit, and the inputs in them with those that fill up the last word.
    visited = learned * shapes.sweep_words
    visits = learned * shapes.row_stride
    swept = (views + c.steps - c.inhibited_steps) * lanes * shapes.slots
    multiplied = neurons * recomputed + learned
    forward = shapes.feedforward
    from_levels = hardware.source == "levels"
    queued = c.integrated_spikes * lanes
    # The index of the only row has no bits: there is no memory for it.
    lane_items = queued if n.rows > 1 else 0
    copies = hardware.encoder_inputs if shapes.gathers else 1
    image = n.image_levels if shapes.gathers else shapes.encoder_words
    encoded = shapes.encoder_words * c.steps if from_levels else 0
    adapts = isinstance(n.pruning, AdaptivePruning)
    prunes = adapts or shapes.lift or isinstance(n.pruning, ConstantPruning)
    updates = visits * shapes.lift
    rated = (visited + shapes.sweep_words * views) * shapes.lift
    judged = c.input_spikes * shapes.refractory
    sequential = hardware.multiplier == "sequential"
    streams = from_levels + hardware.learn
    decayed = neurons * decays * changing
    return Accesses(
        level_reads=copies * encoded,
        level_writes=copies * image * c.presentations if from_levels else 0,
        map_reads=encoded if shapes.gathers else 0,
        event_reads=c.input_spikes + c.steps if from_levels else 0,
        event_writes=c.input_spikes + c.steps if from_levels else 0,
        refractory_reads=judged,
        refractory_writes=inputs * views * shapes.refractory + judged,
        queue_reads=lane_items,
        queue_writes=lane_items,
        **_synapses(shapes, c, queued),
        v_reads=c.forward_sops + swept,
        v_writes=c.forward_sops + swept,
        v_fire_reads=swept,
        v_fire_writes=multiplied,
        bias_reads=swept * forward,
        fired_reads=c.output_spikes * forward,
        fired_writes=c.steps * shapes.slots * forward,
        last_step_reads=visits,
        last_step_writes=shapes.row_stride * views + c.input_spikes if hardware.learn else 0,
        theta_reads=multiplied,
        theta_writes=decayed + learned,
        strength_reads=multiplied,
        strength_writes=learned,
        post_count_reads=learned,
        post_count_writes=learned,
        input_rate_reads=rated,
        input_rate_writes=visited * shapes.lift,
        vote_reads=classes * c.output_spikes,
        score_reads=classes * c.output_spikes,
        score_writes=classes * c.output_spikes,
        offset_additions=hardware.encoder_inputs * encoded * shapes.low_discrepancy,
        refractory_additions=judged,
        integrate_additions=c.forward_sops,
        leak_additions=0 if forward and not n.membrane.leak_shift else swept,
        margin_additions=swept,
        bias_additions=swept * forward,
        stdp_additions=2 * visits,
        age_additions=visits,
        strength_additions=c.update_sops,
        theta_additions=decayed + learned,
        post_count_additions=learned,
        input_rate_additions=updates,
        rate_sum_additions=rated * hardware.sweep_inputs,
        lift_factor_additions=learned * max(0, shapes.factor_cycles - 1),
        base_additions=multiplied,
        multiply_additions=sequential * multiplied * n.formats.strength_bits,
        vote_additions=classes * c.output_spikes,
        lead_additions=c.output_spikes,
        stream_key_additions=views,
        multiplications=multiplied,
        constant_products=learned * (2 * adapts + shapes.lift),
        lift_products=updates,
        encoder_comparisons=hardware.encoder_inputs * encoded,
        refractory_comparisons=judged,
        winner_comparisons=0 if forward else swept,
        clip_comparisons=c.steps * lanes * shapes.slots * forward,
        recent_comparisons=visits,
        pruning_comparisons=c.update_sops * prunes,
        pruning_threshold_comparisons=learned * (prunes + 3 * adapts + 2 * shapes.lift) + updates,
        theta_comparisons=learned,
        post_count_comparisons=learned,
        threshold_comparisons=multiplied,
        election_comparisons=2 * classes * c.output_spikes,
        encoder_draws=c.encoder_draws,
        learning_draws=c.learning_draws,
        discarded_draws=DISCARD * streams * views,
    )


def presentation_accesses(
    shapes: Widths,
    counters: Counters,
    *,
    learn: bool,
    number: int,
    views: int = 1,
    recomputed: int | None = None,
) -> Accesses:
    """Return what a core does in presentation ``number``, which showed so many views.

    In so many of them it computed all thresholds of a group, as for :func:`accesses`.
    """
    decays = views if learn and number != 0 else 0
    return accesses(shapes, counters, decays=decays, views=views, recomputed=recomputed)


def _synapses(shapes: Widths, c: Counters, queued: int) -> dict[str, int]:
    """Return the accesses of the synapse store; ``queued`` spikes reach the lanes."""
    if shapes.store is None:
        visited = c.update_dense // shapes.network.inputs * shapes.sweep_words
        # Words of several inputs are written whatever has changed in them.
        single = shapes.hardware.sweep_inputs == 1
        return {
            "row_reads": queued + visited,
            "row_writes": c.pruned if single else visited,
            "weight_reads": c.forward_sops + visited,
            "weight_writes": c.update_sops if single else visited,
        }
    match shapes.store.format:
        case "csr":
            return {"row_pointer_reads": 2 * queued, "entry_reads": c.forward_sops}
        case "bitmask":
            return {"row_reads": queued, "weight_reads": c.forward_sops}
        case _:
            return {"weight_reads": queued * shapes.slots}


def _check(shapes: Widths, c: Counters, decays: int, views: int) -> None:
    """Refuse counters that no such core can have."""
    hardware = shapes.hardware
    if hardware.store == "packed" and shapes.store is None:
        raise ValueError("Layout must be given for a packed store, not None")
    if not hardware.learn and (c.update_dense or decays):
        raise ValueError(
            f"Counters must be those of inference for a core that does not learn, but got "
            f"update_dense={c.update_dense}, decays={decays}"
        )
    draws = words(shapes.network.inputs) * c.steps if hardware.source == "levels" else 0
    if c.encoder_draws != draws:
        raise ValueError(
            f"Encoder draws must be {draws} in {c.steps} steps of {shapes.network.inputs} inputs "
            f"from {hardware.source}, not {c.encoder_draws}"
        )
    most = c.presentations * shapes.network.view_count
    if not c.presentations <= views <= most:
        raise ValueError(
            f"views must be from {c.presentations} to {most} in {c.presentations} presentations, "
            f"not {views}"
        )
    if not 0 <= decays <= views:
        raise ValueError(f"decays must be from 0 to {views}, the views, not {decays}")
