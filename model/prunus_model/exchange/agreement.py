"""How often a graph predicts what the golden model predicts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.exchange.simulate import FloatLayer, simulate
from prunus_model.exchange.spikes import input_spikes
from prunus_model.reference.readout import predict_vote
from prunus_model.training.artifact import Artifact

__all__ = ["Agreement", "compare", "golden_spikes", "measure"]

#: Images simulated at a time, so that memory stays small.
_CHUNK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What two sides say to the same input spikes.

    Attributes
    ----------
    data : str
        Identity of the data.
    data_sha256 : str
        SHA-256 of the images that were shown, with their labels.
    images : int
        How many.
    equal_predictions : float
        Share of the images with the same prediction, by votes; undecided is one, too.
    equal_counts : float
        Share of the images with the same number of output spikes of every neuron.
    golden_accuracy, graph_accuracy : float
        Share of the images that each gets right. Both show every image to its end, whatever early
        exit and margin are configured: a graph has neither.
    golden_spikes, graph_spikes : float
        Output spikes per image.
    """

    data: str
    data_sha256: str
    images: int
    equal_predictions: float
    equal_counts: float
    golden_accuracy: float
    graph_accuracy: float
    golden_spikes: float
    graph_spikes: float

    def to_mapping(self) -> dict[str, Any]:
        """Return all of it by name, for metadata and JSON."""
        return asdict(self)


def golden_spikes(
    artifact: Artifact, data: Labelled, *, exits: bool = False
) -> npt.NDArray[np.uint8]:
    """Return the output spikes of each neuron for each image.

    Parameters
    ----------
    artifact : Artifact
        The network.
    data : Split or EventSplit
        What is shown.
    exits : bool
        Whether images end early, and at a margin, as configured; else all of them are shown to
        their end, as a simulation of a graph shows them.

    Raises
    ------
    DataError
        If the data do not fit the configuration.
    """
    engine = Engine(artifact.config, artifact.state, artifact.readout.votes)
    readout = artifact.config.readout
    _, spikes = engine.infer(
        stimuli(data, artifact.config),
        stop_after=readout.stop_after if exits else 0,
        margin=readout.margin if exits else 0,
    )
    return spikes


def compare(artifact: Artifact, data: Labelled, counts: npt.NDArray[np.integer[Any]]) -> Agreement:
    """Compare the output spikes that another simulator counted with those of the golden model.

    Both are of whole presentations, without early exit.

    Parameters
    ----------
    artifact : Artifact
        The network.
    data : Split or EventSplit
        What was shown.
    counts : ndarray of int, shape (n, neurons)
        Output spikes of each neuron for each image.
    """
    golden = golden_spikes(artifact, data)
    # A neuron has at most 255 steps to spike in.
    found = counts.astype(np.uint8)
    ours, theirs = (predict_vote(spikes, artifact.readout) for spikes in (golden, found))
    return Agreement(
        data=data.identity,
        data_sha256=data.sha256,
        images=len(data),
        equal_predictions=float(np.mean(ours == theirs)),
        equal_counts=float(np.mean((golden == found).all(axis=1))),
        golden_accuracy=float(np.mean(ours == data.labels)),
        graph_accuracy=float(np.mean(theirs == data.labels)),
        golden_spikes=float(golden.sum(axis=1).mean()),
        graph_spikes=float(found.sum(axis=1).mean()),
    )


def measure(artifact: Artifact, data: Labelled, layer: FloatLayer) -> Agreement:
    """Simulate a layer in plain floating point and compare it.

    Raises
    ------
    ExchangeError
        If the network has groups.
    DataError
        If the data do not fit the configuration.
    """
    shown = stimuli(data, artifact.config)
    counts = [
        simulate(
            layer, input_spikes(artifact.config, shown[start : start + _CHUNK], first=start)
        ).sum(axis=1)
        for start in range(0, len(data), _CHUNK)
    ]
    return compare(artifact, data, np.concatenate(counts))
