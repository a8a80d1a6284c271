"""Section 4.9 once more, one integer at a time, written from the text alone; it judges the rest."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_feedforward import feedforward_configs, feedforward_state, random_votes
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.state import State

PRESENTATIONS = 3


class Scalar:
    """The state in lists of integers; what has no part in it is not there."""

    def __init__(self, config: NetworkConfig, state: State, votes: Any) -> None:
        self.config = config
        self.weights = state.weights.tolist()
        self.alive = state.alive.tolist()
        self.bias = state.bias.tolist()
        self.v_fire = state.v_fire.tolist()
        self.votes = votes.tolist()
        self.scores = [0] * config.readout.classes

    def show(
        self, spikes: list[list[int]], stop_after: int, margin: int, keep: bool
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Yield the neurons that fired and all potentials, step by step."""
        c: Any = self.config
        v = [0] * c.neurons
        last: list[int | None] = [None] * c.inputs
        top = 2 ** min(16, max(c.readout.vote_bits + 8, self.bits())) - 1
        self.dense = self.sops = self.given = 0
        if not keep:
            self.scores = [0] * c.readout.classes
        for step, pres in enumerate(spikes):
            for pre in pres:
                self.dense += c.neurons
                before = last[pre]
                if before is not None and step - before <= c.encoder.refractory_steps:
                    continue
                last[pre] = step
                for post in range(c.neurons):
                    if self.alive[pre][post]:
                        v[post] += self.weights[pre][post]
                        self.sops += 1
            fired = []
            for post in range(c.neurons):
                u = v[post] + self.bias[post]
                assert -(2 ** (c.formats.v_bits - 1)) <= u < 2 ** (c.formats.v_bits - 1)
                if u >= self.v_fire[post]:
                    fired.append(post)
                    u = u - self.v_fire[post] if c.feedforward.reset == "subtract" else 0
                if c.membrane.leak_shift > 0:
                    u -= u // 2**c.membrane.leak_shift
                v[post] = min(max(u, -(2**23)), 2**23 - 1)
            for post in fired:
                self.given += 1
                for number, vote in enumerate(self.votes[post]):
                    self.scores[number] = min(self.scores[number] + vote, top)
            yield fired, v
            first, second = sorted([*self.scores, 0], reverse=True)[:2]
            if fired and (
                (stop_after > 0 and self.given >= stop_after)
                or (margin > 0 and first - second >= margin)
            ):
                return

    def bits(self) -> int:
        most = self.config.neurons * self.config.encoder.steps
        votes: int = 2**self.config.readout.vote_bits - 1
        return (most * votes).bit_length()


@settings(max_examples=200)
@given(
    config=feedforward_configs(),
    seed=st.integers(0, 2**32 - 1),
    stop_after=st.sampled_from([0, 0, 1, 5]),
    margin=st.sampled_from([0, 0, 1, 40]),
)
def test_every_step_is_what_the_semantics_say(
    config: NetworkConfig, seed: int, stop_after: int, margin: int
) -> None:
    rng = np.random.default_rng(seed)
    state, votes = feedforward_state(config, seed), random_votes(config, seed)
    oracle, network = Scalar(config, state, votes), Network(config, state, votes)
    engine = Engine(config, state, votes)
    for n in range(PRESENTATIONS):
        busy = rng.choice([0.1, 0.9])
        spikes: list[list[int]] = [
            np.flatnonzero(rng.random(config.inputs) < busy).tolist()
            for _ in range(config.encoder.steps)
        ]
        request: dict[str, Any] = {"stop_after": stop_after, "margin": margin, "keep": n == 1}
        expected = oracle.show(spikes, **request)
        shown = network.steps_events(spikes, learn=False, **request)
        fired_of_all = []
        for fired, v in expected:
            step = next(shown)
            assert list(step.fired) == fired, f"presentation {n}, step {step.step}"
            assert network.state.v.tolist() == v, f"presentation {n}, step {step.step}"
            fired_of_all += [(step.step, post) for post in fired]
        assert next(shown, None) is None
        assert network.scores.tolist() == oracle.scores
        got = engine.present_events(spikes, learn=False, **request)
        steps, posts = got.spike_steps.tolist(), got.spike_posts.tolist()
        assert list(zip(steps, posts, strict=True)) == fired_of_all
        assert engine.state.differences(network.state) == []
        assert engine.scores.tolist() == oracle.scores
        counted = got.counters
        assert (counted.forward_dense, counted.forward_sops) == (oracle.dense, oracle.sops)
        assert counted.output_spikes == oracle.given
