"""`prunus search`: repeated, resumed, shared, stopped; what it writes; what is refused."""

import json
import os
import signal
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from prunus_cli import Cli, message, process, write_digits
from prunus_model.study.plan import halves
from prunus_model.study.rule import Rule
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_model.training.trainer import Trainer
from prunus_overhead.search.area import memory_bits
from prunus_overhead.search.front import rows
from prunus_overhead.search.owners import is_alive, owner
from prunus_overhead.search.trials import MEASURED

pytestmark = pytest.mark.tools

SPACE = """
config = "tiny"
data = "digits.npz"
set.pruning = { policy = "adaptive", strength_gain = 900 }
[ranges]
pruning.ramp_shift = { low = 1, high = 4 }
neurons = { low = 6, high = 16, step = 2 }
weight_bits = [4, 8]
readout.margin = { low = 0, high = 30 }
"""
JOURNAL, STORE, FOLDER = "build/search.journal", "build/reproduction.sqlite", Path("build/search")
#: Ends the process in the middle of its fourth training, as a lack of memory would.
DIES = """
import os, signal
from prunus_model.study import runner
from prunus_model.study.work import train_and_test
done = []
def work(training):
    if len(done) == 3:
        {end}
    done.append(training)
    return train_and_test(training)
runner.reproduce.__kwdefaults__["work"] = work
"""


@pytest.fixture
def here(cli: Cli) -> Cli:
    """The command line beside `digits.npz` and `space.toml`."""
    write_digits(cli.folder / "digits.npz", train=1200)
    Path("space.toml").write_text(SPACE)
    return cli


def search(*more: str, trials: int = 6) -> tuple[str, ...]:
    return ("search", "space.toml", "-n", str(trials), "-j", "1", *more)


def found(folder: Path = FOLDER) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "search.json").read_text())
    return content


def fresh(name: str, *more: str) -> tuple[str, ...]:
    """Options for a search of its own."""
    return ("--trials-file", f"{name}.journal", "--store", f"{name}.sqlite", "-o", name, *more)


def values(folder: Path) -> list[dict[str, Any]]:
    """The rows without the numbers of the trials, of which some are left out if it was stopped."""
    return [{k: v for k, v in row.items() if k != "number"} for row in found(folder)["rows"]]


def states(journal: str) -> list[str]:
    storage = JournalStorage(JournalFileBackend(journal))
    study = optuna.load_study(study_name="prunus", storage=storage)
    return [trial.state.name for trial in study.get_trials()]


def test_search_writes_front_picture_and_best(here: Cli) -> None:
    out = here.succeed(*search(trials=8))
    assert out.startswith(f"0 trials there already, in {JOURNAL}\n")
    assert "8 of 8 trials" in out
    assert "Pareto front: " in out
    results = found()
    assert results["provenance"]["kind"] == "search"
    assert results["provenance"]["command"] == (
        "prunus search space.toml --trials 8 --sampler tpe --seed 0 --jobs 1"
    )
    assert results["split"] == "validation"
    listed = results["rows"]
    assert len({row["number"] for row in listed}) == len(listed)
    assert (FOLDER / "pareto.png").read_bytes().startswith(b"\x89PNG")
    # By definition, with the objectives written out.
    costs = [(-r["accuracy"], r["sops_per_image"], r["memory_bits"]) for r in listed]
    for row, mine in zip(listed, costs, strict=True):
        better = [
            o for o in costs if o != mine and all(a <= b for a, b in zip(o, mine, strict=True))
        ]
        assert row["front"] == (not better)
    assert any(row["front"] for row in listed) and not all(row["front"] for row in listed)
    (best,) = (row for row in listed if row["number"] == results["best"])
    assert best["accuracy"] == max(row["accuracy"] for row in listed)
    config = tomllib.loads((FOLDER / "best.toml").read_text())
    assert config["pruning"]["ramp_shift"] == best["values"]["pruning.ramp_shift"]
    assert config["neurons"] == best["values"]["neurons"]
    assert config["readout"]["margin"] == best["values"]["readout.margin"]
    assert (config["inputs"], config["pruning"]["strength_gain"]) == (49, 900)
    line = f"{best['number']} *"
    assert sum(row.startswith(line) for row in out.splitlines()) == 1


def test_objectives_are_those_of_a_training_without_the_last_sixth(here: Cli) -> None:
    Path("space.toml").write_text(f"lanes = 1\n{SPACE}")
    here.succeed(*search(trials=2))
    here.succeed("train", "-c", str(FOLDER / "best.toml"), "-d", "digits.npz", "--epochs", "1")
    (network,) = (Path().glob("*.npz"),)
    config = Artifact.load(next(p for p in network if p.name != "digits.npz")).config
    train, kept = halves("digits.npz", config.encoder, validate=True)
    assert (len(train), len(kept)) == (1000, 200)
    trainer = Trainer(config, train, epochs=1)
    while not trainer.done:
        trainer.advance()
    artifact = trainer.finish(threads=1)
    of = config.readout
    result = evaluate(Rule(of.votes, of.vote_bits, of.stop_after, of.margin).apply(artifact), kept)
    results = found()
    (best,) = (row for row in results["rows"] if row["number"] == results["best"])
    assert best["accuracy"] == result.vote_accuracy
    assert best["sops_per_image"] == result.sops_per_image
    assert best["density"] == artifact.density
    synapses = int(artifact.state.alive.sum())
    assert best["memory_bits"] == memory_bits(config, synapses, lanes=1)
    assert best["memory_bits"] != memory_bits(config, 49 * config.neurons, lanes=1)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_search_that_goes_on_proposes_what_it_would_have_proposed(here: Cli, sampler: str) -> None:
    # Beyond the trials that are random with every sampler.
    number = 14
    here.succeed(*search(*fresh("whole", "--sampler", sampler), trials=number))
    for trials in (1, 11, number):
        here.succeed(*search(*fresh("parts", "--sampler", sampler), trials=trials))
    assert found(Path("parts"))["rows"] == found(Path("whole"))["rows"]
    here.succeed(*search(*fresh("other", "--sampler", sampler, "--seed", "1"), trials=2))
    assert values(Path("other")) != values(Path("whole"))[:2]


def test_nothing_is_trained_twice(here: Cli) -> None:
    here.succeed(*search(*fresh("first")))
    before = Path("first.sqlite").read_bytes()
    more = ("--trials-file", "again.journal", "--store", "first.sqlite", "-o", "again")
    here.succeed(*search(*more))
    assert Path("first.sqlite").read_bytes() == before
    assert found(Path("again"))["rows"] == found(Path("first"))["rows"]
    out = here.succeed(*search(*fresh("first")))
    assert out.startswith("6 trials there already")
    assert " of 6 trials, best" not in out


def test_trials_of_one_training_that_are_tested_otherwise_go_together(here: Cli) -> None:
    ranges = "ranges.readout.margin = { low = 0, high = 200 }"
    Path("space.toml").write_text(f'config = "tiny"\ndata = "digits.npz"\n{ranges}')
    here.succeed("search", "space.toml", "-n", "4", "-j", "4")
    listed = found()["rows"]
    # Two of them may be of the same margin.
    assert len({row["values"]["readout.margin"] for row in listed}) == len(listed) > 2
    assert len({row["digests"][0] for row in listed}) == 1


def test_same_values_have_one_row() -> None:
    values = {"neurons": 7}
    measured = [{"density": 0.5, "digest": "a"}]
    trials = [
        optuna.trial.create_trial(
            params=values,
            distributions={"neurons": IntDistribution(1, 9)},
            values=[0.5, 3, 4],
            user_attrs={MEASURED: measured},
        )
        for _ in range(2)
    ]
    for number, trial in enumerate(trials):
        trial.number = number
    (row,) = rows(trials)
    assert (row["values"], row["accuracy"], row["front"]) == (values, 0.5, True)


def test_owner_is_alive_until_it_ends(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with owner(journal) as name:
        assert is_alive(journal, name)
    assert not is_alive(journal, name)
    assert list(tmp_path.iterdir()) == []


def test_result_is_the_mean_over_the_seeds(here: Cli) -> None:
    for seeds in ("[1]", "[2]", "[1, 2]"):
        Path("space.toml").write_text(f"seeds = {seeds}\n{SPACE}")
        here.succeed(*search(*fresh(seeds), trials=1))
    one, two, both = (found(Path(s))["rows"][0] for s in ("[1]", "[2]", "[1, 2]"))
    for name in ("accuracy", "sops_per_image", "memory_bits", "density"):
        assert both[name] == (one[name] + two[name]) / 2
    assert both["digests"] == one["digests"] + two["digests"]


def test_processes_share_trials(here: Cli) -> None:
    runs = [
        process(*search("-o", f"out{n}", "--store", f"own{n}.sqlite", trials=10), cwd=here.folder)
        for n in (1, 2)
    ]
    ends = [(*run.communicate(timeout=300), run.returncode) for run in runs]
    assert [end[2] for end in ends] == [0, 0], ends
    # Both tell all trials; each was trained by one of them.
    assert found(Path("out1"))["rows"] == found(Path("out2"))["rows"]
    assert states(JOURNAL).count("COMPLETE") == 10
    assert [s for s in states(JOURNAL) if s not in ("COMPLETE", "FAIL")] == []
    assert all("10 trials there already" not in end[0] for end in ends)


def wait_for(journal: str, count: int, run: subprocess.Popen[str]) -> None:
    hangs = time.monotonic() + 300
    while not Path(journal).exists() or Path(journal).read_text().count('"measured"') < count:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < hangs
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGINT)", 130),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143),
    ],
)
def test_trial_of_a_process_that_is_ended_is_done_again(here: Cli, end: str, status: int) -> None:
    here.succeed(*search(*fresh("whole")))
    run = process(*search(*fresh("cut")), cwd=here.folder, before=DIES.format(end=end))
    out, err = run.communicate(timeout=300)
    assert (run.returncode, err) == (status, "")
    assert states("cut.journal").count("COMPLETE") == 3
    if status > 0:
        assert "Stopped. 3 trials are in cut.journal; the same command continues" in out
        assert "RUNNING" not in states("cut.journal")
    here.succeed(*search(*fresh("cut")))
    assert values(Path("cut")) == values(Path("whole"))
    assert states("cut.journal").count("COMPLETE") == 6
    assert states("cut.journal").count("FAIL") == 1
    # Its values were put back, whatever a sampler would propose now.
    assert "fixed_params" in Path("cut.journal").read_text()
    assert [p.name for p in here.folder.iterdir() if p.name.startswith(".")] == []


def test_trial_that_another_process_has_begun_is_waited_for(here: Cli) -> None:
    holds = DIES.format(end="os.kill(os.getpid(), signal.SIGSTOP)")
    first = process(*search("-o", "one", trials=4), cwd=here.folder, before=holds)
    wait_for(JOURNAL, 3, first)
    second = process(*search("-o", "two", trials=4), cwd=here.folder)
    assert second.stderr is not None
    assert second.stderr.readline() == "Waiting for 1 trial of other processes\n"
    os.kill(first.pid, signal.SIGCONT)
    assert [run.wait(timeout=300) for run in (first, second)] == [0, 0]
    assert found(Path("one"))["rows"] == found(Path("two"))["rows"]
    assert states(JOURNAL) == ["COMPLETE"] * 4
    for run in (first, second):
        run.communicate()


def test_trial_that_cannot_be_done_is_told_and_stops_no_other(here: Cli) -> None:
    # A window of 5 pixels does not fit 4 inputs of a group: only together it is wrong.
    Path("space.toml").write_text(
        'config = "tiny"\ndata = "digits.npz"\n[ranges]\n'
        "readout.stop_after = [0, 1]\nreadout.margin = [0, 200]\n"
        "readout.vote_bits = [4, 8]\n"
    )
    out = here.succeed(*search(trials=12))
    told = [line for line in out.splitlines() if line.startswith("Failed: trial ")]
    assert told and all("margin must be at most" in line for line in told)
    results = found()
    assert results["failed"] == len(told)
    shown = [row["values"] for row in results["rows"]]
    bad = {"readout.stop_after": 1, "readout.margin": 200, "readout.vote_bits": 4}
    assert bad not in shown and len(shown) >= 2


def test_network_within_some_points_is_thrifty(here: Cli) -> None:
    here.succeed(*search())
    exact = found()
    here.succeed(*search("--within", "100"))
    listed = found()["rows"]
    assert listed == exact["rows"]
    (best,) = (row for row in listed if row["number"] == found()["best"])
    assert best["sops_per_image"] == min(row["sops_per_image"] for row in listed)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("nowhere.toml",), "Search nowhere.toml must "),
        (("space.toml", "-n", "0"), "Invalid value for '-n'"),
        (("space.toml", "--sampler", "best"), "Invalid value for '--sampler'"),
        (("space.toml", "--within", "-1"), "Invalid value for '--within'"),
        (("space.toml", "-o", "digits.npz"), "'digits.npz' is a file"),
        (("space.toml", "--trials-file", "."), "is a directory"),
        (("space.toml", "--trials-file", "space.toml"), "Trials space.toml must be a file that "),
        (("space.toml", "--trials-file", "digits.npz"), "Trials digits.npz must be a file that "),
        (("lanes.toml",), "lanes must be 1, 2, 4, 8, 16, 32 or 64, not 3"),
        (("data.toml",), "none.npz must exist"),
    ],
)
def test_what_is_wrong_is_one_line(here: Cli, args: tuple[str, ...], expected: str) -> None:
    Path("lanes.toml").write_text(f"lanes = 3\n{SPACE}")
    Path("data.toml").write_text(SPACE.replace("digits.npz", "none.npz"))
    assert expected in here.refuse("search", *args)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("high = 16", "high = 14", "ranges"),
        ("= 900", "= 800", "set, data or model"),
        ('data = "digits.npz"', 'data = "other.npz"', "data or model"),
    ],
)
def test_trials_of_another_search_are_refused(here: Cli, old: str, new: str, told: str) -> None:
    here.succeed(*search(trials=1))
    write_digits(here.folder / "other.npz", train=1300)
    Path("space.toml").write_text(SPACE.replace(old, new))
    assert here.refuse(*search()) == (
        f"Trials {JOURNAL} must be of this search, not of one with other {told}: name another "
        f"file with --trials-file"
    )


def test_store_of_another_kind_is_refused(here: Cli) -> None:
    outcome = here.run(*search("--store", "digits.npz"))
    assert outcome.status == 2
    assert "Store digits.npz must be " in message(outcome.err)
