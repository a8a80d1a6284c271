"""Trainings on a cluster: three workers, one of which is killed; and clusters that are gone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from prunus_cli import Cli, message, process, write_digits
from prunus_model.study.cluster import Cluster
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.rule import Rule
from prunus_training import training

pytestmark = pytest.mark.tools

LIST = """
[[sweeps]]
part = "sizes"
epochs = 2
config = ["tiny"]
data = ["digits.npz"]
seeds = [1, 2, 3, 4, 5, 6]
stop_after = [0, 1]
policies = [{ policy = "none" }, { policy = "adaptive" }]
"""
TRAININGS = 12
#: Of a worker that begins a training and never ends it.
HANGS = """
import time
from pathlib import Path
from prunus_model.study import work
def hang(training):
    Path(f"begun-{training.config.seed}").touch()
    time.sleep(3600)
work.train_as_planned = hang
"""
#: Of a worker with another model.
DIFFERS = """
from prunus_model.study import plan
plan.fingerprint = lambda: "0123456789abcdef"
"""
FILE = "scheduler.json"


def dask(*args: str, cwd: Path) -> subprocess.Popen[str]:
    with (cwd / "dask.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *args],
            cwd=cwd,
            stdout=log,
            stderr=log,
            text=True,
            env={**os.environ, "DASK_DISTRIBUTED__WORKER__DAEMON": "False"},
        )


class Machines:
    """A scheduler and workers on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all: list[subprocess.Popen[str]] = []
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", FILE,
        )  # fmt: skip

    def worker(self, preload: str = "", *, nanny: bool = False) -> subprocess.Popen[str]:
        args = ["--scheduler-file", FILE, "--nthreads", "1", "--no-dashboard"]
        args += ["--nanny" if nanny else "--no-nanny", "--host", "127.0.0.1"]
        args += ["--local-directory", str(self.folder / "scratch")]
        if preload:
            name = f"preload{len(self.all)}.py"
            (self.folder / name).write_text(preload)
            args += ["--preload", name]
        return self._start("worker", *args)

    def _start(self, *args: str) -> subprocess.Popen[str]:
        self.all.append(dask(*args, cwd=self.folder))
        return self.all[-1]

    def end(self) -> None:
        for one in reversed(self.all):
            if one.poll() is None:
                one.terminate()
        for one in self.all:
            try:
                one.wait(timeout=20)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    found = Machines(tmp_path)
    yield found
    found.end()


@pytest.fixture
def here(cli: Cli) -> Cli:
    write_digits(cli.folder / "digits.npz", train=900)
    Path("list.toml").write_text(LIST)
    return cli


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows, but for what differs each time."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["runs"]
    return [{k: v for k, v in row.items() if k != "train_seconds"} for row in found]


def reproduce(name: str, *more: str) -> tuple[str, ...]:
    return ("reproduce", "list.toml", "--store", f"{name}.sqlite", "-o", f"{name}.json", *more)


def wait_until(there: Any) -> None:
    hangs = time.monotonic() + 300
    while not there():
        assert time.monotonic() < hangs
        time.sleep(0.05)


def test_results_with_a_killed_worker_are_those_of_one_process(
    here: Cli, machines: Machines
) -> None:
    here.succeed(*reproduce("serial", "-j", "1"))
    machines.worker()
    machines.worker()
    hangs = machines.worker(HANGS)
    run = process(*reproduce("cluster", "--cluster", FILE, "--cluster-wait", "60"), cwd=here.folder)
    wait_until(lambda: list(here.folder.glob("begun-*")))
    hangs.send_signal(signal.SIGKILL)
    out, err = run.communicate(timeout=300)
    assert (run.returncode, err) == (0, "")
    assert f"100 %  {TRAININGS} of {TRAININGS} trainings" in out
    assert rows(Path("cluster.json")) == rows(Path("serial.json"))
    # The same again needs no worker, but for the connection.
    out = here.succeed(*reproduce("cluster", "--cluster", FILE))
    assert out.startswith(f"{TRAININGS} of {TRAININGS} trainings there already")


def test_what_the_store_has_is_given_to_no_worker() -> None:
    class Client:
        status = "running"

        def scheduler_info(self, *, n_workers: int) -> dict[str, Any]:
            return {"workers": {"a": {"nthreads": -n_workers}}}

        def cancel(self, futures: list[Any]) -> None:
            assert futures == []

    class Store:
        def lacks(self, _: Training) -> tuple[Rule, ...]:
            return ()

    ended: list[Training] = []
    cluster = Cluster(Client(), "here", 1.0)
    wanted = [training(1), training(2), training(3)]
    assert cluster.reproduce(wanted, cast(ResultStore, Store()), ended=ended.append) == []
    assert ended == wanted


def test_training_that_kills_each_worker_is_told_and_the_others_are_done(
    here: Cli, machines: Machines
) -> None:
    text = (
        "import os\nfrom prunus_model.study import work\n"
        # It is loaded by the process that watches the worker, and by the worker.
        "own = getattr(work, 'own', work.train_as_planned)\nwork.own = own\n"
        "def dies(training):\n"
        "    if training.config.seed == 3 and training.config.pruning.policy == 'none':\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return own(training)\n"
        "work.train_as_planned = dies\n"
    )
    for _ in range(2):
        machines.worker(text, nanny=True)
    outcome = here.run(*reproduce("cluster", "--cluster", FILE, "--cluster-wait", "60"))
    assert outcome.status == 2
    assert message(outcome.err).startswith(f"1 of {TRAININGS} trainings failed, the first: ")
    assert outcome.err.endswith("each worker that had it was killed; too little memory?\n")
    assert len(rows(Path("cluster.json"))) == 2 * (TRAININGS - 1)


def test_worker_with_another_model_is_told(here: Cli, machines: Machines) -> None:
    machines.worker(DIFFERS)
    outcome = here.run(*reproduce("cluster", "--cluster", FILE, "--cluster-wait", "60"))
    assert outcome.status == 2
    assert f"{TRAININGS} of {TRAININGS} trainings failed" in message(outcome.err)
    assert "must have the data digits.npz and the model of the plan" in outcome.err
    assert rows(Path("cluster.json")) == []


def test_stopped_run_is_continued(here: Cli, machines: Machines) -> None:
    machines.worker()
    hangs = machines.worker(HANGS)
    run = process(*reproduce("cluster", "--cluster", FILE, "--cluster-wait", "60"), cwd=here.folder)
    wait_until(lambda: list(here.folder.glob("begun-*")))
    assert run.stdout is not None
    while " of 12 trainings, " not in run.stdout.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (130, "")
    assert "the same command continues" in out
    hangs.kill()
    here.succeed(*reproduce("cluster", "--cluster", FILE, "--cluster-wait", "60"))
    here.succeed(*reproduce("serial", "-j", "1"))
    assert rows(Path("cluster.json")) == rows(Path("serial.json"))


def test_scheduler_that_is_lost_is_one_line(here: Cli, machines: Machines) -> None:
    machines.worker(HANGS)
    run = process(*reproduce("cluster", "--cluster", FILE, "--cluster-wait", "20"), cwd=here.folder)
    wait_until(lambda: list(here.folder.glob("begun-*")))
    machines.scheduler.kill()
    _, err = run.communicate(timeout=200)
    assert run.returncode == 2
    assert message(err) == (
        f"Scheduler {FILE} is lost: what is done is kept, and the same command continues"
    )


def test_workers_that_are_all_gone_are_one_line(here: Cli, machines: Machines) -> None:
    worker = machines.worker(HANGS)
    run = process(*reproduce("cluster", "--cluster", FILE, "--cluster-wait", "20"), cwd=here.folder)
    wait_until(lambda: list(here.folder.glob("begun-*")))
    worker.kill()
    _, err = run.communicate(timeout=200)
    assert run.returncode == 2
    assert message(err).startswith(f"Scheduler {FILE} must have a worker within 20 seconds: ")


def test_cluster_without_workers_is_one_line(here: Cli, machines: Machines) -> None:
    wait_until((machines.folder / FILE).exists)
    address = json.loads((here.folder / FILE).read_text())["address"]
    outcome = here.run(*reproduce("cluster", "--cluster", address, "--cluster-wait", "3"))
    assert outcome.status == 2
    assert message(outcome.err) == (
        f"Scheduler {address} must have a worker within 3 seconds: start one with `dask worker`, "
        f"or wait longer with --cluster-wait"
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("tcp://127.0.0.1:9", "Scheduler tcp://127.0.0.1:9 must answer within 1 seconds: "),
        ("127.0.0.1:9", "Scheduler 127.0.0.1:9 must answer within 1 seconds: "),
        ("none.json", "Scheduler file none.json must exist, with the address of one, within 1 "),
        ("bad.json", "Scheduler file bad.json must exist, with the address of one, within 1 "),
        ("empty.json", "Scheduler file empty.json must exist, with the address of one, within 1 "),
        ("list.json", "Scheduler file list.json must exist, with the address of one, within 1 "),
        ("wrong.json", "Scheduler must be tcp://HOST:PORT or a file .json that one has written, "),
        ("udp://127.0.0.1:9", "Scheduler must be tcp://HOST:PORT or a file .json that one has "),
        ("tcp://127.0.0.1", "Scheduler must be tcp://HOST:PORT or a file .json that one has "),
        ("tcp://127.0.0.1:99999", "Scheduler tcp://127.0.0.1:99999 must answer within 1 "),
        ("", "Scheduler must be tcp://HOST:PORT or a file .json that one has "),
    ],
)
def test_dead_address_is_one_line(here: Cli, address: str, expected: str) -> None:
    Path("bad.json").write_text("{")
    Path("empty.json").write_text("{}")
    Path("list.json").write_text("[1]")
    Path("wrong.json").write_text('{"address": "here"}')
    outcome = here.run(*reproduce("x", "--cluster", address, "--cluster-wait", "1"))
    assert outcome.status == 2
    assert message(outcome.err).startswith(expected)
    assert not Path("x.json").exists()


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_patience_is_a_time(here: Cli, seconds: str) -> None:
    wrong = here.refuse(*reproduce("x", "--cluster", "tcp://a:1", "--cluster-wait", seconds))
    assert "Invalid value for '--cluster-wait'" in wrong
