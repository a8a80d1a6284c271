"""Parameters of neurons and of learning."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from prunus_model.common.validation import STRICT
from prunus_model.spec.formats import (
    FIRE_SHIFT_MAX,
    RANDOM_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
    max_of,
)

__all__ = ["HomeostasisParams", "MembraneParams", "StdpParams"]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class MembraneParams:
    """Leaky integration and winner-take-all (semantics, 4.3 to 4.6).

    Parameters
    ----------
    leak_shift : int
        Leak: ``v -= v >> leak_shift`` in every step; 0 means no leak. 0..23.
    inhibition_steps : int
        Steps after an output spike in which nothing integrates. 0..255.
    """

    leak_shift: Annotated[int, Field(ge=0, le=V_FIRE_BITS)] = 6
    inhibition_steps: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class HomeostasisParams:
    """Firing threshold, scaled by connection strength (semantics, 4.1 and 5).

    Parameters
    ----------
    v_th : int
        Base of the firing threshold, 1..2**23 - 1.
    theta_plus : int
        What an output spike adds to the adaptive part ``theta``, 0..2**24 - 1.
    theta_decay_shift : int
        Decay before each learning presentation: ``theta -= theta >> theta_decay_shift``. 0..24.
    fire_shift : int
        ``v_fire = ((v_th + theta) * strength) >> fire_shift``. 0..42.
    """

    v_th: Annotated[int, Field(ge=1, le=max_of(V_FIRE_BITS))] = 20000
    theta_plus: Annotated[int, Field(ge=0, le=max_of(THETA_BITS))] = 250
    theta_decay_shift: Annotated[int, Field(ge=0, le=THETA_BITS)] = 16
    fire_shift: Annotated[int, Field(ge=0, le=FIRE_SHIFT_MAX)] = 17


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class StdpParams:
    """Learning at output spikes (semantics, section 5).

    Parameters
    ----------
    trace_window : int
        An input is recent if ``step - last_step <= trace_window``. 0..255.
    potentiation_shift, depression_shift : int
        Learning rates as powers of 2, with stochastic rounding by one random byte. 0..8.
    """

    trace_window: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 255
    potentiation_shift: Annotated[int, Field(ge=0, le=RANDOM_BITS)] = 7
    depression_shift: Annotated[int, Field(ge=0, le=RANDOM_BITS)] = 7
