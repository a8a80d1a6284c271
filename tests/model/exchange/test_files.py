"""Files of NIR: whole or not there, and what is wrong with one in one line."""

import hashlib
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from prunus_cli import digits, listing
from prunus_fuzz import mutations
from prunus_model.common.errors import ExchangeError
from prunus_model.exchange import files
from prunus_model.exchange.files import (
    read_data,
    read_graph,
    read_hashed,
    write_data,
    write_graph,
)
from prunus_model.exchange.graph import to_graph
from prunus_model.exchange.trace import to_data, trace
from prunus_model.training.artifact import Artifact


@pytest.fixture
def graph(trained: Artifact, tmp_path: Path) -> Path:
    path = tmp_path / "net.nir"
    write_graph(path, to_graph(trained))
    return path


@pytest.fixture
def traced(trained: Artifact, tmp_path: Path) -> Path:
    path = tmp_path / "trace.nir"
    write_data(path, to_data(trace(trained, digits(2)), dt=1e-4), {})
    return path


def refusal(path: Path, read: Callable[[Path], Any] = read_graph) -> str:
    with pytest.raises(ExchangeError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"NIR file {path} must ")
    return text.removeprefix(f"NIR file {path} must ")


def test_write_that_fails_leaves_what_was_there(
    trained: Artifact, graph: Path, tmp_path: Path
) -> None:
    before = listing(tmp_path)
    broken = to_graph(trained)
    broken.metadata["prunus"]["not"] = object()
    with pytest.raises(TypeError):
        write_graph(graph, broken)
    with pytest.raises(TypeError):
        write_graph(tmp_path / "other.nir", broken)
    assert listing(tmp_path) == before
    data = to_data(trace(trained, digits(2)), dt=1e-4)
    with pytest.raises(TypeError):
        write_data(tmp_path / "trace.nir", data, {"not": object()})
    assert listing(tmp_path) == before


def test_what_is_no_file_or_no_hdf5(tmp_path: Path) -> None:
    text = tmp_path / "text.nir"
    text.write_text("nodes")
    (tmp_path / "empty.nir").touch()
    assert refusal(text) == "be HDF5"
    assert refusal(tmp_path / "empty.nir") == "be HDF5"
    assert refusal(tmp_path / "none.nir") == "exist"
    assert refusal(tmp_path) == "be a file, not a folder"
    assert refusal(Path("/dev/zero")) == "be a file, not a device, pipe or socket"
    assert refusal(text, read_data) == "be HDF5"


@pytest.mark.parametrize("part", [0.001, 0.3, 0.99])
def test_file_that_is_cut_off(graph: Path, traced: Path, part: float) -> None:
    for path, read in ((graph, read_graph), (traced, read_data)):
        content = path.read_bytes()
        path.write_bytes(content[: int(part * len(content))])
        assert refusal(path, read).startswith("be readable: ")


def test_hdf5_of_something_else(graph: Path, traced: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["spikes"] = [1, 2]
    assert refusal(other) == "have a 'node'; it is HDF5 of something else"
    assert refusal(traced) == "have a 'node'; it is HDF5 of something else"
    assert refusal(graph, read_data) == "have a 'nodes'; it is HDF5 of something else"
    with h5py.File(other, "a") as file:
        file["node"] = 3
    assert refusal(other) == "have a 'node'; it is HDF5 of something else"


def _set(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        if value is not None:
            file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _set("node/nodes/lif/type", "Izhikevich"),
            f"node 'lif' must be of a kind that NIR {nir.version} knows, not 'Izhikevich'",
        ),
        (
            # What is in the package and is no node.
            _set("node/nodes/lif/type", "read"),
            f"node 'lif' must be of a kind that NIR {nir.version} knows, not 'read'",
        ),
        (_set("node/nodes/lif/type", None), "node 'lif' must have a 'type'"),
        (_set("node/type", None), "what it holds must have a 'type'"),
        (_set("node/nodes/lif", 3), "node 'lif' must have a 'type'"),
        (_set("node/nodes/lif/tau", None), "'tau'"),
        (_set("node/nodes/lif/tau", "x"), ""),
        (_set("node/edges", [[b"input", b"none"]]), "edge to 'none' must lead to a node"),
        (_set("node/nodes", 3), ""),
    ],
)
def test_node_that_is_wrong_is_named(
    graph: Path, change: Callable[[h5py.File], None], message: str
) -> None:
    with h5py.File(graph, "r+") as file:
        change(file)
    try:
        found = read_graph(graph)
    except ExchangeError as e:
        assert message in str(e)
        assert "\n" not in str(e)
    else:
        # NIR takes it; whoever uses it looks at the shapes.
        assert message == ""
        assert found.nodes


def test_node_of_a_graph_in_a_graph_is_named(trained: Artifact, tmp_path: Path) -> None:
    inner = to_graph(trained)
    inner.metadata = {}
    ends = [nir.Input(input_type={"input": np.array([49])})]
    outer = nir.NIRGraph(
        nodes={"a": ends[0], "sub": inner, "b": nir.Output(output_type={"output": np.array([10])})},
        edges=[("a", "sub"), ("sub", "b")],
    )
    path = tmp_path / "outer.nir"
    write_graph(path, outer)
    with h5py.File(path, "r+") as file:
        _set("node/nodes/sub/nodes/lif/type", "Hodgkin")(file)
    assert "node 'sub.lif' must be of a kind" in refusal(path)


@pytest.mark.parametrize("version", [None, "0.1", "9.9.9"])
def test_version_of_the_file_does_not_matter(graph: Path, version: str | None) -> None:
    with h5py.File(graph, "r+") as file:
        _set("version", version)(file)
    assert len(read_graph(graph).nodes) == 5


def test_arrays_that_unpack_to_too_much(graph: Path) -> None:
    with h5py.File(graph, "r+") as file:
        file.create_dataset(
            "node/huge", shape=(1 << 20, 1 << 12), dtype=np.uint8, chunks=(1 << 10, 1 << 12)
        )
    assert "arrays must unpack to at most 268435456 bytes, not 42949" in refusal(graph)


def test_memory_is_asked_for(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = graph.stat().st_size
    monkeypatch.setattr(
        files, "memory_refusal", lambda asked: "must be fewer" if asked != size else ""
    )
    assert refusal(graph) == "be readable: arrays must be fewer"


@pytest.mark.parametrize("kind", ["graph", "trace"])
def test_mutated_files_are_taken_or_refused_in_one_line(
    graph: Path, traced: Path, kind: str
) -> None:
    path, read = (graph, read_graph) if kind == "graph" else (traced, read_data)
    seed, refused = path.read_bytes(), 0
    for number in range(100):
        path.write_bytes(mutations.of_bytes(random.Random(number), seed))
        try:
            read(path)
        except ExchangeError as e:
            refused += 1
            assert "\n" not in str(e)
    assert refused > 50


def test_file_is_read_once_and_its_hash_is_of_what_was_read(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, opened = graph.read_bytes(), []
    whole = Path.open

    def counted(self: Path, *args: Any, **options: Any) -> Any:
        opened.append(self)
        return whole(self, *args, **options)

    monkeypatch.setattr(Path, "open", counted)
    monkeypatch.setattr(Path, "read_bytes", opened.append)
    found, sha256 = read_hashed(graph)
    assert opened.count(graph) == 1
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert len(found.nodes) == 5


def test_file_larger_than_memory_is_not_read(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = graph.stat().st_size
    monkeypatch.setattr(
        files, "memory_refusal", lambda asked: "must be smaller" if asked == size else ""
    )
    assert refusal(graph) == "be smaller"


def test_heap_at_which_hdf5_never_ends_is_refused(graph: Path) -> None:
    seed = graph.read_bytes()
    heap = seed.index(b"GCOL")
    at = heap + 16
    # The first object: of a size that 64 bits make none, and free space of none.
    for index, size in ((1, (1 << 64) - 16), (1, (1 << 64) - 23), (0, 0)):
        broken = struct.pack("<HHIQ", index, 1, 0, size)
        graph.write_bytes(seed[:at] + broken + seed[at + len(broken) :])
        assert refusal(graph) == (
            f"be readable: global heap at byte {heap} has an object of no size"
        )
    # What lies behind the heap, or behind the file, is not looked at.
    nothing = b"GCOL\x01\0\0\0" + (16).to_bytes(8, "little") + bytes(32)
    graph.write_bytes(seed + nothing)
    assert len(read_graph(graph).nodes) == 5
    graph.write_bytes(seed + b"GCOL\x01")
    assert len(read_graph(graph).nodes) == 5
