"""Parameters of the encoder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from prunus_model.common.validation import STRICT
from prunus_model.spec.formats import GAIN_BITS, INPUTS_MAX, STEP_BITS, max_of

__all__ = ["ContrastParams", "EncoderParams", "EventsParams"]


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
class EventsParams:
    """How the events of a sensor become address events of the inputs (semantics, section 4).

    Parameters
    ----------
    width, height : int
        Frame of the sensor: ``x`` is in 0..width-1, ``y`` in 0..height-1. 1..65536.
    scale : int
        So many pixels, in x and in y, are one. 1..65536.
    polarity : "separate" or "merged"
        Whether events of both polarities are two channels, on and off, or one.
    step_us : int
        Microseconds of a step; 0 divides each recording evenly into all steps. 0..2^31-1.
    """

    width: Annotated[int, Field(ge=1, le=INPUTS_MAX)] = 34
    height: Annotated[int, Field(ge=1, le=INPUTS_MAX)] = 34
    scale: Annotated[int, Field(ge=1, le=INPUTS_MAX)] = 1
    polarity: Literal["separate", "merged"] = "separate"
    step_us: Annotated[int, Field(ge=0, le=max_of(31))] = 0

    @property
    def channels(self) -> int:
        """Inputs of a pixel."""
        return 2 if self.polarity == "separate" else 1

    @property
    def columns(self) -> int:
        """Pixels of a row, when they are scaled down."""
        return -(-self.width // self.scale)

    @property
    def rows(self) -> int:
        """Rows, when they are scaled down."""
        return -(-self.height // self.scale)

    @property
    def inputs(self) -> int:
        """Inputs that an event can be of."""
        return self.channels * self.rows * self.columns

    def check(self, inputs: int, key: str) -> None:
        """Check that there are so many inputs; ``key`` is what says so in a configuration.

        Raises
        ------
        ValueError
            If there are not.
        """
        if inputs != self.inputs:
            raise ValueError(
                f"{key} must be for {self.inputs} inputs, {self.channels} x {self.rows} x "
                f"{self.columns} (channels x rows x columns of encoder.events), not {inputs}"
            )


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
    events : EventsParams, optional
        Inputs are events of a sensor, not images, and nothing is encoded: only ``steps`` and
        ``refractory_steps`` are used. Default: images.
    """

    steps: Annotated[int, Field(ge=1, le=max_of(STEP_BITS))] = 64
    gain: Annotated[int, Field(ge=1, le=max_of(GAIN_BITS))] = 100
    spikes: Literal["random", "low-discrepancy"] = "random"
    refractory_steps: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 0
    contrast: ContrastParams | None = None
    events: EventsParams | None = None

    def __post_init__(self) -> None:
        if self.contrast and self.events:
            raise ValueError(
                "encoder.contrast and encoder.events exclude each other: leave one of them out"
            )

    @property
    def channels(self) -> int:
        """Levels of a pixel: 1, or 2 if they are contrasts, or events of two polarities."""
        if self.events:
            return self.events.channels
        return 2 if self.contrast else 1
