"""Energy of a network in classes a and b."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import Cli, digits, tiny, windows, write_digits
from prunus_model.common.errors import ArtifactError
from prunus_model.reference.network import Network
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_model.training.trainer import Trainer, train
from prunus_overhead.cli import facts_of
from prunus_overhead.energy.activity import activity_rows, matching
from prunus_overhead.energy.estimate import Charge, Load, class_a, class_b
from prunus_overhead.energy.operations import MEMORY_UNITS, UNITS, operations
from prunus_overhead.energy.technology import Technology
from prunus_overhead.energy.workload import Subject
from prunus_rtl.counts.memories import memories
from prunus_rtl.counts.presentation import accesses
from prunus_rtl.widths import Widths

TECHNOLOGY = Technology.bundled()


@pytest.fixture(scope="module", params=["adaptive", "none", "soft"])
def artifact(request: pytest.FixtureRequest) -> Artifact:
    return train(tiny(request.param), digits(2300))


def subject_of(artifact: Artifact) -> Subject:
    return Subject(artifact=artifact, lanes=4)


def cores(subject: Subject) -> list[tuple[Load, Widths]]:
    shown = subject.show(digits(30, seed=1), stop_after=0).load
    return [
        (shown, subject.inference),
        (shown.dense(), subject.inference_dense),
        (subject.training(), subject.learning),
        (subject.training().dense(), subject.learning_dense),
    ]


def test_views_of_groups_are_counted() -> None:
    """Clearing, and drawing before the first step, happen in every view."""
    artifact, images = windows(), digits(20, seed=4)
    subject = Subject(artifact=artifact, lanes=4)
    assert subject.show(images).load.views == 20 * 8
    network = Network(artifact.config, artifact.state, artifact.readout.votes)
    views = 0
    for number, image in enumerate(levels(images.images, artifact.config.encoder)):
        network.state.presentation = number
        steps = network.steps(image, learn=False, stop_after=1, margin=9)
        views += len({step.view for step in steps})
    load = subject.show(images, stop_after=1, margin=9).load
    assert load.views == views < 20 * 8
    more = replace(load, views=load.views + 1)
    found = (class_b(each, subject.inference, TECHNOLOGY) for each in (load, more))
    before, after = ({c.name: c.count * 20 for c in each.charges} for each in found)
    slots = 4 * subject.inference.slots
    assert after["v writes"] == pytest.approx(before["v writes"] + slots)
    assert subject.training().views == 600 * 4
    assert subject.training().decays == 599 * 4
    assert subject.learn(images).views == 20 * 4
    facts = facts_of(subject, TECHNOLOGY, data="sample", images=1, mode="learning")
    assert (facts["neurons"], facts["groups"]) == (5, 4)
    assert {row.get("groups") for row in facts["rows"]} == {4}


def test_class_a_is_sops_times_the_constant(artifact: Artifact) -> None:
    load = subject_of(artifact).training()
    found = class_a(load, TECHNOLOGY)
    sops = artifact.counters.forward_sops + artifact.counters.update_sops
    assert found.sops == sops / 2300
    assert found.nj == pytest.approx(found.sops * 0.1e-3)
    assert found.pj_per_sop == pytest.approx(0.1)


def test_class_b_charges_every_access_and_operation_once(artifact: Artifact) -> None:
    for load, shapes in cores(subject_of(artifact)):
        shown = load.counters.presentations
        counts = accesses(shapes, load.counters, decays=load.decays, views=load.views)
        names = [n for m in memories(shapes) for n in (*m.reads, *m.writes)]
        names += [operation.count for operation in operations(shapes)]
        assert len(set(names)) == len(names)
        # Those of the sequential multiplier are its additions.
        missing = {n for n, count in counts.as_dict().items() if count} - set(names)
        assert missing <= {"multiplications"}
        found = class_b(load, shapes, TECHNOLOGY)
        charged = sum(charge.count for charge in found.charges if charge.memory)
        assert charged * shown == pytest.approx(counts.total("reads") + counts.total("writes"))
        assert {charge.unit for charge in found.charges} <= set(UNITS)
        assert found.nj == pytest.approx(sum(found.units.values()))
        assert 0 < found.memory_nj < found.nj


def test_class_b_of_one_memory_by_hand() -> None:
    subject = subject_of(train(tiny("adaptive"), digits(2300)))
    load, shapes = subject.training(), subject.learning
    (reads,) = [c for c in class_b(load, shapes, TECHNOLOGY).charges if c.name == "weights reads"]
    c = load.counters
    assert reads.count == (c.forward_sops + c.update_dense) / 2300
    # 49 inputs and 3 slots of 8 bits: 1176 bits, more than 1024.
    assert reads.pj == pytest.approx(0.15625 * 8 * (1176 / 65536) ** 0.5)
    assert reads.nj == pytest.approx(reads.count * reads.pj / 1000)
    assert reads.unit == "store"
    text = (files("prunus_overhead.energy") / "technology.toml").read_text()
    dear = Technology.from_toml(
        text.replace("\nwrite_pj_per_bit = 0.15625", "\nwrite_pj_per_bit = 1")
    )
    pj = {c.name: c.pj for c in class_b(load, shapes, dear).charges}
    assert pj["weights reads"] == reads.pj
    assert pj["weights writes"] == pytest.approx(reads.pj / 0.15625)


def test_pruning_costs_only_where_it_is() -> None:
    adaptive, none = (subject_of(train(tiny(p), digits(2300))) for p in ("adaptive", "none"))
    parts = class_b(adaptive.training(), adaptive.learning, TECHNOLOGY).units
    assert 0 < parts["pruning"] < 0.02 * sum(parts.values())
    assert "pruning" not in class_b(none.training(), none.learning, TECHNOLOGY).units
    # The same decisions, without the unit: all other parts stay as they are.
    without = class_b(
        replace(adaptive.training(), counters=replace(adaptive.training().counters, pruned=0)),
        adaptive.learning_dense,
        TECHNOLOGY,
    ).units
    assert without == {unit: nj for unit, nj in parts.items() if unit != "pruning"}


def test_every_memory_has_a_unit() -> None:
    assert set(MEMORY_UNITS.values()) <= set(UNITS)


def test_inference_is_that_of_evaluate(artifact: Artifact) -> None:
    data = digits(30, seed=1)
    for stop_after in (0, 1):
        shown = subject_of(artifact).show(data, stop_after=stop_after)
        expected = evaluate(artifact, data, stop_after=stop_after)
        assert shown.load.counters == expected.counters
        assert shown.accuracy == expected.vote_accuracy


def test_learning_on_leaves_the_network_alone(artifact: Artifact) -> None:
    before = artifact.content_hash
    load = subject_of(artifact).learn(digits(20, seed=2))
    assert load.counters.presentations == 20
    assert load.decays == 20
    assert artifact.content_hash == before


def test_frozen_synapses_can_be_left_out() -> None:
    subject = subject_of(train(tiny("soft"), digits(2300)))
    load = subject.show(digits(30, seed=1), stop_after=0).load
    assert load.without_frozen().sops == load.sops - load.counters.frozen_sops < load.sops
    kept = class_b(load, subject.inference, TECHNOLOGY).nj
    bare = subject.without_frozen()
    assert class_b(load.without_frozen(), bare.inference, TECHNOLOGY).nj < kept
    assert bare.inference.store is not None


def test_a_load_that_such_a_core_cannot_have_is_refused(artifact: Artifact) -> None:
    subject = subject_of(artifact)
    with pytest.raises(ValueError, match=r"^Counters must be those of inference"):
        class_b(subject.training(), subject.inference, TECHNOLOGY)


def test_a_network_in_training_is_refused() -> None:
    trainer = Trainer(tiny(), digits(2300), epochs=2)
    trainer.advance()
    with pytest.raises(ArtifactError, match=r"^Network must be trained completely, but is at"):
        Subject(artifact=trainer.checkpoint())


def test_energy_of_a_charge_is_in_nanojoules() -> None:
    assert Charge(name="x", unit="store", memory=True, count=2000, pj=1.5).nj == 3


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    train(tiny(), digits(2300)).save(Path("net.npz"))
    write_digits(Path("digits.npz"), 10, 30)
    return Cli(tmp_path, monkeypatch, capsys)


def test_command_prints_json_with_class_technology_voltage_and_workload(cli: Cli) -> None:
    facts = json.loads(cli.succeed("estimate", "net.npz", "-d", "digits.npz", "--json"))
    expected = facts_of(
        Subject(artifact=Artifact.load(Path("net.npz"))),
        TECHNOLOGY,
        data="digits.npz",
        images=1000,
        measured=[],
    )
    assert facts == json.loads(json.dumps(expected))
    kinds = [(r["class"], r["mode"], r["early_exit"], r["policy"]) for r in facts["rows"]]
    assert kinds == [
        (name, mode, early, policy)
        for mode, early in (("inference", 0), ("inference", 1), ("learning", 0))
        for policy in ("dense", "adaptive")
        for name in ("a", "b")
    ]
    for row in facts["rows"]:
        assert row["voltage_v"] == 0.9
        assert row["technology"] == "45 nm, Horowitz 2014"
        assert row["workload"] in (
            "30 test images of digits.npz",
            f"whole training: 2300 presentations of {digits(2300).identity}",
        )


def test_command_prints_tables(cli: Cli) -> None:
    out = cli.succeed("estimate", "net.npz", "-d", "digits.npz", "-n", "7", "--mode", "inference")
    title = (
        "inference, nJ per presentation; 7 test images of digits.npz; 45 nm, Horowitz 2014, 0.9 V"
    )
    assert f"\n{title}\n" in out
    assert "learning, nJ" not in out
    assert "A SOP is one synapse in memory read and added" in out
    assert "Class a: " in out
    assert "Class c: no measurement of such a network here; class c needs a liberty" in out


def test_command_takes_another_technology(cli: Cli) -> None:
    text = (files("prunus_overhead.energy") / "technology.toml").read_text()
    Path("mine.toml").write_text(text.replace("factor = 1.0", "factor = 3.0"))
    args = ("estimate", "net.npz", "-d", "digits.npz", "--json")
    one, three = (
        json.loads(cli.succeed(*args, *more))["rows"] for more in ((), ("--tech", "mine.toml"))
    )
    for a, b in zip(one, three, strict=True):
        assert b["nj_per_presentation"] == pytest.approx(3 * a["nj_per_presentation"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["missing.npz"],
            "Network missing.npz must exist",
            id="network",
        ),
        pytest.param(
            ["net.npz", "--tech", "missing.toml"],
            "Technology file missing.toml must exist",
            id="technology",
        ),
        pytest.param(
            ["net.npz", "--lanes", "3", "-d", "digits.npz"],
            "lanes must be a power of 2, not 3",
            id="lanes",
        ),
        pytest.param(
            ["net.npz", "--lanes", "32", "-d", "digits.npz"],
            "lanes must not be more than neurons, but got lanes=32, neurons=10",
            id="too many lanes",
        ),
    ],
)
def test_bad_input_is_one_line(cli: Cli, arguments: list[str], message: str) -> None:
    assert cli.refuse("estimate", *arguments) == message


def test_measurements_are_found_by_what_they_are_of(tmp_path: Path) -> None:
    path = tmp_path / "cells.json"
    assert activity_rows(path) == []
    head = {"mode": "learning", "policy": "adaptive", "neurons": 100, "early_exit": 0}
    rows = [{"class": "c"} | head, {"class": "c"} | head | {"neurons": 400}, {"class": "b"} | head]
    path.write_text(json.dumps({"energy": rows}))
    assert activity_rows(path) == rows[:2]

    def found(early_exit: int) -> Sequence[Mapping[str, Any]]:
        return matching(
            activity_rows(path),
            mode="learning",
            policy="adaptive",
            neurons=100,
            early_exit=early_exit,
        )

    assert found(0) == rows[:1]
    assert found(1) == []


def test_measurements_of_such_a_network_are_shown_beside_the_others(cli: Cli) -> None:
    measured = {"class": "c", "technology": "OSU 0.18 um", "voltage_v": 1.8, "mode": "inference"}
    measured |= {"policy": "adaptive", "neurons": 10, "early_exit": 1, "same_decisions": False}
    measured |= {"workload": "4 images of x", "nj_per_presentation": 12.5, "pj_per_sop": 3.25}
    measured |= {"sops_per_presentation": 77.0, "parts": {"clock_net": 12.5}}
    idle = measured | {"same_decisions": True}
    Path("overhead/results").mkdir(parents=True)
    Path("overhead/results/cells.json").write_text(json.dumps({"energy": [measured, idle]}))
    args = ("estimate", "net.npz", "-d", "digits.npz")
    rows = json.loads(cli.succeed(*args, "--json"))["rows"]
    assert [row for row in rows if row["class"] == "c"] == [measured]
    out = cli.succeed(*args)
    assert (
        "inference, early exit after 1, nJ per presentation; 4 images of x; OSU 0.18 um, 1.8 V\n"
        in out
    )
    assert "Class c: switching activity of the synthesised netlist" in out
    assert "apt install" not in out
