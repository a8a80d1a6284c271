"""The driver in C: compiled for a target without a library, and against a model of the core."""

# amaranth: UnusedElaboratable=no

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import digits
from prunus_model.data.events.split import stimuli
from prunus_model.engine.engine import Engine
from prunus_model.spec.presentation import Presentation
from prunus_model.spec.readout import UNDECIDED
from prunus_model.training.artifact import Artifact
from prunus_rtl.bus.capability import SPIKE_ROOM
from prunus_rtl.bus.registers import REGISTERS
from prunus_rtl.bus.system import AxiSystem
from prunus_rtl.export import verilator
from prunus_rtl.export.netlist import make_netlist
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.soc.buses import AxiInterface
from prunus_rtl.soc.driver import driver_files

needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
needs_verilator = pytest.mark.skipif(
    verilator.root() is None or shutil.which("g++") is None, reason="needs verilator and g++"
)
_HERE = Path(__file__).parent
_INFER, _LEARN = 20, 5


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    for name, text in driver_files().items():
        (tmp_path / Path(name).name).write_text(text)
    return tmp_path


@needs_compiler
def test_driver_is_plain_c_and_needs_nothing(driver: Path) -> None:
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffreestanding"]
    subprocess.run([*command, "-O2", "-c", "prunus.c"], cwd=driver, check=True)
    done = subprocess.run(
        ["nm", "--undefined-only", "prunus.o"],
        cwd=driver,
        check=True,
        capture_output=True,
        text=True,
    )
    # No function of a library, and nothing that keeps anything between calls.
    assert done.stdout == ""
    done = subprocess.run(
        ["size", "prunus.o"], cwd=driver, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[1].split()[1:3] == ["0", "0"]


@needs_compiler
def test_header_has_the_offsets_and_bits_of_the_table(driver: Path) -> None:
    checks = []
    for entry in REGISTERS:
        checks.append((f"PRUNUS_{entry.name}", entry.offset))
        for field in entry.fields:
            if field.name != "value" or len(entry.fields) > 1:
                name = f"PRUNUS_{entry.name}_{field.name.upper()}"
                checks.append((name, ((1 << field.width) - 1) << field.lsb))
    lines = ['#include "prunus.h"', *(f'_Static_assert({n} == {v}u, "{n}");' for n, v in checks)]
    (driver / "check.c").write_text("\n".join(lines) + "\n")
    subprocess.run(["gcc", "-std=c11", "-Werror", "-c", "check.c"], cwd=driver, check=True)


def _line(shown: Presentation) -> str:
    counts = shown.counters
    undecided = shown.prediction == UNDECIDED
    numbers = [0 if undecided else shown.prediction, int(undecided), shown.lead]
    numbers += [counts.steps, counts.inhibited_steps, counts.input_spikes]
    numbers += [counts.integrated_spikes, counts.output_spikes, counts.forward_sops]
    numbers += [counts.update_sops, counts.pruned]
    fired = zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True)
    return " ".join(["image", *map(str, numbers), *(f"{step}:{post}" for step, post in fired)])


@pytest.mark.sim
@needs_verilator
@pytest.mark.parametrize("spike_room", [SPIKE_ROOM, 1])
def test_driver_infers_and_learns_as_the_model_does(
    network: Artifact, driver: Path, spike_room: int
) -> None:
    plan = make_plan(network, ExportOptions(mode="learning", lanes=4))
    system = AxiSystem(
        core=plan.core(), network=AxiInterface().network(plan), spike_room=spike_room
    )
    netlist = make_netlist(system, top="prunus_axi")
    (driver / "core.v").write_text(netlist.text)
    (driver / "memories").mkdir()
    for name, image in netlist.files().items():
        (driver / name).write_text(image.content)
    for name in ("harness.cpp", "bus.h"):
        shutil.copy(_HERE / name, driver)
    command = ["verilator", "--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
    command += ["-CFLAGS", "-I..", "--Mdir", "build", "--top-module", "prunus_axi"]
    # As C, not as C++.
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-include", "bus.h", "-c"]
    subprocess.run(["gcc", *flags, "prunus.c", "-o", "driver.o"], cwd=driver, check=True)
    subprocess.run(
        [*command, "core.v", "harness.cpp", str(driver / "driver.o")],
        cwd=driver,
        env=verilator.environment(),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    levels: Any = stimuli(digits(_INFER + _LEARN, seed=5), plan.network)
    (driver / "levels.bin").write_bytes(levels.tobytes())
    done = subprocess.run(
        ["build/Vprunus_axi", "levels.bin", str(_INFER), str(_LEARN)],
        cwd=driver,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    head, *images, again, theta, written, named, refused = done.stdout.splitlines()
    config = plan.network
    sizes = [config.inputs, config.neurons, config.encoder.steps, 1, 1, 4]
    most = config.encoder.steps
    sizes += [config.readout.classes, most, min(most, spike_room)]
    assert head == " ".join(["core", *map(str, sizes)])
    engine = Engine(config, plan.state, plan.votes)
    shown = [
        engine.present(image, learn=k >= _INFER, stop_after=0, margin=0, keep=False)
        for k, image in enumerate(levels)
    ]
    assert images == [_line(outcome) for outcome in shown]
    counts = [shown[k].counters.output_spikes for k in range(len(shown))]
    liveliest = levels[counts.index(max(counts))]
    state = engine.state
    once, without = (
        engine.present(liveliest, learn=False, stop_after=0, margin=0, keep=False).counters
        for _ in range(2)
    )
    assert once.output_spikes > 1
    # FULL, as the core waits until its spikes are taken. Without spikes there is no need to wait.
    status = 0 if spike_room >= most else -6
    assert again == f"again {status} {once.output_spikes} 0 0 {without.output_spikes}"
    # They are not all alike.
    assert len(set(images[:_INFER])) > 10
    assert sum(outcome.counters.update_sops for outcome in shown) > 0
    assert theta == " ".join(["theta", *map(str, state.theta.tolist())])
    assert written == f"written 12345 {state.theta[1]}"
    assert named == "hash 0 1 0"
    # CANNOT, CANNOT, CANNOT; BUSY, TIMEOUT, BUSY; TIMEOUT; CANNOT, and no error is left.
    assert refused == "refused -3 -3 -3 -2 -4 -2 -4 -3 0"
