"""Traces are what the reference does, in a form from which other tools find the same steps."""

from dataclasses import replace
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from prunus_cli import digits, windows
from prunus_events import event_network, write_event_digits
from prunus_model.common.errors import DataError, ExchangeError
from prunus_model.data.events.split import load_for, stimuli
from prunus_model.exchange.files import read_data, write_data
from prunus_model.exchange.graph import to_graph
from prunus_model.exchange.spikes import input_spikes
from prunus_model.exchange.trace import to_data, trace
from prunus_model.reference.network import Network
from prunus_model.spec.units import MembraneParams
from prunus_model.training.artifact import Artifact


def inhibited(artifact: Artifact, steps: int) -> Artifact:
    """The same network with other membranes."""
    membrane = MembraneParams(leak_shift=3, inhibition_steps=steps)
    return replace(artifact, config=replace(artifact.config, membrane=membrane))


@pytest.mark.parametrize("inhibition_steps", [0, 2])
def test_potentials_follow_the_equations(trained: Artifact, inhibition_steps: int) -> None:
    artifact = inhibited(trained, inhibition_steps)
    data, first, count = digits(9, seed=8), 3, 4
    found = trace(artifact, data, first=first, count=count)
    weights = artifact.state.weights.astype(np.int64)
    assert found.spikes.any()
    for n in range(count):
        v, wait = np.zeros(10, dtype=np.int64), 0
        for step in range(16):
            if not wait:
                v = v + weights[found.inputs[n, step]].sum(axis=0)
            assert np.array_equal(found.v[n, step], v)
            margin = v - artifact.state.v_fire
            fires = not wait and margin.max() >= 0
            fired = np.arange(10) == (margin.argmax() if fires else -1)
            assert np.array_equal(found.spikes[n, step], fired)
            if fires:
                v, wait = np.zeros(10, dtype=np.int64), inhibition_steps
            elif wait:
                wait -= 1
            else:
                v = v - (v >> 3)
            assert np.array_equal(found.v_end[n, step], v)


def test_presentations_have_their_own_numbers(trained: Artifact) -> None:
    data = digits(9, seed=8)
    found = trace(trained, data, first=3, count=4)
    shown = stimuli(data, trained.config)
    assert isinstance(shown, np.ndarray)
    assert np.array_equal(found.inputs, input_spikes(trained.config, shown)[3:7])
    one = trace(trained, data, first=5)
    assert np.array_equal(one.v, found.v[2:3])
    network = Network(trained.config, trained.state)
    network.state.presentation = 5
    fired = [(s.step, s.post) for s in network.steps(shown[5], learn=False) if s.post >= 0]
    assert list(zip(*np.nonzero(one.spikes[0]), strict=True)) == fired


def test_presentations_are_whole_and_the_network_stays(trained: Artifact) -> None:
    early = replace(trained, config=trained.config.with_readout(stop_after=1))
    before = trained.state.copy()
    found = trace(early, digits(5, seed=8), count=5)
    assert found.spikes.sum(axis=(1, 2)).max() > 1
    assert trained.state.differences(before) == []


def test_events_are_traced(tmp_path: Path) -> None:
    artifact = event_network()
    write_event_digits(tmp_path / "events", 10, 20)
    data = load_for(artifact.config.encoder, str(tmp_path / "events"), "test")
    found = trace(artifact, data, first=2, count=3)
    shown = stimuli(data, artifact.config)
    assert np.array_equal(found.inputs, input_spikes(artifact.config, shown)[2:5])
    assert found.spikes.any()


@pytest.mark.parametrize("dt", [1e-4, 1e-3, 0.1, 1 / 3, 7e-7])
def test_steps_are_found_again_by_their_time(trained: Artifact, dt: float, tmp_path: Path) -> None:
    found = trace(trained, digits(6, seed=8), count=6)
    assert len(set(found.inputs.sum(axis=(1, 2)).tolist())) > 1
    path = tmp_path / "trace.nir"
    write_data(path, to_data(found, dt=dt), {"prunus_dt": dt})
    back = read_data(path)
    lif = back.nodes["lif"].observables
    for events, spikes in (
        (back.nodes["input"].observables["spikes"], found.inputs),
        (lif["spikes"], found.spikes),
    ):
        grid = events.to_time_gridded(dt)
        assert grid.data.shape == spikes.shape
        assert np.array_equal(grid.data, spikes)
        assert events.n_neurons == spikes.shape[2]
    for name, values in (("v", found.v), ("v_end", found.v_end)):
        assert lif[name].data.dtype == np.int32
        assert np.array_equal(lif[name].data, values)
        assert lif[name].dt == dt
    back.check_nodes(to_graph(trained))
    with h5py.File(path) as file:
        assert file.attrs["prunus_dt"] == dt


def test_trace_without_output_spikes(trained: Artifact, tmp_path: Path) -> None:
    dark = replace(digits(2), images=np.zeros((2, 49), dtype=np.uint8))
    found = trace(trained, dark, count=2)
    path = tmp_path / "trace.nir"
    write_data(path, to_data(found, dt=1e-4), {})
    events = read_data(path).nodes["lif"].observables["spikes"]
    assert isinstance(events, nir.EventData)
    assert not events.to_time_gridded(1e-4).data.any()


def test_what_cannot_be_traced_is_refused(trained: Artifact) -> None:
    with pytest.raises(ExchangeError, match="without groups for NIR"):
        trace(windows(), digits(2))
    with pytest.raises(DataError, match="digits from image 1 on must be in"):
        trace(trained, digits(2), first=1, count=2)
