"""A trained network, or a checkpoint of one, in a single file.

The file is an ordinary ``.npz`` (``numpy.load`` opens it) with a JSON header as one more member.
It has one hash, ``content_hash`` in the header, over what was computed, not how or where: it is the
same wherever the same command is run again. Damage is noticed by it and by the checksums that a zip
archive has of every member. A file is written beside its final name and renamed, so that there is
never half a file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import ArtifactError, ConfigError
from prunus_model.common.reading import check_members, read_arrays, refusal
from prunus_model.reference.readout import Readout
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.pruning import LiftPruning
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import STATE_DTYPES, State
from prunus_model.training.history import HISTORY_FIELDS, History

if TYPE_CHECKING:
    from prunus_model.exchange.graph import Reader

__all__ = ["FORMAT", "FORMAT_VERSION", "Artifact", "Schedule"]

FORMAT = "prunus network"
FORMAT_VERSION = 2

_HEADER = "header.json"
#: Bytes that it may have: two thousand are usual, and a command line may be long.
_HEADER_LIMIT = 1 << 22
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Members of the records of the history. Format 2 says "live" for "plastic"; the content hash, by
#: which published results name their networks, covers the names.
_HISTORY = {name: f"history_{'live' if name == 'plastic' else name}" for name in HISTORY_FIELDS}
#: A member of files of version 0.1.0 that is not read: of zeros, as the configuration must say.
_FORMER = "coactivity"
#: Arrays beside the state.
_ARRAYS = ("votes", "assignment", "response", "response_images", *_HISTORY.values())
_HEADER_KEYS = {
    "format",
    "format_version",
    "content_hash",
    "complete",
    "config",
    "schedule",
    "presentation",
    "counters",
    "provenance",
}


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
                _hash_array(digest, _FORMER, np.zeros(self.config.inputs, np.int32))
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
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            _add(archive, _HEADER, json.dumps(header, indent=1).encode())
            for name, array in self._arrays().items():
                member = io.BytesIO()
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
                _add(archive, f"{name}.npy", member.getvalue())
        write_atomically(path, buffer.getvalue(), new=new)

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
        if wrong := refusal(path):
            raise ArtifactError(f"Network file {path} {wrong}")
        try:
            with path.open("rb") as file:
                header, arrays = _unpack(file, path)
        except OSError as e:
            raise ArtifactError(f"Network file {path} must be readable: {e.strerror}") from e
        try:
            return cls._build(header, arrays)
        except (ConfigError, ValueError, TypeError, KeyError) as e:
            raise ArtifactError(f"Network file {path} must be consistent: {e}") from e

    @classmethod
    def _build(cls, header: Mapping[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Artifact:
        config = NetworkConfig.from_mapping(header["config"])
        _check_header(header)
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
            history=History(**{name: arrays[member] for name, member in _HISTORY.items()}),
            counters=Counters(**header["counters"]),
            provenance=header["provenance"],
        )
        artifact._check()
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
        names = _state_arrays(
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
        return arrays | {m: getattr(self.history, name) for name, m in _HISTORY.items()}


def _state_arrays(*, by_lift: bool, feedforward: bool) -> list[str]:
    """Return the state variables in a file: rates of inputs and biases only if there are any."""
    there = {"input_rate": by_lift, "bias": feedforward}
    return [name for name in STATE_DTYPES if there.get(name, True)]


def _arrays_of(config: Any) -> list[str]:
    """Return the state variables in a file of a configuration, which is not checked yet."""
    tables = config if isinstance(config, dict) else {}
    pruning = tables.get("pruning")
    return _state_arrays(
        by_lift=isinstance(pruning, dict) and pruning.get("policy") == "lift",
        feedforward=tables.get("feedforward") is not None,
    )


def _hash_array(digest: Any, name: str, array: npt.NDArray[Any]) -> None:
    digest.update(_json([name, array.dtype.str, array.shape]))
    digest.update(np.ascontiguousarray(array).tobytes())


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A fixed date: the same network makes the same file.
    info = zipfile.ZipInfo(name, _EPOCH)
    archive.writestr(info, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _unpack(file: BinaryIO, path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return header and arrays."""
    size = file.seek(0, os.SEEK_END)
    try:
        with zipfile.ZipFile(file) as archive:
            if _HEADER not in archive.namelist():
                raise ArtifactError(f"Network file {path} must be one that prunus has saved")
            check_members(archive, size)
            if archive.getinfo(_HEADER).file_size > _HEADER_LIMIT:
                raise ValueError(f"{_HEADER} must have at most {_HEADER_LIMIT} bytes")
            header = json.loads(archive.read(_HEADER))
            found = header.get("format"), header.get("format_version")
            if found != (FORMAT, FORMAT_VERSION):
                raise ArtifactError(
                    f"Network file {path} must be {FORMAT!r} of format {FORMAT_VERSION}, "
                    f"not {found[0]!r} of format {found[1]!r}"
                )
            _check_names("header keys", list(header), _HEADER_KEYS, path)
            state = _arrays_of(header["config"])
            members = {name: f"{name}.npy" for name in (*state, *_ARRAYS)}
            found_names = [name for name in archive.namelist() if name != f"{_FORMER}.npy"]
            _check_names("members", found_names, {_HEADER, *members.values()}, path)
            arrays = read_arrays(archive, members, packed=size)
    except (ArtifactError, MemoryError):
        raise
    except Exception as e:
        # Damaged, or no artefact: zipfile, zlib, json and NumPy have a dozen kinds of errors.
        reason = str(e) or type(e).__name__
        raise ArtifactError(f"Network file {path} must be readable: {reason}") from e
    return header, arrays


def _check_names(what: str, found: list[str], expected: set[str], path: Path) -> None:
    """Check that each expected name is there, once, and no other."""
    wrong = {name for name in {*found, *expected} if found.count(name) != (name in expected)}
    if wrong:
        raise ArtifactError(
            f"Network file {path} must have the known {what}, each once, "
            f"but differs in {', '.join(sorted(wrong))}"
        )


def _check_header(header: Mapping[str, Any]) -> None:
    """Check the types of what is neither configuration nor schedule."""
    provenance, counters = header["provenance"], header["counters"]
    if not isinstance(provenance, dict):
        raise TypeError(f"provenance must be a table, not {provenance!r}")
    seconds = provenance.get("train_seconds", 0)
    if not isinstance(seconds, int | float) or not 0 <= seconds < inf:
        raise TypeError(f"provenance.train_seconds must be a number of 0 or more, not {seconds!r}")
    if not isinstance(counters, dict) or counters.keys() != set(COUNTERS):
        raise TypeError(f"counters must be {', '.join(COUNTERS)}")
    for name, value in {"presentation": header["presentation"], **counters}.items():
        if type(value) is not int or value < 0:
            raise TypeError(f"{name} must be an integer of 0 or more, not {value!r}")
