"""Products that multiplier blocks compute in a core that learns, and how many blocks they take."""

from __future__ import annotations

from typing import Literal

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import (
    LIFT_FACTOR_BITS,
    POST_COUNT_BITS,
    RATE_BITS,
    THETA_BITS,
    max_of,
)
from prunus_model.spec.pruning import AdaptivePruning, LiftPruning
from prunus_rtl.memory_image.devices import DEVICES

__all__ = ["preferred_multiplier", "products"]


def products(network: NetworkConfig, sweep_inputs: int = 1) -> tuple[tuple[int, int], ...]:
    """Return the widths of both factors of each product of a core with ``multiplier="dsp"``.

    Parameters
    ----------
    network : NetworkConfig
        The network that learns.
    sweep_inputs : int
        Inputs that the learning sweep visits per cycle; pruning by lift has a product for each.

    Examples
    --------
    >>> products(NetworkConfig.named("demo"))
    ((25, 18), (18, 8))
    """
    policy, strength = network.pruning, network.formats.strength_bits
    base = network.homeostasis.v_th + max_of(THETA_BITS)
    found = [(base.bit_length(), strength)]
    if isinstance(policy, AdaptivePruning):
        # The product with a power of 2 is a shift.
        found += [
            (bits, gain.bit_length())
            for bits, gain in (
                (POST_COUNT_BITS, policy.ramp_gain),
                (strength, policy.strength_gain),
            )
            if gain.bit_count() > 1
        ]
    if isinstance(policy, LiftPruning):
        found += [(RATE_BITS, LIFT_FACTOR_BITS)] * sweep_inputs
    return tuple(found)


def preferred_multiplier(
    network: NetworkConfig, *, learn: bool, device: str | None, sweep_inputs: int = 1
) -> Literal["sequential", "dsp"]:
    """Return ``"dsp"`` if the core learns and a device has multiplier blocks enough for it.

    Parameters
    ----------
    network : NetworkConfig
        The network.
    learn : bool
        Whether the core learns; no other has products.
    device : str, optional
        One of :data:`prunus_rtl.memory_image.devices.DEVICES`. None: any, which may have no blocks.
    sweep_inputs : int
        As of :func:`products`.

    Returns
    -------
    "sequential" or "dsp"
    """
    if not learn or device is None:
        return "sequential"
    there = DEVICES[device].multipliers
    needed = sum(there.blocks(*factors) for factors in products(network, sweep_inputs))
    return "dsp" if needed <= there.count else "sequential"
