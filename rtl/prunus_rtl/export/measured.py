"""The networks that measurements of size and cycles take: all with real weights, none random."""

from __future__ import annotations

from typing import Any

from prunus_model.cli.common import BUNDLED, load_network
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.export.plan import ExportOptions, Plan, make_plan

__all__ = ["PAPER", "planned", "trained"]

#: Named configuration of the network with 800 neurons, which is trained and not bundled.
PAPER = "paper"
#: Training images from which the balance of the lanes is found.
_TYPICAL = 1000


def trained(name: str, data: str) -> Artifact:
    """Return a network: a bundled one, or that of the paper's size, trained here.

    Parameters
    ----------
    name : str
        ``demo``, ``400`` or :data:`PAPER`, which is trained for two epochs (half a minute).
    data : str
        Data set, as :func:`prunus_model.data.datasets.load` takes it.

    Returns
    -------
    Artifact
    """
    if name in BUNDLED:
        return load_network(name)
    return train(NetworkConfig.named(name), load(data, "train"), epochs=2)


def planned(artifact: Artifact, data: str, **options: Any) -> Plan:
    """Return the plan of a core, its lanes balanced for typical images of a data set.

    Parameters
    ----------
    artifact : Artifact
        Trained network.
    data : str
        Data set.
    **options
        Of :class:`prunus_rtl.export.plan.ExportOptions`.

    Returns
    -------
    Plan
    """
    typical = levels(load(data, "train").take(0, _TYPICAL).images, artifact.config.encoder)
    return make_plan(artifact, ExportOptions(**options), typical=typical)
