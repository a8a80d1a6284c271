# amaranth: UnusedElaboratable=no

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape

from prunus_cli import digits, tiny
from prunus_model.cli.common import load_network
from prunus_model.common.errors import ArtifactError, ConfigError
from prunus_model.data.split import Split
from prunus_model.engine.engine import Engine
from prunus_model.spec.config import (
    EncoderParams,
    HomeostasisParams,
    MembraneParams,
    NetworkConfig,
    ReadoutParams,
)
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_model.training.trainer import Trainer, train
from prunus_rtl.bus.memory_port import request_layout
from prunus_rtl.core.counters import counters_layout
from prunus_rtl.export import simulators
from prunus_rtl.export.bench import make_bench, make_bench_files
from prunus_rtl.export.netlist import MemoryImage, Netlist, make_netlist
from prunus_rtl.export.package import write_package
from prunus_rtl.export.plan import ExportOptions, Plan, make_plan
from prunus_rtl.export.ports import FIELDS, fields, ports
from prunus_rtl.export.simulators import (
    SIMULATORS,
    BenchRun,
    SimulatorError,
    built_bench,
    find_simulator,
    run_bench,
)
from prunus_rtl.export.sizes import check_device, device_fits, memory_rows
from prunus_rtl.export.vectors import Vectors, make_vectors
from prunus_rtl.hardware import Space
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.memory import SPRAM_NAME
from prunus_sim.simulator.amaranth import CoreDriver, simulate

SIMULATOR = find_simulator()
Run = Callable[[Path], BenchRun]
needs_simulator = pytest.mark.skipif(SIMULATOR is None, reason="neither iverilog nor verilator")


@pytest.fixture(scope="module")
def network() -> Artifact:
    """Ten neurons, adaptive pruning."""
    return train(tiny(), digits(2300))


def small(policy: str = "adaptive", **changes: Any) -> Artifact:
    """A network of another kind, after a short training."""
    return train(replace(tiny(policy), **changes), digits(400))


class Made:
    """A package without its documents, in a folder."""

    def __init__(
        self, folder: Path, artifact: Artifact, data: Split | None = None, **options: Any
    ) -> None:
        self.folder = folder
        self.plan: Plan = make_plan(artifact, ExportOptions(**options))
        self.core = self.plan.core()
        self.netlist: Netlist = make_netlist(self.core)
        shown = digits(3, seed=5) if data is None else data
        self.vectors: Vectors = make_vectors(self.plan, self.core, shown)
        self.write("core.v", self.netlist.text)
        self.write("bench.v", make_bench(self.core, self.vectors, self.netlist))
        for name, image in self.netlist.files().items():
            self.write(name, image.content)
        self.expect(None)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def expect(self, measured: list[int] | None) -> None:
        for name, text in make_bench_files(self.core, self.vectors, measured).items():
            self.write(name, text)

    def run(self) -> BenchRun:
        assert SIMULATOR is not None
        return run_bench(self.folder, SIMULATOR)

    def memory(self, name: str) -> MemoryImage:
        (image,) = [image for image in self.netlist.memories if image.name == name]
        return image


@pytest.fixture(scope="module")
def inference(network: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("inference"), network, lanes=4)


# --- plan ------------------------------------------------------------------------------------


def refused(artifact: Artifact, error: type[Exception] = ConfigError, **options: Any) -> str:
    with pytest.raises(error) as caught:
        make_plan(artifact, ExportOptions(**options))
    return str(caught.value)


def test_refuses_what_cannot_be_built(network: Artifact) -> None:
    assert refused(network, lanes=3) == "lanes must be a power of 2, not 3"
    for lanes in (0, -4, 64):
        assert refused(network, lanes=lanes) == f"lanes must be 1, 2, 4, 8, 16 or 32, not {lanes}"
    message = "lanes must not be more than neurons, but got lanes=16, neurons=10"
    assert refused(network, lanes=16) == message
    message = "Store must be auto or learning for a core that learns, not 'csr'"
    assert refused(network, mode="learning", store="csr") == message
    message = "Store must be one of auto, csr, dense, bitmask, learning, not 'coo'"
    assert refused(network, store="coo") == message
    message = "Device must be one of ECP5-85F, ECP5-25F, UP5K, GW1NR-9, not 'Z80'"
    assert refused(network, device="Z80") == message


@pytest.mark.parametrize("policy", ["soft", "post"])
def test_refuses_to_learn_with_a_policy_that_is_not_in_hardware(policy: str) -> None:
    artifact = small(policy)
    assert refused(artifact, mode="learning") == (
        "pruning.policy must be one of none, constant, adaptive for a core that learns, "
        f"not {policy!r}"
    )
    assert make_plan(artifact, ExportOptions()).image is not None


def test_refuses_a_network_that_is_not_complete() -> None:
    trainer = Trainer(tiny(), digits(2300), epochs=2)
    trainer.advance()
    artifact = trainer.checkpoint()
    done = artifact.state.presentation
    assert refused(artifact, ArtifactError) == (
        f"Network must be trained completely, but is at presentation {done} of 4600"
    )


def test_lanes_are_as_many_as_there_can_be_unless_asked_for(network: Artifact) -> None:
    assert make_plan(network, ExportOptions()).hardware.lanes == 8
    demo = load_network("demo")
    assert make_plan(demo, ExportOptions()).hardware.lanes == 16


def test_format_is_the_smallest_or_the_one_that_was_asked_for(network: Artifact) -> None:
    plan = make_plan(network, ExportOptions())
    assert plan.sizes is not None
    assert plan.sizes.row(plan.store).bits == min(row.bits for row in plan.sizes.rows)
    for store in ("csr", "bitmask", "dense", "learning"):
        assert make_plan(network, ExportOptions(store=store)).store == store


def test_balanced_core_holds_the_same_network_in_another_order(network: Artifact) -> None:
    levels = np.random.default_rng(3).integers(0, 200, (20, 49)).astype(np.uint8)
    plan = make_plan(network, ExportOptions(lanes=4))
    assert plan.permuted
    assert sorted(plan.neurons.tolist()) == list(range(10))
    _, there = Engine(plan.network, network.state).infer(levels)
    _, here = Engine(plan.network, plan.state).infer(levels)
    assert np.array_equal(there[:, plan.neurons], here)
    assert there.any()
    assert plan.image is not None
    weights, alive = plan.image.unpack()
    assert np.array_equal(weights, network.state.weights[:, plan.neurons])
    assert np.array_equal(alive, network.state.alive[:, plan.neurons])
    for same in ({"balanced": False}, {"store": "learning"}, {"mode": "learning"}):
        options: Any = same
        assert not make_plan(network, ExportOptions(lanes=4, **options)).permuted


def test_inference_starts_at_presentation_0_and_learning_where_training_ended(
    network: Artifact,
) -> None:
    assert make_plan(network, ExportOptions()).state.presentation == 0
    assert make_plan(network, ExportOptions(mode="learning")).state.presentation == 2300
    assert network.state.presentation == 2300


def smallest_images(inputs: int) -> Split:
    images = np.full((3, inputs), 255, np.uint8)
    labels = np.zeros(3, np.uint8)
    return Split(name="light", images=images, labels=labels, image_shape=(1, inputs))


def smallest(inputs: int, neurons: int = 1) -> Artifact:
    config = NetworkConfig(
        inputs=inputs,
        neurons=neurons,
        weight_bits=1,
        encoder=EncoderParams(steps=4, gain=60000),
        homeostasis=HomeostasisParams(v_th=1, fire_shift=0),
        readout=ReadoutParams(classes=1),
    )
    return train(config, smallest_images(inputs))


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


# --- Verilog and memory images ---------------------------------------------------------------


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
    state, slots = network.state, 5
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


@pytest.mark.parametrize("mode", ["inference", "learning"])
def test_bits_are_those_that_the_hardware_configuration_gives(network: Artifact, mode: Any) -> None:
    plan = make_plan(network, ExportOptions(mode=mode, lanes=2, store="learning"))
    rows = memory_rows(make_netlist(plan.core()).memories)
    bits = {row.kind: row.bits for row in rows}
    names = {
        "store.weights": "weights",
        "store.alive": "alive",
        "membrane.lane.v": "v",
        "membrane.lane.v_fire": "v_fire",
        "queue.ram": "queues",
        "events.ram": "events",
        "encoder.images": "levels",
        "readout.votes": "votes",
        "learning.homeostasis.theta": "theta",
        "learning.homeostasis.strength": "strength",
        "learning.homeostasis.post_count": "post_count",
        "learning.last_step": "last_step",
    }
    scores = bits.pop("readout.scores")
    assert scores == 10 * Shapes(network=plan.network, hardware=plan.hardware).score.width
    assert {names[kind]: n for kind, n in bits.items()} == plan.hardware.memories(plan.network)


def test_every_port_and_field_is_in_the_tables(network: Artifact) -> None:
    known = set()
    for options in ({"mode": "learning"}, {"source": "events"}):
        choice: Any = options
        core = make_plan(network, ExportOptions(**choice)).core()
        text = make_netlist(core).text
        head = text[text.index("module prunus_core(") : text.index(");")]
        found = ports(core)
        assert {port.name for port in found} == set(re.findall(r"\w+", head.split("(")[1]))
        for port in found:
            width = f"\\[{port.width - 1}:0\\] " if port.width > 1 else ""
            pattern = rf"^  {port.direction}put {width}{port.name};$"
            assert re.search(pattern, text, re.MULTILINE), pattern
            assert port.meaning
        for field in fields(core):
            known.add(field.name)
            (port,) = [port for port in found if port.name == field.port]
            assert 0 <= field.low <= field.low + field.width <= port.width
    assert known == set(FIELDS)


def test_fields_of_the_result_are_where_the_core_puts_them(inference: Made) -> None:
    low = {field.name: field.low for field in fields(inference.core)}
    payload = inference.core.result.payload
    assert low["counters.cycles"] == payload.shape().size - 32
    assert low["counters.steps"] == Shape.cast(inference.core.shapes.prediction).width + 1


def test_demo_learning_core_takes_as_many_blocks_as_synthesis_has_found() -> None:
    plan = make_plan(load_network("demo"), ExportOptions(mode="learning"))
    memories = make_netlist(plan.core()).memories
    fits = {fit.device: fit for fit in device_fits(memories)}
    # rtl/README.md: 71 DP16KD, of 18 * 1024 bits.
    assert fits["ECP5-85F"].bits == 71 * 18 * 1024
    assert fits["ECP5-85F"].missing_bits == 0
    check_device(memories, "ECP5-85F")
    check_device(memories, None)
    with pytest.raises(ConfigError) as caught:
        check_device(memories, "ECP5-25F")
    assert str(caught.value) == (
        "Memories must fit the 1032192 bits of memory blocks of ECP5-25F, not take 1308672 bits: "
        "276480 bits are missing"
    )


# --- bench -----------------------------------------------------------------------------------


def passes(made: Made) -> list[int]:
    """Run the bench; return the cycles, which are within the bounds of the formula."""
    run = made.run()
    assert run.passed, run.output
    assert "WARNING" not in run.output
    for cycles, image in zip(run.cycles, made.vectors.shown, strict=True):
        assert image.cycles.fewest <= cycles <= image.cycles.most
    return run.cycles


@needs_simulator
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"store": "csr", "lanes": 4}, id="csr"),
        pytest.param({"store": "bitmask", "lanes": 2, "balanced": False}, id="bitmask"),
        pytest.param({"store": "dense", "lanes": 8}, id="dense"),
        pytest.param({"store": "learning", "lanes": 1}, id="inference from the learning store"),
        pytest.param({"source": "events", "lanes": 4}, id="events"),
        pytest.param({"mode": "learning", "lanes": 4}, id="learning"),
        pytest.param({"mode": "learning", "multiplier": "dsp", "source": "events"}, id="dsp"),
    ],
)
def test_bench_passes(network: Artifact, options: dict[str, Any], tmp_path: Path) -> None:
    made = Made(tmp_path, network, **options)
    assert any(image.spikes for image in made.vectors.shown)
    passes(made)


@needs_simulator
@pytest.mark.parametrize(("store", "lanes"), [("csr", 8), ("csr", 1), ("bitmask", 2), ("dense", 1)])
def test_formula_is_near_what_is_measured(
    network: Artifact, store: str, lanes: int, tmp_path: Path
) -> None:
    """With many lanes the encoder is the slower one, with one lane the lane is."""
    made = Made(tmp_path, network, store=store, lanes=lanes)
    steps = made.plan.network.encoder.steps
    for cycles, image in zip(passes(made), made.vectors.shown, strict=True):
        assert cycles - image.cycles.fewest <= 12 * steps


@needs_simulator
def test_formula_is_that_of_the_encoder_if_lanes_wait_for_it(
    network: Artifact, tmp_path: Path
) -> None:
    lit = digits(3)
    dark = replace(lit, images=np.zeros_like(lit.images))
    made = Made(tmp_path, network, dark, lanes=8)
    (cycles, *_), (image, *_) = passes(made), made.vectors.shown
    # 13 words of four inputs take longer than the comparison of two slots.
    assert image.cycles.fewest >= 13 * made.plan.network.encoder.steps
    assert cycles - image.cycles.fewest <= 20


@needs_simulator
@pytest.mark.parametrize("policy", ["none", "constant", "soft", "post"])
def test_bench_passes_with_every_policy(policy: str, tmp_path: Path) -> None:
    mode: Any = "learning" if policy in ("none", "constant") else "inference"
    passes(Made(tmp_path, small(policy), mode=mode, lanes=2))


@needs_simulator
@pytest.mark.parametrize("store", ["csr", "dense"])
def test_packed_store_of_an_up5k_is_in_spram(network: Artifact, tmp_path: Path, store: str) -> None:
    """A memory for each SPRAM, filled up with room for other networks."""
    made = Made(tmp_path, network, device="UP5K", store=store)
    hardware, layout = made.plan.hardware, made.core.shapes.store
    assert (hardware.lanes, hardware.spram, hardware.queue_depth) == (4, True, 4)
    assert layout is not None
    for lane in range(4):
        memory = made.memory(f"store{lane}.{SPRAM_NAME}")
        if store == "csr":
            assert (memory.depth, layout.depths[lane][1]) == (16384, 16384 - layout.inputs - 1)
        else:
            assert layout.flagged and memory.depth == layout.depths[lane][0]
    assert passes(made)


@needs_simulator
def test_bench_passes_for_odd_sizes(tmp_path: Path) -> None:
    """Widths of 0, early exit, inhibition, and an image without any output spike."""
    dark = digits(3, seed=5)
    images = dark.images.copy()
    images[1] = 0
    data = replace(dark, images=images)
    one = small(neurons=1, membrane=MembraneParams(leak_shift=0, inhibition_steps=3))
    for mode in ("inference", "learning"):
        folder = tmp_path / mode
        folder.mkdir()
        made = Made(folder, one, data, mode=mode)
        assert [image.undecided for image in made.vectors.shown] == [False, True, False]
        passes(made)
    exits = small(neurons=3, readout=ReadoutParams(stop_after=1))
    folder = tmp_path / "exits"
    folder.mkdir()
    made = Made(folder, exits, source="events", store="bitmask")
    assert {len(image.spikes) for image in made.vectors.shown} == {1}
    assert any(image.counts["steps"] < exits.config.encoder.steps for image in made.vectors.shown)
    passes(made)


@needs_simulator
@pytest.mark.parametrize("inputs", [1, 2])
def test_bench_passes_for_the_smallest_network(tmp_path: Path, inputs: int) -> None:
    """The index of the only input, and of the only neuron, have no bits."""
    made = Made(tmp_path, smallest(inputs=inputs), smallest_images(inputs))
    assert passes(made)


def test_bench_has_the_predictions_of_the_evaluation(network: Artifact, inference: Made) -> None:
    shown = inference.vectors.shown
    assert [image.prediction for image in shown] == evaluate(
        network, digits(3, seed=5)
    ).vote.tolist()
    assert len({image.prediction for image in shown}) > 1


@pytest.fixture(scope="module")
def bench(inference: Made) -> Iterator[Run]:
    """The bench of `inference`, compiled once."""
    assert SIMULATOR is not None
    with built_bench(inference.folder, SIMULATOR) as run:
        yield run


def fails(made: Made, changes: dict[str, str], message: str, bench: Run | None = None) -> None:
    """Change files, run the bench, put the files back; only other Verilog needs a new bench."""
    before = {name: (made.folder / name).read_text() for name in changes}
    try:
        for name, text in changes.items():
            assert text != before[name]
            made.write(name, text)
        run = made.run() if bench is None else bench(made.folder)
    finally:
        for name, text in before.items():
            made.write(name, text)
    assert not run.passed
    assert run.status != 0
    assert "PASS" not in run.output
    assert re.fullmatch(message, run.verdict), run.verdict


def flipped(text: str, line: int) -> str:
    """Flip the lowest bit of the word in a line that has one."""
    lines = text.split("\n")
    at = [k for k, content in enumerate(lines) if content and not content.startswith("//")][line]
    words = lines[at].split(" ")
    word = words[1] if len(words) > 1 and words[1] != "//" else words[0]
    changed = f"{int(word, 16) ^ 1:0{len(word)}x}"
    lines[at] = (
        lines[at].replace(word, changed, 1)
        if words[0] == word
        else " ".join([words[0], changed, *words[2:]])
    )
    return "\n".join(lines)


@needs_simulator
def test_bench_fails_for_every_memory_image_that_was_changed(inference: Made, bench: Run) -> None:
    for name in inference.netlist.files():
        text = (inference.folder / name).read_text()
        message = rf"FAIL: memory image {name}: expected digest \w+, got \w+"
        fails(inference, {name: flipped(text, -1)}, message, bench)


@needs_simulator
@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("stimuli", 400, r"FAIL: image \d.*"),
        ("spikes", 0, r"FAIL: image 0, output spike 0: expected step \d+ post \d+, got .*"),
        ("spikes", -1, r"FAIL: image 3, output spike \d+: expected step \d+ post \d+, got .*"),
        ("results", 0, r"FAIL: image 0, prediction: expected \d, got \d"),
        ("results", 1, r"FAIL: image 0, undecided: expected 1, got 0"),
        ("results", 7, r"FAIL: image 0, forward_sops: expected \d+, got \d+"),
        ("reads", 0, r"FAIL: memory port, V, address 0: expected \d+, got \d+ \(error 0\)"),
        ("reads", -1, r"FAIL: memory port, PRESENTATION, address 0: expected 5, got 4 .*"),
    ],
)
def test_bench_fails_for_a_changed_value(
    inference: Made, bench: Run, file: str, line: int, message: str
) -> None:
    name = f"vectors/{file}.hex"
    text = (inference.folder / name).read_text()
    changed = _levels_changed(text) if file == "stimuli" else flipped(text, line)
    fails(inference, {name: changed}, message, bench)


def _levels_changed(text: str) -> str:
    """Make all inputs of the images dark."""
    return re.sub(r"^\w\w$", "00", text, flags=re.MULTILINE)


@needs_simulator
def test_bench_fails_for_every_counter_and_for_one_cycle(inference: Made, bench: Run) -> None:
    cycles = bench(inference.folder).cycles
    inference.expect(cycles)
    name = "vectors/results.hex"
    text = (inference.folder / name).read_text()
    counters = [n for n in counters_layout(inference.core.shapes).members if n != "cycles"]
    for k, counter in enumerate(counters):
        if counter != "output_spikes":
            fails(inference, {name: flipped(text, 2 + k)}, f"FAIL: image 0, {counter}: .*", bench)
    changed = text.replace(f"{cycles[1]:08x}", f"{cycles[1] + 1:08x}")
    message = f"FAIL: image 1, cycles: expected {cycles[1] + 1}, got {cycles[1]}"
    fails(inference, {name: changed}, message, bench)
    inference.expect(None)
    text = (inference.folder / name).read_text()
    fewest = inference.vectors.shown[0].cycles.fewest
    changed = text.replace(f"{fewest:08x} // fewest", f"{cycles[0] + 1:08x} // fewest", 1)
    message = rf"FAIL: image 0, cycles: expected {cycles[0] + 1} to \d+, got {cycles[0]}"
    fails(inference, {name: changed}, message, bench)


@needs_simulator
def test_bench_fails_for_a_missing_and_for_an_unexpected_spike(inference: Made, bench: Run) -> None:
    name = "vectors/results.hex"
    text = (inference.folder / name).read_text()
    found = len(inference.vectors.shown[0].spikes)
    more = text.replace(
        f"{found:08x} // output_spikes {found}", f"{found + 1:08x} // output_spikes", 1
    )
    message = f"FAIL: image 0: expected {found + 1} output spikes, got {found}"
    fails(inference, {name: more}, message, bench)
    fewer = text.replace(
        f"{found:08x} // output_spikes {found}", f"{found - 1:08x} // output_spikes", 1
    )
    message = rf"FAIL: image 0, output spike {found - 1}: expected none, got step \d+ post \d+"
    fails(inference, {name: fewer}, message, bench)


@needs_simulator
def test_bench_fails_for_another_post_and_for_another_step(inference: Made, bench: Run) -> None:
    name = "vectors/spikes.hex"
    text = (inference.folder / name).read_text()
    ((step, post), *_) = inference.vectors.shown[0].spikes
    layout = inference.core.shapes.spike
    word = layout.const({"step": step, "post": post}).as_bits()
    digits_of = -(-layout.size // 4)
    for other_step, other_post in ((step, post ^ 1), (step ^ 1, post)):
        other = layout.const({"step": other_step, "post": other_post}).as_bits()
        changed = text.replace(f"{word:0{digits_of}x} //", f"{other:0{digits_of}x} //", 1)
        message = (
            f"FAIL: image 0, output spike 0: expected step {other_step} post {other_post}, "
            f"got step {step} post {post}"
        )
        fails(inference, {name: changed}, message, bench)


@needs_simulator
def test_bench_fails_in_a_core_that_never_answers(inference: Made) -> None:
    text = (inference.folder / "core.v").read_text()
    stuck = text.replace("control__ready = 1'h0;\n", "control__ready = 1'h0; if (0)\n", 1)
    message = r"FAIL: image 0: expected a result, got none in \d+ cycles"
    fails(inference, {"core.v": stuck}, message)


@needs_simulator
def test_bench_fails_for_a_core_that_goes_on_while_an_output_is_paused(
    network: Artifact, tmp_path: Path
) -> None:
    """As if a core took each output of itself for taken: the bench misses some."""
    made = Made(tmp_path, network, digits(1, seed=5), lanes=4)
    text = (tmp_path / "bench.v").read_text()
    text = text.replace(
        "module bench;",
        'module bench;\n  reg [2:0] deaf [0:0];\n  initial $readmemh("deaf.hex", deaf);',
    )
    for k, output in enumerate(("spikes", "result", "answers")):
        wire = f".{output}__ready(outputs__ready"
        assert f"{wire})" in text
        text = text.replace(f"{wire})", f"{wire} || deaf[0][{k}])")
    made.write("bench.v", text)
    assert SIMULATOR is not None
    with built_bench(tmp_path, SIMULATOR) as bench:
        made.write("deaf.hex", "0\n")
        assert bench(tmp_path).passed
        for deaf, message in (
            (1, r"FAIL: image 1.*"),
            (2, r"FAIL: image 1: expected a result, got none in \d+ cycles"),
            (4, r"FAIL: memory port, .*|FAIL: image 2: expected a result, got none in .*"),
        ):
            made.write("deaf.hex", f"{deaf}\n")
            run = bench(tmp_path)
            assert not run.passed
            assert re.fullmatch(message, run.verdict), run.verdict


@needs_simulator
def test_bench_says_when_it_has_compared_no_spike(tmp_path: Path) -> None:
    lit = digits(1)
    made = Made(tmp_path, small(), replace(lit, images=np.zeros_like(lit.images)), lanes=4)
    assert not any(image.spikes for image in made.vectors.presentations)
    run = made.run()
    assert run.passed
    assert run.verdict.startswith("PASS: 1 images, no output spike was there to compare, ")


def test_lines_of_a_bench_are_told_when_they_come_and_an_interrupt_ends_it(tmp_path: Path) -> None:
    told: list[str] = []
    program = "import time; print('image 0: a', flush=True); print('PASS: b', flush=True)"
    run = simulators._run([sys.executable, "-c", program], tmp_path, "Any 1.0", told.append)
    assert (run.status, run.passed, told) == (0, True, ["image 0: a", "PASS: b"])

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    endless = f"{program}; open('running', 'w').close(); time.sleep(3600)"
    with pytest.raises(KeyboardInterrupt):
        simulators._run([sys.executable, "-c", endless], tmp_path, "Any 1.0", interrupt)


@needs_simulator
def test_bench_tells_where_it_must_be_started(inference: Made, tmp_path: Path) -> None:
    for name in ("bench.v", "core.v"):
        (tmp_path / name).write_text((inference.folder / name).read_text())
    assert SIMULATOR is not None
    run = run_bench(tmp_path, SIMULATOR)
    first = next(iter(inference.netlist.files()))
    assert not run.passed
    assert run.verdict == (
        f"FAIL: file {first} must be there: start the simulator in the folder of bench.v"
    )


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_bench_passes_and_fails_in_every_simulator(
    inference: Made, simulator: str, tmp_path: Path
) -> None:
    try:
        find_simulator(simulator)
    except SimulatorError as e:
        pytest.skip(str(e))
    for path in inference.folder.rglob("*.*"):
        copy = tmp_path / path.relative_to(inference.folder)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text())
    spikes = tmp_path / "vectors/spikes.hex"
    spikes.write_text(flipped(spikes.read_text(), 0))
    with built_bench(inference.folder, simulator) as bench:
        run = bench(inference.folder)
        assert run.passed, run.output
        assert re.fullmatch(rf"{simulator}.* \d+\.\d+.*", run.simulator, re.IGNORECASE)
        run = bench(tmp_path)
    assert run.status != 0
    assert run.verdict.startswith("FAIL: image 0, output spike 0: expected step")


def test_simulator_that_is_missing_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_simulator("auto") is None
    assert find_simulator("none") is None
    message = "Simulator icarus must have iverilog, vvp: apt install iverilog"
    with pytest.raises(SimulatorError, match=re.escape(message)):
        find_simulator("icarus")


@needs_simulator
def test_package_that_fails_its_bench_is_not_written(
    network: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*args: Any) -> Vectors:
        vectors = make_vectors(*args)
        image = vectors.shown[0]
        return replace(vectors, shown=(replace(image, prediction=99), *vectors.shown[1:]))

    monkeypatch.setattr("prunus_rtl.export.package.make_vectors", wrong)
    with pytest.raises(ValueError, match=r"Bench must pass in .*, not: FAIL: image 0, prediction"):
        write_package(
            network,
            ExportOptions(),
            folder=tmp_path / "out",
            data=digits(5),
            images=2,
            typical=digits(5),
            simulator=SIMULATOR,
            command="",
        )
    assert list(tmp_path.iterdir()) == []
