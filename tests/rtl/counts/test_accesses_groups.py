"""Accesses of cores with groups, and of encoders of several inputs per cycle."""

import re
from dataclasses import replace
from typing import Any

import pytest

from prunus_counts import TINY, WINDOWS, shapes
from prunus_model.spec.counters import Counters
from prunus_rtl.counts.memories import memories
from prunus_rtl.counts.presentation import accesses, presentation_accesses


def test_counts_of_a_core_with_groups() -> None:
    """Six groups see ten of 49 levels each, in words of four; seven views of two images."""
    s = shapes(WINDOWS)
    c = Counters(
        presentations=2,
        steps=50,
        inhibited_steps=4,
        encoder_draws=50 * 3,
        learning_draws=3 * 3,
        input_spikes=200,
        integrated_spikes=180,
        output_spikes=3,
        forward_sops=900,
        update_sops=20,
        update_dense=3 * 10,
    )
    found = accesses(s, c, decays=6, views=7).as_dict()
    swept, multiplied = (7 + 46) * 4 * 3, 6 * 10 + 3
    assert (WINDOWS.group_count, WINDOWS.view_count) == (6, 18)
    some = {
        "map_reads": 150,
        "level_reads": 4 * 150,
        "level_writes": 4 * 2 * 49,
        "v_reads": 900 + swept,
        "v_fire_writes": multiplied,
        "last_step_writes": 7 * 10 + 200,
        "theta_reads": multiplied,
        "theta_writes": 6 * 10 + 3,
        "stream_key_additions": 7,
        "discarded_draws": 7 * 2 * 8,
        "encoder_comparisons": 4 * 150,
        "row_reads": 4 * 180 + 30,
        "vote_reads": 30,
    }
    assert {name: found[name] for name in some} == some
    assert accesses(s, c, decays=6, views=7, recomputed=7).theta_reads == multiplied + 10
    one = presentation_accesses(s, replace(c, presentations=1), learn=True, number=4, views=7)
    assert one.theta_writes == 7 * 10 + 3
    refractory = replace(WINDOWS, encoder=replace(WINDOWS.encoder, refractory_steps=3))
    judged = accesses(shapes(refractory), c, decays=0, views=7)
    assert judged.refractory_writes == 7 * 10 + 200


@pytest.mark.parametrize(("encoder_inputs", "words"), [(4, 3), (8, 2), (16, 1)])
def test_counts_and_memories_of_an_encoder_of_more_inputs_per_cycle(
    encoder_inputs: Any, words: int
) -> None:
    """Ten inputs take three draws, in words of four, eight or sixteen; two images and 9 steps."""
    spread = replace(TINY.encoder, spikes="low-discrepancy")
    c = Counters(presentations=2, steps=9, encoder_draws=9 * 3)
    for network, gathers in ((replace(TINY, inputs=10), False), (WINDOWS, True)):
        s = shapes(replace(network, encoder=spread), encoder_inputs=encoder_inputs)
        found = accesses(s, c, decays=0, views=2).as_dict()
        copies, image = (encoder_inputs, 49) if gathers else (1, words)
        want = {
            "level_reads": copies * 9 * words,
            "level_writes": copies * image * 2,
            "map_reads": 9 * words * gathers,
            "encoder_comparisons": encoder_inputs * 9 * words,
            "offset_additions": encoder_inputs * 9 * words,
            "encoder_draws": 27,
        }
        assert {name: found[name] for name in want} == want
        (levels,) = (m for m in memories(s) if m.name == "levels")
        size = (levels.instances, levels.words, levels.width)
        assert size == ((copies, 64 + 49 + 1, 8) if gathers else (1, 2 * words, 8 * encoder_inputs))


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (None, "views must be given for a network that sees several of an image"),
        (1, "views must be from 2 to 36 in 2 presentations, not 1"),
        (37, "views must be from 2 to 36 in 2 presentations, not 37"),
    ],
)
def test_views_must_be_given_and_possible(views: int | None, message: str) -> None:
    c = Counters(presentations=2, steps=50, encoder_draws=50 * 3)
    with pytest.raises(ValueError, match=re.escape(message)):
        accesses(shapes(WINDOWS), c, decays=0, views=views)


def test_memories_of_groups() -> None:
    found = {m.name: (m.instances, m.words, m.width) for m in memories(shapes(WINDOWS))}
    some = {
        "levels": (4, 64 + 49 + 1, 8),
        "map": (1, 18 * 3, 4 * 6),
        "queue": (4, 16, 6),
        "rows": (4, 60, 3),
        "weights": (4, 180, 8),
        "v": (4, 3, found["v"][2]),
        "v_fire": (4, 5 * 4 + 3, 23),
        "last_step": (1, 10, 9),
        "theta": (1, 60, 24),
        "votes": (1, 600, 4),
    }
    assert {name: found[name] for name in some} == some
