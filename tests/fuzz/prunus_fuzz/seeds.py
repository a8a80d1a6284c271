"""Contents that are mutated: a tiny network and what belongs to it, all made by the product."""

from __future__ import annotations

import copy
import gzip
import io
import random
import tempfile
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from prunus_cli import PRUNING, digits, tiny
from prunus_data import to_idx
from prunus_liberty import LIBERTY
from prunus_model.data.split import Split
from prunus_model.exchange.files import write_graph
from prunus_model.exchange.graph import READERS, to_graph
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.export import collect
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.work import Result
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_training import training

__all__ = ["CONFIG", "EPOCHS", "Seeds", "resigned"]

#: Ten neurons, 7 x 7 pixels; two intervals, between which is the checkpoint.
CONFIG, EPOCHS = tiny("adaptive"), 4
_IMAGES = 500
_SWEEPS = """
choosing_seeds = [9]
[[sweeps]]
part = "sizes"
epochs = 1
config = ["demo", "400"]
data = ["sample"]
seeds = [1, 2]
stop_after = [1, 0]
weight_bits = [3, 8]
policies = [{ policy = "none" }, { policy = "adaptive", strength_gain = [100, 200], label = "x" }]
[sweeps.set]
encoder = { steps = 8 }
"""


class Seeds:
    """Seeds by reader; each is made once."""

    #: Fingerprint of a model that does not matter.
    MODEL = "0123456789abcdef"

    @staticmethod
    @cache
    def images() -> Split:
        """Training images."""
        return digits(_IMAGES)

    @staticmethod
    @cache
    def tests() -> Split:
        """Test images."""
        return digits(100, seed=1)

    @staticmethod
    @cache
    def checkpoint() -> Artifact:
        """The network at half of its training."""
        trainer = Trainer(CONFIG, Seeds.images(), epochs=EPOCHS)
        trainer.advance()
        return trainer.checkpoint(command="prunus train")

    @staticmethod
    @cache
    def trained() -> Artifact:
        """The network after its training."""
        trainer = Trainer(CONFIG, Seeds.images(), epochs=EPOCHS)
        while not trainer.done:
            trainer.advance()
        return trainer.finish(command="prunus train", threads=1)

    @staticmethod
    def saved(artifact: Artifact) -> bytes:
        """Content of the file of a network."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.npz"
            artifact.save(path)
            return path.read_bytes()

    @staticmethod
    @cache
    def artifact(content: bytes) -> Artifact:
        """The network of a file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.npz"
            path.write_bytes(content)
            return Artifact.load(path)

    @staticmethod
    def archives() -> list[bytes]:
        """Archives of images and labels."""
        a, b = Seeds.images(), Seeds.tests()
        arrays: dict[str, Any] = {
            "train_images": a.images.reshape(-1, 7, 7),
            "train_labels": a.labels,
            "test_images": b.images.reshape(-1, 7, 7),
            "test_labels": b.labels,
        }
        plain, packed = io.BytesIO(), io.BytesIO()
        np.savez(plain, **arrays)
        np.savez_compressed(packed, **arrays)
        return [plain.getvalue(), packed.getvalue()]

    @staticmethod
    @cache
    def idx() -> bytes:
        """A file of images."""
        return to_idx(Seeds.images().images.reshape(-1, 7, 7))

    @staticmethod
    def packed_idx() -> bytes:
        """The same, packed."""
        return gzip.compress(Seeds.idx(), mtime=0)

    @staticmethod
    def graphs() -> list[bytes]:
        """Graphs of NIR, for each reader."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.nir"
            contents = []
            for reader in READERS:
                write_graph(path, to_graph(Seeds.trained(), reader=reader))
                contents.append(path.read_bytes())
            return contents

    @staticmethod
    def configs() -> list[bytes]:
        """Configurations with each policy of pruning."""
        configs = [*(tiny(policy) for policy in PRUNING), NetworkConfig.named("demo")]
        return [config.to_toml().encode() for config in configs]

    @staticmethod
    def sweeps() -> list[bytes]:
        """Lists of trainings."""
        return [_SWEEPS.encode()]

    @staticmethod
    def technology() -> list[bytes]:
        """The table that comes with the package."""
        return [(files("prunus_overhead.energy") / "technology.toml").read_bytes()]

    @staticmethod
    def cores() -> list[bytes]:
        """Descriptions of a core that learns, and of one with each packed store."""
        learning = ExportOptions(mode="learning", lanes=4)
        packed = [ExportOptions(lanes=4, store=store) for store in ("csr", "dense", "bitmask")]
        found = []
        for options in (learning, *packed):
            core = CoreDescription.of(link_plan(Seeds.trained(), options), clock_hz=25_000_000)
            with tempfile.TemporaryDirectory() as folder:
                core.save(Path(folder) / "core.json")
                found.append((Path(folder) / "core.json").read_bytes())
        return found

    @staticmethod
    def pictures() -> list[bytes]:
        """Pictures of all modes that PNG has."""
        grey = Image.fromarray(Seeds.images().images[0].reshape(7, 7))
        deep = Image.fromarray(Seeds.images().images[0].reshape(7, 7).astype(np.uint16) << 8)
        pictures = [grey, deep, *(grey.convert(m) for m in ("1", "LA", "RGB", "RGBA", "P"))]
        found = []
        for picture in pictures:
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            found.append(buffer.getvalue())
        return found

    @staticmethod
    def liberty() -> list[bytes]:
        """A library of a few cells."""
        return [LIBERTY.encode()]

    @staticmethod
    @cache
    def training() -> Training:
        """A training of which the store has the result."""
        return training(exits=(0, 2))

    @staticmethod
    @cache
    def _filled() -> tuple[bytes, list[dict[str, Any]]]:
        wanted = Seeds.training()
        result = Result(
            digest=wanted.digest,
            name=wanted.name,
            row={"density": 0.5, "artifact_hash": "0" * 64, "w_prune_early": [1, 2]},
            tests={r: {**r.columns, "vote": 0.1 * r.early_exit} for r in wanted.rules},
            detail={"history": {}, "neurons": {}},
            seconds=1.5,
            versions={"python": "3"},
        )
        with tempfile.TemporaryDirectory() as folder:
            store = ResultStore(Path(folder) / "store.sqlite", Seeds.MODEL)
            store.add(result)
            rows = collect([wanted], store).rows
            return store.path.read_bytes(), rows

    @staticmethod
    def stores() -> list[bytes]:
        """A store with one training."""
        return [Seeds._filled()[0]]

    @staticmethod
    def rows() -> list[dict[str, Any]]:
        """What is collected of it."""
        return Seeds._filled()[1]


def resigned(rng: random.Random, content: bytes) -> bytes:
    """Change one element of a saved network, or its schedule, and make all hashes anew."""
    artifact = copy.deepcopy(Seeds.artifact(content))
    holder = rng.choice((artifact.state, artifact.readout, artifact.history, artifact))
    arrays = [
        array
        for field in fields(holder)
        if isinstance(array := getattr(holder, field.name), np.ndarray) and array.size
    ]
    if not arrays or rng.randrange(10) == 0:
        artifact.state.presentation += rng.choice((-1, 1, 10**6))
        return Seeds.saved(artifact)
    array = rng.choice(arrays)
    array.setflags(write=True)
    flat, at = array.reshape(-1), rng.randrange(array.size)
    low, high = (
        (0, 1) if array.dtype == bool else (np.iinfo(array.dtype).min, np.iinfo(array.dtype).max)
    )
    flat[at] = rng.choice(
        (low, high, 0, 1, max(int(flat[at]) - 1, low), min(int(flat[at]) + 1, high))
    )
    return Seeds.saved(artifact)
