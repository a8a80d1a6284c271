"""Parameters of the encoder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from prunus_model.common.validation import STRICT
from prunus_model.spec.formats import GAIN_BITS, INPUTS_MAX, STEP_BITS, max_of

__all__ = ["ContrastParams", "EncoderParams"]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ContrastParams:
    """On and off channels: by how much a pixel is brighter or darker than what is around it.

    Parameters
    ----------
    image_width : int
        Pixels of a row of the image, 1..65536.
    window : int
        Side of the square around a pixel whose mean it is compared with: odd, 3..255.
    """

    image_width: Annotated[int, Field(ge=1, le=INPUTS_MAX)] = 28
    window: Annotated[int, Field(ge=3, le=255)] = 11

    def __post_init__(self) -> None:
        if self.window % 2 == 0:
            raise ValueError(f"encoder.contrast.window must be odd, not {self.window}")


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class EncoderParams:
    """Rate encoder: pixels become levels, levels become spikes (semantics, section 4).

    Parameters
    ----------
    steps : int
        Time steps of a presentation, 1..255.
    gain : int
        Level of a pixel: ``min(255, (pixel * gain) >> 8)``. 1..65535.
    spikes : "random" or "low-discrepancy"
        Whether the spikes of an input are drawn anew in each step, or spread evenly over the steps.
    refractory_steps : int
        An input is deaf for so many steps after a spike; 0 means never. 0..255.
    contrast : ContrastParams, optional
        Inputs are contrasts in two channels, not grey levels. Default: grey levels.
    """

    steps: Annotated[int, Field(ge=1, le=max_of(STEP_BITS))] = 64
    gain: Annotated[int, Field(ge=1, le=max_of(GAIN_BITS))] = 100
    spikes: Literal["random", "low-discrepancy"] = "random"
    refractory_steps: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 0
    contrast: ContrastParams | None = None
