"""Scenarios of random networks in random cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, LiftPruning, NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.building import Case, fresh_scenario

__all__ = ["DRAWN"]


def _divided(network: NetworkConfig, rng: np.random.Generator) -> NetworkConfig:
    """Return a network with some groups on random parts of images of 7 x 7 pixels."""
    width, height = (int(side) for side in rng.integers(1, 8, 2))
    corners = np.column_stack((rng.integers(0, 8 - height, 5), rng.integers(0, 8 - width, 5)))
    places = [(int(row), int(column)) for row, column in corners]
    looks = [(0, 0), *((int(down), int(right)) for down, right in rng.integers(-3, 4, (2, 2)))]
    groups = GroupsParams(
        image_width=7,
        image_height=7,
        window_width=width,
        window_height=height,
        positions=tuple(places[: int(rng.integers(1, 6))]),
        looks=tuple(looks[: int(rng.integers(1, 4))]),
        order="centre" if rng.random() < 0.5 else "given",
    )
    return replace(network, inputs=width * height, groups=groups)


def _random(number: int) -> Case:
    """Return a scenario with a random network in a random core; from number 4 on with groups."""
    grouped = number >= 4

    def case(seed: int) -> Scenario:
        rng = np.random.default_rng([number, seed])

        def pick(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        lanes = pick(1, 2, 4, 8, 16, 32)
        weight_bits = int(rng.integers(1, 9))
        network = NetworkConfig(
            inputs=int(rng.integers(2, 70)),
            neurons=lanes + int(rng.integers(0, 20)),
            weight_bits=weight_bits,
            encoder=EncoderParams(steps=int(rng.integers(1, 30)), gain=int(rng.integers(50, 700))),
            membrane=MembraneParams(leak_shift=pick(0, 1, 6, 9), inhibition_steps=pick(0, 0, 1, 4)),
            homeostasis=HomeostasisParams(
                v_th=int(rng.integers(1, 40000)),
                theta_plus=pick(0, 500, 20000),
                theta_decay_shift=pick(0, 2, 16, 24),
                fire_shift=int(rng.integers(12, 20)),
            ),
            stdp=StdpParams(
                trace_window=pick(0, 2, 255),
                potentiation_shift=int(rng.integers(0, 9)),
                depression_shift=int(rng.integers(0, 9)),
            ),
            pruning=pick(
                NoPruning(),
                ConstantPruning(w_prune=int(rng.integers(0, 1 << weight_bits)), start=pick(0, 3)),
                AdaptivePruning(
                    ramp_shift=pick(0, 2),
                    strength_gain=pick(200, 2000, 65535),
                ),
                LiftPruning(share=pick(1, 192, 255), length=pick(1, 7, 300)),
            ),
            readout=ReadoutParams(classes=int(rng.integers(1, 12)), vote_bits=pick(1, 4, 8)),
        )
        learn = bool(rng.random() < 0.7)
        if grouped:
            network = _divided(network, rng)
        hardware = {
            "multiplier": pick("sequential", "dsp"),
            "source": "levels" if grouped else pick("levels", "levels", "events"),
            "queue_depth": pick(2, 4, 16),
            "event_depth": pick(2, 4, 256),
        }
        if hardware["source"] == "levels":
            hardware["encoder_inputs"] = pick(4, 8, 16)
        encoder = replace(
            network.encoder,
            spikes=pick("random", "low-discrepancy"),
            refractory_steps=pick(0, 0, 1, 4, 255),
        )
        return fresh_scenario(
            f"random network {number}",
            replace(network, encoder=encoder),
            seed,
            count=16,
            lanes=lanes,
            learn=learn,
            sweep_inputs=pick(1, 2, 4, 8, 16) if learn else 1,
            **hardware,
        )

    return case


#: By name.
DRAWN: Mapping[str, Case] = {
    **{f"random-{number}": _random(number) for number in range(7)},
}
