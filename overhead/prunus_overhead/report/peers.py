"""Figures that others have published, as comparisons quote them; no paper was at hand to check."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PEERS", "Peer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A published figure.

    Attributes
    ----------
    name : str
        Design and year.
    figure : str
        The figure, with unit.
    what : str
        What its SOP or its network is.
    platform : str
        What it runs on.
    supervised : bool or None
        Whether the network of the figure was trained with labels; None if the figure is of no
        network.
    """

    name: str
    figure: str
    what: str
    platform: str
    supervised: bool | None


PEERS = (
    Peer(
        name="Spiker+ (Carpegna 2024)",
        figure="0.14 mJ per MNIST image, 0.78 ms",
        what="feed-forward LIF layers trained by gradient; board power times latency",
        platform="FPGA, 7,612 logic cells",
        supervised=True,
    ),
    Peer(
        name="Flexi-NeurA (Farahani 2026)",
        figure="0.122 mJ per MNIST image, 1.1 ms",
        what="256-128-10 LIF, 97.23 %; total power (111 mW) times latency",
        platform="FPGA, 1,623 logic cells, 7 block RAMs",
        supervised=True,
    ),
    Peer(
        name="FireFly-S (Li 2024)",
        figure="0.0995 mJ per MNIST image (10,047 images/s/W)",
        what="4-bit network trained by gradient, 85 to 95 % pruned; spikes and weights skipped",
        platform="FPGA",
        supervised=True,
    ),
    Peer(
        name="Wang 2023",
        figure="654 pJ/SOP",
        what="board power by synaptic operations",
        platform="FPGA",
        supervised=None,
    ),
    Peer(
        name="ODIN (Frenkel 2019)",
        figure="12.7 pJ/SOP",
        what="one synapse read, its neuron updated, its weight rewritten by SDSP; chip power",
        platform="28 nm FDSOI, 0.55 V",
        supervised=None,
    ),
    Peer(
        name="Loihi (Davies 2018)",
        figure="23.6 pJ/SOP",
        what="one spike at one synapse, least energy; no learning",
        platform="14 nm, 0.75 V",
        supervised=None,
    ),
    Peer(
        name="SpiNNaker2",
        figure="10 pJ/SOP",
        what="one synaptic event, processed in software by an ARM core",
        platform="22 nm FDX",
        supervised=None,
    ),
    Peer(
        name="ReckOn (Frenkel 2022)",
        figure="5.3 pJ/SOP",
        what="one synaptic operation of a recurrent network with e-prop on chip (labels)",
        platform="28 nm FDSOI, 0.5 V",
        supervised=None,
    ),
    Peer(
        name="Chen 2019",
        figure="3.8 pJ/SOP",
        what="one synaptic operation, sparse weights, STDP on chip",
        platform="10 nm FinFET",
        supervised=None,
    ),
    Peer(
        name="Nguyen 2021",
        figure="pruning takes 0.56 % more power",
        what="connection pruning while learning by STDP, time-to-first-spike code, Caltech 101",
        platform="FPGA",
        supervised=False,
    ),
)
