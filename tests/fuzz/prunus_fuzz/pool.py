"""Runs inputs in forked processes, each with a limit of memory and a deadline.

A process reads one input after the other; one that does not end in time, or dies, is replaced.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click

from prunus_model.common.errors import PrunusError

__all__ = ["Limits", "Outcome", "Verdict", "WrongValueError", "attempt", "attempts"]

#: ``refused`` is right, ``accepted`` too; of the others there must be none.
Verdict: TypeAlias = Literal["accepted", "refused", "traceback", "memory", "hang", "wrong"]
_MIB = 1 << 20


class WrongValueError(Exception):
    """What was read is not what the file says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an input may take.

    Attributes
    ----------
    memory_mb : int
        MiB of address space beyond that of the process before.
    seconds : float
        Deadline.
    again : float
        Deadline of a second try, after which an input hangs. On a machine that is busy a new
        process takes minutes for its first input of some readers, as it compiles.
    """

    memory_mb: int = 1024
    seconds: float = 20.0
    again: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an input.

    Attributes
    ----------
    number : int
        Which one.
    verdict : Verdict
        What was made of it.
    said : str
        Message, or the end of the traceback.
    peak_mb : float
        Most memory that the process had until then, in MiB.
    """

    number: int
    verdict: Verdict
    said: str
    peak_mb: float


def attempt(read: Callable[[], object]) -> tuple[Verdict, str]:
    """Read an input in this process; tell what was made of it.

    Parameters
    ----------
    read : callable
        Raises what a command would: a :class:`PrunusError`, an :class:`OSError` or a
        :class:`click.ClickException` is shown to the user as one line.
    """
    told = io.StringIO()
    try:
        with redirect_stdout(told), redirect_stderr(told):
            read()
    except WrongValueError as e:
        return "wrong", str(e)
    except (PrunusError, OSError, click.ClickException) as e:
        if _of_memory(e):
            return "memory", str(e)
        message = e.format_message() if isinstance(e, click.ClickException) else str(e)
        return ("refused", message) if message.strip() else ("traceback", f"{e!r} says nothing")
    except BaseException as e:
        return "memory" if _of_memory(e) else "traceback", traceback.format_exc(limit=-4)
    return "accepted", ""


def attempts(
    read: Callable[[int], object],
    numbers: Iterable[int],
    *,
    limits: Limits | None = None,
    jobs: int = 1,
) -> Iterator[Outcome]:
    """Read inputs in forked processes, and yield what became of each as it ends.

    Parameters
    ----------
    read : callable
        Reads the input of a number, in an empty folder; see :func:`attempt`.
    numbers : iterable of int
        Which inputs.
    limits : Limits, optional
        What each may take.
    jobs : int
        Processes at a time.
    """
    limits = limits or Limits()
    waiting = iter(numbers)
    late: set[int] = set()
    workers: list[_Worker] = []
    scratch = tempfile.TemporaryDirectory()
    try:
        while True:
            while len(workers) < jobs and (number := next(waiting, None)) is not None:
                workers.append(_Worker(read, limits, scratch.name))
                workers[-1].give(number)
            if not workers:
                return
            first = min(worker.until for worker in workers)
            ready = connection.wait([w.pipe for w in workers], max(first - time.monotonic(), 0))
            for worker in list(workers):
                if worker.pipe in ready:
                    outcome = worker.take()
                elif time.monotonic() > worker.until and worker.number not in late:
                    late.add(worker.number)
                    workers[workers.index(worker)] = again = _Worker(read, limits, scratch.name)
                    again.give(worker.number, seconds=limits.again)
                    worker.end()
                    continue
                elif time.monotonic() > worker.until:
                    outcome = worker.outcome("hang", f"not ready after {limits.again:g} s")
                else:
                    continue
                yield outcome
                spent = not worker.alive or outcome.verdict in ("hang", "memory")
                if not spent and (number := next(waiting, None)) is not None:
                    worker.give(number)
                else:
                    worker.end()
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.end()
        scratch.cleanup()


class _Worker:
    """A process that reads inputs."""

    def __init__(self, read: Callable[[int], object], limits: Limits, scratch: str) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, other = context.Pipe()
        self._limits = limits
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            # Threads of libraries wait; nothing that they hold is used.
            self._process = context.Process(target=_serve, args=(other, read, limits, scratch))
            self._process.start()
        other.close()
        self.number = -1
        self._peak = 0.0
        self.alive = True
        self.until = 0.0

    def give(self, number: int, *, seconds: float | None = None) -> None:
        self.number = number
        self.until = time.monotonic() + (self._limits.seconds if seconds is None else seconds)
        self.pipe.send(number)

    def take(self) -> Outcome:
        try:
            verdict, said, self._peak = self.pipe.recv()
        except EOFError:
            self.alive = False
            self._process.join()
            return self.outcome("traceback", f"process died: {self._process.exitcode}")
        return self.outcome(verdict, said)

    def outcome(self, verdict: Verdict, said: str) -> Outcome:
        return Outcome(number=self.number, verdict=verdict, said=said, peak_mb=self._peak)

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _serve(pipe: Any, read: Callable[[int], object], limits: Limits, scratch: str) -> None:
    # What a user would see as a line of a foreign library.
    for category in (UserWarning, RuntimeWarning, SyntaxWarning):
        warnings.simplefilter("error", category)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = size + limits.memory_mb * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            number = pipe.recv()
        except EOFError:
            return
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            os.chdir(folder)
            verdict, said = attempt(partial(read, number))
            os.chdir("/")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pipe.send((verdict, said, peak))


def _of_memory(error: BaseException | None) -> bool:
    """Whether an error is of memory, or hides one that is."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False
