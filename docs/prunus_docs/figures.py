"""Figures of the semantics: each unit drawn by the functions of the reference itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunus_model.cli.common import bundled
from prunus_model.data.datasets import load
from prunus_model.reference import encoder, homeostasis, lift, pruning, stdp
from prunus_model.reference.network import Network
from prunus_model.reference.readout import Readout
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import AdaptivePruning, LiftPruning
from prunus_model.spec.random_streams import ENCODER
from prunus_model.spec.readout import ReadoutParams, Votes
from prunus_model.spec.units import StdpParams
from prunus_model.training.artifact import Artifact

__all__ = ["FIGURES", "write_figures"]

#: Colours that are told apart in grey and by readers who are colour-blind.
_COLOURS = ("#0b5394", "#cc4400", "#38761d", "#674ea7")


def _axes(figure: Figure, across: str, up: str) -> Axes:
    axes: Axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _encoder(figure: Figure) -> None:
    shown = np.arange(0, 256, 8, dtype=np.uint8)
    both = figure.subplots(1, 2, sharey=True)
    kinds = EncoderParams(spikes="random"), EncoderParams(spikes="low-discrepancy")
    for axes, params in zip(both, kinds, strict=True):
        stream = Stream(seed=1, presentation=0, constant=ENCODER)
        steps, inputs = [], []
        for step in range(params.steps):
            drawn = encoder.draw(stream, step, len(shown), params)
            (spiking,) = np.nonzero(encoder.spikes(drawn, shown))
            steps += [step] * len(spiking)
            inputs += shown[spiking].tolist()
        axes.scatter(steps, inputs, s=4, marker="|", color=_COLOURS[0])
        axes.set(xlabel="step", title=params.spikes)
    both[0].set_ylabel("level of the input")


def _threshold(figure: Figure) -> None:
    params = NetworkConfig.named("demo").homeostasis
    axes = _axes(figure, "strength", "v_fire")
    strength = np.arange(0, 60_000, 200)
    for colour, theta in zip(_COLOURS, (0, 10_000, 20_000), strict=False):
        fire = homeostasis.fire_threshold(np.full_like(strength, theta), strength, params)
        axes.plot(strength[1:], fire[1:], color=colour, label=f"theta {theta:,}")
    axes.legend(frameon=False)


def _membrane(figure: Figure) -> None:
    artifact = Artifact.load(bundled("demo"))
    config = artifact.config
    network = Network(config, artifact.state)
    image = levels(load("sample", "test").images[0], config.encoder)
    before, winners = [], []
    threshold = artifact.state.v_fire
    held = np.zeros(config.neurons, dtype=np.int64)
    for step in network.steps(image, learn=False):
        held = held + artifact.state.weights[step.kept].sum(axis=0, dtype=np.int64)
        before.append(held)
        if step.post >= 0:
            winners.append((step.step, step.post))
        held = network.state.v.astype(np.int64)
    potentials = np.array(before)
    axes = _axes(figure, "step", "v")
    axes.plot(potentials, color="0.75", linewidth=0.6)
    at, first = winners[0]
    axes.plot(potentials[:, first], color=_COLOURS[0], label=f"v of neuron {first}")
    axes.axhline(int(threshold[first]), color=_COLOURS[1], label=f"v_fire of neuron {first}")
    steps, posts = np.array(winners).T
    axes.plot(steps, potentials[steps, posts], "v", color="black", label="output spike")
    axes.axvline(at, color="0.9", zorder=0)
    axes.set_ylim(0, 1.25 * int(potentials.max()))
    axes.legend(frameon=False, loc="upper center", ncols=3, fontsize="small")


def _stdp(figure: Figure) -> None:
    params = StdpParams(potentiation_shift=4, depression_shift=4)
    axes = _axes(figure, "weight", "change")
    weights = np.arange(256)
    for colour, recent in zip(_COLOURS, (True, False), strict=False):
        active = np.full(weights.shape, recent)
        draws = range(16)
        new = [stdp.updated(weights, active, np.full(256, r), 255, params) for r in draws]
        change = np.array(new) - weights
        axes.fill_between(weights, change.min(0), change.max(0), color=colour, alpha=0.25)
        name = "recent input" if recent else "other input"
        axes.plot(weights, change.mean(0), color=colour, label=name)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.legend(frameon=False)


def _pruning(figure: Figure) -> None:
    policy = NetworkConfig.named("paper").pruning
    if not isinstance(policy, AdaptivePruning):
        raise TypeError("Configuration paper must prune by the policy adaptive")
    axes = _axes(figure, "post_count", "w_prune")
    counts = range(600)
    for colour, strength in zip(_COLOURS, (10_000, 5_000), strict=False):
        values = [pruning.pruning_threshold(n, strength, 1, 255, policy) for n in counts]
        axes.step(counts, values, color=colour, label=f"strength {strength:,}")
    axes.legend(frameon=False)


def _lift(figure: Figure) -> None:
    config, length = NetworkConfig.named("demo"), 60_000
    policy = LiftPruning(length=length)
    axes = _axes(figure, "rate of the input", "w_prune")
    rates = np.linspace(0, 65_535, config.inputs).astype(np.int64)
    strength = int((rates >> 8).sum())
    for colour, count in zip(_COLOURS, (16, 64, 128, 256), strict=True):
        found = lift.lift_thresholds(rates, count, strength, length - 1, policy, config)
        axes.plot(rates / 65_536, found, color=colour, label=f"post_count {count}")
    axes.plot(rates / 65_536, rates >> 8, color="0.6", linestyle=":", label="weight by chance")
    axes.legend(frameon=False)


def _readout(figure: Figure) -> None:
    axes = _axes(figure, "share of the class", "votes")
    images = 200
    rules: tuple[Votes, ...] = ("shares", "logarithms")
    for colour, kind in zip(_COLOURS, rules, strict=False):
        params = ReadoutParams(classes=2, votes=kind)
        counts = np.arange(1, images)
        # A neuron for each share: so many spikes for class 0, the others for class 1.
        response = np.stack([counts, images - counts], axis=1)
        votes = Readout.learn(response, np.full(2, images), params).votes
        axes.step(counts / images, votes[:, 0], color=colour, label=kind)
    axes.legend(frameon=False)


#: Figures by name.
FIGURES: dict[str, Callable[[Figure], None]] = {
    "threshold": _threshold,
    "encoder": _encoder,
    "membrane": _membrane,
    "stdp": _stdp,
    "pruning": _pruning,
    "lift": _lift,
    "readout": _readout,
}


def write_figures(folder: Path) -> None:
    """Draw all figures as SVG into a folder, the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "prunus", "font.size": 10}):
        for name, draw in FIGURES.items():
            figure = Figure(figsize=(6.4, 3.2), layout="constrained")
            draw(figure)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
