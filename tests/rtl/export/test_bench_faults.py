# amaranth: UnusedElaboratable=no

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import digits
from prunus_model.training.artifact import Artifact
from prunus_package import (
    SIMULATOR,
    Made,
    needs_simulator,
    small,
)
from prunus_rtl.core.counters import counters_layout
from prunus_rtl.export.package import write_package
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.simulators import (
    SIMULATORS,
    BenchRun,
    SimulatorError,
    built_bench,
    find_simulator,
    run_bench,
)
from prunus_rtl.export.vectors import Vectors, make_vectors

Run = Callable[[Path], BenchRun]


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
        ("results", 2, r"FAIL: image 0, lead: expected \d+, got \d+"),
        ("results", 8, r"FAIL: image 0, forward_sops: expected \d+, got \d+"),
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
            fails(inference, {name: flipped(text, 3 + k)}, f"FAIL: image 0, {counter}: .*", bench)
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
    taken = {"spikes": "outputs__ready", "result": "result_ready", "answers": "outputs__ready"}
    for k, (output, ready) in enumerate(taken.items()):
        wire = f".{output}__ready({ready}"
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


@pytest.mark.sim
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
