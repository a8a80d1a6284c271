"""Mean cycles of a presentation on a core, by the formula of :mod:`prunus_rtl.timing`."""

from __future__ import annotations

from statistics import mean

import numpy as np
import numpy.typing as npt

from prunus_model.reference.network import Network
from prunus_model.spec.presentation import Request
from prunus_rtl.counts.thresholds import StaleThresholds
from prunus_rtl.export.plan import Plan
from prunus_rtl.step_work import work
from prunus_rtl.timing import presentation

__all__ = ["mean_cycles"]


def mean_cycles(
    plan: Plan,
    images: npt.NDArray[np.uint8],
    *,
    learn: bool = False,
    stop_after: int = 0,
    margin: int = 0,
    always_recomputed: bool = False,
) -> float:
    """Return the mean cycles of presentations, one image after the other.

    The formula gives the fewest cycles; lockstep simulation measures a few per cent more. Before
    the first image all thresholds are in force.

    Parameters
    ----------
    plan : Plan
        The core and its network, which begins as the plan has it.
    images : ndarray of uint8, shape (images, image_levels)
        Levels of the images.
    learn : bool
        Whether the network learns from each image, and the next one is shown to what it became.
    stop_after : int
        Early exit after so many output spikes; 0: all steps.
    margin : int
        Sequential test with this margin; 0: none.
    always_recomputed : bool
        Count as if a core that learns computed its thresholds before every presentation, as it
        did once, whether or not they are stale.
    """
    widths = plan.widths
    network = Network(plan.network, plan.state, plan.votes)
    request = Request(learn=learn, stop_after=stop_after, margin=margin, keep=False)
    stale = StaleThresholds(widths)
    views = plan.network.view_count
    stale.show(learn=False, number=0, views=views)
    found = []
    for image in images:
        number = network.presentation
        # Not all views are shown if a margin is reached before.
        steps = list(work(widths, network, network.steps(image, **request)))
        shown = len({step.view for step in steps})
        recomputed = stale.show(learn=learn, number=number, views=shown)
        found.append(
            presentation(
                widths,
                steps,
                learn=learn,
                stop_after=stop_after,
                margin=margin,
                recomputed=always_recomputed or recomputed,
            ).fewest
        )
    return mean(found)
