"""`prunus reproduce`: lists, killed and resumed runs, what is refused."""

import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from prunus_cli import Cli, message, process, write_digits
from prunus_model.study.runner import Failure, reproduce
from prunus_model.study.work import train_and_test

pytestmark = pytest.mark.tools

#: Every part, on 7 x 7 images: 14 trainings, of which one is asked for twice.
LIST = """
[[sweeps]]
part = "sizes"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1, 2, 3]
policies = [{ policy = "none" }, { policy = "adaptive" }]

[[sweeps]]
part = "pareto"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1]
stop_after = [0, 1]
policies = [
  { policy = "none" },
  { policy = "adaptive", strength_gain = [600, 1200], ramp_shift = 2 },
  { policy = "soft", min_spikes = 1, percent = [20, 60] },
]

[[sweeps]]
part = "ablations"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1]
policies = [
  { policy = "adaptive", label = "no cap", strength_gain = 65535, ramp_shift = 2 },
  { policy = "adaptive", label = "ramp and cap", strength_gain = 600, ramp_shift = 2 },
]

[[sweeps]]
part = "early-exit"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1]
stop_after = [1, 2, 0]
policies = [{ policy = "none" }]

[[sweeps]]
part = "weight-bits"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1]
weight_bits = [3, 5]
policies = [{ policy = "none" }]
"""
TRAININGS = 6 + 4 + 1 + 2
#: To be ended in the middle.
LONG = """
[[sweeps]]
part = "sizes"
epochs = 8
config = ["tiny"]
data = ["digits.npz"]
seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
policies = [{ policy = "adaptive" }]
"""
LONG_TRAININGS = 10
#: Stored before the others, which begin but never end.
ENDING = 3
HOLD = f"""
import time
from prunus_model.study import runner
from prunus_model.study.work import train_and_test
def work(training):
    if training.config.seed > {ENDING}:
        time.sleep(3600)
    return train_and_test(training)
runner.reproduce.__kwdefaults__["work"] = work
"""
STORE, OUTPUT = Path("build/reproduction.sqlite"), Path("build/reproduction.json")


@pytest.fixture
def here(cli: Cli) -> Cli:
    """The command line beside `digits.npz`, `list.toml` and `long.toml`."""
    write_digits(cli.folder / "digits.npz")
    Path("list.toml").write_text(LIST)
    Path("long.toml").write_text(LONG)
    return cli


def rows(path: Path = OUTPUT) -> list[dict[str, Any]]:
    """The rows, but for what differs each time."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["runs"]
    return [{k: v for k, v in row.items() if k != "train_seconds"} for row in found]


def stored(path: Path = STORE) -> int:
    """Trainings in a store; 0 if it is not there yet."""
    if not path.exists():
        return 0
    database = sqlite3.connect(path)
    try:
        (count,) = database.execute("SELECT count(*) FROM trainings").fetchone()
    except sqlite3.OperationalError:
        count = 0
    finally:
        database.close()
    return int(count)


def wait_for(count: int, run: subprocess.Popen[str]) -> None:
    """Wait until a process has stored some trainings."""
    hangs = time.monotonic() + 600
    while stored() < count:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < hangs
        time.sleep(0.02)


def test_list_is_done_once_and_written(here: Cli) -> None:
    out = here.succeed("reproduce", "list.toml", "-j", "1", "--figures", "figures")
    assert out.startswith(f"0 of {TRAININGS} trainings there already, in {STORE}\n")
    assert f"100 %  {TRAININGS} of {TRAININGS} trainings" in out
    results = json.loads(OUTPUT.read_text())
    provenance = results["provenance"]
    assert provenance["kind"] == "reproduction"
    assert provenance["command"] == "prunus reproduce list.toml"
    assert provenance["tools"].keys() == {"python", "prunus", "numpy", "numba"}
    assert {claim["verdict"] for claim in results["claims"]} <= {
        "holds",
        "does not hold",
        "not established",
    }
    found = rows()
    # Each training once, with each early exit that some part wants.
    assert len(found) == TRAININGS + 4 + 2
    (shared,) = [
        row
        for row in found
        if (row["policy"], row["seed"], row["weight_bits"], row["early_exit"]) == ("none", 1, 8, 1)
    ]
    # The parts that ask for this early exit.
    assert shared["parts"] == {"early-exit": "", "pareto": ""}
    for name in ("pareto", "frontier", "training", "neurons", "early-exit", "weight-bits"):
        assert Path(f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert json.loads(Path(f"figures/{name}.json").read_text())["series"]
    before = OUTPUT.read_bytes()
    out = here.succeed("reproduce", "list.toml", "-j", "1")
    assert out.startswith(f"{TRAININGS} of {TRAININGS} trainings there already")
    assert OUTPUT.read_bytes() == before


def test_result_does_not_depend_on_the_number_of_processes(here: Cli) -> None:
    here.succeed("reproduce", "list.toml", "-j", "1", "-o", "one.json", "--store", "one.sqlite")
    here.succeed("reproduce", "list.toml", "-j", "3", "-o", "three.json", "--store", "3.sqlite")
    assert rows(Path("one.json")) == rows(Path("three.json"))


def test_part_can_be_done_alone(here: Cli) -> None:
    out = here.succeed("reproduce", "list.toml", "-j", "1", "--only", "early-exit")
    assert "1 of 1 trainings" in out
    assert f"{TRAININGS - 1} trainings of the list have not been done" in out
    # The part needs three exits; the same training has no more in other parts.
    assert [row["early_exit"] for row in rows()] == [0, 1, 2]
    out = here.succeed("reproduce", "list.toml", "-j", "1")
    assert out.startswith(f"1 of {TRAININGS} trainings there already")
    assert "have not been done" not in out
    assert len(rows()) == TRAININGS + 4 + 2


def test_rows_of_another_machine_stay(here: Cli) -> None:
    here.succeed("reproduce", "list.toml", "-j", "1", "-o", "whole.json", "--store", "there.sqlite")
    whole = json.loads(Path("whole.json").read_text())
    of_part = [row for row in whole["runs"] if "early-exit" in row["parts"]]
    (digest,) = {row["digest"] for row in of_part}
    # What is measured anew replaces what was there; rows of other trainings and models do not stay.
    foreign = [{**of_part[0], "digest": "0" * 64}]
    older = [
        {k: v for k, v in row.items() if k not in ("votes", "vote_bits", "margin", "network")}
        | ({"vote": 0.125} if row["digest"] == digest else {})
        for row in whole["runs"]
    ]
    whole["provenance"]["tools"]["numpy"] = "1.0 and 2.0"
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(whole | {"runs": foreign + older}))
    out = here.succeed("reproduce", "list.toml", "-j", "1", "--only", "early-exit")
    kept = len(whole["runs"]) - len(of_part)
    assert f"{kept} rows are those that {OUTPUT} had before\n" in out
    assert "have not been done" not in out
    assert rows() == rows(Path("whole.json"))
    tools = json.loads(OUTPUT.read_text())["provenance"]["tools"]
    assert tools["numpy"].startswith("1.0 and 2.0 and ")
    # A part of the rows of a training is not the training.
    run = json.loads(OUTPUT.read_text())
    gone = next(row for row in run["runs"] if row["digest"] == digest)
    run["runs"].remove(gone)
    OUTPUT.write_text(json.dumps(run))
    out = here.succeed(
        "reproduce", "list.toml", "-j", "1", "--only", "weight-bits", "--store", "new.sqlite"
    )
    assert "1 trainings of the list have not been done" in out
    assert len(rows()) == len(whole["runs"]) - 1


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '{"runs": []}',
        '{"runs": [], "provenance": {"tools": 3}}',
        '{"runs": [{"vote": 1}], "provenance": {"tools": {}}}',
        '{"runs": [{"digest": []}], "provenance": {"tools": {}}}',
    ],
)
def test_file_of_something_else_is_not_replaced(here: Cli, content: str) -> None:
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(content)
    said = here.refuse("reproduce", "list.toml", "-j", "1")
    assert said == f"Results {OUTPUT} must be a file that prunus reproduce has made"
    assert OUTPUT.read_text() == content
    assert stored() == 0


def test_claims_can_be_judged_anew(here: Cli) -> None:
    here.succeed("reproduce", "list.toml", "-j", "1", "--only", "early-exit")
    before = OUTPUT.read_bytes()
    results = json.loads(before)
    OUTPUT.write_text(json.dumps(results | {"claims": []}))
    missing = "nowhere/overhead.json"
    out = here.succeed("reproduce", "--claims-only", "--overhead", missing)
    assert f"is not judged: {missing} is missing" in out
    assert "make overhead energy`; name it with --overhead\n" in out
    cost = results["claims"][-1]
    assert f"not established: {cost['claim']}. Measured: nothing measured" in out
    units = [{"policy": "adaptive", "neurons": 800, "percent": 0.5}]
    Path("overhead.json").write_text(json.dumps({"pruning_unit": units}))
    out = here.succeed("reproduce", "--claims-only", "--overhead", "overhead.json")
    assert "missing" not in out
    assert f"holds: {cost['claim']}. Measured: 0.5 (margin 1)" in out
    # By the results of the checkout everything is as it was.
    here.succeed("reproduce", "--claims-only")
    assert OUTPUT.read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", "[" * 9999, '{"claims": []}', '{"runs": [3]}'])
def test_claims_of_something_else_are_refused(here: Cli, content: str) -> None:
    said = here.refuse("reproduce", "--claims-only", "-o", "nowhere.json")
    assert said == "Results nowhere.json must exist"
    Path("other.json").write_text(content)
    said = here.refuse("reproduce", "--claims-only", "-o", "other.json")
    assert said == "Results other.json must be a file that prunus reproduce has made"
    assert Path("other.json").read_text() == content


def test_claims_of_rows_that_lack_something_are_refused(here: Cli) -> None:
    row = {"data": "mnist", "neurons": 800, "weight_bits": 8, "early_exit": 0}
    content = json.dumps({"runs": [row]})
    Path("some.json").write_text(content)
    said = here.refuse("reproduce", "--claims-only", "-o", "some.json")
    assert said == "Results some.json must have 'chose' in each row"
    assert Path("some.json").read_text() == content


def test_validation_is_tested_on_training_images(here: Cli) -> None:
    text = LIST.split("[[sweeps]]")[1].replace("epochs", "validate = true\nepochs")
    Path("validation.toml").write_text(f"choosing_seeds = [9]\n[[sweeps]]{text}")
    here.succeed("reproduce", "validation.toml", "-j", "1")
    assert {(row["split"], row["chose"]) for row in rows()} == {("validation", True)}
    # 383 images: shares of 200 test images would be other fractions.
    assert all(round(383 * row["vote"]) == pytest.approx(383 * row["vote"]) for row in rows())


def test_plan_does_nothing(here: Cli) -> None:
    out = here.succeed("reproduce", "list.toml", "--plan", "--only", "weight-bits")
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("s  digits.npz tiny none weight_bits=3 epochs=1 seed=1")
    assert lines[2].startswith("2 trainings, about 0 minutes of one core")
    assert not Path("build").exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_in_the_middle_it_loses_only_what_was_running(here: Cli, jobs: str) -> None:
    run = process("reproduce", "long.toml", "-j", jobs, cwd=here.folder, before=HOLD)
    wait_for(ENDING, run)
    run.send_signal(signal.SIGKILL)
    # Workers end soon after: they hold the other ends of the pipes.
    run.communicate(timeout=600)
    assert stored() == ENDING
    assert not OUTPUT.exists()
    out = here.succeed("reproduce", "long.toml", "-j", "1")
    assert out.startswith(f"{ENDING} of {LONG_TRAININGS} trainings there already")
    here.succeed("reproduce", "long.toml", "-j", "1", "--store", "new.sqlite", "-o", "whole.json")
    assert rows() == rows(Path("whole.json"))


@pytest.mark.parametrize(
    ("jobs", "number"), [("1", signal.SIGINT), ("2", signal.SIGINT), ("2", signal.SIGTERM)]
)
def test_interrupted_it_says_how_to_go_on(here: Cli, jobs: str, number: int) -> None:
    run = process("reproduce", "long.toml", "-j", jobs, cwd=here.folder, before=HOLD)
    wait_for(ENDING, run)
    run.send_signal(number)
    out, err = run.communicate(timeout=600)
    assert (run.returncode, err) == (128 + number, "")
    last = out.splitlines()[-1]
    assert last == f"Stopped. {ENDING} trainings are in {STORE}; the same command continues"
    assert stored() == ENDING
    assert not OUTPUT.exists()


def test_second_run_to_one_output_is_told_who_is_at_it(here: Cli) -> None:
    with process("reproduce", "long.toml", "-j", "1", cwd=here.folder, before=HOLD) as running:
        wait_for(ENDING, running)
        told = f"Output {OUTPUT} is being written by process {running.pid} on "
        try:
            assert here.refuse("reproduce", "list.toml").startswith(told)
            assert here.refuse("reproduce", "--claims-only").startswith(told)
        finally:
            running.kill()
    said = here.run("reproduce", "--claims-only").err
    assert message(said) == f"Results {OUTPUT} must exist"


def test_two_processes_share_a_store(here: Cli) -> None:
    runs = [
        process("reproduce", "long.toml", "-j", "1", "-o", f"{n}.json", cwd=here.folder)
        for n in (1, 2)
    ]
    for run in runs:
        _, err = run.communicate(timeout=600)
        assert (run.returncode, err) == (0, "")
    assert stored() == LONG_TRAININGS
    assert rows(Path("1.json")) == rows(Path("2.json"))


def test_failing_training_is_reported_at_the_end(
    here: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_failure(trainings: Any, store: Any, **options: Any) -> list[Failure]:
        def work(training: Any) -> Any:
            if training.config.weight_bits == 3:
                raise ValueError("Three bits\nare too few")
            return train_and_test(training)

        return reproduce(trainings, store, work=work, **options)

    monkeypatch.setattr("prunus_model.cli.reproduce.reproduce", with_a_failure)
    outcome = here.run("reproduce", "list.toml", "-j", "1", "--only", "weight-bits")
    assert outcome.status == 2
    name = "digits.npz tiny none weight_bits=3 epochs=1 seed=1"
    assert message(outcome.err) == (
        f"1 of 2 trainings failed, the first: {name}: Three bits are too few"
    )
    assert f"Failed: {name}: Three bits are too few\n" in outcome.out
    # The other is there, and so are the results of what is.
    assert [row["weight_bits"] for row in rows()] == [5]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["nope"], "Sweep list must be a TOML file or paper, results, datasets, not 'nope'"),
        (["list.toml", "--only", "x"], "Part must be one of sizes, pareto, ablations, early-exit"),
        (
            ["list.toml", "-j", "0"],
            "Invalid value for '-j' / '--jobs': It must be a whole number of at least 1, not '0'",
        ),
        (["list.toml", "-o", "list.toml/x"], "list.toml: "),
        (["list.toml", "-o", "."], "Invalid value for '-o' / '--output': File '.' is a directory."),
        (["list.toml", "--store", "digits.npz"], "Store digits.npz must be usable: file is not"),
        (["digits.npz"], "Sweep list digits.npz must be readable: not UTF-8"),
        (["empty.toml"], "empty.toml: Sweep list must have at least one [[sweeps]]"),
    ],
)
def test_what_is_wrong_is_one_line(here: Cli, args: list[str], expected: str) -> None:
    Path("empty.toml").touch()
    Path("build").mkdir()
    assert here.refuse("reproduce", *args).startswith(expected)


def test_data_that_are_missing_are_one_line(here: Cli) -> None:
    Path("digits.npz").unlink()
    assert "digits.npz" in here.refuse("reproduce", "list.toml")
