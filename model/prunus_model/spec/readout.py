"""Parameters of the readout, and what says that there is no class."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from pydantic.dataclasses import dataclass

from prunus_model.common.validation import STRICT
from prunus_model.spec.formats import CLASSES_MAX, STEP_BITS, VOTE_BITS_MAX, max_of

__all__ = ["UNDECIDED", "ReadoutParams", "Votes"]

#: What votes are made of.
Votes: TypeAlias = Literal["shares", "logarithms"]

#: Prediction where there is none, and class of a neuron that never spiked.
UNDECIDED = -1


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ReadoutParams:
    """How output spikes become a class (semantics, section 7).

    Parameters
    ----------
    classes : int
        Classes, 1..256. Labels are 0..classes - 1.
    vote_bits : int
        Width of a vote, 1..8.
    votes : "shares" or "logarithms"
        Votes are shares of the classes in the spikes of a neuron, or logarithms of these.
    stop_after : int
        In inference a presentation ends at this output spike (*early exit*); 0 means never.
        0..255.
    margin : int
        In inference a presentation ends when the leading class is ahead of the second by so much
        (*sequential test*); 0 means never. 0..65025.
    """

    classes: Annotated[int, Field(ge=1, le=CLASSES_MAX)] = 10
    vote_bits: Annotated[int, Field(ge=1, le=VOTE_BITS_MAX)] = 4
    votes: Votes = "shares"
    stop_after: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 0
    margin: Annotated[int, Field(ge=0, le=max_of(VOTE_BITS_MAX) * max_of(STEP_BITS))] = 0
