"""A network by the metrics of NeuroBench: names, formulas, and the counters they come from.

J. Yik et al., Nat. Commun. 16:1545 (2025), algorithm track. An execution is one image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prunus_model.data.events.split import Labelled
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import BIAS_BITS, V_FIRE_BITS
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate

__all__ = ["Metric", "footprint_bits", "metrics", "to_mapping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure.

    Attributes
    ----------
    name : str
        As NeuroBench calls it.
    value : float or int
        The figure; bytes, shares (0..1) or operations per image.
    formula : str
        How it is computed.
    source : str
        Counters (:mod:`prunus_model.spec.counters`) or state variables that it comes from.
    """

    name: str
    value: float
    formula: str
    source: str


def footprint_bits(config: NetworkConfig) -> dict[str, int]:
    """Return the bits that inference needs, by what they are for; zeros are stored.

    Parameters
    ----------
    config : NetworkConfig
        All sizes and widths.
    """
    synapses = config.rows * config.neurons
    return {
        "weights": synapses * config.weight_bits,
        "alive": synapses,
        "v_fire": config.all_neurons * V_FIRE_BITS,
        **({"bias": config.all_neurons * BIAS_BITS} if config.feedforward else {}),
        "votes": config.all_neurons * config.readout.classes * config.readout.vote_bits,
        "v": config.neurons * config.formats.v_bits,
        "scores": config.readout.classes * config.score_bits,
    }


def metrics(artifact: Artifact, data: Labelled, *, threads: int | None = None) -> list[Metric]:
    """Show images to a network, exits as configured, and return its metrics.

    Parameters
    ----------
    artifact : Artifact
        A complete network.
    data : Split or EventSplit
        What is shown.
    threads : int, optional
        As :func:`prunus_model.training.evaluation.evaluate`, whose errors are those of this, too.

    Returns
    -------
    list of Metric
    """
    config, state = artifact.config, artifact.state
    # Unpruned synapses of weight 0 add nothing: effective are the others. Spikes are the same.
    nonzero = replace(state, alive=state.weights != 0, frozen=np.zeros_like(state.frozen))
    found = evaluate(replace(artifact, state=nonzero), data, threads=threads)
    counters, images = found.counters, len(data)
    # A step of a view; the steps of all views and images are counted.
    layer = config.inputs * config.neurons
    updates = config.neurons * counters.steps
    return [
        Metric(
            name="classification_accuracy",
            value=found.vote_accuracy,
            formula="images whose prediction by votes is right / images",
            source="predictions",
        ),
        Metric(
            name="footprint",
            value=-(-sum(footprint_bits(config).values()) // 8),
            formula="bytes of " + " + ".join(footprint_bits(config)) + ", dense",
            source="widths of the configuration",
        ),
        Metric(
            name="connection_sparsity",
            value=float(np.mean(state.weights == 0)),
            formula="weights of 0 / all weights",
            source="weights",
        ),
        Metric(
            name="activation_sparsity",
            value=1 - counters.output_spikes / updates,
            formula="1 - output_spikes / (neurons * steps)",
            source="output_spikes, steps",
        ),
        Metric(
            name="effective_acs",
            value=counters.forward_sops / images,
            formula="additions of weights that are not 0, by input spikes / images",
            source="forward_sops, of weights that are not 0",
        ),
        Metric(
            name="effective_macs",
            value=0,
            formula="0: inputs are spikes, so nothing is multiplied",
            source="none",
        ),
        Metric(
            name="dense",
            value=layer * counters.steps / images,
            formula="inputs * neurons * steps / images",
            source="steps",
        ),
    ]


def to_mapping(found: list[Metric]) -> dict[str, Any]:
    """Return metrics by name, for JSON, synaptic operations together as NeuroBench has them."""
    values = {metric.name: metric.value for metric in found}
    operations = {
        "Effective_ACs": values.pop("effective_acs"),
        "Effective_MACs": values.pop("effective_macs"),
        "Dense": values.pop("dense"),
    }
    return values | {"synaptic_operations": operations}
