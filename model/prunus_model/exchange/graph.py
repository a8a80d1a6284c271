"""A trained network as a graph of NIR.

Weights become an ``Affine`` without bias, neurons a ``LIF`` (an ``IF`` if nothing leaks) whose
forward Euler step of ``dt`` is ours but for the rounding of the leak. Potentials are integers, so
``v >= v_fire`` is ``v > v_fire - 0.5``, which is exact in single precision too.

Winner-take-all can't be said in NIR. The nearest is a connection among the neurons: every spike
takes ``inhibition`` times the median threshold from the potentials of all others, a step later.
What else NIR can't say is in the metadata.
"""

from __future__ import annotations

from importlib.metadata import version
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import nir
import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ExchangeError
from prunus_model.exchange.simulate import FloatLayer
from prunus_model.exchange.spikes import check_undivided
from prunus_model.training.artifact import Artifact

__all__ = [
    "DT",
    "METADATA",
    "NOT_SAID",
    "READERS",
    "Reader",
    "check_dt",
    "float_layer",
    "to_graph",
]

#: Step in seconds that other tools take if nobody says another: NIR files don't say it.
DT = 1e-4
#: Under this name the metadata of the graph has what is ours.
METADATA = "prunus"
#: What a graph of NIR has no words for; it is in the metadata, or left out.
NOT_SAID = (
    "winner-take-all by the largest margin with a reset of all potentials (inhibition stands for "
    "it), inhibited steps, pruned synapses apart from weights of 0 (alive), votes, early exit and "
    "margin, encoder with its random streams, rounding of the leak, learning and pruning"
)
#: For whom a graph is written. "nir": whoever reads all that NIR has. The importers of the others
#: know one threshold of a layer only; that of snnTorch 1.0.0 fails, with nirtorch 2.6, at neurons
#: that are connected by a single node, and reads an IF as if it leaked.
Reader: TypeAlias = Literal["nir", "spikingjelly", "snntorch"]
READERS: tuple[Reader, ...] = get_args(Reader)


def to_graph(
    artifact: Artifact,
    *,
    dt: float = DT,
    inhibition: float = 1.0,
    reader: Reader = "nir",
) -> nir.NIRGraph:
    """Return a network as a graph: `input`, `affine`, `lif`, `inhibition`, `output`.

    Parameters
    ----------
    artifact : Artifact
        A complete network without groups.
    dt : float
        Step in seconds by which simulators will run the graph.
    inhibition : float
        What a spike takes from all other potentials, in median thresholds; more than 0.
    reader : "nir", "spikingjelly" or "snntorch"
        With "nir" thresholds are each neuron's own, ``v_fire - 0.5``, and weights are integers.
        With the others all neurons have one threshold, the median, and weights (of the inhibition,
        too) are scaled neuron by neuron: the same dynamics, rounded to single precision. With
        "snntorch" the inhibition goes on through a `relay`, which multiplies by 1.

    Returns
    -------
    nir.NIRGraph
        All numbers in single precision. Its metadata has under :data:`METADATA`: what made it,
        ``dt``, ``inhibition`` and ``reader``, the golden model's own weights, mask and thresholds,
        votes, classes of the neurons, the configuration with the encoder as TOML, and
        :data:`NOT_SAID`.

    Raises
    ------
    ExchangeError
        If training is not complete, the network has groups, a number is out of range, or the reader
        can't be told.
    """
    config, state = artifact.config, artifact.state
    check_graph(artifact, dt=dt, inhibition=inhibition, reader=reader)
    threshold = state.v_fire.astype(np.float64) - 0.5
    can_fire = state.v_fire[state.strength > 0]
    median = float(np.median(can_fire if len(can_fire) else state.v_fire))
    scale = np.ones(config.neurons) if reader == "nir" else (median - 0.5) / threshold
    others = 1.0 - np.eye(config.neurons)
    links = {"inhibition": _32(-inhibition * median * others * scale[:, np.newaxis])}
    if reader == "snntorch":
        links["relay"] = np.eye(config.neurons, dtype=np.float32)
    inputs, neurons = np.array([config.inputs]), np.array([config.neurons])
    zeros = np.zeros(config.neurons, np.float32)
    weight = _32(state.weights.T * scale[:, np.newaxis])
    loop = ["lif", *links, "lif"]
    return nir.NIRGraph(
        nodes={
            "input": nir.Input(input_type={"input": inputs}),
            "affine": nir.Affine(weight=weight, bias=zeros),
            "lif": _neurons(_32(threshold * scale), config.membrane.leak_shift, dt),
            **{name: nir.Linear(weight=matrix) for name, matrix in links.items()},
            "output": nir.Output(output_type={"output": neurons}),
        },
        edges=[("input", "affine"), ("affine", "lif"), *pairwise(loop), ("lif", "output")],
        metadata={
            METADATA: {
                "version": version("prunus"),
                "content_hash": artifact.content_hash,
                "dt": dt,
                "inhibition": inhibition,
                "reader": reader,
                "weights": state.weights,
                "alive": state.alive.astype(np.uint8),
                "v_fire": state.v_fire,
                "votes": artifact.readout.votes,
                "classes": artifact.readout.assignment,
                "config": config.to_toml(),
                "not_said": NOT_SAID,
            }
        },
    )


def check_graph(artifact: Artifact, *, dt: float, inhibition: float, reader: Reader) -> None:
    """Check what :func:`to_graph` is given; its errors are those of this."""
    check_undivided(artifact.config)
    if artifact.config.feedforward:
        raise ExchangeError(
            "Network must be one that was trained here: a feed-forward network has come from a "
            "graph, which says the same without rounding"
        )
    if not artifact.complete:
        raise ExchangeError(
            f"Network must be trained completely, but is at presentation "
            f"{artifact.state.presentation} of {artifact.schedule.presentations}"
        )
    check_dt(dt)
    _check_range("inhibition", inhibition, 1e-6, 1e6)
    if reader == "snntorch" and dt != DT:
        raise ExchangeError(f"dt must be {DT:g} for snnTorch, which knows no other, not {dt:g}")
    if reader == "snntorch" and not artifact.config.membrane.leak_shift:
        raise ExchangeError(
            "Network must have a leak for snnTorch, which reads an IF as if it leaked "
            "(membrane.leak_shift is 0)"
        )


def check_dt(dt: float) -> None:
    """Check a step in seconds.

    Raises
    ------
    ExchangeError
        If it is so small or large that products with it are none in single precision, or no number.
    """
    _check_range("dt", dt, 1e-12, 1e3)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ExchangeError(f"{name} must be in {low:g}..{high:g}, not {value:g}")


def _neurons(threshold: npt.NDArray[np.float32], leak_shift: int, dt: float) -> nir.NIRNode:
    """Return neurons that integrate weights as they are, and leak as ``v -= v / 2^leak_shift``."""
    zeros, ones = np.zeros_like(threshold), np.ones_like(threshold)
    if not leak_shift:
        return nir.IF(r=_32(ones / dt), v_threshold=threshold, v_reset=zeros)
    return nir.LIF(
        tau=_32(ones * (dt * 2.0**leak_shift)),
        r=_32(ones * 2.0**leak_shift),
        v_leak=zeros,
        v_threshold=threshold,
        v_reset=zeros,
    )


def float_layer(graph: nir.NIRGraph, *, dt: float) -> FloatLayer:
    """Return what a graph of :func:`to_graph` says, for :mod:`prunus_model.exchange.simulate`.

    Parameters
    ----------
    graph : nir.NIRGraph
        As it is in the file: nothing is taken from the metadata.
    dt : float
        Step in seconds.
    """
    affine, neuron = graph.nodes["affine"], graph.nodes["lif"]
    leaks = isinstance(neuron, nir.LIF)
    zeros = np.zeros(len(affine.bias))
    per_step = dt / _64(neuron.tau) if leaks else zeros + dt
    recurrent = _64(graph.nodes["inhibition"].weight)
    if "relay" in graph.nodes:
        recurrent = _64(graph.nodes["relay"].weight) @ recurrent
    return FloatLayer(
        weight=_64(affine.weight),
        bias=_64(affine.bias),
        leak=per_step if leaks else zeros,
        gain=_64(neuron.r) * per_step,
        v_leak=_64(neuron.v_leak) if leaks else zeros,
        v_threshold=_64(neuron.v_threshold),
        v_reset=_64(neuron.v_reset),
        recurrent=recurrent,
    )


def _32(array: npt.ArrayLike) -> npt.NDArray[np.float32]:
    return np.asarray(array, dtype=np.float32)


def _64(array: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(array, dtype=np.float64)
