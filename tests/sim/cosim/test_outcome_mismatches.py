"""Outcomes against the model, without a simulator: whatever differs, the unit at fault is named."""

from dataclasses import fields, replace

import pytest

from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.readout import UNDECIDED
from prunus_record import KINDS, named, record
from prunus_rtl.counts.accesses import Accesses

COUNTED = [name for name in COUNTERS if name != "frozen_sops"]  # no other variable shows them
ACCESSES = [field.name for field in fields(Accesses)]


def test_views_that_were_shown_too_many_or_left_out_are_named() -> None:
    found = record("groups")
    steps = found.scenario.network.encoder.steps
    for more in (-steps, steps):
        counters = found.outcome.counters
        wrong = replace(counters, steps=counters.steps + more, input_spikes=0)
        assert named(found.compare(counters=wrong)) == ("views", "views")
    one = replace(found.outcome.counters, steps=found.outcome.counters.steps - 1)
    assert named(found.compare(counters=one)) == ("sequencer", "steps")


@pytest.mark.parametrize("kind", KINDS)
def test_any_output_spike_that_differs_is_named(kind: str) -> None:
    found = record(kind)
    steps, posts = list(found.outcome.spike_steps), list(found.outcome.spike_posts)
    for k, (step, post) in enumerate(zip(steps, posts, strict=True)):
        where = f"Cosim mismatch in presentation {found.number}, step {step}, unit array: "
        where += f"output spike {k} (step, post) must be ({step}, {post}), not "
        for wrong in ((step, post ^ 1), (step + 1, post)):
            mismatch = found.compare(
                spike_steps=(*steps[:k], wrong[0], *steps[k + 1 :]),
                spike_posts=(*posts[:k], wrong[1], *posts[k + 1 :]),
            )
            assert str(mismatch) == f"{where}{wrong}"
    short = found.compare(spike_steps=tuple(steps[:-1]), spike_posts=tuple(posts[:-1]))
    assert short is not None
    assert (short.expected, short.got) == ((steps[-1], posts[-1]), None)
    more = found.compare(spike_steps=(*steps, 9), spike_posts=(*posts, 0))
    assert more is not None
    assert (more.step, more.expected, more.got) == (9, None, (9, 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COUNTED)
def test_any_counter_that_differs_is_named(kind: str, name: str) -> None:
    found = record(kind)
    right = getattr(found.outcome.counters, name)
    counters = replace(found.outcome.counters, **{name: right + 1})
    units = {"steps": "sequencer", "inhibited_steps": "array", "forward_dense": "refractory"}
    unit = units.get(name, "counters")
    assert str(found.compare(counters=counters)) == (
        f"Cosim mismatch in presentation {found.number}, "
        f"step {found.presentation.counters.steps - 1}, unit {unit}: "
        f"{name} must be {right}, not {right + 1}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_that_differs_is_named(kind: str) -> None:
    found = record(kind)
    right = found.outcome.prediction
    for wrong in {*range(found.scenario.network.readout.classes), UNDECIDED} - {right}:
        assert str(found.compare(prediction=wrong)) == (
            f"Cosim mismatch in presentation {found.number}, "
            f"step {found.presentation.counters.steps - 1}, unit readout: "
            f"prediction must be {right}, not {wrong}"
        )
    right = found.outcome.lead
    assert str(found.compare(lead=right + 1)) == (
        f"Cosim mismatch in presentation {found.number}, "
        f"step {found.presentation.counters.steps - 1}, unit readout: "
        f"lead must be {right}, not {right + 1}"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACCESSES)
def test_any_count_of_accesses_that_differs_is_named(kind: str, name: str) -> None:
    found = record(kind)
    assert found.outcome.accesses is not None
    right = getattr(found.outcome.accesses, name)
    mismatch = found.compare(accesses=replace(found.outcome.accesses, **{name: right + 1}))
    assert mismatch is not None
    assert (mismatch.what, mismatch.expected, mismatch.got) == (name, right, right + 1)
    if name.startswith(("row_reads", "row_writes", "weight_")):
        assert mismatch.unit == ("packed" if kind.startswith("packed") else "dense")
    if name.startswith(("queue_", "vote_", "theta_", "v_")):
        units = {"queue": "broadcast_fifo", "vote": "readout", "theta": "threshold", "v": "array"}
        unit = units[name.partition("_")[0]]
        assert mismatch.unit == ("threshold" if name.startswith("v_fire") else unit)


@pytest.mark.parametrize("kind", KINDS)
def test_cause_is_named_before_its_effects(kind: str) -> None:
    found = record(kind)
    right = found.outcome.counters
    # An input spike too many, and all that follows.
    counters = replace(
        right,
        input_spikes=right.input_spikes + 1,
        integrated_spikes=right.integrated_spikes + 1,
        forward_sops=right.forward_sops + 3,
    )
    posts = tuple(post ^ 1 for post in found.outcome.spike_posts)
    mismatch = found.compare(counters=counters, spike_posts=posts, prediction=UNDECIDED)
    assert named(mismatch) == ("rate", "input_spikes")
    # Synapses of the right input spikes.
    counters = replace(right, forward_sops=right.forward_sops + 3)
    mismatch = found.compare(counters=counters, spike_posts=posts, prediction=UNDECIDED)
    assert mismatch is not None
    store = "packed" if kind.startswith("packed") else "dense"
    assert (mismatch.unit, mismatch.what) == (store, "forward_sops")
    # Words that a queue lost, for a lane.
    assert found.outcome.accesses is not None
    accesses = found.outcome.accesses
    lost = replace(accesses, queue_reads=accesses.queue_reads - 1)
    mismatch = found.compare(accesses=lost, counters=counters, spike_posts=posts)
    assert named(mismatch) == ("broadcast_fifo", "queue_reads")
