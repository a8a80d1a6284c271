"""Compares the outcome of a presentation with that of the golden model, causes before effects."""

from __future__ import annotations

from collections.abc import Iterator

from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.presentation import Presentation
from prunus_rtl.counts.presentation import presentation_accesses
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.mismatch import UNITS, Mismatch
from prunus_sim.cosim.outcome import Outcome

__all__ = ["outcome_mismatches", "spike_mismatch"]


def outcome_mismatches(
    shapes: Shapes,
    number: int,
    expected: Presentation,
    got: Outcome,
    *,
    learn: bool,
    views: int,
    recomputed: int | None,
) -> Iterator[Mismatch]:
    """Yield what differs in spikes, counters, prediction, lead, and accesses if they were counted.

    Causes come before their effects, so that the unit that is named first is the first that went
    wrong: views, input spikes, queues, output spikes, counters, election, other accesses. Of each
    of these, but of accesses, there is one mismatch at most.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    number, expected, got, learn, views, recomputed
        As of :meth:`prunus_sim.cosim.scoreboard.Scoreboard.compare_outcome`.
    """
    accesses = list(
        _access_mismatches(
            shapes,
            number,
            expected.counters,
            got,
            learn=learn,
            views=views,
            recomputed=recomputed,
        )
    )
    for found in (
        _view_mismatch(shapes, number, expected.counters, got.counters),
        _input_mismatch(shapes, number, expected.counters, got.counters),
        *(mismatch for mismatch in accesses if mismatch.unit == "broadcast_fifo"),
        _synapse_mismatch(shapes, number, expected, got),
        spike_mismatch(number, expected, got),
        _counter_mismatch(number, expected.counters, got.counters),
        _election_mismatch(number, expected, got),
        *(mismatch for mismatch in accesses if mismatch.unit != "broadcast_fifo"),
    ):
        if found is not None:
            yield found


def _view_mismatch(
    shapes: Shapes, number: int, expected: Counters, got: Counters
) -> Mismatch | None:
    """Return a mismatch of the number of views, if all of them were shown to their ends."""
    steps = shapes.network.encoder.steps
    if not shapes.views or expected.steps == got.steps:
        return None
    if expected.steps % steps or got.steps % steps:
        return None
    return Mismatch(
        presentation=number,
        step=min(expected.steps, got.steps),
        unit=UNITS["views"],
        what="views",
        expected=expected.steps // steps,
        got=got.steps // steps,
    )


def _input_mismatch(
    shapes: Shapes, number: int, expected: Counters, got: Counters
) -> Mismatch | None:
    """Return a mismatch of the input spikes, in as many steps, which a later unit cannot cause.

    If the input spikes that were integrated are right, the counter is wrong, not the encoder.
    """
    if shapes.hardware.source != "levels" or expected.steps != got.steps:
        return None
    if (
        expected.input_spikes == got.input_spikes
        or expected.integrated_spikes == got.integrated_spikes
    ):
        return None
    return Mismatch(
        presentation=number,
        step=expected.steps - 1,
        unit="rate",
        what="input_spikes",
        expected=expected.input_spikes,
        got=got.input_spikes,
    )


def _synapse_mismatch(
    shapes: Shapes, number: int, expected: Presentation, got: Outcome
) -> Mismatch | None:
    """Return a mismatch of the synapses that were read for the right input spikes.

    If the output spikes are right nevertheless, the counter is wrong, not the store.
    """
    want, have = expected.counters, got.counters
    same = want.steps == have.steps and want.integrated_spikes == have.integrated_spikes
    posts = tuple(expected.spike_posts.tolist())
    if not same or want.forward_sops == have.forward_sops or posts == got.spike_posts:
        return None
    return Mismatch(
        presentation=number,
        step=want.steps - 1,
        unit=_store_unit(shapes),
        what="forward_sops",
        expected=want.forward_sops,
        got=have.forward_sops,
    )


def spike_mismatch(number: int, expected: Presentation, got: Outcome) -> Mismatch | None:
    """Compare output spikes: step, neuron, and order."""
    want = list(zip(expected.spike_steps.tolist(), expected.spike_posts.tolist(), strict=True))
    have = list(zip(got.spike_steps, got.spike_posts, strict=True))
    for k in range(max(len(want), len(have))):
        pair = [spikes[k] if k < len(spikes) else None for spikes in (want, have)]
        if pair[0] != pair[1]:
            steps = [spike[0] for spike in pair if spike is not None]
            return Mismatch(
                presentation=number,
                step=min(steps),
                unit=UNITS["spikes"],
                what=f"output spike {k} (step, post)",
                expected=pair[0],
                got=pair[1],
            )
    return None


def _counter_mismatch(number: int, expected: Counters, got: Counters) -> Mismatch | None:
    for name in COUNTERS:
        # The hardware does not distinguish frozen synapses from others.
        want, have = getattr(expected, name), getattr(got, name)
        if name != "frozen_sops" and want != have:
            return Mismatch(
                presentation=number,
                step=expected.steps - 1,
                unit=UNITS.get(name, "counters"),
                what=name,
                expected=want,
                got=have,
            )
    return None


def _access_mismatches(
    shapes: Shapes,
    number: int,
    counters: Counters,
    got: Outcome,
    *,
    learn: bool,
    views: int,
    recomputed: int | None,
) -> Iterator[Mismatch]:
    if got.accesses is None:
        return
    expected = presentation_accesses(
        shapes,
        counters,
        learn=learn,
        number=number & max_of(PRESENTATION_BITS),
        views=views,
        recomputed=recomputed,
    )
    have = got.accesses.as_dict()
    for name, want in expected.as_dict().items():
        if want != have[name]:
            yield Mismatch(
                presentation=number,
                step=counters.steps - 1,
                unit=_unit_of(shapes, name),
                what=name,
                expected=want,
                got=have[name],
            )


def _unit_of(shapes: Shapes, count: str) -> str:
    """Return the unit whose accesses or operations are counted."""
    kind = count.rpartition("_")[0]
    return _store_unit(shapes) if kind in ("row", "weight") else UNITS[kind or count]


def _election_mismatch(number: int, expected: Presentation, got: Outcome) -> Mismatch | None:
    for name in ("prediction", "lead"):
        want, have = getattr(expected, name), getattr(got, name)
        if want != have:
            return Mismatch(
                presentation=number,
                step=expected.counters.steps - 1,
                unit=UNITS["prediction"],
                what=name,
                expected=want,
                got=have,
            )
    return None


def _store_unit(shapes: Shapes) -> str:
    return "packed" if shapes.hardware.store == "packed" else "dense"
