"""What must hold of an accepted input: a product with a fault in any reader is found out."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_fuzz import readers
from prunus_fuzz.pool import attempt
from prunus_fuzz.readers import READERS
from prunus_fuzz.seeds import Seeds
from prunus_model.data import idx

_numbers = count(9600)


def _set(name: str, value: object, found: Any) -> Any:
    object.__setattr__(found, name, value)
    return found


#: By fault: the reader, what of the product is at fault, and how its result changes.
FAULTS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "content": ("artefact", "same", lambda _: False),
    "training": ("checkpoint", "Trainer.finish", lambda a: replace(a, response=a.response + 1)),
    "images": ("data", "load", lambda s: replace(s, images=s.images // 2)),
    "labels": ("data", "load", lambda s: replace(s, labels=s.labels[::-1].copy())),
    "shape of idx": ("idx", "idx.parse_images", lambda a: a.reshape(len(a), 49, 1)),
    "pixels of idx": ("idx", "idx.parse_images", lambda a: a[::-1]),
    "written": ("configuration", "NetworkConfig.from_toml", lambda c: replace(c, seed=c.seed ^ 6)),
    "twice": ("sweep list", "plan", lambda trainings: [*trainings, trainings[0]]),
    "negative": ("technology", "Technology.access_pj", lambda pj: -pj),
    "addition": ("technology", "Technology.add_pj", lambda _: float("inf")),
    "core": ("core.json", "CoreDescription.load", lambda c: replace(c, baud=next(_numbers))),
    "pixels": ("picture", "read_picture", lambda found: (found[0][:-1], found[1])),
    "type": ("picture", "read_picture", lambda found: (found[0].astype(np.int64), found[1])),
    "voltage": ("Liberty", "Liberty.read", partial(_set, "voltage", float("nan"))),
    "nodes": ("NIR graph", "read_graph", lambda g: g.nodes.pop("lif") and g),
    "rows": (
        "results store",
        "collect",
        lambda found: replace(found, rows=[row | {"vote": 1.0} for row in found.rows]),
    ),
}


@pytest.mark.parametrize(("name", "where", "change"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("new", [False, True], ids=["as it was", "made anew"])
def test_fault_of_a_reader_is_a_wrong_value(
    name: str,
    where: str,
    change: Callable[[Any], Any],
    new: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the seed itself, which the product takes."""
    monkeypatch.chdir(tmp_path)
    reader = READERS[name]
    seed, path = reader.contents[0], Path(reader.file)
    path.write_bytes(seed)
    read = partial(reader.check, path, seed, new)
    assert attempt(read) == ("accepted", "")
    *holders, last = where.split(".")
    holder: Any = readers
    for one in holders:
        holder = getattr(holder, one)
    sound = getattr(holder, last)
    monkeypatch.setattr(holder, last, lambda *a, **options: change(sound(*a, **options)))
    assert attempt(read)[0] == "wrong"


@pytest.mark.parametrize("name", ["idx", "idx, packed"])
@pytest.mark.parametrize(
    "change", [b"\1" + Seeds.idx()[1:], Seeds.idx() + b"x", Seeds.idx()[:-1] + b"x"]
)
def test_idx_reader_that_looks_at_nothing_is_wrong(
    name: str, change: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another magic number and a length that does not fit; packed, also other pixels."""
    monkeypatch.chdir(tmp_path)
    reader = READERS[name]
    path, seed = Path(reader.file), reader.contents[0]
    path.write_bytes(seed)
    shape = np.array(idx.parse_images(Seeds.idx(), path)).shape
    pixels = np.frombuffer(change, np.uint8, prod(shape), 16).reshape(shape)
    monkeypatch.setattr(idx, "read_content", lambda _path: change)
    monkeypatch.setattr(idx, "parse_images", lambda _content, _path: pixels)
    same_header = change[:16] == Seeds.idx()[:16] and len(change) == len(Seeds.idx())
    right = "accepted" if same_header and name == "idx" else "wrong"
    assert attempt(partial(reader.check, path, seed, False))[0] == right
