"""How fast the engine is, side by side with BindsNET in one run.

`python -m prunus_model.study.speed` writes `model/results/speed.json`. Absolute figures are
of one machine at one time; the ratios are of runs that took turns.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
from numba import njit
from rich.console import Console

import prunus_model.engine
from prunus_model.common.atomic import write_json
from prunus_model.common.other_python import run_script
from prunus_model.common.provenance import header, processor, source_digest
from prunus_model.data.datasets import data_digest, load
from prunus_model.engine import kernels
from prunus_model.engine.engine import Engine
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.trainer import train, versions

__all__ = ["main"]

_SIZES = ("demo", "400", "paper", "1600", "windows")
_REPEATS = 3
_TRAINED = 20_000
_INFERRED = 10_000
_ADD_ROWS, _ADD_WIDTH, _ADD_CALLS = 32, 448, 20_000


def _training(name: str, data: str) -> dict[str, Any]:
    """Rate of learning from the first presentations on: one thread, or all with groups."""
    config = NetworkConfig.named(name)
    shown = levels(load(data, "train").images, config.encoder)
    shown = shown[np.arange(_TRAINED) % len(shown)]
    Engine(config).train(shown[:8])
    rates = []
    for _ in range(_REPEATS):
        engine = Engine(config)
        started = time.perf_counter()
        counters, _ = engine.train(shown)
        rates.append(_TRAINED / (time.perf_counter() - started))
    return _row(
        "training",
        config,
        (os.cpu_count() or 1) if config.groups else 1,
        rates,
        steps=config.encoder.steps,
        input_spikes_per_presentation=counters.input_spikes / _TRAINED,
        output_spikes_per_presentation=counters.output_spikes / _TRAINED,
        synapses_per_presentation=counters.forward_dense / _TRAINED,
    )


def _inference(name: str, data: str, threads: int) -> dict[str, Any]:
    """Rate of inference, with the readout of the configuration, after some learning."""
    config = NetworkConfig.named(name)
    split = load(data, "train")
    learned = split.head(min(_TRAINED, len(split)))
    artifact = train(config, learned, epochs=-(-_TRAINED // len(learned)))
    engine = Engine(config, artifact.state, artifact.readout.votes)
    shown = levels(split.images, config.encoder)
    shown = shown[np.arange(_INFERRED) % len(shown)]
    engine.infer(shown[:8])
    rates = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        engine.infer(
            shown,
            stop_after=config.readout.stop_after,
            margin=config.readout.margin,
            threads=threads,
        )
        rates.append(_INFERRED / (time.perf_counter() - started))
    return _row("inference", config, threads, rates)


def _row(
    what: str, config: NetworkConfig, threads: int, rates: list[float], **more: float
) -> dict[str, Any]:
    return {
        "what": what,
        "neurons": config.neurons,
        **({"groups": config.group_count} if config.groups else {}),
        "threads": threads,
        "presentations_per_s": round(statistics.median(rates), 1),
        "least": round(min(rates), 1),
        "most": round(max(rates), 1),
        # Kilobytes on Linux.
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **{key: round(value, 1) for key, value in more.items()},
    }


@njit
def _add(weights: Any, pres: Any, v: Any, sums: Any, calls: int) -> None:
    for _ in range(calls):
        kernels.integrate(weights, pres, v, sums)
        sums[:] = 0


def _best_add_rate() -> float:
    """Additions per second of the engine's own inner loop when all its data is in the L1 cache."""
    weights = np.ones((_ADD_ROWS, _ADD_WIDTH), dtype=np.uint8)
    pres = np.arange(_ADD_ROWS, dtype=np.uint16)
    v, sums = np.zeros(_ADD_WIDTH, dtype=np.int32), np.zeros(_ADD_WIDTH, dtype=np.uint16)
    _add(weights, pres, v, sums, 1)
    rates = []
    for _ in range(5):
        started = time.perf_counter()
        _add(weights, pres, v, sums, _ADD_CALLS)
        rates.append(_ADD_CALLS * weights.size / (time.perf_counter() - started))
    return max(rates)


def _alone(function: Any, *arguments: Any) -> Any:
    """Call a function in a process of its own, so that its peak memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _compile_seconds() -> dict[str, float]:
    """Time of the first presentation in a new process, without and with the cache."""
    script = (
        "import time, numpy as np; from prunus_model import Engine, NetworkConfig;"
        "e = Engine(NetworkConfig.named('demo')); x = np.full((1, 784), 9, np.uint8);"
        "t = time.perf_counter(); e.train(x); e.infer(x); print(time.perf_counter() - t)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        first, again = (
            float(subprocess.check_output([sys.executable, "-c", script], env=environment))
            for _ in range(2)
        )
    return {"first": round(first, 2), "cached": round(again, 2)}


def _bindsnet(python: str, images: Path) -> dict[str, Any]:
    script = Path("model/bench/bindsnet_diehlcook.py")
    args = ["--images", str(images), "--neurons", "400", "--threads", "1"]
    return run_script(python, script, args, what="BindsNET must run")


@click.command(context_settings={"show_default": True})
@click.option("--data", default="mnist", help="Data set.")
@click.option("--bindsnet-python", default=".venv-bindsnet/bin/python", help="Has BindsNET.")
@click.option("--output", type=click.Path(path_type=Path), default="model/results/speed.json")
def main(*, data: str, bindsnet_python: str, output: Path) -> None:
    """Measure everything, one thing at a time, and write one JSON file."""
    console = Console()
    images = load(data, "train").head(64).images
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npz"
        np.savez(path, images=images)
        for _ in range(_REPEATS):
            theirs = _bindsnet(bindsnet_python, path)
            ours = _alone(_training, "400", data)
            pairs.append((ours, theirs))
            console.print(
                f"400 neurons: Prunus {ours['presentations_per_s']:,.0f}/s, "
                f"BindsNET {theirs['presentations_per_s']:.1f}/s"
            )
    rows = [_alone(_training, name, data) for name in _SIZES]
    threads = sorted({1, os.cpu_count() or 1})
    rows += [_alone(_inference, name, data, n) for name in _SIZES for n in threads]
    for row in rows:
        console.print(row)
    # The pair with the median ratio, so that all figures quoted belong together.
    pairs.sort(key=lambda pair: pair[0]["presentations_per_s"] / pair[1]["presentations_per_s"])
    ours, theirs = pairs[len(pairs) // 2]
    ratios = [a["presentations_per_s"] / b["presentations_per_s"] for a, b in pairs]
    our_synapses = ours["presentations_per_s"] * ours["synapses_per_presentation"]
    their_synapses = theirs["presentations_per_s"] * theirs["event_synapses_per_presentation"]
    best = _alone(_best_add_rate)
    content = {
        "provenance": header(
            "engine-speed",
            command=f"python -m prunus_model.study.speed --data {data}",
            inputs={
                "model": fingerprint(),
                "engine": source_digest(prunus_model.engine),
                "data": data_digest(data),
            },
            tools=versions() | {k: theirs["versions"][k] for k in ("bindsnet", "torch")},
        ),
        "processor": processor(),
        "rows": rows,
        "compile_seconds": _compile_seconds(),
        "prunus_400": ours,
        "bindsnet_400": theirs,
        "bindsnet_400_presentations_per_s": theirs["presentations_per_s"],
        "ratio_400": round(ratios[len(ratios) // 2], 1),
        "ratio_400_all": [round(ratio, 1) for ratio in ratios],
        "ratio_400_per_synapse": round(our_synapses / their_synapses, 1),
        "adds_per_s_400": round(our_synapses),
        "best_adds_per_s": round(best),
    }
    write_json(output, content)
    console.print(f"Saved {output}: {content['ratio_400']} times BindsNET")


if __name__ == "__main__":
    main()
