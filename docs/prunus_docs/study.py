"""Tables and figures of the reproduced claims, for the READMEs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from prunus_docs.tables import origin, table
from prunus_model.spec.labels import pruning_label
from prunus_model.spec.pruning import POLICIES
from prunus_model.study.choice import chosen_setting
from prunus_model.study.claims import GOALS, Claim, words
from prunus_model.study.figure_data import FIGURES
from prunus_model.study.statistics import Compared, Group, base_of, by_series, compared, groups

__all__ = ["REPRODUCTION_BLOCKS", "reach"]

#: Where the figures are, and the document that shows them.
_FIGURES, _DOCUMENT = Path("model/docs"), Path("model/README.md")
_CAPTIONS = {
    "pareto": "Accuracy against forward SOPs, by policy and setting",
    "pareto-fashion": "The same on Fashion-MNIST",
    "frontier": "Accuracy lost against forward SOPs left, by the rules that claims are judged for",
    "training": "Accuracy, synapses, SOPs and thresholds over training",
    "neurons": "Pruning threshold of each neuron by its firing and strength, with the ablations",
    "early-exit": "Accuracy against SOPs, by early exit",
    "weight-bits": "Accuracy, SOPs and synapses by bits of a weight",
    "accuracy-sops": "Accuracy against SOPs per image, by early exit and by margin",
    "accuracy-sops-fashion": "Accuracy against SOPs per image on Fashion-MNIST",
}
#: By split of a row, which images it was tested on.
_IMAGES = {"validation": "the validation split", "test": "test images"}
_Rows = list[dict[str, Any]]
#: Points of accuracy for which the table of the frontier says what can be saved.
_LOSSES = (0.0, 0.2, 0.44, 1.0)


def _judged(results: dict[str, Any]) -> str:
    """Return the table of the claims of a results file."""
    body = "\n".join(
        f"| {claim.claim} | **{claim.verdict}** | {words(claim)} |"
        for claim in (Claim(**values) for values in results["claims"])
    )
    return f"| claim | verdict | measured |\n| --- | --- | --- |\n{body}"


def reach(results: dict[str, Any]) -> str:
    """Return what networks of groups reach, target by target."""
    return (
        f"{_judged(results)}\n\nEach bound is the one-sided 95 % bound of the mean over seeds by "
        f"which nothing was chosen; SOPs are compared seed by seed. Each configuration is read out "
        f"as it says itself. {origin(results)}."
    )


def _claims(results: dict[str, Any]) -> str:
    settings = []
    for policy, rule in (("adaptive", "rule of the paper"), ("lift", "lift")):
        group = chosen_setting(results["runs"], GOALS["abstract"], policy=policy)
        if group is not None:
            settings.append(
                f"{rule}: {group.policy_setting}, chosen by {len(group.seeds)} seeds on "
                f"{_IMAGES[group['split']]}"
            )
    text = f" Judged settings: {'; '.join(settings)}." if settings else ""
    return (
        f"{_judged(results)}\n\nEach bound is the one-sided 95 % bound of the mean over seeds by "
        f"which nothing was chosen.{text} {origin(results)}."
    )


def _against(group: Group, rows: _Rows) -> Compared | None:
    base = base_of(group, rows)
    return compared(group, base) if base else None


def _loss(group: Group, rows: _Rows) -> str:
    difference = None if group["policy"] == "none" else _against(group, rows)
    if difference is None:
        return ""
    return f"{difference.vote:+.2f} ± {difference.vote_error:.2f}"


def _accuracy(group: Group) -> list[str]:
    return [
        f"{100 * group.mean(name):.2f} ± {100 * group.half_range(name):.2f}"
        for name in ("vote", "hard")
    ]


def _fractions(group: Group) -> list[str]:
    return [
        *(_both(group, f"{name}_sop_fraction") for name in ("inference", "training")),
        *(f"{group.mean(name):.3f}" for name in ("update_sop_fraction", "density")),
    ]


def _both(group: Group, name: str) -> str:
    """Return a share of SOPs; for soft pruning also the reading that does not count its zeros."""
    text = f"{group.mean(name):.3f}"
    other = f"{group.mean(f'{name}_without_frozen'):.3f}"
    return text if other == text else f"{text} ({other})"


_FRACTIONS = ["SOPs in inference", "in training", "update SOPs", "synapses left"]
_ACCURACY = ["vote %", "hard %", "points lost"]


def _by(
    part: str, headings: Sequence[str], names: Callable[[Group], list[str]]
) -> Callable[[dict[str, Any]], str]:
    """Return a block with one line for each group of a part."""

    def block(results: dict[str, Any]) -> str:
        rows: _Rows = results["runs"]
        found = [g for g in groups(rows, part=part) if part == "early-exit" or not g["early_exit"]]
        if not found:
            return ""
        found.sort(key=_order)
        lines = [[*names(g), *_accuracy(g), _loss(g, rows), *_fractions(g)] for g in found]
        seeds = sorted({len(group.seeds) for group in found})
        return (
            f"{table([*headings, *_ACCURACY, *_FRACTIONS], lines)}\n\nMean ± half the range over "
            f"{' or '.join(map(str, seeds))} seeds; points lost by vote, seed by seed against the "
            f"unpruned network, ± standard error. SOPs of dense; in brackets, without the zeros of "
            f"soft pruning. {origin(results)}."
        )

    return block


def _order(group: Group) -> tuple[Any, ...]:
    """Sort by data set, MNIST first; size; width; policy."""
    policy = list(POLICIES).index(group["policy"])
    return group["data"] != "mnist", group["neurons"], -group["weight_bits"], policy


def _rule(group: Group, part: str) -> str:
    return group.label(part) or pruning_label(group.rows[0])


def _sizes(group: Group) -> list[str]:
    return [group["data"], str(group["neurons"]), str(group["epochs"]), _rule(group, "sizes")]


def _accurate(group: Group) -> list[str]:
    return [*_sizes(group)[1:3], group.settings, _rule(group, "accuracy")]


def _ablation(group: Group) -> list[str]:
    return [group.label("ablations"), f"{group.mean('silent_neurons'):.0f}"]


def _exit(group: Group) -> list[str]:
    return [
        _rule(group, "early-exit"),
        str(group["early_exit"] or "none"),
        f"{group.mean('steps_per_inference'):.1f}",
        f"{group.mean('forward_sops_per_inference'):,.0f}",
    ]


def _bits(group: Group) -> list[str]:
    return [_rule(group, "weight-bits"), str(group["weight_bits"])]


def _frontier(part: str) -> Callable[[dict[str, Any]], str]:
    """Return a block with what each rule of a part saves within some losses."""

    def block(results: dict[str, Any]) -> str:
        rows: _Rows = results["runs"]
        found = [g for g in groups(rows, part=part, early_exit=0) if g["policy"] != "none"]
        found.sort(key=lambda group: list(POLICIES).index(group["policy"]))
        lines = []
        for name, same in by_series(found, part).items():
            pairs = [(group, c) for group in same if (c := _against(group, rows))]
            line = [name, str(len(pairs))]
            for loss in _LOSSES:
                kept = [group for group, c in pairs if max(c.vote, c.hard) <= loss]
                best = min(kept, key=_left, default=None)
                line.append(
                    "none" if best is None else f"{_left(best):.3f} ({best.policy_setting})"
                )
            lines.append(line)
        if not lines:
            return ""
        headings = ["policy", "settings", *(f"at most {loss:g} points" for loss in _LOSSES)]
        first = found[0]
        epochs = " or ".join(map(str, sorted({group["epochs"] for group in found})))
        goal = GOALS["abstract"]
        return (
            f"{table(headings, lines)}\n\nFewest forward SOPs in inference, of dense, of all "
            f"settings that lose no more by either readout (zeros of soft pruning not counted); "
            f"{first['neurons']} neurons, {first['data']}, {epochs} epochs. The abstract "
            f"of Guo et al. has {goal.inference:g} at {goal.loss:g} points. {origin(results)}."
        )

    return block


def _left(group: Group) -> float:
    return group.mean("inference_sop_fraction_without_frozen")


def _figures(_results: dict[str, Any]) -> str:
    return "\n\n".join(
        f"![{_CAPTIONS[name]}]({path.relative_to(_DOCUMENT.parent)})"
        for name in FIGURES
        if (path := _FIGURES / f"{name}.png").exists()
    )


#: Blocks by name.
REPRODUCTION_BLOCKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "claims": _claims,
    "reproduction-frontier": _frontier("pareto"),
    "reproduction-frontier-fashion": _frontier("pareto-fashion"),
    "reproduction-sizes": _by("sizes", ["data", "neurons", "epochs", "pruning"], _sizes),
    "reproduction-accuracy": _by(
        "accuracy", ["neurons", "epochs", "settings", "pruning"], _accurate
    ),
    "reproduction-ablations": _by("ablations", ["rule", "neurons that never fire"], _ablation),
    "reproduction-early-exit": _by(
        "early-exit", ["pruning", "exit after", "steps", "SOPs per image"], _exit
    ),
    "reproduction-weight-bits": _by("weight-bits", ["pruning", "bits"], _bits),
    "reproduction-figures": _figures,
}
