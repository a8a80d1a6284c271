"""Regrowth: pruned synapses come back with the weight that chance would give them.

No rule of pruning here ever revives a synapse: the network learns, and is built in hardware, as if
what is pruned were gone for good. This is done from outside, between two presentations, at a moment
that the host chooses, such as a change of what is to be learned. A core that learns needs no other
gateware for it: weights, alive bits, strengths, spike counts and rates of inputs are memories that
the host reads and writes through the memory port. It is no part of the semantics.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import LiftPruning
from prunus_model.spec.state import State, strengths

__all__ = ["regrown"]


def regrown(state: State, config: NetworkConfig, *, anew: bool = False) -> State:
    """Return the state in which every pruned synapse is alive again.

    The weight of one that comes back is ``min(max(1, strength * input_rate // sum(input_rate)),
    w_max)``: the rate of its input times the mean lift of its neuron, both as they were before (1
    if no rate is known). All of it is known where the synapse is: the neuron, its group, the input.
    ``strength`` becomes the sum of the weights, and the next presentation finds ``v_fire`` by it.
    What was not pruned keeps its weight.

    Whether it pays is decided by pruning by lift itself, which goes on: a synapse whose input turns
    out to be active less often than by chance when the neuron fires is pruned again.

    Parameters
    ----------
    state : State
        Between two presentations; it stays as it is.
    config : NetworkConfig
        Its parameters.
    anew : bool
        Count the output spikes of a neuron from 0 again if a synapse of it came back. Then its
        pruning thresholds are 0, and rise with its firing as in its first training, so that what
        came back has time to learn. By default they stay as high as they were.

    Returns
    -------
    State

    Raises
    ------
    ConfigError
        If the policy is not ``lift``: no other knows the rates of the inputs.

    Examples
    --------
    >>> config = replace(NetworkConfig.named("tiny"), pruning=LiftPruning(length=8))
    >>> state = State.initial(config)
    >>> state.input_rate[:], state.strength[0] = 100, 4900
    >>> state.weights[0, 0], state.alive[0, 0] = 0, False
    >>> int(regrown(state, config).weights[0, 0])
    100
    """
    if not isinstance(config.pruning, LiftPruning):
        raise ConfigError(
            f"pruning.policy must be 'lift' for synapses to come back, not "
            f"'{config.pruning.policy}'"
        )
    result = state.copy()
    for number in range(config.group_count):
        group = result.group(number, config)
        rates, strength = group.input_rate.astype(np.int64), group.strength.astype(np.int64)
        chance = rates[:, np.newaxis] * strength // max(1, int(rates.sum()))
        weights = np.clip(chance, 1, config.formats.w_max).astype(np.uint8)
        pruned = ~group.alive
        group.weights[pruned] = weights[pruned]
        group.alive[pruned] = True
        if anew:
            group.post_count[pruned.any(axis=0)] = 0
    return replace(result, strength=strengths(result.weights, config))
