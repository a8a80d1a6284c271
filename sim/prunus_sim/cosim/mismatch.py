"""A mismatch of a core and the golden model, and which unit of the hardware answers for a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["UNITS", "UPSTREAM", "Mismatch"]

#: Units of the hardware, as the modules of :mod:`prunus_rtl` are called, by the values that each
#: computes. Of counts of accesses, the name ends with ``_reads``, ``_writes``, and so on.
UNITS = {
    "weights": "stdp",
    "alive": "pruning",
    "theta": "threshold",
    "strength": "threshold",
    "post_count": "threshold",
    "v_fire": "threshold",
    "bias": "array",
    "fired": "spike_queue",
    "clip": "array",
    "v": "array",
    "last_step": "trace",
    "input_rate": "lift",
    "presentation": "stream_key",
    "votes": "readout",
    "store": "packed",
    "prediction": "readout",
    "lead": "readout",
    "spikes": "array",
    "cycles": "sequencer",
    # Counters of a presentation, if they are not counted wrong.
    "steps": "sequencer",
    "views": "views",
    "inhibited_steps": "array",
    # Counts of accesses and operations.
    "level": "rate",
    "map": "gather",
    "encoder": "rate",
    "discarded": "rate",
    "offset": "rate",
    "event": "sequencer",
    "refractory": "refractory",
    "forward_dense": "refractory",
    "queue": "broadcast_fifo",
    "row_pointer": "packed",
    "entry": "packed",
    "integrate": "array",
    "leak": "array",
    "margin": "array",
    "winner": "array",
    "stdp": "stdp",
    "learning": "stdp",
    "age": "trace",
    "recent": "trace",
    "base": "threshold",
    "multiply": "threshold",
    "threshold": "threshold",
    "multiplications": "threshold",
    "pruning": "pruning",
    "pruning_threshold": "pruning",
    "constant": "pruning",
    "rate_sum": "lift",
    "lift_factor": "lift",
    "lift": "lift",
    "vote": "readout",
    "score": "readout",
    "election": "readout",
    "stream_key": "stream_key",
}
#: Units at the head of the pipeline: their mismatches are seen before any state differs, and are
#: the cause of all that follow.
UPSTREAM = ("views", "rate", "broadcast_fifo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """The first mismatch of a presentation.

    Attributes
    ----------
    presentation : int
        Number of the presentation.
    step : int
        Step in which it arose, as far as it is known: for a state variable the step in which the
        model last changed it; -1 for what happens before the first step. Counted through all views
        of the image; but of an output spike it is the step in its view.
    unit, what : str
        Unit of the hardware, and the value that differs, with its index.
    expected, got
        Values.
    """

    presentation: int
    step: int
    unit: str
    what: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return (
            f"Cosim mismatch in presentation {self.presentation}, step {self.step}, unit "
            f"{self.unit}: {self.what} must be {self.expected}, not {self.got}"
        )
