"""How much a training is slowed by being watched: `python -m prunus_boards.measure.live_slowdown`.

The same training is run alone and watched, in pairs one after the other, the order changing from
pair to pair; the results are medians of the ratios of their times: those that pass, and those that
this process takes of the processors, its server included, which depend less on what else the
machine does. Watched means: with validation, served, and read by another process, or drawn by a
page in Chromium on the same machine. Either is given time to start before the training does.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import click

from prunus_boards.live.browser import Browser
from prunus_boards.live.browser import found as browser_found
from prunus_boards.live.learning import Learning, Validation
from prunus_boards.live.serving import serving
from prunus_model.cli.common import load_network, note, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.errors import PrunusError
from prunus_model.common.provenance import header, package_versions
from prunus_model.data.datasets import data_digest, load
from prunus_model.data.split import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.trainer import Trainer

__all__ = ["main", "measured"]

_CONFIG, _EPOCHS, _KEPT = "demo", 40, 200
_FACTS = {"network": "demo", "device": "the emulated device", "training": "demo"}
#: What reads the page's messages in a process of its own.
_READER = """
import sys, time
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
with connect(sys.argv[1], max_size=None, proxy=None) as ws:
    print(time.process_time(), flush=True)
    try:
        while True:
            if isinstance(ws.recv(), bytes):
                print(time.process_time(), flush=True)
    except ConnectionClosed:
        pass
"""
#: Seconds in which a reader starts; Chromium is busy with itself that long.
_START = 2.0

#: Frames that a reader has had, and processor time in seconds that it has taken.
_Had = tuple[int, float]
#: What opens the page under a port and holds it open; it gives what tells what the reader has had.
_Reader = Callable[[int], AbstractContextManager[Callable[[], _Had]]]


@contextmanager
def _process(port: int) -> Iterator[Callable[[], _Had]]:
    url = f"ws://127.0.0.1:{port}/socket"
    with (
        TemporaryDirectory() as folder,
        (Path(folder) / "told").open("w+") as told,
        subprocess.Popen([sys.executable, "-c", _READER, url], stdout=told) as reader,
    ):
        time.sleep(_START)

        def had() -> _Had:
            times = (Path(folder) / "told").read_text().split()
            # The first tells what it took to start.
            return max(0, len(times) - 1), float(times[-1]) if times else 0.0

        yield had
        reader.terminate()


@contextmanager
def _page(port: int) -> Iterator[Callable[[], _Had]]:
    with Browser() as browser:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait("document.querySelector('#status').textContent === 'Connected'")
        time.sleep(_START)
        frames = "Number(document.querySelector('#watched').dataset.frames || 0)"
        yield lambda: (int(browser.evaluate(frames)), browser.processor_time)


def measured(images: Split, reader: _Reader, *, pairs: int, epochs: int) -> dict[str, Any]:
    """Run pairs of trainings, alone and watched.

    Parameters
    ----------
    images : Split
        Of the training; the last 200 are validated with.
    reader : function of int
        Opens the page under a port.
    pairs, epochs : int
        How many pairs; epochs of each training.

    Returns
    -------
    dict
        ``ratio``, the median over the pairs of the time watched divided by the time alone;
        ``ratio_low`` and ``ratio_high``, the least and the greatest; ``cpu_ratio`` and so on, the
        same of processor time; ``frames_per_s``, those that the reader had by the end,
        ``reader_ms_per_frame``, the processor time that it took for one, and
        ``presentations_per_s``, medians, watched.
    """
    left = len(images) - _KEPT
    used, kept = images.take(0, left), images.take(left, _KEPT)
    config = NetworkConfig.named(_CONFIG)

    def alone() -> tuple[float, float]:
        trainer = Trainer(config, used, epochs=epochs)
        started, cpu = time.perf_counter(), time.process_time()
        while not trainer.done:
            trainer.advance()
        return time.perf_counter() - started, time.process_time() - cpu

    def watched() -> tuple[float, float, int, float]:
        trainer = Trainer(config, used, epochs=epochs)
        learning = Learning(trainer, Validation(trainer, kept))
        with serving(artifact, learning, facts=_FACTS) as port, reader(port) as had:
            before = had()[1]
            started, cpu = time.perf_counter(), time.process_time()
            learning.start()
            learning.wait()
            times = time.perf_counter() - started, time.process_time() - cpu
            shown, taken = had()
        if learning.error:
            raise PrunusError(learning.error)
        return *times, shown, taken - before

    artifact = load_network("demo")
    # What compiles, or is read for the first time, does so before anything is measured.
    alone()
    watched()
    wall, cpu, frames, rates, costs = [], [], [], [], []
    for pair in range(pairs):
        first = alone() if pair % 2 else None
        seconds, cpu_seconds, shown, taken = watched()
        beside = alone() if first is None else first
        wall.append(seconds / beside[0])
        cpu.append(cpu_seconds / beside[1])
        frames.append(shown / seconds)
        costs.append(1000 * taken / max(1, shown))
        rates.append(left * epochs / seconds)
    found: dict[str, Any] = {}
    for name, ratios in (("ratio", wall), ("cpu_ratio", cpu)):
        found[name] = round(median(ratios), 3)
        found[f"{name}_low"], found[f"{name}_high"] = round(min(ratios), 3), round(max(ratios), 3)
    found["frames_per_s"] = round(median(frames), 1)
    found["reader_ms_per_frame"] = round(median(costs), 2)
    found["presentations_per_s"] = round(median(rates))
    return found


@click.command()
@data_option("sample")
@click.option("--pairs", type=WholeNumber(min=1), default=15, show_default=True)
@click.option("--epochs", type=WholeNumber(min=1), default=_EPOCHS, show_default=True)
@results_option(Path("boards/results/live.json"))
def main(*, data: str, pairs: int, epochs: int, output: Path) -> None:
    """Measure how much a training is slowed by being watched, and write it."""
    with user_errors():
        images = load(data, "train")
        readers: list[tuple[str, _Reader]] = [("process", _process)]
        if browser_found() is None:
            note("No Chromium is installed: the page is left out")
        else:
            readers.append(("page in Chromium", _page))
        rows = [
            {"reader": name} | measured(images, reader, pairs=pairs, epochs=epochs)
            for name, reader in readers
        ]
        content: dict[str, Any] = {
            "provenance": header(
                "live",
                command="python -m prunus_boards.measure.live_slowdown",
                inputs={"model": fingerprint(), "data": data_digest(data)},
                tools=package_versions("prunus", "numba", "uvicorn", "websockets"),
            ),
            "network": _CONFIG,
            "data": data,
            "presentations": (len(images) - _KEPT) * epochs,
            "pairs": pairs,
            "rows": rows,
        }
        write_json(output, content)


if __name__ == "__main__":
    main()
