"""Tables and sentences of what was measured of the model: accuracy, SOPs, speed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from prunus_docs.study import reach
from prunus_docs.tables import origin, table
from prunus_docs.templates import filled, filled_by
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.labels import pruning_label
from prunus_model.study.claims import GOALS
from prunus_model.study.statistics import at_most

__all__ = ["MODEL_BLOCKS"]

#: Policies in the order in which tables show them, those that pages show first before the others.
_FIRST = ("none", "adaptive", "lift")
_ORDER = (*_FIRST, "constant", "soft", "post")

_Rows = list[dict[str, Any]]


def _spread(values: Iterable[float], scale: float, digits: int) -> str:
    """Mean, and half the distance between the extremes."""
    scaled = [scale * value for value in values]
    half = (max(scaled) - min(scaled)) / 2
    return f"{statistics.mean(scaled):.{digits}f} ± {half:.{digits}f}"


def _groups(results: dict[str, Any]) -> list[tuple[tuple[Any, ...], _Rows]]:
    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["neurons"], row["epochs"], pruning_label(row)

    runs = sorted(results["runs"], key=lambda r: (*key(r)[:2], _ORDER.index(pruning_label(r))))
    return [(group, list(rows)) for group, rows in groupby(runs, key)]


def _mnist(results: dict[str, Any], *, full: bool) -> str:
    headings = ["neurons", "epochs", "pruning", "accuracy (vote) %"]
    headings += ["accuracy (hard) %", "undecided"] if full else []
    headings += ["forward SOPs per inference", "of dense", "in training", "update SOPs"]
    headings += ["synapses left"]
    lines = []
    for (neurons, epochs, policy), rows in _groups(results):
        if not full and policy not in _FIRST:
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
    """Return what the rule of the abstract reaches, and what `lift` does if it was measured."""
    text = (
        f"**800 neurons on MNIST prune themselves while they learn: "
        f"{_against_unpruned(results, 'adaptive')}.**"
    )
    if any((r["neurons"], r["policy"]) == (800, "lift") for r in results["runs"]):
        text += (
            f" By `lift`, a rule of this project without constants of the data: "
            f"{_against_unpruned(results, 'lift')}."
        )
    return text


def _windows(results: dict[str, Any]) -> str:
    """Return what groups on windows reach with the margin that is judged, and what it costs."""
    rows, config = results["rows"], NetworkConfig.named("windows-16")
    return filled(
        "frontier-headline",
        row=_as_configured(rows, "windows-16"),
        best=_as_configured(rows, "windows-xl"),
        config=config,
        whole=_whole(rows)["mnist"],
    )


def _data_sets(results: dict[str, Any]) -> str:
    """Return in how many cases `lift` loses no more than the abstract allows, and its best."""
    rows, margin = results["rows"], GOALS["abstract"].loss
    rules = [row for row in rows if row["rule"] == "lift"]
    held = sum(row["loss_high"] is not None and 100 * row["loss_high"] <= margin for row in rules)
    wanted = ("mnist", 800, "lift, refractory inputs")
    (best,) = (row for row in rows if (row["data"], row["neurons"], row["rule"]) == wanted)
    return filled("datasets-headline", rules=rules, held=held, margin=margin, best=best)


def _as_configured(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the row of a configuration with its own margin."""
    margin = NetworkConfig.named(name).readout.margin
    (row,) = (row for row in rows if (row["configuration"], row["margin"]) == (name, margin))
    return row


def _accuracy_against_cost(results: dict[str, Any]) -> str:
    """Return the table of all that was measured, with costs as shares of those on the same data."""
    return filled_by("frontier", results, whole=_whole(results["rows"]))


def _whole(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return by data set what a whole presentation costs 800 neurons that are never pruned."""
    whole: dict[str, float] = {}
    for row in rows:
        if row["configuration"] == "paper":
            whole[row["data"]] = max(whole.get(row["data"], 0.0), row["sops_per_image"])
    return whole


def _change(results: dict[str, Any]) -> str:
    """Return accuracy and costs after each phase of a task that changes, by network and rule."""
    values: dict[tuple[int, str], dict[str, _Rows]] = {}
    for row in results["rows"]:
        of = values.setdefault((row["neurons"], row["rule"]), {})
        of.setdefault(row["phase"], []).append(row)
    headings = ["neurons, rule", "A: old %", "B: old %", "B: new %"]
    headings += ["C: old %", "C: new %", "C: all %", "less than none"]
    headings += ["SOPs in training A, B, C", "in inference A, B, C", "synapses left A, B, C"]
    lines = []
    for (neurons, rule), phases in values.items():
        line = [f"{neurons}, {rule}"]
        for phase, names in (("A", ("old",)), ("B", ("old", "new")), ("C", ("old", "new", "all"))):
            line += [_spread((row[name] for row in phases[phase]), 100, 1) for name in names]
        unpruned = {row["seed"]: row["all"] for row in values[neurons, "none"]["C"]}
        loss = at_most([100 * (unpruned[r["seed"]] - r["all"]) for r in phases["C"]], 0.0)
        bound = "-" if loss.bound is None else f"{loss.bound:.2f}"
        line.append("" if rule == "none" else f"{loss.estimate:.2f} (<= {bound})")
        for name in ("training_sop_fraction", "inference_sop_fraction", "density"):
            means = (statistics.mean(row[name] for row in rows) for rows in phases.values())
            line.append(", ".join(f"{mean:.2f}" for mean in means))
        lines.append(line)
    return (
        f"{table(headings, lines)}\n\nMean ± half the range over "
        f"{len({row['seed'] for row in results['rows']})} seeds; *less than none*: points lost "
        f"after phase C against the unpruned network of the same seed, mean and one-sided 95 % "
        f"bound. Forward SOPs are shares of those with nothing pruned, in inference over all test "
        f"images. Neurons are labelled after each phase by at most the first "
        f"{results['labelled']:,} training images of the classes seen. {origin(results)}."
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


#: Blocks by name: the kind of results, and what is made of them.
MODEL_BLOCKS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "headline": ("mnist", _headline),
    "mnist": ("mnist", partial(_mnist, full=False)),
    "mnist-full": ("mnist", partial(_mnist, full=True)),
    "frontier": ("frontier", _accuracy_against_cost),
    "datasets": ("datasets", partial(filled_by, "datasets")),
    "datasets-headline": ("datasets", _data_sets),
    "reach": ("frontier", reach),
    "search": ("search", partial(filled_by, "search")),
    "frontier-headline": ("frontier", _windows),
    "speed": ("engine-speed", partial(filled_by, "speed")),
    "speed-ratio": ("engine-speed", partial(filled_by, "speed-ratio")),
    "bindsnet": ("bindsnet", partial(filled_by, "bindsnet")),
    "change": ("change", _change),
    "nir": ("nir", partial(filled_by, "nir")),
}
