"""Running trainings on a cluster of Dask: any machines that have Prunus and the data.

The process that calls hands out a training for each thread of the workers and one more, and alone
writes to the store. A worker that is gone has its training done again by another. What a worker
computes is checked where it computes: it must have the same data, and the same model.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from prunus_model.common.errors import ConfigError
from prunus_model.common.text import reason_of
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.runner import Failure, attempt
from prunus_model.study.work import Result, train_as_planned

__all__ = ["Cluster", "connected"]

#: Seconds between two looks at the cluster while nothing comes.
_LOOK = 0.5
#: How the name of a file ends in which a scheduler has written where it is.
_FILE = ".json"
#: Of a host by name, IPv4 or IPv6, perhaps with a protocol of Dask.
_ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")


class Cluster:
    """Workers that are connected.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    address : str
        As the user named it.
    patience : float
        Seconds for which there may be no worker.
    """

    def __init__(self, client: Any, address: str, patience: float) -> None:
        self._client, self._address, self._patience = client, address, patience

    @property
    def threads(self) -> int:
        """Trainings that the workers do at a time, as far as they are there by now."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(worker["nthreads"] for worker in workers)

    def await_worker(self) -> None:
        """Wait for the first worker.

        Raises
        ------
        ConfigError
            If none comes in time.
        """
        try:
            self._client.wait_for_workers(1, timeout=self._patience)
        except TimeoutError as e:
            raise self._deserted() from e

    def reproduce(
        self,
        trainings: Sequence[Training],
        store: ResultStore,
        *,
        work: Callable[[Training], Result] = train_as_planned,
        ended: Callable[[Training], None] = lambda _: None,
    ) -> list[Failure]:
        """Do what the store does not have; as :func:`prunus_model.study.runner.reproduce`.

        Raises
        ------
        ConfigError
            If the scheduler is lost, or no worker is there for too long. What is done is kept.
        ResultsError
            If the store cannot be used, or contradicts a result.
        """
        failures: list[Failure] = []
        rest = iter(trainings)
        running: dict[Any, Training] = {}
        seen = time.monotonic()
        try:
            while True:
                threads = self.threads
                self._hand_out(rest, running, threads + 1, store, work, ended)
                if not running:
                    return failures
                done = self._wait(list(running))
                if threads or done:
                    seen = time.monotonic()
                elif time.monotonic() - seen > self._patience:
                    raise self._deserted()
                for future in done:
                    training = running.pop(future)
                    outcome = self._outcome(future, training)
                    if isinstance(outcome, Failure):
                        failures.append(outcome)
                    else:
                        store.add(outcome)
                    ended(training)
        finally:
            if self._client.status == "running":
                self._client.cancel(list(running))

    def _hand_out(
        self,
        rest: Iterator[Training],
        running: dict[Any, Training],
        most: int,
        store: ResultStore,
        work: Callable[[Training], Result],
        ended: Callable[[Training], None],
    ) -> None:
        while len(running) < most:
            training = next(rest, None)
            if training is None:
                return
            if not store.lacks(training):
                ended(training)
                continue
            rules = hashlib.sha256(repr(list(training.rules)).encode()).hexdigest()[:16]
            future = self._client.submit(
                attempt,
                work,
                training,
                os.getpid(),
                # Two callers that want the same have it done once.
                key=f"prunus-{training.digest}-{rules}",
                pure=False,
            )
            running[future] = training

    def _wait(self, futures: list[Any]) -> list[Any]:
        """Return which are done; none after a while."""
        distributed: Any = import_module("distributed")
        if self._client.status not in ("running", "connecting"):
            raise self._lost()
        try:
            distributed.wait(futures, timeout=_LOOK, return_when="FIRST_COMPLETED")
        except TimeoutError:
            return []
        except (CancelledError, OSError, RuntimeError) as e:
            raise self._lost() from e
        return [future for future in futures if future.done()]

    def _outcome(self, future: Any, training: Training) -> Result | Failure:
        if future.status == "finished":
            outcome: Result | Failure = future.result()
            return outcome
        if future.status in ("cancelled", "lost"):
            raise self._lost()
        error = future.exception()
        if isinstance(error, import_module("distributed").KilledWorker):
            message = "each worker that had it was killed; too little memory?"
        else:
            message = f"{type(error).__name__}: {reason_of(error)}"
        return Failure(training=training, message=message)

    def _lost(self) -> ConfigError:
        return ConfigError(
            f"Scheduler {self._address} is lost: what is done is kept, and the same command "
            f"continues"
        )

    def _deserted(self) -> ConfigError:
        return ConfigError(
            f"Scheduler {self._address} must have a worker within {self._patience:g} seconds: "
            f"start one with `dask worker`, or wait longer with --cluster-wait"
        )


@contextmanager
def connected(address: str, *, patience: float) -> Iterator[Cluster]:
    """Connect to the scheduler of a cluster, and wait for the first worker.

    Parameters
    ----------
    address : str
        ``tcp://host:port``, or the name of a file that a scheduler writes, which ends in ``.json``.
    patience : float
        Seconds to wait for the file, the scheduler and a worker, each.

    Raises
    ------
    ConfigError
        If the extra is not installed, or none of them is there in time.
    """
    try:
        # Late: it takes a second, and is not part of every installation.
        distributed: Any = import_module("distributed")
    except ModuleNotFoundError as e:
        raise ConfigError("--cluster needs pip install 'prunus[cluster]'") from e
    # What it has to say comes from threads of its own, many lines long; we say it in one.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    where = _written(Path(address), patience) if address.endswith(_FILE) else address
    if not _ADDRESS.fullmatch(where):
        raise ConfigError(
            f"Scheduler must be tcp://HOST:PORT or a file .json that one has written, not {where!r}"
        )
    try:
        with warnings.catch_warnings(action="ignore"):
            client = distributed.Client(where, timeout=patience)
    except (OSError, TimeoutError, ValueError) as e:
        raise ConfigError(
            f"Scheduler {where} must answer within {patience:g} seconds: start one with "
            f"`dask scheduler`"
        ) from e
    with warnings.catch_warnings(action="ignore"), client:
        cluster = Cluster(client, address, patience)
        cluster.await_worker()
        yield cluster


def _written(path: Path, patience: float) -> str:
    """Wait for the file that a scheduler writes when it has started; return its address."""
    end = time.monotonic() + patience
    while True:
        # Half of it may be there.
        with suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(path.read_text())["address"])
        if time.monotonic() > end:
            raise ConfigError(
                f"Scheduler file {path} must exist, with the address of one, within {patience:g} "
                f"seconds: start one with `dask scheduler --scheduler-file {path}`"
            )
        time.sleep(_LOOK / 5)
