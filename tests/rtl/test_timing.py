"""The formula of cycles by hand; against simulated cores it is in tests/rtl/core."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_model.reference.view import Step
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import LiftPruning
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import pack
from prunus_rtl.shapes import Shapes
from prunus_rtl.step_work import PER_SPIKE, StepWork, work_of
from prunus_rtl.timing import (
    LATENCY,
    PARTS,
    PIPELINE,
    compare_cycles,
    init_cycles,
    presentation,
    report_cycles,
    spike_cycles,
    threshold_cycles,
    vote_cycles,
)

#: 49 inputs, 10 neurons, 10 classes.
TINY = NetworkConfig.named("tiny")
#: Reporting, the votes of the spike before, and the threshold with a multiplier of 2 cycles.
END = 1 + 14 + 6


def shapes(fmt: str | None = None, **hardware: Any) -> Shapes:
    options: dict[str, Any] = {"lanes": 4, "learn": False, "multiplier": "dsp"} | hardware
    store = None
    if fmt is not None:
        alive = np.ones((TINY.inputs, TINY.neurons), dtype=np.bool_)
        image = pack(alive.astype(np.uint8), alive, format=fmt, lanes=4, weight_bits=8)
        store = StoreLayout.of(image.lanes)
        options["store"] = "packed"
    return Shapes(network=TINY, hardware=HardwareConfig(**options), store=store)


WORK = StepWork(spikes=5, encode=0, busiest=20, slowest=27, inhibited=False, fired=False)


def cycles(s: Shapes, steps: Sequence[StepWork], **options: Any) -> tuple[dict[str, int], int]:
    found = presentation(s, steps, **({"learn": False} | options))
    assert tuple(found.parts) == PARTS
    assert found.fewest == sum(found.parts.values()) <= found.most
    return found.parts, found.most


def test_parts_of_fixed_length() -> None:
    # 3 slots, 2 levels of the tree.
    for recomputed in (False, True):
        assert init_cycles(shapes(), recomputed=recomputed) == 3 + 2 + 6
    assert compare_cycles(shapes()) == 3 + 2 + 6
    # Traces of 49 inputs are cleared meanwhile.
    assert init_cycles(shapes(learn=True), recomputed=True) == 49 + 1
    slow = shapes(learn=True, multiplier="sequential")
    assert init_cycles(slow, recomputed=False) == 49 + 1
    # 10 neurons; strengths of 14 bits, one cycle for each, and 3 more.
    assert threshold_cycles(slow) == 10 * (14 + 3)
    assert init_cycles(slow, recomputed=True) == 10 * (14 + 3) + 1
    # One neuron per cycle, and 3 more until the last threshold is handed on.
    many = replace(shapes(learn=True), network=replace(TINY, neurons=60))
    assert threshold_cycles(many) == 60 + 3
    assert init_cycles(many, recomputed=True) == 60 + 4
    assert init_cycles(replace(many, network=replace(TINY, neurons=46)), recomputed=True) == 50
    assert init_cycles(replace(many, network=replace(TINY, neurons=47)), recomputed=True) == 51
    assert compare_cycles(shapes(lanes=1)) == 10 + 0 + 6
    assert (PIPELINE, LATENCY, PER_SPIKE) == (9, 13, 2)


@pytest.mark.parametrize(
    ("encoder_inputs", "want"), [(4, 3 + 2 + 10 + 2), (8, 5 + 5 + 2), (16, 5 + 2 + 2)]
)
def test_cycles_of_the_encoder_for_words_of_its_inputs(encoder_inputs: Any, want: int) -> None:
    """Of 49 inputs some of the first spike, and the last, after which comes the end."""
    spikes = np.zeros(49, dtype=np.bool_)
    spikes[[0, 1, 2, 5, 6, 48]] = True
    step = Step(view=0, step=0, spikes=spikes, kept=spikes, inhibited=True, post=-1, w_prune=0)
    alive = np.ones((49, 10), dtype=np.bool_)
    given = work_of(shapes(encoder_inputs=encoder_inputs), step, alive)
    assert given.encode == want


def test_cycles_of_an_output_spike_and_of_its_votes() -> None:
    """With 10 classes, votes are counted 15 cycles after the spike."""
    assert vote_cycles(shapes()) == 15
    found = {
        (learn, margin): (
            spike_cycles(shapes(), learn=learn, margin=margin),
            report_cycles(shapes(), fired=True, learn=learn, margin=margin),
            report_cycles(shapes(), fired=False, learn=learn, margin=margin),
        )
        for learn in (False, True)
        for margin in (False, True)
    }
    assert found == {
        (False, False): (1, 15, 1),
        (False, True): (1 + 15, 1, 1),
        (True, False): (1 + 53, 1, 1),
        (True, True): (1 + 53 + 1, 1, 1),
    }


@pytest.mark.parametrize(("each", "visits"), [(1, 49), (2, 25), (4, 13), (8, 7), (16, 4)])
def test_sweep_takes_a_cycle_for_each_word_of_inputs(each: int, visits: int) -> None:
    s = shapes(learn=True, sweep_inputs=each)
    assert spike_cycles(s, learn=True, margin=False) == 1 + visits + 4
    assert spike_cycles(s, learn=False, margin=False) == 1
    # The trace is cleared by words, too, but thresholds take longer if they are computed.
    assert init_cycles(s, recomputed=True) == max(visits, 13) + 1
    assert init_cycles(s, recomputed=False) == max(visits + 1, s.slots + s.tree_levels + 6)


def test_pruning_by_lift_costs_the_same_cycles_for_each_spike_that_is_learned_from() -> None:
    network = replace(TINY, pruning=LiftPruning(length=8))
    s = replace(shapes(learn=True), network=network)
    assert s.factor_cycles == 32
    assert spike_cycles(s, learn=True, margin=False) == 1 + 53 + 32
    assert spike_cycles(s, learn=True, margin=True) == 1 + 53 + 32 + 1
    assert spike_cycles(s, learn=False, margin=False) == 1
    assert replace(shapes(), network=network).factor_cycles == 0


def test_a_step_is_that_of_its_busiest_lane() -> None:
    parts, most = cycles(shapes(source="events"), [WORK])
    assert parts == {"init": 11, "integrate": 20, "compare": 11, "learn": 0, "report": 1}
    assert most == 12 + 12 + (20 + 2 * 5 + 13) + 11 + END


def test_a_step_is_never_shorter_than_its_events() -> None:
    parts, most = cycles(shapes(source="events"), [replace(WORK, spikes=30, busiest=4, slowest=4)])
    assert parts["integrate"] == 31
    assert most == 24 + (4 + 60 + 13) + 11 + END
    few = replace(WORK, spikes=0, busiest=0, slowest=0)
    parts, most = cycles(shapes(source="events"), [few])
    assert (parts["integrate"], most) == (1, 24 + (1 + 13) + 11 + END)


def test_lanes_wait_for_the_slowest_if_the_queue_is_shorter_than_the_step() -> None:
    for depth, lanes in ((2, 27), (4, 27), (8, 20)):
        parts, most = cycles(shapes(source="events", queue_depth=depth), [WORK])
        assert parts["integrate"] == 20
        assert most == 24 + (lanes + 10 + 13) + 11 + END


def test_an_inhibited_step_takes_its_events_and_no_comparison() -> None:
    step = replace(WORK, inhibited=True, busiest=0, slowest=0)
    parts, most = cycles(shapes(source="events"), [step] * 3)
    assert (parts["integrate"], parts["compare"]) == (3 * 6, 0)
    assert most == 24 + 3 * 6 + END


def test_output_spikes_cost_their_sweep_and_at_most_the_votes_and_the_threshold() -> None:
    fired = replace(WORK, fired=True)
    s = shapes(source="events", learn=True)
    quiet = cycles(s, [WORK, WORK], learn=True)
    loud = cycles(s, [fired, WORK], learn=True)
    assert loud[0]["learn"] == 54 and loud[0]["report"] == 1
    assert loud[1] - quiet[1] == 54 + 14 + 6
    shown = cycles(s, [fired, WORK], learn=False)
    assert shown[0]["learn"] == 1
    assert shown[1] - quiet[1] == 1 + 14
    last = cycles(s, [WORK, fired], learn=False)
    assert last[0] == shown[0] | {"report": 15}
    assert last[1] - shown[1] == 14
    tested = cycles(s, [WORK, fired], learn=False, margin=9)
    assert tested[0] == shown[0] | {"learn": 16}
    assert tested[1] == last[1] + 15 - 14


def test_the_encoder_runs_ahead_unless_it_is_held_or_its_queue_is_full() -> None:
    slow = replace(WORK, encode=100)
    # Fewest: three steps of the encoder, which starts with the presentation.
    parts, most = cycles(shapes(), [slow] * 3)
    assert parts["init"] + parts["integrate"] + 2 * compare_cycles(shapes()) == 300
    each = 20 + 10 + 13 + 11
    assert most == 24 + 3 * 100 + each + END
    # Room for one step and not for two: it goes on when the step before is done.
    _, full = cycles(shapes(event_depth=8), [slow] * 3)
    assert full == 24 + 3 * (100 + each) + END
    assert cycles(shapes(event_depth=16), [slow] * 3)[1] == most
    _, held = cycles(shapes(), [slow] * 3, stop_after=1)
    assert held == 24 + 3 * (3 + 100 + each) + END
    assert cycles(shapes(), [slow] * 3, margin=1)[1] == held
    # Events that come in are not held.
    s = shapes(source="events")
    assert cycles(s, [WORK] * 3, stop_after=1) == cycles(s, [WORK] * 3)
    # An encoder that is faster than the lanes costs nothing after the first step.
    quick = replace(WORK, encode=13)
    assert cycles(shapes(), [quick] * 3)[1] == 24 + 13 + 3 * each + END


def test_views_are_added_with_one_cycle_between_two() -> None:
    s = shapes(source="events")
    fired = replace(WORK, fired=True)
    first, second = cycles(s, [WORK, fired]), cycles(s, [WORK])
    parts, most = cycles(s, [WORK, fired, replace(WORK, view=1)])
    assert parts == {part: first[0][part] + second[0][part] + (part == "init") for part in PARTS}
    assert most == first[1] + second[1] + 1


def test_groups_have_rows_of_their_own_and_a_map_to_wait_for() -> None:
    windows = GroupsParams(
        image_width=7,
        image_height=7,
        window_width=4,
        window_height=4,
        stride=3,
        looks=((0, 0), (0, 1)),
    )
    network = replace(TINY, inputs=16, groups=windows)
    hardware = HardwareConfig(lanes=4, learn=False, multiplier="dsp")
    s = Shapes(network=network, hardware=hardware)
    spikes = np.arange(16) < 2
    alive = np.zeros((64, 10), dtype=np.bool_)
    # Of group 2 only, and all in lane 1.
    alive[32:34, [1, 5, 9]] = True
    step = Step(view=6, step=0, spikes=spikes, kept=spikes, inhibited=False, post=-1, w_prune=0)
    found = work_of(s, step, alive)
    assert (found.busiest, found.slowest, found.view) == (6, 6, 6)
    assert work_of(s, replace(step, view=5), alive).busiest == 0
    slow = replace(WORK, encode=100)
    each = 100 + 20 + 10 + 13 + compare_cycles(s)
    assert cycles(s, [slow], margin=1)[1] == 24 + 4 + each + END
    assert init_cycles(s, recomputed=False) == compare_cycles(s) == 11


def test_views_that_compute_thresholds_take_longer() -> None:
    network = replace(TINY, neurons=60)
    s = replace(shapes(source="events", learn=True), network=network)
    steps = [replace(WORK, view=view) for view in (0, 0, 1, 2)]
    found = {
        recomputed: cycles(s, steps, learn=False, recomputed=recomputed)
        for recomputed in (True, False, (True, True, True), (True, False, False))
    }
    assert found[True] == found[True, True, True]
    # The encoder is not awaited: what is computed delays the first step of the view.
    for recomputed, views in ((True, 3), ((True, False, False), 1)):
        assert found[recomputed][0]["init"] - found[False][0]["init"] == views * (60 + 4 - 50)
        assert found[recomputed][1] - found[False][1] == views * (60 + 4 - 50)
    inference = replace(s, hardware=replace(s.hardware, learn=False))
    assert cycles(inference, steps, recomputed=True) == cycles(inference, steps, recomputed=False)


def test_events_that_are_left_are_waited_for() -> None:
    s = shapes(source="events")
    assert cycles(s, [WORK], left=70)[1] == cycles(s, [WORK])[1] + 70


def test_work_of_a_step() -> None:
    spikes = np.zeros(49, dtype=np.bool_)
    spikes[[0, 1, 2, 8, 48]] = True
    alive = np.zeros((49, 10), dtype=np.bool_)
    # Lanes 0 to 3 of input 0 have 3, 1, 0 and 0 synapses, those of input 8 have 0, 0, 2 and 1.
    alive[0, [0, 4, 8, 5]] = True
    alive[8, [2, 6, 3]] = True
    step = Step(view=0, step=0, spikes=spikes, kept=spikes, inhibited=False, post=-1, w_prune=0)
    # 13 words of 4 inputs; the first has three events, the last an input and the end.
    found = StepWork(spikes=5, encode=13 + 2 + 1, busiest=3, slowest=3 + 1 + 1 + 2 + 1,
                     inhibited=False, fired=False)  # fmt: skip
    assert work_of(shapes(), step, alive) == found
    assert work_of(shapes(source="events"), step, alive) == replace(found, encode=0)
    # Two row pointers for each spike, behind the entries or between them.
    assert work_of(shapes("csr"), step, alive) == replace(found, busiest=10)
    assert work_of(shapes("csr", spram=True), step, alive) == replace(found, busiest=3 + 10)
    assert work_of(shapes("bitmask"), step, alive) == found
    assert work_of(shapes("dense"), step, alive) == replace(found, busiest=15, slowest=15)
    idle = replace(found, busiest=0, slowest=0, inhibited=True)
    assert work_of(shapes("csr"), replace(step, inhibited=True), alive) == idle
    assert work_of(shapes(), replace(step, post=3), alive) == replace(found, fired=True)


@pytest.mark.parametrize("fmt", [None, "csr", "bitmask", "dense"])
def test_a_step_without_spikes_has_no_work_in_any_store(fmt: str | None) -> None:
    silent = np.zeros(49, dtype=np.bool_)
    step = Step(view=0, step=0, spikes=silent, kept=silent, inhibited=False, post=-1, w_prune=0)
    found = work_of(shapes(fmt), step, np.ones((49, 10), dtype=np.bool_))
    assert (found.spikes, found.encode, found.busiest, found.slowest) == (0, 13, 0, 0)
