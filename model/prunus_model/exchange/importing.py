"""A graph of NIR becomes a network: read, quantised, given votes, compared with its floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import nir
import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ExchangeError
from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.exchange.agreement import Agreement, measure
from prunus_model.exchange.files import read_hashed
from prunus_model.exchange.quantise import Loss, quantised
from prunus_model.exchange.reading import Leak, read_layer
from prunus_model.exchange.simulate import FloatLayer
from prunus_model.reference.readout import Readout, response
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.formats import CLASSES_MAX, V_FIRE_BITS
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact, Schedule
from prunus_model.training.history import History
from prunus_model.training.trainer import versions

__all__ = ["GAIN", "Imported", "VotesBy", "check_leak", "import_graph", "with_agreement"]

#: What the votes of a neuron are made by (:func:`import_graph`).
VotesBy: TypeAlias = Literal["number", "response"]

#: Of the encoder, if nobody says another: an input spikes with the probability of its grey level.
GAIN = 256
_CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A network that was a graph.

    Attributes
    ----------
    artifact : Artifact
        The network.
    layer : FloatLayer
        The graph in floating point, with its own leak.
    leak : Leak
        The graph's, and the network's.
    loss : Loss
        What quantisation has changed.
    agreement : Agreement or None
        How often both predict the same; None if nothing was shown.
    """

    artifact: Artifact
    layer: FloatLayer
    leak: Leak
    loss: Loss
    agreement: Agreement | None


def import_graph(
    path: Path,
    settings: dict[str, Any],
    *,
    dt: float,
    reset: str = "zero",
    leak_shift: int | None = None,
    load: Callable[[EncoderParams], Labelled] | None = None,
    votes_by: VotesBy | None = None,
    command: str = "",
) -> Imported:
    """Read a graph and make a network of it.

    Parameters
    ----------
    path : Path
        File of NIR, of any version that is read.
    settings : dict
        Tables of the configuration: what the graph does not say, such as ``encoder``.
    dt : float
        Step in seconds.
    reset : "zero" or "subtract"
        As :class:`prunus_model.spec.feedforward.FeedforwardParams`; graphs don't say it.
    leak_shift : int, optional
        In place of the graph's leak. Default: the graph's, which must be a power of two.
    load : callable, optional
        Returns labelled training data for an encoder; neurons get votes by them.
    votes_by : "number" or "response", optional
        Each neuron has one vote, for the class of its number (of several neurons for a class, the
        first are of the first class); or votes for all classes by its answers to training images,
        as a network that is trained here. Default: by number if there are as many neurons as
        classes, else by response.
    command : str
        Kept in the provenance.

    Raises
    ------
    ExchangeError
        If the file can't be read, the graph can't be a network, or there are no labels to tell what
        its neurons stand for.
    ConfigError
        If settings are wrong.
    DataError
        If the data do not fit.
    """
    graph, sha256 = read_hashed(path)
    read = read_layer(graph, dt=dt, subtract=reset == "subtract")
    shift = check_leak(read.leak, dt) if leak_shift is None else leak_shift
    neurons, inputs = read.layer.weight.shape
    said = _settings(settings, neurons, inputs, reset, shift)
    draft = _built(said)
    training = load(draft.encoder) if load else None
    classes = _classes(neurons, training, settings)
    by = _votes_by(neurons, classes, training, votes_by)
    readout = {"classes": classes} | ({} if by == "response" else {"vote_bits": 1})
    config = _built(said | {"readout": readout | said["readout"]})
    state, loss = quantised(read.layer, config)
    if by != "number" and training is not None:
        answers, images = _answers(config, state, training)
    else:
        # As if each neuron had answered to the class of its number, once.
        own = np.arange(neurons) // max(1, neurons // classes)
        answers = (own[:, np.newaxis] == np.arange(classes)).astype(np.int64)
        images = np.ones(config.readout.classes, dtype=np.int64)
    artifact = Artifact(
        config=config,
        schedule=Schedule.imported("NIR", sha256),
        state=state,
        readout=Readout.learn(answers, images, config.readout),
        response=answers,
        response_images=images,
        history=History.empty(),
        counters=Counters(),
        provenance={
            "command": command,
            "versions": versions() | {"nir": nir.version},
            "imported": {
                "file": path.name,
                "nodes": read.nodes,
                "dt": dt,
                "leak": read.leak.share,
                "reset": reset,
                "votes_by": by,
            },
            "quantisation": loss.to_mapping(),
        }
        | (training.kept.to_provenance() if training is not None else {}),
    )
    return Imported(
        artifact=artifact,
        layer=read.layer,
        leak=replace(read.leak, shift=shift),
        loss=loss,
        agreement=None,
    )


def with_agreement(imported: Imported, data: Labelled) -> Imported:
    """Show images to the network, and the same spikes to the graph in floats; keep the rate.

    Raises
    ------
    DataError
        If the data do not fit.
    """
    found = measure(imported.artifact, data, imported.layer)
    provenance = imported.artifact.provenance | {"agreement": found.to_mapping()}
    return replace(
        imported, artifact=replace(imported.artifact, provenance=provenance), agreement=found
    )


def check_leak(leak: Leak, dt: float) -> int:
    """Return the shift of a leak.

    Raises
    ------
    ExchangeError
        If it is not a power of two.
    """
    if not leak.exact:
        near = f"2^-{leak.shift}" if leak.shift else "none"
        error = abs(leak.nearest - leak.share) / leak.share
        tau = f", that is tau {dt / leak.nearest:g} in place of {dt / leak.share:g}"
        raise ExchangeError(
            f"Leak of a step (dt / tau) must be 2^-1 to 2^-{V_FIRE_BITS}, or none, not "
            f"{leak.share:g}: nearest is {near}, {100 * error:.1f} % "
            f"off{tau if leak.shift else ''}; --leak-shift {leak.shift} takes it"
        )
    return leak.shift


def _votes_by(
    neurons: int, classes: int, training: Labelled | None, wanted: VotesBy | None
) -> VotesBy:
    """Return what votes are made by."""
    wanted = wanted or ("number" if neurons == classes else "response")
    if wanted != "number" and training is None:
        raise ExchangeError(
            f"Votes of {neurons} neurons for {classes} classes must come from labelled training "
            f"data: name them (--data)"
        )
    if wanted == "number" and neurons > classes and neurons % classes:
        raise ExchangeError(
            f"Neurons must be at most as many as classes, {classes}, or a multiple, to vote for "
            f"the class of their number, not {neurons}: let labels tell (--votes-by response)"
        )
    return wanted


def _classes(neurons: int, training: Labelled | None, settings: dict[str, Any]) -> int:
    """Return the classes that are said, or those of the data, or as many as neurons."""
    readout = settings.get("readout")
    said = readout.get("classes") if isinstance(readout, dict) else None
    if isinstance(said, int):
        return said
    if training is not None:
        return int(training.labels.max()) + 1
    return min(neurons, CLASSES_MAX)


def _settings(
    settings: dict[str, Any], neurons: int, inputs: int, reset: str, leak_shift: int
) -> dict[str, Any]:
    """Return the configuration in tables: what the graph says, what is set, and defaults."""
    values: dict[str, Any] = {
        "inputs": inputs,
        "neurons": neurons,
        "encoder": {"gain": GAIN},
        "membrane": {"leak_shift": leak_shift},
        "pruning": {"policy": "none"},
        "readout": {},
        "feedforward": {"reset": reset},
    }
    for key, inner, option in (
        ("feedforward", "reset", "--reset"),
        ("membrane", "leak_shift", "--leak-shift"),
    ):
        table = settings.get(key)
        if isinstance(table, dict) and table.get(inner, values[key][inner]) != values[key][inner]:
            # Else the floats that it is compared with would be of another.
            raise ExchangeError(
                f"{key}.{inner} must be {values[key][inner]}, as in the graph and the options, not "
                f"{table[inner]!r}: set it by {option}"
            )
    for key, value in settings.items():
        old = values.get(key)
        values[key] = old | value if isinstance(old, dict) and isinstance(value, dict) else value
    for key, said in (("inputs", inputs), ("neurons", neurons)):
        if values[key] != said:
            raise ExchangeError(f"{key} must be that of the graph, {said}, not {values[key]!r}")
    return values


def _built(values: dict[str, Any]) -> NetworkConfig:
    return NetworkConfig.from_mapping(values, source="Configuration")


def _answers(
    config: NetworkConfig, state: State, training: Labelled
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return output spikes by class of the training images, and how many these are."""
    engine, shown = Engine(config, state), stimuli(training, config)
    classes = config.readout.classes
    sums = np.zeros((config.neurons, classes), dtype=np.int64)
    for start in range(0, len(training), _CHUNK):
        part = slice(start, start + _CHUNK)
        _, spikes = engine.infer(shown[part], first=start, stop_after=config.readout.stop_after)
        sums += response(spikes, training.labels[part], classes)
    return sums, np.bincount(training.labels, minlength=classes).astype(np.int64)
