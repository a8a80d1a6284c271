"""Tables and sentences of what was measured of the model: accuracy, SOPs, speed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import Any

from prunus_docs.tables import origin, table, versions
from prunus_model.spec.config import pruning_label

__all__ = ["MODEL_BLOCKS"]

#: Rules that pages show first, by :func:`prunus_model.spec.config.pruning_label`.
_BOTH = "adaptive + redundancy"

_Rows = list[dict[str, Any]]


def _spread(values: Iterable[float], scale: float, digits: int) -> str:
    """Mean, and half the distance between the extremes."""
    scaled = [scale * value for value in values]
    half = (max(scaled) - min(scaled)) / 2
    return f"{statistics.mean(scaled):.{digits}f} ± {half:.{digits}f}"


def _groups(results: dict[str, Any]) -> list[tuple[tuple[Any, ...], _Rows]]:
    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["neurons"], row["epochs"], pruning_label(row)

    order = ["none", "adaptive", _BOTH, "constant", "soft", "post"]
    runs = sorted(results["runs"], key=lambda row: (*key(row)[:2], order.index(pruning_label(row))))
    return [(group, list(rows)) for group, rows in groupby(runs, key)]


def _mnist(results: dict[str, Any], *, full: bool) -> str:
    headings = ["neurons", "epochs", "pruning", "accuracy (vote) %"]
    headings += ["accuracy (hard) %", "undecided"] if full else []
    headings += ["forward SOPs per inference", "of dense", "in training", "update SOPs"]
    headings += ["synapses left"]
    lines = []
    for (neurons, epochs, policy), rows in _groups(results):
        if not full and policy not in ("none", "adaptive", _BOTH):
            continue
        line = [str(neurons), str(epochs), policy, _spread((r["vote"] for r in rows), 100, 2)]
        if full:
            line += [
                _spread((r["hard"] for r in rows), 100, 2),
                f"{statistics.mean(r['undecided'] for r in rows):.1f}",
            ]
        line += [f"{statistics.mean(r['forward_sops_per_inference'] for r in rows):,.0f}"]
        for name in (
            "inference_sop_fraction",
            "training_sop_fraction",
            "update_sop_fraction",
            "density",
        ):
            line.append(f"{statistics.mean(r[name] for r in rows):.3f}")
        lines.append(line)
    counts = sorted({len(rows) for _, rows in _groups(results)})
    return (
        f"{table(headings, lines)}\n\nMean ± half the range over "
        f"{' or '.join(map(str, counts))} seeds. All 60,000 training and 10,000 test images; votes "
        f"from training images only. {origin(results)}."
    )


def _headline(results: dict[str, Any]) -> str:
    """Return what the rule of the abstract reaches, and then what pruning inputs adds to it."""
    rule, beyond = (_against_unpruned(results, label) for label in ("adaptive", _BOTH))
    return (
        f"**800 neurons on MNIST prune themselves while they learn: {rule}.** With redundant "
        f"inputs pruned too, an addition of this project: {beyond}."
    )


def _against_unpruned(results: dict[str, Any], label: str) -> str:
    """Return what a rule saves and loses at 800 neurons, seed by seed against no pruning."""
    runs = {(r["neurons"], pruning_label(r), r["seed"]): r for r in results["runs"]}
    pairs = [
        (runs[800, "none", seed], row)
        for (neurons, policy, seed), row in runs.items()
        if neurons == 800 and policy == label
    ]
    loss = statistics.mean(a["vote"] - b["vote"] for a, b in pairs)
    accuracy = statistics.mean(b["vote"] for _, b in pairs)
    inference, training, pruned = (
        100 * (1 - statistics.mean(b[name] for _, b in pairs))
        for name in ("inference_sop_fraction", "training_sop_fraction", "density")
    )
    change = f"{abs(100 * loss):.2f} points {'less' if loss >= 0 else 'more'}"
    return (
        f"{inference:.0f} % fewer synaptic operations in inference and {training:.0f} % fewer in "
        f"training, {pruned:.0f} % of the synapses gone, at {100 * accuracy:.1f} % accuracy, "
        f"{change} than unpruned (mean of {len(pairs)} paired seeds)"
    )


def _speed(speed: dict[str, Any]) -> str:
    ours, theirs = speed["prunus_400"], speed["bindsnet_400"]
    lines = [
        [
            f"{row['what']}, {row['neurons']} neurons",
            str(row["threads"]),
            f"{row['presentations_per_s']:,.0f}",
            f"{row['least']:,.0f} to {row['most']:,.0f}",
            f"{row['peak_memory_mb']:,.0f}",
        ]
        for row in speed["rows"]
    ]
    rates = table(["", "threads", "presentations/s", "range of 3", "peak memory MB"], lines)
    compared = table(
        ["training, 400 neurons, one thread", "Prunus", "BindsNET"],
        [
            [
                "presentations/s",
                f"{ours['presentations_per_s']:,.0f}",
                f"{theirs['presentations_per_s']:.1f}",
            ],
            ["steps per presentation", f"{ours['steps']:.0f}", f"{theirs['steps']}"],
            [
                "input spikes per presentation",
                f"{ours['input_spikes_per_presentation']:,.0f}",
                f"{theirs['input_spikes_per_presentation']:,.0f}",
            ],
            [
                "synapses visited by them",
                f"{ours['synapses_per_presentation']:,.0f}",
                f"{theirs['event_synapses_per_presentation']:,.0f}",
            ],
        ],
    )
    share = 100 * speed["adds_per_s_400"] / speed["best_adds_per_s"]
    return (
        f"{compared}\n\n**{speed['ratio_400']:,.0f} times** the presentations per second (median "
        f"of three pairs that took turns: {', '.join(f'{r:,.0f}' for r in speed['ratio_400_all'])})"
        f", {speed['ratio_400_per_synapse']:,.0f} times per synapse visited. Each shows an image "
        f"in its own usual way. Training at 400 neurons makes {speed['adds_per_s_400'] / 1e9:.1f} "
        f"G synapse additions per second, encoding, learning and pruning included; the inner loop "
        f"alone, with all data in the first-level cache, makes "
        f"{speed['best_adds_per_s'] / 1e9:.0f} G, so it runs at {share:.0f} % of the best this "
        f"processor could do.\n\n{rates}\n\nThe first presentation in a new process takes "
        f"{speed['compile_seconds']['first']:.1f} s when nothing is compiled yet, "
        f"{speed['compile_seconds']['cached']:.2f} s from the cache. {speed['processor']}, shared "
        f"and noisy: trust the ratios. `make bench`, {versions(speed)}."
    )


def _ratio(speed: dict[str, Any]) -> str:
    return f"{speed['ratio_400']:,.0f}"


def _bindsnet(results: dict[str, Any]) -> str:
    """Accuracy after the same images."""
    named = [
        ("BindsNET", results["bindsnet"]),
        *((f"Prunus, {r['policy']}", r) for r in results["prunus"]),
    ]
    lines = [
        [name, f"{r['seconds']:,.2f}", f"{100 * r['hard']:.1f}", f"{100 * r['vote']:.1f}"]
        for name, r in named
    ]
    return (
        f"{table(['', 'seconds of learning', 'hard %', 'vote %'], lines)}\n\n"
        f"{results['neurons']} neurons, the same first {results['presentations']:,} images of "
        f"{results['data']}, once; labelled by {results['labelled']:,} of the training images, "
        f"tested on {results['tested']:,}, one seed, the same readouts. That is as far as BindsNET "
        f"came in the time given; both learn on. {origin(results)}."
    )


#: Blocks by name: the kind of results, and what is made of them.
MODEL_BLOCKS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "headline": ("mnist", _headline),
    "mnist": ("mnist", partial(_mnist, full=False)),
    "mnist-full": ("mnist", partial(_mnist, full=True)),
    "speed": ("engine-speed", _speed),
    "speed-ratio": ("engine-speed", _ratio),
    "bindsnet": ("bindsnet", _bindsnet),
}
