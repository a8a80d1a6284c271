"""Running trainings on all cores, or on a cluster; every result is kept as it comes.

The workers are those of joblib: processes of this machine by default. Under
``joblib.parallel_config(backend=...)`` the same call uses a cluster; results come back to the
process that called, which alone writes to the store.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.work import Result, train_and_test

__all__ = ["Failure", "attempt", "reproduce"]

_Work = Callable[[Training], Result]
#: Seconds after which a worker notices that the process that called is gone.
_WATCH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A training that failed.

    Attributes
    ----------
    training : Training
        Which.
    message : str
        Why, in one line.
    """

    training: Training
    message: str


@contextmanager
def _no_workers_left() -> Iterator[None]:
    """End the workers of this machine that are started within, and the thread that feeds them.

    joblib would keep both. The thread is a daemon with the last references to some semaphores: when
    the interpreter ends while it removes them, the process that tracks them finds them registered
    but gone, and says so on stderr.
    """
    before = set(threading.enumerate())
    try:
        yield
    finally:
        feeders = [
            thread
            for thread in threading.enumerate()
            if thread.name == "QueueFeederThread" and thread not in before
        ]
        if feeders:
            get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
        for feeder in feeders:
            feeder.join()


def reproduce(
    trainings: Sequence[Training],
    store: ResultStore,
    *,
    jobs: int,
    work: _Work = train_and_test,
    ended: Callable[[Training], None] = lambda _: None,
) -> list[Failure]:
    """Do what the store does not have, in any order; one that fails does not stop the others.

    A training is looked up again right before it is started, so that several processes can share a
    list and a store.

    Parameters
    ----------
    trainings : sequence of Training
        What is wanted.
    store : ResultStore
        Each result is added as soon as it is there.
    jobs : int
        Trainings at a time.
    work : callable
        Does one training.
    ended : callable
        Called after each training, done, failed or found in the store.

    Returns
    -------
    list of Failure

    Raises
    ------
    ResultsError
        If the store cannot be used, or contradicts a result. What runs then is given up.
    """
    failures: list[Failure] = []
    left = {training.digest: training for training in trainings}

    def settle(outcome: Result | Failure) -> None:
        if isinstance(outcome, Failure):
            failures.append(outcome)
            training = left.pop(outcome.training.digest)
        else:
            store.add(outcome)
            training = left.pop(outcome.digest)
        ended(training)

    with _no_workers_left():
        # A worker that is killed, for want of memory as a rule, takes the others with it. Who was
        # to blame shows when each that was running is tried alone; the rest goes on first.
        suspects: set[str] = set()
        while killed := _round(
            [training for digest, training in left.items() if digest not in suspects],
            store,
            jobs,
            work,
            settle,
        ):
            suspects |= killed
        for training in [left[digest] for digest in sorted(suspects & left.keys())]:
            if _round([training], store, 1, work, settle, alone=True):
                settle(
                    Failure(training=training, message="its process was killed; too little memory?")
                )
    for training in left.values():
        # Another process has done it.
        ended(training)
    return failures


def _round(
    trainings: Sequence[Training],
    store: ResultStore,
    jobs: int,
    work: _Work,
    settle: Callable[[Result | Failure], None],
    *,
    alone: bool = False,
) -> set[str]:
    """Run some trainings; return which were running when a worker was killed, if one was."""
    running: set[str] = set()

    def tasks() -> Iterator[object]:
        for training in trainings:
            if store.lacks(training):
                running.add(training.digest)
                yield delayed(attempt)(work, training, os.getpid())

    # One job would be done in this process; two workers, of which one has nothing to do, are not.
    workers, ahead = (2, 1) if alone else (jobs, jobs)
    parallel = Parallel(
        n_jobs=workers, pre_dispatch=ahead, batch_size=1, return_as="generator_unordered"
    )
    try:
        # When it is given up, joblib says how much of its work was in vain.
        with warnings.catch_warnings(action="ignore"), closing(parallel(tasks())) as outcomes:
            for outcome in outcomes:
                done = outcome.training if isinstance(outcome, Failure) else outcome
                running.discard(done.digest)
                settle(outcome)
    except BrokenProcessPool:
        # It may have died before it had anything to do.
        return running or {training.digest for training in trainings}
    return set()


def attempt(work: _Work, training: Training, caller: int) -> Result | Failure:
    """Do a training where a worker is; an error becomes a value, so that the others go on."""
    if os.getpid() != caller and threading.current_thread() is threading.main_thread():
        # Ctrl-C reaches all processes of a terminal; the one that was called ends the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _end_with(caller)
    try:
        return work(training)
    except MemoryError:
        return Failure(training=training, message="memory must suffice for this size of network")
    except Exception as e:
        text = " ".join(str(e).split())
        known = isinstance(e, ValueError | OSError) and text
        return Failure(training=training, message=text if known else f"{type(e).__name__}: {text}")


@cache
def _end_with(caller: int) -> None:
    """End this process soon after the one that called; joblib alone would wait for minutes.

    A worker on another machine is no child of the caller, and not ended.
    """

    def watch() -> None:
        while os.getppid() == caller:
            time.sleep(_WATCH)
        os._exit(1)

    if os.getppid() == caller:
        threading.Thread(target=watch, daemon=True).start()
