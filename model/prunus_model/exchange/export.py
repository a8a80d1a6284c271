"""A network leaves as NIR, with the rate of equal predictions that was measured."""

from __future__ import annotations

from pathlib import Path

import nir

from prunus_model.data.events.split import Labelled
from prunus_model.exchange.agreement import Agreement, measure
from prunus_model.exchange.files import write_graph
from prunus_model.exchange.graph import DT, METADATA, Reader, float_layer, to_graph
from prunus_model.training.artifact import Artifact

__all__ = ["export_graph", "measured_graph"]


def measured_graph(
    artifact: Artifact,
    data: Labelled,
    *,
    dt: float = DT,
    inhibition: float = 1.0,
    reader: Reader = "nir",
) -> tuple[nir.NIRGraph, Agreement]:
    """Return a network as a graph, and how often this predicts what the golden model predicts.

    Parameters
    ----------
    artifact, dt, inhibition, reader
        As :func:`prunus_model.exchange.graph.to_graph`, whose errors are those of this, too.
    data : Split or EventSplit
        What is shown to both: the spikes of the golden encoder.

    Returns
    -------
    graph : nir.NIRGraph
        With what was measured in its metadata, under ``agreement``.
    agreement : Agreement
        The same.

    Raises
    ------
    DataError
        If the data do not fit the configuration.
    """
    graph = to_graph(artifact, dt=dt, inhibition=inhibition, reader=reader)
    agreement = measure(artifact, data, float_layer(graph, dt=dt))
    graph.metadata[METADATA]["agreement"] = agreement.to_mapping()
    return graph, agreement


def export_graph(
    artifact: Artifact,
    path: Path,
    data: Labelled,
    *,
    dt: float = DT,
    inhibition: float = 1.0,
    reader: Reader = "nir",
    new: bool = False,
) -> Agreement:
    """Write the graph of :func:`measured_graph`, whole or not at all.

    Raises
    ------
    OSError
        If the file cannot be written; then an older one is still there. A FileExistsError if it
        is to be ``new`` and is not.
    """
    graph, agreement = measured_graph(artifact, data, dt=dt, inhibition=inhibition, reader=reader)
    write_graph(path, graph, new=new)
    return agreement
