"""What the figures show, as plain values: each figure is drawn from them and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prunus_model.spec.labels import pruning_label
from prunus_model.spec.pruning import POLICIES
from prunus_model.study.claims import GOALS
from prunus_model.study.frontier import PART, rule_name, series_name
from prunus_model.study.plan import Training
from prunus_model.study.results_db import ResultStore
from prunus_model.study.statistics import Group, base_of, by_series, compared, groups
from prunus_model.training.history import QUANTILES

__all__ = ["FIGURES", "figure_data"]

_Rows = Sequence[dict[str, Any]]
#: Names of the figures, each with the part of the list that it shows.
FIGURES = {
    "pareto": "pareto",
    "pareto-fashion": "pareto-fashion",
    "frontier": "pareto",
    "training": "sizes",
    "neurons": "ablations",
    "early-exit": "early-exit",
    "weight-bits": "weight-bits",
    "accuracy-sops": PART,
    "accuracy-sops-fashion": PART,
}


def figure_data(
    name: str, trainings: Sequence[Training], store: ResultStore, rows: _Rows
) -> dict[str, Any]:
    """Return the table of one figure.

    Parameters
    ----------
    name : str
        One of :data:`FIGURES`.
    trainings : sequence of Training
        The list.
    store : ResultStore
        Has histories and neurons.
    rows : sequence of dict
        Rows of the list.

    Returns
    -------
    dict
        Empty if the part of the list that the figure is of has not been run.
    """
    match name:
        case "pareto" | "pareto-fashion":
            return _pareto(rows, name)
        case "frontier":
            return _frontier(rows)
        case "training":
            return _training(trainings, store)
        case "neurons":
            return _neurons(trainings, store)
        case "early-exit":
            return _series(rows, "early-exit", "early_exit")
        case "accuracy-sops" | "accuracy-sops-fashion":
            return _accuracy_sops(rows, fashion="fashion" in name)
        case _:
            return _series(rows, "weight-bits", "weight_bits")


def _point(group: Group) -> dict[str, Any]:
    """Return what the figures of accuracy and cost show of a group; accuracy in percent."""
    return {
        "policy_setting": group["policy_setting"],
        "early_exit": group["early_exit"],
        "weight_bits": group["weight_bits"],
        "seeds": list(group.seeds),
        "vote": 100 * group.mean("vote"),
        "vote_half_range": 100 * group.half_range("vote"),
        "hard": 100 * group.mean("hard"),
        "density": group.mean("density"),
        "inference_sop_fraction": group.mean("inference_sop_fraction"),
        "inference_sop_fraction_without_frozen": group.mean(
            "inference_sop_fraction_without_frozen"
        ),
        "training_sop_fraction": group.mean("training_sop_fraction"),
        "training_sop_fraction_without_frozen": group.mean("training_sop_fraction_without_frozen"),
        "forward_sops_per_inference": group.mean("forward_sops_per_inference"),
    }


def _about(found: Sequence[Group]) -> str:
    first = found[0]
    sizes = " or ".join(f"{neurons:,}" for neurons in sorted({g["neurons"] for g in found}))
    seeds = " or ".join(map(str, sorted({len(group.seeds) for group in found})))
    epochs = " or ".join(map(str, sorted({group["epochs"] for group in found})))
    return f"{sizes} neurons, {first['data']}, {epochs} epochs, mean and range of {seeds} seeds"


def _pareto(rows: _Rows, part: str) -> dict[str, Any]:
    found = groups(rows, part=part, early_exit=0)
    if not found:
        return {}
    found.sort(key=lambda group: list(POLICIES).index(group["policy"]))
    series = {n: [_point(g) for g in same] for n, same in by_series(found, part).items()}
    for points in series.values():
        points.sort(key=lambda point: -float(point["density"]))
    return {"about": _about(found), "series": series}


def _frontier(rows: _Rows) -> dict[str, Any]:
    """Rules that claims are judged for, against the network that is never pruned, seed by seed."""
    found = [
        group
        for policy in ("adaptive", "lift")
        for group in groups(rows, part="pareto", early_exit=0, policy=policy)
    ]
    series = {
        name: [point for group in same if (point := _loss(group, rows))]
        for name, same in by_series(found, "pareto").items()
    }
    if not any(series.values()):
        return {}
    for points in series.values():
        points.sort(key=lambda point: -float(point["inference_sop_fraction"]))
    goals = [
        {"name": name, "inference": g.inference, "training": g.training, "loss": g.loss}
        for name, g in GOALS.items()
    ]
    return {"about": _about(found), "series": series, "goals": goals}


def _accuracy_sops(rows: _Rows, *, fashion: bool) -> dict[str, Any]:
    """Points of the frontier by rule, votes and what ends a presentation, from cheap to dear."""
    found = [g for g in groups(rows, part=PART) if (g["data"] == "fashion-mnist") == fashion]
    if not found:
        return {}
    series: dict[str, list[dict[str, Any]]] = {}
    styles: dict[str, dict[str, Any]] = {}
    for group in found:
        # Where nothing but the last step, or the last view, ends a presentation, a curve ends: that
        # of the margins if votes are logarithms, else that of the early exits.
        whole = not group["margin"] and (group["groups"] > 1 or not group["early_exit"])
        by_margin = group["votes"] == "logarithms" if whole else bool(group["margin"])
        end = "margin" if by_margin else "early exit"
        name = f"{series_name(group)}, {end}"
        about = {"votes": group["votes"], "groups": group["groups"], "end": end}
        styles[name] = {"rule": rule_name(group), **about}
        series.setdefault(name, []).append(_point(group) | {"margin": group["margin"]})
    for points in series.values():
        points.sort(key=lambda point: float(point["forward_sops_per_inference"]))
    return {"about": _about(found), "series": series, "styles": styles}


def _loss(group: Group, rows: _Rows) -> dict[str, Any] | None:
    base = base_of(group, rows)
    difference = compared(group, base) if base else None
    if difference is None:
        return None
    return {
        "policy_setting": group["policy_setting"],
        "seeds": list(difference.seeds),
        "vote_loss": difference.vote,
        "vote_loss_error": difference.vote_error,
        "hard_loss": difference.hard,
        "inference_sop_fraction": group.mean("inference_sop_fraction"),
        "training_sop_fraction": group.mean("training_sop_fraction"),
    }


def _training(trainings: Sequence[Training], store: ResultStore) -> dict[str, Any]:
    """Histories of one size, data set and seed, by policy."""
    kept = [t for t in trainings if "sizes" in t.parts and store.get(t.digest)]
    if not kept:
        return {}
    # At the size of the paper if it is there.
    first = next((t for t in kept if t.config_name == "paper"), kept[0])
    same = [
        t
        for t in kept
        if (t.data, t.config_name, t.config.seed)
        == (first.data, first.config_name, first.config.seed)
    ]
    neurons = first.config.neurons
    return {
        "about": f"{neurons} neurons, {first.data}, seed {first.config.seed}",
        "synapses": neurons * first.config.inputs,
        "quantiles": list(QUANTILES),
        "series": {
            t.parts["sizes"] or pruning_label(t.config): store.detail(t.digest)["history"]
            for t in same
        },
    }


def _neurons(trainings: Sequence[Training], store: ResultStore) -> dict[str, Any]:
    """Each neuron's pruning threshold at the end, by ablation, of one seed."""
    kept = [
        t
        for t in trainings
        if "ablations" in t.parts and t.config.pruning.policy != "none" and store.get(t.digest)
    ]
    if not kept:
        return {}
    seed = kept[0].config.seed
    same = [t for t in kept if t.config.seed == seed]
    return {
        "about": f"{same[0].config.neurons} neurons, {same[0].data}, seed {seed}",
        "series": {t.parts["ablations"] or t.name: store.detail(t.digest)["neurons"] for t in same},
    }


def _series(rows: _Rows, part: str, by: str) -> dict[str, Any]:
    """Points of a part by policy, ascending in one value."""
    found = groups(rows, part=part)
    if part != "early-exit":
        found = [group for group in found if group["early_exit"] == 0]
    if not found:
        return {}
    found.sort(key=lambda group: int(group[by]))
    series = {name: [_point(g) for g in same] for name, same in by_series(found, part).items()}
    return {"about": _about(found), "series": series}
