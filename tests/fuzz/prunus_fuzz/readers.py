"""Everything that reads what others wrote: seeds, mutations, and what must hold then."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import isfinite, prod
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from prunus_cli import same
from prunus_fuzz import containers as remade
from prunus_fuzz import mutations as raw
from prunus_fuzz.mutations import Mutation
from prunus_fuzz.pool import WrongValueError
from prunus_fuzz.seeds import CONFIG, EPOCHS, Seeds, resigned
from prunus_model.data import idx
from prunus_model.data.datasets import load
from prunus_model.data.pictures import read_picture
from prunus_model.exchange.files import read_graph
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.export import collect
from prunus_model.study.plan import plan
from prunus_model.study.results_db import ResultStore
from prunus_model.study.trials import read_trials
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer
from prunus_overhead.energy.technology import Technology
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_rtl.link.protocol.description import CoreDescription

__all__ = ["READERS", "Reader"]

#: Reads a file; raises :class:`WrongValueError` if what it takes is not what seed or file says.
#: Given are the file, the seed, and whether its checksums were made anew.
Check: TypeAlias = Callable[[Path, bytes, bool], None]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A reader and how it is attacked.

    Attributes
    ----------
    name, file : str
        Of the reader, and of the file that it is given.
    seeds : callable
        Makes the contents that are mutated.
    check : Check
        Reads a mutated file.
    plain, new : tuple of Mutation
        Mutations that leave checksums as they are, and that make them anew.
    """

    name: str
    file: str
    seeds: Callable[[], list[bytes]]
    check: Check
    plain: tuple[Mutation, ...] = (raw.of_bytes,)
    new: tuple[Mutation, ...] = ()

    @cached_property
    def contents(self) -> list[bytes]:
        """The seeds, made once."""
        return self.seeds()

    def mutated(self, number: int) -> tuple[bytes, bytes, bool]:
        """Return the input of a number, its seed, and whether its checksums were made anew."""
        rng = random.Random(f"{self.name} {number}")
        seed = rng.choice(self.contents)
        mutation = rng.choice((*self.plain, *self.new))
        return mutation(rng, seed), seed, mutation in self.new

    def read(self, number: int) -> None:
        """Read the input of a number in the current folder."""
        content, seed, new = self.mutated(number)
        path = Path(self.file)
        path.write_bytes(content)
        try:
            self.check(path, seed, new)
        finally:
            if self.name != "results store" and path.read_bytes() != content:
                raise WrongValueError("the input was changed")


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise WrongValueError(what)


def _artifact(path: Path, seed: bytes, new: bool) -> None:
    artifact, before = Artifact.load(path), Seeds.artifact(seed)
    if artifact.content_hash == before.content_hash:
        _must(same(artifact, before), "another content has the content hash of the seed")
    else:
        _must(new, "another content hash was taken")


def _checkpoint(path: Path, seed: bytes, new: bool) -> None:
    checkpoint = Artifact.load(path)
    trainer = Trainer(CONFIG, Seeds.images(), epochs=EPOCHS, checkpoint=checkpoint)
    while not trainer.done:
        trainer.advance()
    result = trainer.finish(threads=1)
    if checkpoint.content_hash == Seeds.artifact(seed).content_hash:
        want = Seeds.trained().content_hash
        _must(result.content_hash == want, "the training ends otherwise than that of the seed")
    else:
        _must(new, "another content hash was taken")


def _data(path: Path, _seed: bytes, new: bool) -> None:
    for split in ("train", "test"):
        found = load(str(path), "train" if split == "train" else "test")
        if not new:
            of = [Seeds.images().sha256, Seeds.tests().sha256]
            _must(found.sha256 in of, "other images were taken")
            continue
        with np.load(path) as archive:
            images, labels = (
                archive[f"{found.name.split()[-1]}_{what}"] for what in ("images", "labels")
            )
        _must(np.array_equal(images.reshape(len(images), -1), found.images), "images differ")
        # A column of labels, as of CIFAR-10, is taken, too; and words, which are numbered.
        words = labels.dtype.kind == "U"
        told = np.array(found.class_names)[found.labels] if words else found.labels
        _must(np.array_equal(labels.reshape(-1), told), "labels differ")


def _idx(path: Path, seed: bytes, new: bool) -> None:
    content = idx.read_content(path)
    parsed = idx.parse_images(content, path)
    magic, *shape = struct.unpack(">4I", content[:16])
    _must(magic == 0x803, "another magic number was taken")
    _must(parsed.shape == tuple(shape), "the shape is not that of the header")
    _must(len(content) == 16 + prod(shape), "the length is not that of the header")
    _must(parsed.tobytes() == content[16:], "the pixels are not those of the file")
    if seed[:2] == b"\x1f\x8b" and not new:
        _must(content == Seeds.idx(), "damaged content was taken")


def _config(path: Path, _seed: bytes, _new: bool) -> None:
    config = NetworkConfig.read(path)
    _must(NetworkConfig.from_toml(config.to_toml()) == config, "written and read it differs")
    json.dumps(config.to_mapping(), allow_nan=False)


def _sweeps(path: Path, _seed: bytes, _new: bool) -> None:
    trainings = plan(read_trials(path))
    _must(len({t.digest for t in trainings}) == len(trainings), "a training is there twice")


def _technology(path: Path, _seed: bytes, _new: bool) -> None:
    technology = Technology.read(path)
    figures = list(_numbers(asdict(technology)))
    figures += [technology.access_pj(words=8192, width=64, write=write) for write in (True, False)]
    figures += [technology.add_pj(8), technology.compare_pj(8)]
    _must(all(isfinite(n) and n >= 0 for n in figures), f"a figure can't be: {figures}")


def _core(path: Path, _seed: bytes, _new: bool) -> None:
    core = CoreDescription.load(path)
    core.identity(bytes(32))
    core.save(Path("again.json"))
    _must(CoreDescription.load(Path("again.json")) == core, "written and read it differs")
    core.plan(Seeds.trained())


def _picture(path: Path, seed: bytes, new: bool) -> None:
    pixels, _ = read_picture(path, CONFIG.pixels)
    _must(pixels.shape == (CONFIG.pixels,) and pixels.dtype == np.uint8, "the shape is another")
    if not new:
        Path("seed.png").write_bytes(seed)
        before, _ = read_picture(Path("seed.png"), CONFIG.pixels)
        _must(np.array_equal(pixels, before), "other pixels were taken")


def _liberty(path: Path, _seed: bytes, _new: bool) -> None:
    library = Liberty.read(path)
    library.check_power()
    figures = [library.voltage]
    for cell in library.cells.values():
        figures += [cell.area, cell.leakage]
        for pin in cell.pins.values():
            figures.append(pin.capacitance)
            for power in pin.powers:
                figures += [float(t.energy.sum()) for t in (power.rise, power.fall) if t]
    _must(all(map(isfinite, figures)), "a figure is not finite")


def _store(path: Path, _seed: bytes, _new: bool) -> None:
    collected = collect([Seeds.training()], ResultStore(path, Seeds.MODEL))
    json.dumps(collected.rows, allow_nan=False)
    if not collected.missing:
        _must(collected.rows == Seeds.rows(), f"other figures were taken: {collected.rows}")


def _graph(path: Path, _seed: bytes, _new: bool) -> None:
    graph = read_graph(path)
    with h5py.File(path) as content:
        found = set(content["node/nodes"])
    _must(set(graph.nodes) == found, "the nodes are not those of the file")
    ends = {end for edge in graph.edges for end in edge}
    _must(ends <= found, "an edge leads nowhere")


def _numbers(values: Any) -> Any:
    for value in values.values() if isinstance(values, Mapping) else values:
        if isinstance(value, int | float):
            yield value
        elif isinstance(value, Mapping | list | tuple):
            yield from _numbers(value)


_TOML = (raw.of_bytes, raw.of_encoding, raw.in_toml, raw.in_toml, raw.in_toml)
_JSON = (raw.of_bytes, raw.of_encoding, raw.in_json, raw.in_json, raw.in_json)

#: All readers by name.
READERS = {
    reader.name: reader
    for reader in (
        Reader(
            name="artefact",
            file="net.npz",
            seeds=lambda: [Seeds.saved(Seeds.trained())],
            check=_artifact,
            new=(remade.of_zip, remade.of_zip, resigned),
        ),
        Reader(
            name="checkpoint",
            file="net.checkpoint.npz",
            seeds=lambda: [Seeds.saved(Seeds.checkpoint())],
            check=_checkpoint,
            new=(remade.of_zip, resigned),
        ),
        Reader(
            name="data",
            file="data.npz",
            seeds=Seeds.archives,
            check=_data,
            new=(remade.of_zip,) * 3,
        ),
        Reader(
            name="idx",
            file="images-idx3-ubyte",
            seeds=lambda: [Seeds.idx()],
            check=_idx,
            plain=(raw.of_bytes, remade.of_idx),
        ),
        Reader(
            name="idx, packed",
            file="images-idx3-ubyte.gz",
            seeds=lambda: [Seeds.packed_idx()],
            check=_idx,
            new=(remade.of_gzip,),
        ),
        Reader(
            name="configuration", file="c.toml", seeds=Seeds.configs, check=_config, plain=_TOML
        ),
        Reader(name="sweep list", file="s.toml", seeds=Seeds.sweeps, check=_sweeps, plain=_TOML),
        Reader(
            name="technology", file="t.toml", seeds=Seeds.technology, check=_technology, plain=_TOML
        ),
        Reader(name="core.json", file="core.json", seeds=Seeds.cores, check=_core, plain=_JSON),
        Reader(
            name="picture",
            file="p.png",
            seeds=Seeds.pictures,
            check=_picture,
            new=(remade.of_png,) * 2,
        ),
        Reader(
            name="Liberty",
            file="cells.lib",
            seeds=Seeds.liberty,
            check=_liberty,
            plain=(raw.of_bytes, raw.of_encoding, raw.in_text, raw.in_text),
        ),
        Reader(name="NIR graph", file="net.nir", seeds=Seeds.graphs, check=_graph),
        Reader(
            name="results store",
            file="store.sqlite",
            seeds=Seeds.stores,
            check=_store,
            new=(remade.of_database,) * 2,
        ),
    )
}
