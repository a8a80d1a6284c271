"""The semantics once more, number by number: without arrays, as the document writes them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import SoftPruning
from prunus_model.spec.state import STATE_DTYPES, State


def draws(seed: int, presentation: int, constant: int) -> Iterator[int]:
    """Section 3: all draws of one stream in one presentation."""
    s = seed ^ (presentation * 0x9E3779B9) % 2**32 ^ constant
    if s == 0:
        s = 0x6D2B79F5
    drawn = 0
    while True:
        s = (s ^ (s << 13)) % 2**32
        s = s ^ (s >> 17)
        s = (s ^ (s << 5)) % 2**32
        drawn += 1
        if drawn > 8:
            yield s


def one_pass(stream: Iterator[int], inputs: int) -> list[int]:
    """Section 3: a byte for each input."""
    out = []
    for pre in range(inputs):
        if pre % 4 == 0:
            draw = next(stream)
        out.append(draw >> 8 * (pre % 4) & 255)
    return out


@dataclass(kw_only=True)
class Scalar:
    """Section 2: the state, in lists of integers; `last_step` None is invalid."""

    config: NetworkConfig
    weights: list[list[int]]
    alive: list[list[bool]]
    frozen: list[list[bool]]
    theta: list[int]
    strength: list[int]
    post_count: list[int]
    active_count: list[int]
    v: list[int]
    v_fire: list[int]
    last_step: list[int | None]
    input_rate: list[int]
    bias: list[int]
    presentation: int
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inputs, self.neurons = range(self.config.inputs), range(self.config.neurons)
        self.w_max = 2**self.config.weight_bits - 1

    def count(self, **more: int) -> None:
        for name, number in more.items():
            self.counts[name] = self.counts.get(name, 0) + number

    def threshold(self, post: int) -> int:
        """Section 4.1, the formula."""
        if self.strength[post] == 0:
            return 2**23 - 1
        h = self.config.homeostasis
        return min(2**23 - 1, (h.v_th + self.theta[post]) * self.strength[post] >> h.fire_shift)

    def rest(self) -> None:
        for post in self.neurons:
            self.v[post] = 0
            self.v_fire[post] = self.threshold(post)
        for pre in self.inputs:
            self.last_step[pre] = None

    def show(
        self, image: list[int] | list[list[int]], *, events: bool, learn: bool, stop_after: int
    ) -> Iterator[tuple[int, list[bool], bool, int, int]]:
        """Section 4: step, input spikes, whether inhibited, winner (or -1), pruning threshold."""
        c = self.config
        self.counts = {}
        encoder = draws(c.seed, self.presentation, 0x243F6A88)
        learning = draws(c.seed, self.presentation, 0x85A308D3)
        # 4.1
        if learn and self.presentation != 0:
            for post in self.neurons:
                self.theta[post] -= self.theta[post] // 2**c.homeostasis.theta_decay_shift
        self.rest()
        inhibition = 0
        fired = [0 for _ in self.neurons]
        for step in range(c.encoder.steps):
            self.count(steps=1)
            # 4.2
            if events:
                named: Any = image[step] if step < len(image) else []
                spikes = [pre in named for pre in self.inputs]
            else:
                if c.encoder.spikes == "random":
                    random = one_pass(encoder, c.inputs)
                else:
                    again = draws(c.seed, self.presentation, 0x243F6A88)
                    random = [(b + 157 * step) % 256 for b in one_pass(again, c.inputs)]
                self.count(encoder_draws=(c.inputs + 3) // 4)
                levels: Any = image
                spikes = [random[pre] < levels[pre] for pre in self.inputs]
            dropped: list[int] = []
            for pre in self.inputs:
                if spikes[pre]:
                    self.count(input_spikes=1)
                    last = self.last_step[pre]
                    if last is not None and step - last <= c.encoder.refractory_steps:
                        dropped.append(pre)
                    else:
                        self.last_step[pre] = step
            if inhibition > 0:
                inhibition -= 1
                self.count(inhibited_steps=1)
                yield step, spikes, True, -1, 0
                continue
            # 4.3
            for pre in self.inputs:
                if pre in dropped:
                    self.count(forward_dense=c.neurons)
                elif spikes[pre]:
                    self.integrate(pre)
            # 4.4
            winner, best = -1, -1
            for post in self.neurons:
                margin = self.v[post] - self.v_fire[post]
                if margin >= 0 and margin > best:
                    winner, best = post, margin
            # 4.5
            for post in self.neurons:
                if c.membrane.leak_shift != 0:
                    self.v[post] -= self.v[post] // 2**c.membrane.leak_shift
            # 4.6
            w_prune = 0
            if winner != -1:
                fired[winner] += 1
                self.count(output_spikes=1)
                if learn:
                    w_prune = self.learn(winner, step, one_pass(learning, c.inputs))
                for post in self.neurons:
                    self.v[post] = 0
                inhibition = c.membrane.inhibition_steps
            yield step, spikes, False, winner, w_prune
            if winner != -1 and stop_after > 0 and sum(fired) == stop_after:
                break
        # 6, soft
        if learn and isinstance(c.pruning, SoftPruning):
            for post in self.neurons:
                if fired[post] >= c.pruning.min_spikes and self.active_count[post] < 2**16 - 1:
                    self.active_count[post] += 1
                    if self.active_count[post] == c.pruning.after_presentations:
                        self.freeze(post, c.pruning.percent)
        self.count(presentations=1)
        self.presentation = (self.presentation + 1) % 2**32

    def integrate(self, pre: int) -> None:
        self.count(integrated_spikes=1)
        for post in self.neurons:
            self.count(forward_dense=1)
            if self.alive[pre][post]:
                self.v[post] += self.weights[pre][post]
                self.count(forward_sops=1)
                if self.frozen[pre][post]:
                    self.count(frozen_sops=1)

    def learn(self, post: int, step: int, random: list[int]) -> int:
        """Section 5; return the pruning threshold."""
        c = self.config
        # 1
        self.theta[post] = min(2**24 - 1, self.theta[post] + c.homeostasis.theta_plus)
        self.post_count[post] = min(2**16 - 1, self.post_count[post] + 1)
        # 2
        w_prune = self.pruning_threshold(post)
        # 3
        up, down = 2**c.stdp.potentiation_shift, 2**c.stdp.depression_shift
        self.count(learning_draws=(c.inputs + 3) // 4)
        recent = [
            last is not None and step - last <= c.stdp.trace_window for last in self.last_step
        ]
        thresholds = [w_prune] * c.inputs
        if c.pruning.policy == "lift":
            thresholds = self.lift_thresholds(post)
            w_prune = max(thresholds)
            for pre, rate in enumerate(self.input_rate):
                moved = (65535 - rate) // 1024 if recent[pre] else -(rate // 1024)
                self.input_rate[pre] = rate + moved
        for pre in self.inputs:
            self.count(update_dense=1)
            if not self.alive[pre][post] or self.frozen[pre][post]:
                continue
            self.count(update_sops=1)
            w, r = self.weights[pre][post], random[pre]
            rise, fall = (self.w_max - w + r % up) // up, (w + r % down) // down
            w = w + rise if recent[pre] else w - fall
            if w < thresholds[pre]:
                self.alive[pre][post] = False
                self.count(pruned=1)
                w = 0
            self.weights[pre][post] = w
        # 4
        self.strength[post] = sum(self.weights[pre][post] for pre in self.inputs)
        self.v_fire[post] = self.threshold(post)
        return w_prune

    def pruning_threshold(self, post: int) -> int:
        """Section 6."""
        p: Any = self.config.pruning
        if p.policy == "constant" and self.presentation >= p.start:
            return int(p.w_prune)
        if p.policy == "adaptive" and self.presentation >= p.start:
            ramp = self.post_count[post] * p.ramp_gain // 2**p.ramp_shift
            cap = self.strength[post] * p.strength_gain // 65536
            return int(min(ramp, cap, self.w_max))
        return 0

    def lift_thresholds(self, post: int) -> list[int]:
        """Section 6.1."""
        p: Any = self.config.pruning
        unit = 1
        while p.length // unit > 255:
            unit *= 2
        units = p.length // unit
        elapsed = min(self.presentation // unit, units)
        fired, constant = self.post_count[post], 2**self.config.stdp.depression_shift
        level = min(fired, 2 * constant) * p.share // (2 * constant)
        if fired * (units - elapsed) > 4 * constant * elapsed:
            level = 0
        factor, total = 0, sum(self.input_rate)
        if total:
            scaled = self.strength[post] * level * 2 ** (20 - self.config.weight_bits)
            factor = min(scaled // total, 2**14 - 1)
        below = 2 ** (28 - self.config.weight_bits)
        return [min(factor * rate // below, self.w_max) for rate in self.input_rate]

    def freeze(self, post: int, percent: int) -> None:
        plastic = [
            (self.weights[pre][post], pre)
            for pre in self.inputs
            if self.alive[pre][post] and not self.frozen[pre][post]
        ]
        for _, pre in sorted(plastic)[: len(plastic) * percent // 100]:
            self.frozen[pre][post] = True
            self.weights[pre][post] = 0
            self.count(pruned=1)
        self.strength[post] = sum(self.weights[pre][post] for pre in self.inputs)

    def finish(self) -> int:
        p: Any = self.config.pruning
        pruned = 0
        if p.policy == "post":
            for pre in self.inputs:
                for post in self.neurons:
                    if self.alive[pre][post] and self.weights[pre][post] < p.w_prune:
                        self.alive[pre][post] = False
                        self.weights[pre][post] = 0
                        pruned += 1
            for post in self.neurons:
                self.strength[post] = sum(self.weights[pre][post] for pre in self.inputs)
        self.rest()
        return pruned

    def assert_is(self, state: State, context: str) -> None:
        last_step = [-1 if last is None else last for last in self.last_step]
        assert state.v.tolist() == self.v, context
        assert state.v_fire.tolist() == self.v_fire, context
        assert state.theta.tolist() == self.theta, context
        assert state.strength.tolist() == self.strength, context
        assert state.post_count.tolist() == self.post_count, context
        assert state.active_count.tolist() == self.active_count, context
        assert state.input_rate.tolist() == self.input_rate, context
        assert state.bias.tolist() == self.bias == [], context
        assert state.last_step.tolist() == last_step, context
        assert state.weights.tolist() == self.weights, context
        assert state.alive.tolist() == self.alive, context
        assert state.frozen.tolist() == self.frozen, context
        assert state.presentation == self.presentation, context


def scalar(config: NetworkConfig, state: State) -> Scalar:
    values = {name: getattr(state, name).tolist() for name in STATE_DTYPES}
    values["last_step"] = [None if last < 0 else last for last in values["last_step"]]
    return Scalar(config=config, **values, presentation=state.presentation)
