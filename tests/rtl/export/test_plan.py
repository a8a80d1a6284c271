# amaranth: UnusedElaboratable=no

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from prunus_cli import digits, tiny
from prunus_model.cli.common import load_network
from prunus_model.common.errors import ArtifactError, ConfigError
from prunus_model.engine.engine import Engine
from prunus_model.spec.groups import GroupsParams
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer
from prunus_package import small
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.memory_image.lanes import balance, post_of_position


def refused(artifact: Artifact, error: type[Exception] = ConfigError, **options: Any) -> str:
    with pytest.raises(error) as caught:
        make_plan(artifact, ExportOptions(**options))
    return str(caught.value)


def test_refuses_what_cannot_be_built(network: Artifact) -> None:
    assert refused(network, lanes=3) == "lanes must be a power of 2, not 3"
    assert refused(network, device="UP5K", neuron_memory="distributed") == (
        "neuron_memory must be auto or block for UP5K, which has no LUT RAM, not 'distributed'"
    )
    assert refused(network, encoder_inputs=5) == "encoder_inputs: Input should be 4, 8 or 16, not 5"
    for lanes in (0, -4, 128):
        want = f"lanes must be 1, 2, 4, 8, 16, 32 or 64, not {lanes}"
        assert refused(network, lanes=lanes) == want
    message = "encoder_inputs must be 4 for a core without encoder, not 8"
    assert refused(network, source="events", encoder_inputs=8) == message
    message = "lanes must not be more than neurons, but got lanes=16, neurons=10"
    assert refused(network, lanes=16) == message
    message = "Store must be auto or learning for a core that learns, not 'csr'"
    assert refused(network, mode="learning", store="csr") == message
    message = "Store must be one of auto, csr, dense, bitmask, learning, not 'coo'"
    assert refused(network, store="coo") == message
    message = "Device must be one of ECP5-85F, ECP5-25F, UP5K, GW1NR-9, not 'Z80'"
    assert refused(network, device="Z80") == message


@pytest.mark.parametrize("policy", ["soft", "post"])
def test_refuses_to_learn_with_a_policy_that_is_not_in_hardware(policy: str) -> None:
    artifact = small(policy)
    assert refused(artifact, mode="learning") == (
        "pruning.policy must be one of none, constant, adaptive, lift for a core that learns, "
        f"not {policy!r}"
    )
    assert make_plan(artifact, ExportOptions()).image is not None


def test_refuses_a_network_that_is_not_complete() -> None:
    trainer = Trainer(tiny(), digits(2300), epochs=2)
    trainer.advance()
    artifact = trainer.checkpoint()
    done = artifact.state.presentation
    assert refused(artifact, ArtifactError) == (
        f"Network must be trained completely, but is at presentation {done} of 4600"
    )


def test_lanes_are_as_many_as_there_can_be_unless_asked_for(network: Artifact) -> None:
    assert make_plan(network, ExportOptions()).hardware.lanes == 8
    demo = load_network("demo")
    assert make_plan(demo, ExportOptions()).hardware.lanes == 16


def test_format_is_the_smallest_or_the_one_that_was_asked_for(network: Artifact) -> None:
    plan = make_plan(network, ExportOptions())
    assert plan.sizes is not None
    assert plan.sizes.row(plan.store).bits == min(row.bits for row in plan.sizes.rows)
    for store in ("csr", "bitmask", "dense", "learning"):
        assert make_plan(network, ExportOptions(store=store)).store == store


@pytest.mark.parametrize("options", [{}, {"store": "learning"}, {"mode": "learning"}])
def test_balanced_core_holds_the_same_network_in_another_order(
    network: Artifact, options: Any
) -> None:
    levels = np.random.default_rng(3).integers(0, 200, (20, 49)).astype(np.uint8)
    plan = make_plan(network, ExportOptions(lanes=4, **options))
    assert plan.permuted
    assert sorted(plan.neurons.tolist()) == list(range(10))
    _, there = Engine(plan.network, network.state).infer(levels)
    _, here = Engine(plan.network, plan.state).infer(levels)
    assert np.array_equal(there[:, plan.neurons], here)
    assert there.any()
    weights, alive = plan.state.weights, plan.state.alive
    if plan.image is not None:
        weights, alive = plan.image.unpack()
    assert np.array_equal(weights, network.state.weights[:, plan.neurons])
    assert np.array_equal(alive, network.state.alive[:, plan.neurons])
    assert np.array_equal(plan.votes, network.readout.votes[plan.neurons])
    assert not make_plan(network, ExportOptions(lanes=4, balanced=False, **options)).permuted


@pytest.mark.parametrize("grouped", [False, True])
def test_balanced_core_learns_as_the_network_does_and_goes_back_to_its_order(
    network: Artifact, grouped: bool
) -> None:
    """As long as there is no tie, which goes to another neuron."""
    artifact = windows() if grouped else network
    plan = make_plan(artifact, ExportOptions(lanes=4, mode="learning"))
    assert plan.permuted
    assert plan.in_network_order(plan.state).differences(artifact.state) == []
    there = Engine(plan.network, artifact.state, artifact.readout.votes)
    here = Engine(plan.network, plan.state, plan.votes)
    fired = 0
    for levels in np.random.default_rng(3).integers(0, 200, (12, 49)).astype(np.uint8):
        want, got = (engine.present(levels, learn=True) for engine in (there, here))
        assert plan.neurons[got.spike_posts].tolist() == want.spike_posts.tolist()
        assert (got.prediction, got.counters) == (want.prediction, want.counters)
        fired += len(got.spike_posts)
    assert fired
    assert here.state.differences(there.state)
    assert plan.in_network_order(here.state).differences(there.state) == []


@pytest.mark.parametrize("encoder_inputs", [4, 8, 16])
def test_encoder_is_as_wide_as_was_asked_for(network: Artifact, encoder_inputs: Any) -> None:
    plan = make_plan(network, ExportOptions(encoder_inputs=encoder_inputs))
    assert plan.hardware.encoder_inputs == encoder_inputs


@cache
def windows() -> Artifact:
    groups = GroupsParams(
        image_width=7,
        image_height=7,
        window_width=4,
        window_height=4,
        stride=3,
        looks=((0, 0), (1, 0)),
    )
    config = replace(tiny(), inputs=16, groups=groups)
    trainer = Trainer(config, digits(300), epochs=1)
    trainer.advance()
    return trainer.finish()


def test_balanced_groups_keep_their_places() -> None:
    artifact = windows()
    config = artifact.config
    levels = np.random.default_rng(3).integers(0, 200, (20, 49)).astype(np.uint8)
    typical = levels[:1] // 100 * 255
    plan = make_plan(artifact, ExportOptions(lanes=4), typical=typical)
    assert (plan.neurons // 10).tolist() == np.repeat(range(4), 10).tolist()
    posts = (plan.neurons % 10).reshape(4, 10).tolist()
    for k, order in enumerate(posts):
        # As the network of this window would be, alone.
        seen, rows = typical[:, config.view_indices[k]], slice(16 * k, 16 * (k + 1))
        position = balance(artifact.state.alive[rows], lanes=4, levels=seen)
        assert order == post_of_position(position).tolist()
    assert len(set(map(tuple, posts))) > 1
    _, there = Engine(config, artifact.state, artifact.readout.votes).infer(levels)
    _, here = Engine(config, plan.state, plan.votes).infer(levels)
    assert np.array_equal(there[:, plan.neurons], here)
    assert there.any()
    assert plan.image is not None
    weights, alive = plan.image.unpack()
    for k, order in enumerate(posts):
        rows = slice(16 * k, 16 * (k + 1))
        assert np.array_equal(weights[rows], artifact.state.weights[rows][:, order])
        assert np.array_equal(alive[rows], artifact.state.alive[rows][:, order])


def test_inference_starts_at_presentation_0_and_learning_where_training_ended(
    network: Artifact,
) -> None:
    assert make_plan(network, ExportOptions()).state.presentation == 0
    assert make_plan(network, ExportOptions(mode="learning")).state.presentation == 2300
    assert network.state.presentation == 2300
