"""Random synapses, and what they are packed with."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Weights = npt.NDArray[np.uint8]
Alive = npt.NDArray[np.bool_]


def synapses(
    inputs: int, neurons: int, density: float, *, weight_bits: int = 8, seed: int = 0
) -> tuple[Weights, Alive]:
    """Random weights, many of them 0, of which a share is live."""
    rng = np.random.default_rng(seed)
    alive = rng.random((inputs, neurons)) < density
    weights = rng.integers(0, 2**weight_bits, alive.shape) * (rng.random(alive.shape) < 0.8)
    return (weights * alive).astype(np.uint8), alive


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    weight_bits = draw(st.integers(1, 8))
    neurons = draw(st.one_of(st.just(1), st.integers(2, 30), st.just(150)))
    seed = draw(st.integers(0, 2**32 - 1))
    weights, alive = synapses(
        draw(st.integers(1, 12)),
        neurons,
        draw(st.sampled_from([0, 0.02, 0.2, 0.5, 0.9, 1])),
        weight_bits=weight_bits,
        seed=seed,
    )
    rng = np.random.default_rng(seed)
    return {
        "weights": weights,
        "alive": alive,
        "lanes": draw(st.sampled_from([1, 2, 3, 7, 16, 40])),
        "weight_bits": weight_bits,
        "position": draw(st.sampled_from([None, rng.permutation(neurons)])),
    }
