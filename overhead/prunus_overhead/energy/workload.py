"""What is estimated: a network, a core for it, and presentations that the golden model counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ArtifactError
from prunus_model.data.datasets import Split, check_for
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.reference.readout import predict_vote
from prunus_model.spec.counters import Counters
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import NoPruning
from prunus_model.training.artifact import Artifact
from prunus_overhead.energy.estimate import Load
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.hardware import HARDWARE_POLICIES
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import pack
from prunus_rtl.widths import Widths

__all__ = ["Shown", "Subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Images that were shown without learning.

    Attributes
    ----------
    load : Load
        What that took.
    accuracy : float
        Share that the votes get right, 0..1.
    """

    load: Load
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trained network, and the cores that would carry it.

    Parameters
    ----------
    artifact : Artifact
        A complete network.
    lanes : int, optional
        Lanes of the cores. Default: 16, or fewer if there are fewer neurons.

    Raises
    ------
    ArtifactError
        If training is not complete.
    """

    artifact: Artifact
    lanes: int | None = None

    def __post_init__(self) -> None:
        if not self.artifact.complete:
            raise ArtifactError(
                f"Network must be trained completely, but is at presentation "
                f"{self.artifact.state.presentation} of {self.artifact.schedule.presentations}"
            )

    @cached_property
    def inference(self) -> Widths:
        """Core that infers, with the smallest packed store."""
        options = ExportOptions(lanes=self.lanes)
        return make_plan(self.artifact, options).widths

    @cached_property
    def inference_dense(self) -> Widths:
        """Core that infers, with every synapse stored."""
        shapes = self.inference
        # What is in a dense store does not matter for its size, nor does the order of neurons.
        image = pack(
            self.artifact.state.weights,
            self.artifact.state.alive,
            lanes=shapes.hardware.lanes,
            format="dense",
            weight_bits=shapes.network.weight_bits,
        )
        return replace(shapes, store=StoreLayout.of(image.lanes))

    @cached_property
    def learning(self) -> Widths:
        """Core that learns; without a unit for pruning if its policy is not in hardware."""
        options = ExportOptions(mode="learning", lanes=self.lanes)
        config = self.artifact.config
        if config.pruning.policy in HARDWARE_POLICIES:
            return make_plan(self.artifact, options).widths
        config = replace(config, pruning=NoPruning())
        artifact = replace(self.artifact, config=config)
        return make_plan(artifact, options).widths

    @cached_property
    def learning_dense(self) -> Widths:
        """Core that learns, without a unit for pruning."""
        shapes = self.learning
        return replace(shapes, network=replace(shapes.network, pruning=NoPruning()))

    def without_frozen(self) -> Subject:
        """Return the network without synapses that soft pruning has frozen at 0: they add nothing.

        For its cores only, and for :meth:`prunus_overhead.energy.estimate.Load.without_frozen`.
        """
        state = self.artifact.state
        left = replace(state, alive=state.plastic, frozen=np.zeros_like(state.frozen))
        return replace(self, artifact=replace(self.artifact, state=left))

    def show(self, data: Split, *, stop_after: int = 0, margin: int = 0) -> Shown:
        """Show images as ``prunus evaluate`` does; image ``i`` is presentation ``i``.

        Parameters
        ----------
        data : Split
            Images and labels.
        stop_after : int
            Early exit after so many output spikes; 0 means never.
        margin : int
            Margin of the sequential test; 0 means none.

        Raises
        ------
        DataError
            If the images do not fit the network.
        """
        config = self.artifact.config
        check_for(data, config)
        engine = Engine(config, self.artifact.state, self.artifact.readout.votes)
        shown = levels(data.images, config.encoder)
        counts, spikes = engine.infer(shown, stop_after=stop_after, margin=margin)
        votes = predict_vote(spikes, self.artifact.readout)
        load = Load(
            counters=Counters.from_array(counts.sum(axis=0)),
            views=self._views(shown, stop_after=stop_after, margin=margin),
            decays=0,
        )
        return Shown(load=load, accuracy=float(np.mean(votes == data.labels)))

    def training(self) -> Load:
        """Return what the whole training has taken, from the counters in the artefact.

        They do not tell in how many presentations a neuron fired: all are taken, which charges the
        election of a class (some ten comparisons) to a few presentations too many. What a policy
        that is not in hardware would take to prune is not charged.
        """
        counters, groups = self.artifact.counters, self.artifact.config.group_count
        if self.artifact.config.pruning.policy not in HARDWARE_POLICIES:
            counters = replace(counters, pruned=0)
        return Load(
            counters=counters,
            views=counters.presentations * groups,
            decays=(counters.presentations - 1) * groups,
        )

    def learn(self, data: Split) -> Load:
        """Go on learning from images, where the training has ended, on a copy of the network.

        Parameters
        ----------
        data : Split
            Images.
        """
        config = self.artifact.config
        check_for(data, config)
        engine = Engine(config, self.artifact.state)
        counters, _ = engine.train(levels(data.images, config.encoder))
        return Load(
            counters=counters,
            views=len(data) * config.group_count,
            decays=len(data) * config.group_count,
        )

    def _views(self, shown: npt.NDArray[np.uint8], *, stop_after: int, margin: int) -> int:
        """Return how many views of images are shown; counters do not tell it."""
        config = self.artifact.config
        if not margin or config.view_count == 1:
            return len(shown) * config.view_count
        network = Network(config, self.artifact.state, self.artifact.readout.votes)
        views = 0
        for number, image in enumerate(shown):
            network.state.presentation = number
            *_, last = network.steps(image, learn=False, stop_after=stop_after, margin=margin)
            views += last.view + 1
        return views
