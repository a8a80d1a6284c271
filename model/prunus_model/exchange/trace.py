"""Golden spikes and membrane potentials in the trace format of NIR, to hold simulators to.

The nodes are those of :func:`prunus_model.exchange.graph.to_graph`. `input` has the spikes of the
golden encoder; show them to a simulator. `lif` has the output spikes and two potentials: `v` is
compared with the threshold in the step, so it is before the leak, and before the reset by a winner;
`v_end` is the state variable at the end of the step. In graphs of NIR the leak is at the beginning
of the next step: where nobody fired, their potentials are those of `v`, but for the rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import nir
import numpy as np
import numpy.typing as npt

from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.exchange.spikes import check_undivided
from prunus_model.reference import membrane
from prunus_model.reference.network import Network
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.training.artifact import Artifact

__all__ = ["Trace", "to_data", "trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What happens in presentations, step by step; inhibited steps integrate nothing.

    Attributes
    ----------
    inputs : ndarray of bool, shape (n, steps, inputs)
        Input spikes that are not dropped.
    spikes : ndarray of bool, shape (n, steps, neurons)
        Output spikes, at most one in a step unless the network is a feed-forward layer.
    v, v_end : ndarray of int32, shape (n, steps, neurons)
        Potential that is compared, and potential at the end of the step.
    """

    inputs: npt.NDArray[np.bool_]
    spikes: npt.NDArray[np.bool_]
    v: npt.NDArray[np.int32]
    v_end: npt.NDArray[np.int32]


def trace(artifact: Artifact, data: Labelled, *, first: int = 0, count: int = 1) -> Trace:
    """Show some of the data to the reference, whole presentations without learning.

    Parameters
    ----------
    artifact : Artifact
        A network without groups.
    data : Split or EventSplit
        Image ``i`` of it is presentation ``i``.
    first, count : int
        Which are shown.

    Returns
    -------
    Trace

    Raises
    ------
    ExchangeError
        If the network has groups.
    DataError
        If there are not so many, or they do not fit the configuration.
    """
    config = artifact.config
    check_undivided(config)
    shown = stimuli(data.take(first, count), config)
    network = Network(config, artifact.state)
    network.state.presentation = first
    shape = (count, config.encoder.steps)
    inputs = np.zeros((*shape, config.inputs), dtype=np.bool_)
    spikes = np.zeros((*shape, config.neurons), dtype=np.bool_)
    v, v_end = (np.zeros((*shape, config.neurons), dtype=np.int32) for _ in range(2))
    for n in range(count):
        steps = (
            network.steps_events([pres.tolist() for pres in shown.lists(n)], learn=False)
            if isinstance(shown, PackedEvents)
            else network.steps(shown[n], learn=False)
        )
        before = np.zeros(config.neurons, dtype=np.int64)
        for one in steps:
            heard = one.kept & (not one.inhibited)
            v[n, one.step] = membrane.integrate(before, artifact.state.weights, heard)
            if config.feedforward:
                v[n, one.step] += artifact.state.bias
            v_end[n, one.step] = before = network.state.v.astype(np.int64)
            inputs[n, one.step] = one.kept
            spikes[n, one.step, list(one.fired)] = True
    return Trace(inputs=inputs, spikes=spikes, v=v, v_end=v_end)


def to_data(found: Trace, *, dt: float) -> nir.NIRGraphData:
    """Return a trace as NIR has it.

    Spikes are events, in the middle of their step: so a reader that divides by ``dt`` and rounds
    down finds it again. Potentials are int32 on the grid of the steps.
    """
    return nir.NIRGraphData(
        nodes={
            "input": nir.NIRNodeData(observables={"spikes": _events(found.inputs, dt)}),
            "lif": nir.NIRNodeData(
                observables={
                    "spikes": _events(found.spikes, dt),
                    "v": nir.TimeGriddedData(data=found.v, dt=dt),
                    "v_end": nir.TimeGriddedData(data=found.v_end, dt=dt),
                }
            ),
        }
    )


def _events(spikes: npt.NDArray[np.bool_], dt: float) -> nir.EventData:
    samples, steps, neurons = spikes.shape
    most = int(spikes.sum(axis=(1, 2)).max(initial=0))
    idx, time = np.full((samples, most), -1, dtype=np.int64), np.full((samples, most), np.inf)
    for sample in range(samples):
        step, neuron = np.nonzero(spikes[sample])
        idx[sample, : len(neuron)] = neuron
        time[sample, : len(step)] = (step + 0.5) * dt
    # A little more than the steps: rounded down, it is still all of them.
    return nir.EventData(idx=idx, time=time, n_neurons=neurons, t_max=(steps + 0.5) * dt)
