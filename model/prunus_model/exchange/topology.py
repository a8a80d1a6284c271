"""The order of the nodes of a graph of NIR: a chain of one connection and one layer of neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from prunus_model.common.errors import ExchangeError

__all__ = ["Chain", "chain_of"]

_CONNECTIONS = (nir.Affine, nir.Linear)
_NEURONS = (nir.IF, nir.LIF, nir.CubaLIF)
#: Where nothing is computed: all inputs are in a row anyway.
_PASSED = (nir.Input, nir.Output, nir.Flatten)
_KNOWN = "Affine, Linear, IF, LIF and CubaLIF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What is between input and output.

    Attributes
    ----------
    connection, neuron : (str, nir.NIRNode)
        Name of a node, and the node.
    given, taken : (str, tuple of int)
        Name and shape of the input and of the output; the shape is empty if nobody says it.
    """

    connection: tuple[str, nir.NIRNode]
    neuron: tuple[str, nir.NIRNode]
    given: tuple[str, tuple[int, ...]]
    taken: tuple[str, tuple[int, ...]]

    @property
    def kinds(self) -> str:
        """Kinds of the nodes."""
        return f"{_kind(self.connection[1])}, {_kind(self.neuron[1])}"


def chain_of(graph: nir.NIRNode) -> Chain:
    """Find the chain of a graph; graphs in it are unfolded.

    Raises
    ------
    ExchangeError
        If a node is of a kind that can't be imported, connections are recurrent, or branch, or
        there is not exactly one layer.
    """
    if not isinstance(graph, nir.NIRGraph):
        raise ExchangeError(f"NIR file must hold a graph, not one node ({_kind(graph)})")
    nodes, edges = _unfolded(graph, "")
    for name, node in nodes.items():
        if not isinstance(node, _CONNECTIONS + _NEURONS + _PASSED):
            raise ExchangeError(
                f"Node {name!r} is of the kind {_kind(node)}, which can't be imported: only "
                f"{_KNOWN} can"
            )
    order = _ordered(nodes, edges)
    layers = [name for name in order if isinstance(nodes[name], _NEURONS)]
    connections = [name for name in order if isinstance(nodes[name], _CONNECTIONS)]
    if len(layers) != 1:
        told = f" ({', '.join(map(repr, layers))})" if layers else ""
        raise ExchangeError(
            f"Graph must have one layer of neurons, not {len(layers)}{told}: a core has one layer"
        )
    (neuron,) = layers
    before = [name for name in connections if order.index(name) < order.index(neuron)]
    if len(before) != 1:
        raise ExchangeError(
            f"Node {neuron!r} must have one Affine or Linear before it, not {len(before)}"
            + (f" ({', '.join(map(repr, before))})" if before else "")
        )
    if after := [name for name in connections if name not in before]:
        raise ExchangeError(
            f"Node {after[0]!r} is behind the neurons ({_kind(nodes[after[0]])}), which can't be "
            f"imported: votes are the only readout"
        )
    return Chain(
        connection=(before[0], nodes[before[0]]),
        neuron=(neuron, nodes[neuron]),
        given=_shape(order[0], nodes[order[0]], "input_type"),
        taken=_shape(order[-1], nodes[order[-1]], "output_type"),
    )


def _unfolded(
    graph: nir.NIRGraph, prefix: str
) -> tuple[dict[str, nir.NIRNode], list[tuple[str, str]]]:
    """Return all nodes and edges, those of graphs in the graph under names with dots."""
    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []
    ends: dict[str, tuple[str, str]] = {}
    for name, node in graph.nodes.items():
        full = prefix + name
        if not isinstance(node, nir.NIRGraph):
            nodes[full] = node
            continue
        inner, links = _unfolded(node, f"{full}.")
        own = [f"{full}.{key}" for key in node.nodes]
        entry = [key for key in own if isinstance(inner.get(key), nir.Input)]
        leave = [key for key in own if isinstance(inner.get(key), nir.Output)]
        if len(entry) != 1 or len(leave) != 1:
            raise ExchangeError(f"Node {full!r} must be a graph with one Input and one Output")
        ends[full] = (entry[0], leave[0])
        nodes |= inner
        edges += links
    for source, target in graph.edges:
        a, b = prefix + source, prefix + target
        edges.append((ends[a][1] if a in ends else a, ends[b][0] if b in ends else b))
    return nodes, edges


def _ordered(nodes: dict[str, nir.NIRNode], edges: list[tuple[str, str]]) -> list[str]:
    """Return the nodes from the first to the last."""
    for edge in edges:
        for name in edge:
            if name not in nodes:
                raise ExchangeError(f"Edge {edge[0]!r} to {edge[1]!r} must be between nodes")
    links = sorted(set(edges))
    after: dict[str, list[str]] = {name: [] for name in nodes}
    before: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in links:
        after[source].append(target)
        before[target].append(source)
    left = set(nodes)
    while ends := {name for name in left if not left.intersection(before[name])}:
        left -= ends
    # What is only behind a loop is in none.
    while ends := {name for name in left if not left.intersection(after[name])}:
        left -= ends
    if left:
        raise ExchangeError(
            f"Node {min(left, key=lambda name: (not isinstance(nodes[name], _NEURONS), name))!r} "
            f"has recurrent connections, which can't be imported: the network is feed-forward"
        )
    for what, linked in (("after", after), ("before", before)):
        for name, others in linked.items():
            if len(others) > 1:
                raise ExchangeError(
                    f"Node {name!r} must have one node {what} it, not {len(others)} "
                    f"({', '.join(map(repr, others))})"
                )
    firsts = sorted(name for name in nodes if not before[name])
    if len(firsts) != 1:
        raise ExchangeError(
            f"Graph must be one chain of nodes, but begins at "
            f"{' and '.join(map(repr, firsts)) or 'no node'}"
        )
    order = firsts
    while after[order[-1]]:
        order.append(after[order[-1]][0])
    return order


def _shape(name: str, node: nir.NIRNode, key: str) -> tuple[str, tuple[int, ...]]:
    """Return what an input or output says of its shape."""
    if not isinstance(node, nir.Input | nir.Output):
        return name, ()
    try:
        (found,) = getattr(node, key).values()
        values: Any = np.asarray(found).reshape(-1).astype(np.int64)
    except (TypeError, ValueError, AttributeError):
        raise ExchangeError(f"shape of node {name!r} must be integers") from None
    if (values < 0).any():
        raise ExchangeError(f"shape of node {name!r} must be integers of 0 or more")
    return name, tuple(int(value) for value in values)


def _kind(node: nir.NIRNode) -> str:
    return type(node).__name__
