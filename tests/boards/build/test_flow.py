# amaranth: UnusedElaboratable=no

import json
import os
import select
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_boards.build.flash import by_hand
from prunus_boards.platforms import BOARDS
from prunus_cli import Cli, digits, listing, message, process
from prunus_flow import NATIVE, fail
from prunus_model.cli.common import load_network
from prunus_model.data.datasets import load
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.mean_cycles import mean_cycles
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_tools import FakeTools


def report(folder: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(folder) / "report.json").read_text())
    return content


def test_the_fastest_of_the_seeds_is_taken(cli: Cli, tools: FakeTools, network: Artifact) -> None:
    tools.behave(fmax=[40.0, 90.5, 60.25])
    out = cli.succeed("bitstream", "net.npz", *NATIVE, "--seeds", "3", "--clock", "24")
    folder = Path("build/generic-ice40/inference-10")
    assert {path.name for path in folder.iterdir()} == {
        "core.json",
        "manifest.json",
        "prunus.bin",
        "report.json",
        "timing.log",
    }
    assert (folder / "prunus.bin").read_text() == "seed 2"
    assert (folder / "timing.log").read_text().endswith("\nseed 2\n")
    r = report(str(folder))
    assert r["fmax_mhz"] == [40.0, 90.5, 60.25]
    assert r["seeds"] == [1, 2, 3]
    assert (r["lut"], r["ff"], r["bram"], r["spram"], r["dsp"]) == (30, 12, 4, 0, 0)
    assert (r["clock_mhz"], r["lanes"], r["neurons"], r["mode"]) == (24.0, 2, 10, "inference")
    assert r["artifact_hash"] == network.content_hash
    assert r["bitstream_bytes"] == len("seed 2")
    assert r["tools"] == {name: f"{name} 1.0" for name in ("yosys", "nextpnr-ice40", "icepack")}
    # Images of the bundled sample are of another size.
    assert r["cycles_per_inference"] is r["ms_per_inference"] is None
    assert "reaches 40.0, 90.5, 60.2 MHz" in out
    # `prunus flash` does not know how boards of others are loaded.
    assert f"Load it: {by_hand(folder / 'prunus.bin')}\n" in out
    # Synthesis is done once.
    assert [call[0] for call in tools.calls] == ["yosys", *["nextpnr-ice40"] * 3, "icepack"]


@pytest.mark.usefixtures("tools")
def test_known_board_is_loaded_by_a_command_of_prunus(cli: Cli) -> None:
    out = cli.succeed("bitstream", "net.npz", "-b", "icebreaker", "--tools", "native", "-o", "out")
    assert "Load it: prunus flash out\n" in out


def test_a_seed_that_takes_too_long_is_left_out(cli: Cli, tools: FakeTools) -> None:
    tools.behave(fmax=[0.0, 60.25, 90.5], stuck=[1])
    out = cli.succeed("bitstream", "net.npz", *NATIVE, "--seeds", "3", "--minutes", "0.05")
    assert "nextpnr-ice40 must end within 0.05 minutes, and was ended; seed 1 is left out" in out
    r = report("build/generic-ice40/inference-10")
    assert (r["seeds"], r["fmax_mhz"]) == ([2, 3], [60.25, 90.5])


def test_tools_that_never_end_are_ended(cli: Cli, tools: FakeTools) -> None:
    tools.behave(stuck=[1, 2])
    said = fail(cli, "net.npz", *NATIVE, "--seeds", "2", "--minutes", "0.05")
    assert said == "nextpnr-ice40 must end within 0.05 minutes, and was ended"
    tools.behave(sleep=3600)
    said = fail(cli, "net.npz", *NATIVE, "--minutes", "0.05")
    assert said == "yosys must end within 0.05 minutes, and was ended"
    assert "--minutes" in cli.refuse("bitstream", "net.npz", *NATIVE, "--minutes", "nan")


@pytest.mark.usefixtures("tools")
def test_description_beside_the_bitstream_is_that_of_the_core(cli: Cli, network: Artifact) -> None:
    baud = ("--baud", "115200")
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out", "--store", "csr", *baud)
    plan = link_plan(network, ExportOptions(lanes=2, store="csr", device="UP5K"))
    clock_hz = BOARDS["generic-ice40"].clock_hz
    expected = CoreDescription.of(plan, clock_hz=clock_hz, baud=115_200)
    assert CoreDescription.load(Path("out/core.json")) == expected
    assert CoreDescription.find(expected.digest) == expected


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("--mode", "learning"), "dsp"),
        (("--mode", "learning", "--multiplier", "sequential"), "sequential"),
        ((), "sequential"),
        (("--multiplier", "dsp"), "dsp"),
    ],
)
def test_a_core_that_learns_takes_the_multiplier_blocks_of_its_device(
    cli: Cli, args: tuple[str, ...], expected: str
) -> None:
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out", *args)
    core = CoreDescription.load(Path("out/core.json"))
    assert core.hardware.multiplier == core.options.multiplier == expected


def critical(start: str, end: str, clock: str = "clk") -> dict[str, Any]:
    """A path of nextpnr's report."""
    ends = [
        {"cell": cell, "loc": [1, 1], "port": port} for cell, port in ((start, "Q"), (end, "D"))
    ]
    steps = [{"from": ends[0], "to": ends[0]}, {"from": ends[1], "to": ends[1]}]
    return {"from": f"posedge {clock}", "to": f"posedge {clock}", "path": steps}


FAILED = Path("build/generic-ice40/inference-10-failed")


def test_clock_that_is_missed_fails_the_build(cli: Cli, tools: FakeTools) -> None:
    # Of several clocks, and of paths to pins, that of the core's clock.
    other = critical("x", "y", "clk2")
    out = critical("x", "y") | {"to": "<async>"}
    tools.behave(fmax=[17.9, 23.94], paths=[other, out, critical("core.a", "core.b")])
    outcome = cli.run("bitstream", "net.npz", *NATIVE, "--clock", "24", "--seeds", "2")
    assert outcome.status == 2
    reason = (
        "Clock of 24 MHz must be met, but the best of 2 seeds reaches 23.9 MHz, "
        "from core.a.Q to core.b.D; try a slower `--clock`, or more `--seeds`"
    )
    assert message(outcome.err) == f"{reason}; see {FAILED}"
    # A failed one is not taken for a build: there is no report.
    assert {path.name for path in FAILED.iterdir()} == {
        "failed.json",
        "manifest.json",
        "timing.log",
        "top.pcf",
    }
    assert (FAILED / "timing.log").read_text().endswith("\nseed 2\n")
    assert "set_frequency clk 24.000000" in (FAILED / "top.pcf").read_text().splitlines()
    assert json.loads((FAILED / "failed.json").read_text()) == {
        "board": "generic-ice40",
        "device": "iCE40UP5K-SG48",
        "reason": reason,
        "clock_mhz": 24.0,
        "fmax_mhz": [17.9, 23.94],
        "seeds": [1, 2],
        "critical_path": ["core.a.Q", "core.b.D"],
        "cells": {"ICESTORM_LC": 30, "ICESTORM_RAM": 4, "ICESTORM_SPRAM": 0},
    }
    assert not Path("build/generic-ice40/inference-10").exists()
    tools.behave(fmax=[24.0])
    cli.succeed("bitstream", "net.npz", *NATIVE, "--clock", "24")


def test_failed_build_replaces_an_older_failed_one(cli: Cli, tools: FakeTools) -> None:
    tools.behave(fmax=[1.0])
    assert cli.run("bitstream", "net.npz", *NATIVE).status == 2
    tools.behave(fmax=[2.0])
    outcome = cli.run("bitstream", "net.npz", *NATIVE)
    assert message(outcome.err) == (
        "Clock of 18 MHz must be met, but the design reaches 2.0 MHz; try a slower `--clock`, "
        f"or more `--seeds`; see {FAILED}"
    )
    assert json.loads((FAILED / "failed.json").read_text())["fmax_mhz"] == [2.0]
    # But not what is somebody else's, which is told before the work.
    (FAILED / "notes").write_text("mine")
    calls = len(tools.calls)
    assert cli.refuse("bitstream", "net.npz", *NATIVE) == (
        f"Output {FAILED} must hold a failed build of Prunus and nothing else to be replaced; "
        "unknown: 'notes'"
    )
    assert len(tools.calls) == calls


def test_failed_build_never_replaces_a_build(cli: Cli, tools: FakeTools) -> None:
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out-failed")
    before = listing(cli.folder)
    tools.behave(fmax=[1.0])
    assert cli.refuse("bitstream", "net.npz", *NATIVE, "-o", "out") == (
        "Output out-failed must be a failed build of Prunus to be replaced"
    )
    assert listing(cli.folder) == before


@pytest.mark.parametrize(
    "line",
    [
        "Warning: net 'clocks.clock' does not exist in design, ignoring clock constraint",
        "Warning: ignoring unsupported LPF command 'MULTICYCLE' (on line 7)",
        "Warning: unmatched constraint 'led_1__io' (on line 4)",
        "Warning: Ignoring PCF setting '-nowarn' (on line 4)",
        "Warning: Ignoring trailing PCF settings (on line 4)",
        "Warning: Invalid constraint: IO_LOC",
    ],
)
def test_constraint_that_is_ignored_fails_the_build(cli: Cli, tools: FakeTools, line: str) -> None:
    tools.behave(log=["Info: constraining clock net 'clk' to 18.00 MHz", line])
    outcome = cli.run("bitstream", "net.npz", *NATIVE)
    assert outcome.status == 2
    said = f"nextpnr-ice40 must take all constraints, not say: {line}; see {FAILED}"
    assert message(outcome.err) == said
    assert line in (FAILED / "timing.log").read_text()


@pytest.mark.parametrize("asked", [12.0, 17.97, 18.03])
def test_other_frequency_than_that_of_the_clock_fails_the_build(
    cli: Cli, tools: FakeTools, asked: float
) -> None:
    tools.behave(asked=asked)
    outcome = cli.run("bitstream", "net.npz", *NATIVE)
    assert outcome.status == 2
    assert message(outcome.err) == (
        f"nextpnr-ice40 must be asked for the clock of 18 MHz, not for {asked:g} MHz; see {FAILED}"
    )
    tools.behave(asked=18.001)
    cli.succeed("bitstream", "net.npz", *NATIVE)


def test_failed_build_leaves_the_older_one(cli: Cli, tools: FakeTools) -> None:
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out")
    before = listing(cli.folder)
    tools.behave(fmax=[1.0])
    assert cli.run("bitstream", "net.npz", *NATIVE, "-o", "out").status == 2
    after = listing(cli.folder)
    assert {name: after[name] for name in before} == before
    assert {Path(name).parts[0] for name in set(after) - set(before)} == {"out-failed"}
    tools.behave(fmax=[99.0])
    cli.succeed("bitstream", "net.npz", *NATIVE, "-o", "out")
    assert report("out")["fmax_mhz"] == [99.0]


def test_terminated_build_leaves_nothing(
    cli: Cli, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools.behave(sleep=3600)
    monkeypatch.setattr(sys, "executable", tools.python)
    before = listing(cli.folder)
    with process("bitstream", "net.npz", *NATIVE, cwd=cli.folder) as running:
        assert running.stdout is not None
        while "yosys" not in (line := running.stdout.readline()):
            assert line
        running.terminate()
        assert running.wait(timeout=600) == 143
    assert listing(cli.folder) == before


def test_killed_build_leaves_no_tool(
    cli: Cli, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(pipe := tools.folder / "pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    (tools.folder / "yosys").write_text(f"#!/bin/sh\nexec >{pipe}\necho\n/bin/sleep 3600\n")
    monkeypatch.setattr(sys, "executable", tools.python)
    with process("bitstream", "net.npz", *NATIVE, cwd=cli.folder) as running:
        assert select.select([reader], [], [], 600)[0]
        assert os.read(reader, 9) == b"\n"
        running.kill()
    # It ends when nobody has it open for writing any more.
    assert select.select([reader], [], [], 600)[0]
    assert os.read(reader, 9) == b""
    os.close(reader)


@pytest.mark.parametrize("name", BOARDS)
def test_default_network_of_every_board_is_bundled(name: str) -> None:
    artifact = load_network(BOARDS[name].network)
    assert artifact.config.neurons >= BOARDS[name].lanes


@pytest.mark.usefixtures("tools")
def test_the_report_tells_the_cycles_of_images_that_are_named(cli: Cli, network: Artifact) -> None:
    few = digits(30)
    np.savez(cli.folder / "mine.npz", images=few.images, labels=few.labels)
    out = cli.succeed("bitstream", "net.npz", *NATIVE, "--data", "mine.npz")
    r = report("build/generic-ice40/inference-10")
    shown = load("mine.npz", "test")
    plan = link_plan(network, ExportOptions(lanes=2, store=r["store"], device="UP5K"))
    cycles = mean_cycles(plan, levels(shown.images, network.config.encoder))
    assert r["cycles_per_inference"] == round(cycles)
    assert f"{r['cycles_per_inference']:,} cycles or " in out
    assert r["cycles_from"].startswith(f"formula, mean of {len(shown)} images of {shown.name}, ")


@pytest.mark.usefixtures("tools")
def test_what_is_odd_about_the_images_of_a_report_is_told(cli: Cli) -> None:
    few = digits(30)
    np.savez(cli.folder / "mine.npz", train_images=few.images, train_labels=few.labels)
    outcome = cli.run("bitstream", "net.npz", *NATIVE, "--data", "mine.npz")
    assert outcome.status == 0
    told = "The wanted images are missing; those of mine.npz train are taken instead"
    assert outcome.err.splitlines().count(told) == 1


@pytest.mark.usefixtures("tools")
def test_images_of_a_report_must_suit_the_network(cli: Cli) -> None:
    said = fail(cli, "net.npz", *NATIVE, "--data", "sample")
    assert said == "Images of sample test must have 49 pixels for this configuration, not 784"
