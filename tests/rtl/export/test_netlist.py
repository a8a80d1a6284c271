# amaranth: UnusedElaboratable=no

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_model.training.artifact import Artifact
from prunus_package import (
    Made,
    smallest,
    smallest_images,
)
from prunus_rtl.bus.memory_port import request_layout
from prunus_rtl.export.netlist import MemoryImage, make_netlist
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.hardware import Space
from prunus_sim.simulator.amaranth import CoreDriver, simulate


def test_memory_images_are_those_of_the_network(inference: Made) -> None:
    plan = inference.plan
    assert plan.image is not None
    for lane, image in enumerate(plan.image.lanes):
        for memory in image.memories:
            found = inference.memory(f"store{lane}.{memory.name}")
            assert (found.width, found.words) == (memory.width, memory.words)
        v_fire = plan.state.v_fire[lane::4].tolist()
        assert list(inference.memory(f"membrane.lane{lane}.v_fire").words)[: len(v_fire)] == v_fire
    assert inference.memory("readout.votes").words == tuple(plan.votes.T.ravel().tolist())


def test_memory_images_of_a_learning_core_are_those_of_the_network(network: Artifact) -> None:
    plan = make_plan(network, ExportOptions(mode="learning", lanes=2))
    images = {image.name: image for image in make_netlist(plan.core()).memories}
    # In the order of positions.
    state, slots = plan.state, 5
    for lane in range(2):
        weights = state.weights[:, lane::2].ravel().tolist()
        assert list(images[f"store{lane}.weights"].words) == weights
        alive = state.alive[:, lane::2] @ (1 << np.arange(slots))
        assert list(images[f"store{lane}.alive"].words) == alive.tolist()
    for name in ("theta", "strength", "post_count"):
        assert list(images[f"learning.homeostasis.{name}"].words) == getattr(state, name).tolist()


def test_verilog_has_no_contents_and_no_path(inference: Made) -> None:
    text = inference.netlist.text
    assert "initial begin" not in text
    assert re.findall(r'"([^"]*)"', text) == [image.file for image in inference.netlist.memories]
    for name in ("/work", "/tmp", "/home", ".py"):
        assert name not in text
    assert not re.search(r"\(\* (src|generator|top)\b", text)


def test_files_hold_the_words_and_zeros_share_theirs(inference: Made) -> None:
    files = inference.netlist.files()
    assert len(files) < len(inference.netlist.memories)
    for image in inference.netlist.memories:
        content = (inference.folder / image.file).read_text()
        assert [int(line, 16) for line in content.split()] == list(image.words)
        assert {len(line) for line in content.split()} == {-(-image.width // 4)}


def test_only_zeros_of_one_size_share_a_file() -> None:
    images = [
        MemoryImage(name=f"m{k}", width=width, words=words)
        for k, (width, words) in enumerate([(4, (0, 0)), (4, (0, 0)), (8, (0, 0)), (4, (0,))])
    ]
    names = [image.file for image in images]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert MemoryImage(name="m", width=4, words=(0, 1)).file == "memories/m.hex"


@pytest.mark.parametrize("store", ["dense", "bitmask", "csr"])
def test_core_answers_every_word_of_the_store_that_the_bench_reads(
    tmp_path: Path, store: str
) -> None:
    """With one input, the dense memory of the last lane is as deep as an index of a word can be."""
    made = Made(tmp_path, smallest(1, neurons=5), smallest_images(1), lanes=4, store=store)
    layout = made.core.shapes.store
    assert layout is not None
    assert (layout.end == 1 << layout.address_bits) == (store == "dense")
    reads = [read for read in made.vectors.reads if read.space is Space.STORE]
    asked = [request_layout(made.core.shapes).from_bits(read.request) for read in reads]
    assert max(request.address for request in asked) == layout.end - 1
    answers = []

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, made.core)
        for request in asked:
            answers.append(await driver.access(request.space, request.address))

    simulate(made.core, bench)
    assert answers == [(read.data, False) for read in reads]
