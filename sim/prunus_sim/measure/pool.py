"""Runs benches in processes of their own, several at a time, and shows how far they are."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import active_children
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from prunus_model.common.errors import PrunusError
from prunus_rtl.export.simulators import SimulatorError
from prunus_sim.measure.results import Row
from prunus_sim.simulator.verilog import BenchError

__all__ = ["Display", "Result", "Task", "run_all"]

#: What is run: name, function, arguments before the folder.
Task = tuple[str, Callable[..., Row], tuple[Any, ...]]
#: The row of a bench, or why there is none.
Result = Row | BenchError | PrunusError | OSError


class Display:
    """Shows which benches run, and the time left: a bar in a terminal, a line per bench elsewhere.

    The time left is estimated from the mean time of the benches that have ended.

    Parameters
    ----------
    console : Console
        Where to print.
    total : int
        Number of benches.
    """

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = 0
        self._running: list[str] = []
        self._started = time.monotonic()
        # Without a thread that refreshes it: processes are forked while it is there.
        self._bar = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}{task.fields[running]}"),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, left="", running="")

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def started(self, name: str) -> None:
        """Note that a bench runs."""
        self._running.append(name)
        if not self._console.is_terminal:
            self._console.print(f"running {name}", highlight=False, markup=False)
        self.refresh()

    def ended(self, name: str, result: Result) -> None:
        """Note that a bench has ended, and print its result."""
        self._running.remove(name)
        self._ended += 1
        if isinstance(result, dict):
            left = "" if self._console.is_terminal else f"; {self._ended} of {self._total}"
            text = (
                f"[green]equal[/] {escape(name)} ({result['wall_seconds']} s){left}{self._left()}"
            )
            self._console.print(text, highlight=False, soft_wrap=True)
        else:
            # Paths and messages are to be copied: as they are, in one line.
            text = f"[red]DIFFERS[/] {escape(name)}: {escape(str(result))}"
            self._console.print(text, highlight=False, soft_wrap=True)
        self.refresh()

    def refresh(self) -> None:
        """Draw the bar again."""
        if self._console.is_terminal:
            running = f"; running: {', '.join(self._running)}" if self._running else ""
            self._bar.update(
                self._task, completed=self._ended, left=self._left(), running=escape(running)
            )
            self._bar.refresh()

    def _left(self) -> str:
        if not self._ended or self._ended == self._total:
            return ""
        seconds = time.monotonic() - self._started
        left = seconds / self._ended * (self._total - self._ended)
        return f", about {left / 60:.0f} min left" if left >= 90 else f", about {left:.0f} s left"


def run_all(
    tasks: Sequence[Task], root: Path, jobs: int, *, display: Display | None = None
) -> Generator[tuple[str, Result], None, None]:
    """Run tasks, several at a time.

    If the caller is interrupted, or takes no more results, all processes are ended.

    Parameters
    ----------
    tasks : sequence
        Name, function, and its arguments. The last argument, a folder of its own, is added.
    root : Path
        Where those folders are.
    jobs : int
        How many at a time.
    display : Display, optional
        Shows each task that starts and ends.

    Yields
    ------
    tuple
        Name and result, or the error, in the order in which they end.

    Raises
    ------
    SimulatorError
        If a process was killed from outside.
    """
    waiting = deque(enumerate(tasks))
    running: dict[Future[Row], str] = {}
    pool = ProcessPoolExecutor(jobs, initializer=os.setpgrp)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                k, (name, task, arguments) = waiting.popleft()
                running[pool.submit(task, *arguments, root / str(k))] = name
                if display is not None:
                    display.started(name)
            ended, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
            for future in ended:
                name = running.pop(future)
                result = _result(name, future)
                if display is not None:
                    display.ended(name, result)
                yield name, result
            if display is not None:
                display.refresh()
    finally:
        if waiting or running:
            _kill_children()
        pool.shutdown(cancel_futures=True)


def _result(name: str, future: Future[Row]) -> Result:
    try:
        return future.result()
    except (BenchError, PrunusError, OSError) as e:
        return e
    except BrokenProcessPool:
        raise SimulatorError(f"Bench {name} must run to its end, but its process died") from None


def _kill_children() -> None:
    """Kill all processes of the pool, and with each its process group: compilers and simulators."""
    for child in active_children():
        if child.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.kill()
