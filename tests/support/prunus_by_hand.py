"""A network of four inputs and two neurons, small enough to be worked out on paper."""

from typing import Any

from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import AdaptivePruning, PruningParams
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams

WEIGHTS = [[100, 10], [50, 20], [46, 30], [20, 40]]
ADAPTIVE = AdaptivePruning(ramp_gain=50, ramp_shift=0, strength_gain=6069)


def by_hand(pruning: PruningParams, **changes: Any) -> NetworkConfig:
    """Four inputs, two neurons; seed 1 gives the learning bytes of the semantics, section 3."""
    values: dict[str, Any] = {
        "inputs": 4,
        "neurons": 2,
        "seed": 1,
        "encoder": EncoderParams(steps=4),
        "membrane": MembraneParams(leak_shift=1, inhibition_steps=1),
        "homeostasis": HomeostasisParams(v_th=52, theta_plus=32, theta_decay_shift=2, fire_shift=6),
        "stdp": StdpParams(trace_window=1, potentiation_shift=4, depression_shift=4),
        "pruning": pruning,
    }
    return NetworkConfig(**values | changes)


def network(
    config: NetworkConfig, weights: list[list[int]], *, theta: list[int] | None = None
) -> Network:
    state = State.initial(config)
    state.weights[:] = weights
    state.strength[:] = state.weights.sum(axis=0)
    if theta is not None:
        state.theta[:] = theta
    return Network(config, state)
