"""Accesses and operations of a core from the counters of the model; the memories they are of."""

import re
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from prunus_counts import CORES, TINY, WINDOWS, packed, shapes
from prunus_model.engine.engine import Engine
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, LiftPruning, NoPruning
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.counts.accesses import Accesses
from prunus_rtl.counts.memories import memories
from prunus_rtl.counts.presentation import accesses, presentation_accesses
from prunus_rtl.shapes import Shapes


def shown(network: NetworkConfig, count: int, *, learn: bool) -> list[Counters]:
    engine = Engine(network)
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 200, (count, network.inputs), dtype=np.uint8)
    return [
        engine.present(image, learn=learn, stop_after=k % 3).counters
        for k, image in enumerate(levels)
    ]


@pytest.mark.parametrize("learn", [True, False])
@pytest.mark.parametrize("policy", [NoPruning(), ConstantPruning(w_prune=9), AdaptivePruning()])
@pytest.mark.parametrize("multiplier", ["sequential", "dsp"])
def test_sum_of_presentations_is_that_of_the_summed_counters(
    learn: bool, policy: Any, multiplier: str
) -> None:
    network = replace(TINY, pruning=policy)
    s = shapes(network, multiplier=multiplier)
    counters = shown(network, 7, learn=learn)
    each = [
        presentation_accesses(s, c, learn=learn, number=number) for number, c in enumerate(counters)
    ]
    total = accesses(s, sum(counters, Counters()), decays=6 if learn else 0)
    assert sum(c.output_spikes > 0 for c in counters) > 3
    assert total == sum(each, Accesses())
    assert all(type(count) is int for count in total.as_dict().values())


def test_words_of_several_inputs_are_counted_once_and_written_all() -> None:
    """49 inputs are 13 words of 4, and 52 with those that fill up the last one."""
    network = replace(TINY, pruning=LiftPruning(length=100))
    (counters,) = shown(network, 1, learn=True)
    learned = counters.output_spikes
    assert learned > 0
    one, four = (
        presentation_accesses(shapes(network, sweep_inputs=each), counters, learn=True, number=0)
        for each in (1, 4)
    )
    changed = {
        "row_reads": one.row_reads - 36 * learned,
        "row_writes": 13 * learned,
        "weight_reads": one.weight_reads - 36 * learned,
        "weight_writes": 13 * learned,
        "last_step_reads": 52 * learned,
        "last_step_writes": one.last_step_writes + 3,
        "input_rate_reads": 13 * learned + 13,
        "input_rate_writes": 13 * learned,
        "stdp_additions": 2 * 52 * learned,
        "age_additions": 52 * learned,
        "recent_comparisons": 52 * learned,
        "input_rate_additions": 52 * learned,
        "rate_sum_additions": 52 * learned + 52,
        "lift_products": 52 * learned,
        "pruning_threshold_comparisons": one.pruning_threshold_comparisons + 3 * learned,
    }
    assert four.as_dict() == one.as_dict() | changed


def test_counts_of_a_learning_core() -> None:
    s = shapes()
    n, lanes, slots = TINY, 4, 3
    c = Counters(
        presentations=2,
        steps=30,
        inhibited_steps=4,
        encoder_draws=30 * 13,
        learning_draws=3 * 13,
        input_spikes=500,
        integrated_spikes=450,
        output_spikes=3,
        forward_sops=4000,
        update_sops=120,
        update_dense=3 * 49,
        pruned=11,
    )
    found = accesses(s, c, decays=1, recomputed=2)
    swept = (2 + 26) * lanes * slots
    multiplied = 2 * 10 + 3
    assert found.as_dict() == {
        "level_reads": 390,
        "level_writes": 26,
        "map_reads": 0,
        "event_reads": 530,
        "event_writes": 530,
        "queue_reads": 1800,
        "queue_writes": 1800,
        "row_pointer_reads": 0,
        "entry_reads": 0,
        "row_reads": 1800 + 147,
        "row_writes": 11,
        "weight_reads": 4000 + 147,
        "weight_writes": 120,
        "v_reads": 4000 + swept,
        "v_writes": 4000 + swept,
        "v_fire_reads": swept,
        "v_fire_writes": multiplied,
        "last_step_reads": 147,
        "last_step_writes": 2 * 49 + 500,
        "refractory_reads": 0,
        "refractory_writes": 0,
        "theta_reads": multiplied,
        "theta_writes": 10 + 3,
        "strength_reads": multiplied,
        "strength_writes": 3,
        "post_count_reads": 3,
        "post_count_writes": 3,
        "input_rate_reads": 0,
        "input_rate_writes": 0,
        "vote_reads": 30,
        "score_reads": 30,
        "score_writes": 30,
        "integrate_additions": 4000,
        "leak_additions": swept,
        "margin_additions": swept,
        "stdp_additions": 294,
        "age_additions": 147,
        "strength_additions": 120,
        "theta_additions": 13,
        "post_count_additions": 3,
        "input_rate_additions": 0,
        "rate_sum_additions": 0,
        "lift_factor_additions": 0,
        "offset_additions": 0,
        "refractory_additions": 0,
        "refractory_comparisons": 0,
        "base_additions": multiplied,
        "multiply_additions": multiplied * n.formats.strength_bits,
        "vote_additions": 30,
        "lead_additions": 3,
        "stream_key_additions": 2,
        "multiplications": multiplied,
        "constant_products": 6,
        "lift_products": 0,
        "encoder_comparisons": 1560,
        "winner_comparisons": swept,
        **dict.fromkeys(("bias_reads", "fired_reads", "fired_writes", "bias_additions"), 0),
        "clip_comparisons": 0,
        "recent_comparisons": 147,
        "pruning_comparisons": 120,
        "pruning_threshold_comparisons": 12,
        "theta_comparisons": 3,
        "post_count_comparisons": 3,
        "threshold_comparisons": multiplied,
        "election_comparisons": 60,
        "encoder_draws": 390,
        "learning_draws": 39,
        "discarded_draws": 32,
    }
    assert found.total("draws") == 390 + 39 + 32
    assert found.total("multiplications") == 0


@pytest.mark.parametrize(
    ("format", "counts"),
    [
        ("csr", {"row_pointer_reads": 2 * 4 * 90, "entry_reads": 700}),
        ("bitmask", {"row_reads": 4 * 90, "weight_reads": 700}),
        ("dense", {"weight_reads": 4 * 90 * 3}),
    ],
)
def test_each_packed_store_has_its_own_accesses(format: str, counts: dict[str, int]) -> None:
    c = Counters(
        presentations=1,
        steps=16,
        encoder_draws=16 * 13,
        input_spikes=90,
        integrated_spikes=90,
        forward_sops=700,
    )
    found = presentation_accesses(packed(format), c, learn=False, number=5).as_dict()
    stores = ("pointer", "entry", "row", "weight")
    assert {
        name: count for name, count in found.items() if name.split("_")[0] in stores and count
    } == counts
    learning = ("last_step", "theta", "strength", "post_count", "stdp", "multipl", "learning")
    assert not any(count for name, count in found.items() if name.startswith(learning))


def test_theta_that_does_not_decay_is_neither_written_nor_read() -> None:
    network = replace(TINY, homeostasis=HomeostasisParams(theta_decay_shift=24))
    c = Counters(presentations=1, steps=16, encoder_draws=16 * 13)
    found = presentation_accesses(shapes(network), c, learn=True, number=1)
    assert (found.theta_writes, found.theta_additions, found.theta_reads) == (0, 0, 0)
    anew = presentation_accesses(shapes(network), c, learn=True, number=1, recomputed=1)
    assert (anew.theta_writes, anew.theta_reads, anew.v_fire_writes) == (0, 10, 10)
    found = presentation_accesses(shapes(), c, learn=True, number=1)
    assert (found.theta_writes, found.theta_additions, found.theta_reads) == (10, 10, 10)
    found = presentation_accesses(shapes(), c, learn=True, number=0)
    assert (found.theta_writes, found.theta_reads, found.multiplications) == (0, 0, 0)


@pytest.mark.parametrize(
    ("core", "decays", "recomputed", "limits"),
    [
        (shapes(), 1, 0, "1 to 2"),
        (shapes(), 0, 3, "0 to 2"),
        (shapes(learn=False), 0, 1, "0 to 0"),
    ],
)
def test_recomputed_must_be_possible(
    core: Shapes, decays: int, recomputed: int, limits: str
) -> None:
    c = Counters(presentations=2, steps=16, encoder_draws=16 * 13)
    message = f"recomputed must be from {limits}, the views of a core that learns, not {recomputed}"
    with pytest.raises(ValueError, match=re.escape(message)):
        accesses(core, c, decays=decays, recomputed=recomputed)


def test_no_queue_for_the_only_input_and_no_levels_for_events() -> None:
    network = replace(TINY, inputs=1, neurons=1)
    single = shapes(network, lanes=1)
    c = Counters(presentations=1, steps=3, encoder_draws=3, input_spikes=2, integrated_spikes=2)
    found = presentation_accesses(single, c, learn=False, number=0)
    assert (found.queue_reads, found.event_reads, found.row_reads) == (0, 5, 2)
    assert "queue" not in {memory.name for memory in memories(single)}
    events = shapes(source="events")
    c = replace(c, encoder_draws=0)
    found = presentation_accesses(events, c, learn=False, number=0)
    assert (found.level_writes, found.event_reads, found.discarded_draws) == (0, 0, 8)
    assert not {"levels", "events"} & {memory.name for memory in memories(events)}


INFERENCE = Counters(presentations=1, steps=4, encoder_draws=4 * 13)


@pytest.mark.parametrize(
    ("core", "counters", "given", "message"),
    [
        (
            replace(CORES["csr"], store=None),
            INFERENCE,
            {},
            "Layout must be given for a packed store, not None",
        ),
        (
            CORES["inference"],
            replace(INFERENCE, update_dense=49),
            {},
            "for a core that does not learn, but got update_dense=49, decays=0",
        ),
        (
            CORES["inference"],
            INFERENCE,
            {"decays": 1},
            "for a core that does not learn, but got update_dense=0, decays=1",
        ),
        (
            CORES["learning"],
            replace(INFERENCE, encoder_draws=50),
            {},
            "Encoder draws must be 52 in 4 steps of 49 inputs from levels, not 50",
        ),
        (
            CORES["events"],
            INFERENCE,
            {},
            "Encoder draws must be 0 in 4 steps of 49 inputs from events, not 52",
        ),
        (
            CORES["learning"],
            INFERENCE,
            {"decays": 2},
            "decays must be from 0 to 1, the views, not 2",
        ),
        (
            CORES["learning"],
            INFERENCE,
            {"decays": -1},
            "decays must be from 0 to 1, the views, not -1",
        ),
    ],
)
def test_refuses_counters_of_another_core(
    core: Shapes, counters: Counters, given: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        accesses(core, counters, **({"decays": 0} | given))


def test_every_count_is_explained() -> None:
    text = Accesses.__doc__ or ""
    assert [field.name for field in fields(Accesses) if field.name not in text] == []


def test_counts_of_pruning_by_lift() -> None:
    s = shapes(replace(TINY, pruning=LiftPruning(length=16)))
    c = Counters(
        presentations=2,
        steps=30,
        encoder_draws=30 * 13,
        update_sops=120,
        update_dense=3 * 49,
    )
    found = accesses(s, c, decays=0).as_dict()
    without = accesses(shapes(replace(TINY, pruning=NoPruning())), c, decays=0).as_dict()
    visited = 3 * 49
    assert {n: found[n] - without[n] for n in found if found[n] != without[n]} == {
        "input_rate_reads": visited + 2 * 49,
        "input_rate_writes": visited,
        "input_rate_additions": visited,
        "rate_sum_additions": visited + 2 * 49,
        # 8 bits of the time that is left, 8 of the level, 15 of the quotient.
        "lift_factor_additions": 3 * (8 + 8 + 15),
        "constant_products": 3,
        "lift_products": visited,
        "pruning_comparisons": 120,
        "pruning_threshold_comparisons": 3 * 3 + visited,
    }
    (memory,) = [m for m in memories(s) if m.name == "input_rate"]
    assert (memory.depths, memory.width) == ((49,), 16)
    assert [m for m in memories(shapes(WINDOWS)) if m.name == "input_rate"] == []
    groups = shapes(replace(WINDOWS, pruning=LiftPruning(length=16)))
    (memory,) = [m for m in memories(groups) if m.name == "input_rate"]
    assert (memory.depths, memory.width) == ((60,), 16)
