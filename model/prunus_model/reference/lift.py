"""Pruning by lift: what a weight is beside what chance would make it (semantics, section 6.1).

Ours, as the rule ``adaptive`` is; in place of its constants it has what the network itself counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import LIFT_FACTOR_BITS, RATE_BITS, RATE_SHIFT, max_of
from prunus_model.spec.pruning import LiftPruning

__all__ = ["highest_threshold", "lift_factor", "lift_thresholds", "updated_rates"]


def lift_factor(
    post_count: int,
    strength: int,
    rate_sum: int,
    presentation: int,
    policy: LiftPruning,
    config: NetworkConfig,
) -> int:
    """Return by what the rate of an input is multiplied to be a pruning threshold.

    With ``elapsed = min(presentation >> unit_shift, units)``, ``level = (min(post_count,
    2**(depression_shift + 1)) * share) >> (depression_shift + 1)`` if ``post_count * (units -
    elapsed) <= elapsed << (depression_shift + 2)``, else 0: as often as it has fired so far, the
    neuron will fire at most four time constants of depression more. Then ``factor =
    min(((strength * level) << (20 - weight_bits)) // rate_sum, 2**14 - 1)``; 0 as long as no input
    was active in a sweep.

    Parameters
    ----------
    post_count : int
        Output spikes of the neuron, this one included.
    strength : int
        Sum of its weights, before this spike.
    rate_sum : int
        Sum of the rates of all its inputs, before this spike.
    presentation : int
        Number of the presentation.
    policy : LiftPruning
        The policy.
    config : NetworkConfig
        Gives ``stdp.depression_shift`` and ``weight_bits``.

    Returns
    -------
    int
        0..2**14 - 1.

    Raises
    ------
    ConfigError
        If ``pruning.length`` is not known yet.

    Examples
    --------
    An average neuron that has learned, half way through the training: 16 times the share.

    >>> policy, config = LiftPruning(share=128, length=1024), NetworkConfig.named("demo")
    >>> lift_factor(512, 784 * 51, 784 * 51 * 256, 512, policy, config)
    2048
    >>> lift_factor(513, 784 * 51, 784 * 51 * 256, 512, policy, config)
    0
    """
    depression = config.stdp.depression_shift
    elapsed = min(presentation >> policy.unit_shift, policy.units)
    if post_count * (policy.units - elapsed) > elapsed << depression + 2 or rate_sum == 0:
        return 0
    level = min(post_count, 2 << depression) * policy.share >> depression + 1
    return min((strength * level << 20 - config.weight_bits) // rate_sum, max_of(LIFT_FACTOR_BITS))


def lift_thresholds(
    rates: npt.NDArray[np.int64],
    post_count: int,
    strength: int,
    presentation: int,
    policy: LiftPruning,
    config: NetworkConfig,
) -> npt.NDArray[np.int64]:
    """Return the pruning threshold of each synapse of a neuron: ``factor`` times the rate.

    Where the weights are as chance makes them, and the neuron is an average one, a threshold in the
    end is ``share / 256`` of the weight.

    Parameters
    ----------
    rates : ndarray of int64, shape (inputs,)
        Of the inputs, in 1/65536, before this spike: 0..65535.
    post_count, strength, presentation, policy, config
        As of :func:`lift_factor`.

    Returns
    -------
    ndarray of int64, shape (inputs,)
        0..w_max.
    """
    factor = lift_factor(post_count, strength, int(rates.sum()), presentation, policy, config)
    return _thresholds(factor, rates, config)


def highest_threshold(
    rates: npt.NDArray[np.int64],
    post_count: int,
    strength: int,
    presentation: int,
    policy: LiftPruning,
    config: NetworkConfig,
) -> int:
    """Return what the threshold of an input that is always active would be; 0..w_max."""
    factor = lift_factor(post_count, strength, int(rates.sum()), presentation, policy, config)
    return int(_thresholds(factor, np.array(max_of(RATE_BITS)), config))


def _thresholds(
    factor: int, rates: npt.NDArray[np.int64], config: NetworkConfig
) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = factor * rates >> 28 - config.weight_bits
    return np.minimum(found, config.formats.w_max)


def updated_rates(
    rates: npt.NDArray[np.int64], recent: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Return the rates after a sweep, whichever neuron it was of.

    The rate of an input rises by ``(65535 - rate) >> 10`` if it was recently active, and else falls
    by ``rate >> 10``, whether its synapse is pruned or not.

    Parameters
    ----------
    rates : ndarray of int64, shape (inputs,)
        Before the sweep, in 1/65536: 0..65535.
    recent : ndarray of bool, shape (inputs,)
        Inputs that were active recently (:func:`prunus_model.reference.stdp.recent`).

    Returns
    -------
    ndarray of int64, shape (inputs,)

    Examples
    --------
    >>> updated_rates(np.array([0, 65535, 2048]), np.array([True, True, False]))
    array([   63, 65535,  2046])
    """
    up, down = max_of(RATE_BITS) - rates >> RATE_SHIFT, rates >> RATE_SHIFT
    updated: npt.NDArray[np.int64] = rates + np.where(recent, up, -down)
    return updated
