"""A trained network, or a checkpoint of one, which a single file holds.

It has one hash, over what was computed, not how or where: it is the same wherever the same command
is run again. The file, in which that hash is too, is that of
:mod:`prunus_model.training.network_file`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ArtifactError, ConfigError, DataError
from prunus_model.data.trained_on import TrainedOn
from prunus_model.reference.readout import Readout
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.pruning import LiftPruning
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import STATE_DTYPES, State
from prunus_model.training.history import HISTORY_FIELDS, History
from prunus_model.training.network_file import (
    FORMAT,
    FORMAT_VERSION,
    FORMER,
    HISTORY_MEMBERS,
    check_header,
    read_members,
    state_arrays,
    write_members,
)

if TYPE_CHECKING:
    from prunus_model.exchange.graph import Reader

__all__ = ["Artifact", "Schedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What a network is trained on.

    A network that was trained elsewhere (:meth:`imported`) has 0 images and 0 epochs here; its data
    are the file that it was imported from.

    Attributes
    ----------
    data : str
        What the data set is called, as :attr:`prunus_model.data.split.Split.identity`.
    data_sha256 : str
        SHA-256 of its images and labels.
    images : int
        Its images; presentation ``p`` shows image ``p mod images``.
    epochs : int
        How often each is shown.

    Raises
    ------
    TypeError
        If a value is of another type.
    ConfigError
        If there are fewer presentations than one, or more than can be counted.
    """

    data: str
    data_sha256: str
    images: int
    epochs: int

    def __post_init__(self) -> None:
        for name, kind in (("data", str), ("data_sha256", str), ("images", int), ("epochs", int)):
            if type(value := getattr(self, name)) is not kind:
                raise TypeError(f"schedule.{name} must be {kind.__name__}, not {value!r}")
        if self.elsewhere:
            return
        most = max_of(PRESENTATION_BITS)
        if not 1 <= self.images <= most:
            raise ConfigError(f"Images must be in 1..{most}, not {self.images}")
        if not 1 <= self.epochs <= most // self.images:
            raise ConfigError(
                f"Epochs must be in 1..{most // self.images} for {self.images} images, "
                f"not {self.epochs}"
            )

    @classmethod
    def imported(cls, kind: str, sha256: str) -> Schedule:
        """Return the schedule of a network from a file of a kind, which has that SHA-256."""
        return cls(data=kind, data_sha256=sha256, images=0, epochs=0)

    @property
    def elsewhere(self) -> bool:
        """Whether the network was trained elsewhere."""
        return self.images == self.epochs == 0

    @property
    def presentations(self) -> int:
        """Presentations of the whole training."""
        return self.images * self.epochs


@dataclass(slots=True, kw_only=True)
class Artifact:
    """A network with everything that is known about it.

    Attributes
    ----------
    config : NetworkConfig
        All parameters, the seed among them.
    schedule : Schedule
        What it is trained on.
    state : State
        All state variables; at rest if training is complete.
    readout : Readout
        Votes and classes of the neurons; while training is not complete, those of late.
    response : ndarray of int64, shape (neurons, classes)
        Output spikes by class, which the readout was made from.
    response_images : ndarray of int64, shape (classes,)
        Images of each class that went into it.
    history : History
        How training went.
    counters : Counters
        Sum over the training.
    provenance : dict
        Command, versions, time: how it was made. Not part of the content hash.
    """

    config: NetworkConfig
    schedule: Schedule
    state: State
    readout: Readout
    response: npt.NDArray[np.int64]
    response_images: npt.NDArray[np.int64]
    history: History
    counters: Counters
    provenance: dict[str, Any]

    @property
    def complete(self) -> bool:
        """Whether training is finished; otherwise this is a checkpoint."""
        return self.state.presentation >= self.schedule.presentations

    @property
    def trained_on(self) -> TrainedOn:
        """What is kept of the training data, by which other data are read for the network."""
        return TrainedOn.of(self.provenance)

    @property
    def density(self) -> float:
        """Share of synapses that store a weight: neither pruned nor frozen at 0."""
        return float(np.mean(self.state.plastic))

    @property
    def content_hash(self) -> str:
        """SHA-256 of configuration, schedule, state, readout, history and counters."""
        digest = hashlib.sha256(_json(self._content()))
        for name, array in self._arrays().items():
            _hash_array(digest, name, array)
            if name == "last_step":
                # A state variable of version 0.1.0: published hashes cover its zeros.
                _hash_array(digest, FORMER, np.zeros(self.config.inputs, np.int32))
        return digest.hexdigest()

    def save(self, path: Path, *, new: bool = False) -> None:
        """Write the file as :func:`prunus_model.common.atomic.write_atomically` does.

        Raises
        ------
        OSError
            If the file cannot be written; then an older one is still there. A FileExistsError if it
            is to be ``new`` and is not.
        """
        header = {
            "format": FORMAT,
            "content_hash": self.content_hash,
            "provenance": self.provenance,
            **self._content(),
        }
        write_members(path, header, self._arrays(), new=new)

    def to_nir(self, *, dt: float = 1e-4, inhibition: float = 1.0, reader: Reader = "nir") -> Any:
        """Return the network as a graph of NIR; needs the extra ``nir``.

        How often it predicts the same is not measured:
        :func:`prunus_model.exchange.export.measured_graph` does that, and so does ``prunus export
        nir``.

        Parameters
        ----------
        dt, inhibition, reader
            As :func:`prunus_model.exchange.graph.to_graph`, whose errors are those of this, too.

        Returns
        -------
        nir.NIRGraph
        """
        from prunus_model.exchange.graph import to_graph

        return to_graph(self, dt=dt, inhibition=inhibition, reader=reader)

    @classmethod
    def load(cls, path: Path) -> Artifact:
        """Read a file and check everything in it.

        Raises
        ------
        ArtifactError
            If it cannot be read, is no such file, is damaged, of a newer format, or inconsistent.
        """
        header, arrays = read_members(path)
        try:
            return cls._build(header, arrays)
        except (ConfigError, DataError, ValueError, TypeError, KeyError) as e:
            raise ArtifactError(f"Network file {path} must be consistent: {e}") from e

    @classmethod
    def _build(cls, header: Mapping[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Artifact:
        config = NetworkConfig.from_mapping(header["config"])
        check_header(header)
        artifact = cls(
            config=config,
            schedule=Schedule(**header["schedule"]),
            state=State(
                **{
                    name: arrays.get(name, np.zeros(0, kind)) for name, kind in STATE_DTYPES.items()
                },
                presentation=header["presentation"],
            ),
            readout=Readout(votes=arrays["votes"], assignment=arrays["assignment"]),
            response=arrays["response"],
            response_images=arrays["response_images"],
            history=History(**{name: arrays[member] for name, member in HISTORY_MEMBERS.items()}),
            counters=Counters(**header["counters"]),
            provenance=header["provenance"],
        )
        artifact._check()
        TrainedOn.of(artifact.provenance)
        if artifact.complete != header["complete"]:
            raise ValueError("complete does not follow from presentation")
        if artifact.content_hash != header["content_hash"]:
            raise ValueError("content_hash is not that of the content")
        return artifact

    def _check(self) -> None:
        if self.schedule.elsewhere != (self.config.feedforward is not None):
            raise ValueError("schedule must be of a training, unless feedforward is given")
        self.state.check(self.config)
        neurons, classes = self.config.all_neurons, self.config.readout.classes
        votes, class_of, most = self.readout.votes, self.readout.assignment, np.iinfo(np.int64).max
        top = max_of(self.config.readout.vote_bits)
        for name, array, shape, dtype, low, high in (
            ("votes", votes, (neurons, classes), np.uint8, 0, top),
            ("assignment", class_of, (neurons,), np.int16, UNDECIDED, classes - 1),
            ("response", self.response, (neurons, classes), np.int64, 0, most),
            ("response_images", self.response_images, (classes,), np.int64, 0, most),
        ):
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(
                    f"{name} must be {np.dtype(dtype)} of shape {shape}, "
                    f"not {array.dtype} of shape {array.shape}"
                )
            if array.min() < low:
                raise ValueError(f"{name} must be at least {low}, not {array.min()}")
            if array.max() > high:
                raise ValueError(f"{name} must be at most {high}, not {array.max()}")
        self.history.check()
        for name in HISTORY_FIELDS:
            if name in COUNTERS:
                total = int(getattr(self.history, name).sum())
                if total != (counted := getattr(self.counters, name)):
                    raise ValueError(f"history of {name} must add up to {counted}, not {total}")
        if self.counters.presentations != self.state.presentation:
            raise ValueError(
                f"presentation must be that of the counters, {self.counters.presentations}, "
                f"not {self.state.presentation}"
            )

    def _content(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "complete": self.complete,
            "config": self.config.to_identity(),
            "schedule": asdict(self.schedule),
            "presentation": self.state.presentation,
            "counters": asdict(self.counters),
        }

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        names = state_arrays(
            by_lift=isinstance(self.config.pruning, LiftPruning),
            feedforward=self.config.feedforward is not None,
        )
        arrays = {name: getattr(self.state, name) for name in names}
        arrays |= {
            "votes": self.readout.votes,
            "assignment": self.readout.assignment,
            "response": self.response,
            "response_images": self.response_images,
        }
        return arrays | {m: getattr(self.history, name) for name, m in HISTORY_MEMBERS.items()}


def _hash_array(digest: Any, name: str, array: npt.NDArray[Any]) -> None:
    digest.update(_json([name, array.dtype.str, array.shape]))
    digest.update(np.ascontiguousarray(array).tobytes())


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
